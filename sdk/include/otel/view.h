// Views: how the measurements of instruments become metrics. https://opentelemetry.io/docs/specs/otel/metrics/sdk/#view
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "otel/exemplar.h"
#include "otel/metrics.h"

namespace otel {

struct DropAggregation {};
// By the kind of the instrument: sum, last value, or what the reader has for histograms.
struct DefaultAggregation {};
struct SumAggregation {};
struct LastValueAggregation {};
struct ExplicitBucketHistogramAggregation {
  // Upper bounds, inclusive, increasing.
  std::vector<double> boundaries = {0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000};
  bool record_min_max = true;
};
struct Base2ExponentialBucketHistogramAggregation {
  int max_size = 160;  // buckets of each sign; at least 2
  int max_scale = 20;  // -10 to 20
  bool record_min_max = true;
};
using Aggregation = std::variant<DefaultAggregation, DropAggregation, SumAggregation, LastValueAggregation,
                                 ExplicitBucketHistogramAggregation, Base2ExponentialBucketHistogramAggregation>;

// What is not given matches all.
struct InstrumentSelector {
  std::string name = {};  // `*` stands for any characters, `?` for any one; the case does not count
  std::optional<InstrumentKind> kind = {};
  std::optional<std::string> unit = {};
  std::optional<std::string> meter_name = {};
  std::optional<std::string> meter_version = {};
  std::optional<std::string> meter_schema_url = {};
};

// Each view that selects an instrument makes a metric of it; where none does, it becomes what its kind says. A view
// that can't be applied (a histogram of an observable instrument) is reported and ignored.
struct View {
  InstrumentSelector selector = {};

  std::optional<std::string> name = {};
  std::optional<std::string> description = {};
  // Only these attributes stay, and never the excluded ones. Exemplars still have the others.
  std::optional<std::vector<std::string>> attribute_keys = {};
  std::vector<std::string> excluded_attribute_keys = {};
  Aggregation aggregation = {};
  std::optional<size_t> cardinality_limit = {};      // of attribute sets; the reader's without it
  ExemplarReservoirFactory exemplar_reservoir = {};  // may be empty
};

}  // namespace otel
