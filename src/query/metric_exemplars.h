// Single measurements behind a metric, each with the trace it was taken in, spread over time and values so that a chart
// can show them. Data: a metric and a range of time -> exemplars that were sent with its points; of metrics that are
// counted of spans, stored spans.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "query/filters.h"
#include "query/item_set.h"
#include "query/metrics.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kExemplarsMax = 500;  // an answer

struct ExemplarRequest {
  std::string name;
  std::optional<MetricKind> kind;                  // as of SeriesRequest, like all but the limit
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // of the measurement
  int64_t step_seconds = 60;
  std::optional<std::string> service;
  std::vector<AttributeCondition> attributes;
  std::shared_ptr<const traceql::Expression> filter;
  uint32_t limit = 100;  // 1 to kExemplarsMax
};

struct Exemplar {
  using Texts = std::vector<std::pair<std::string, std::string>>;
  int64_t time_unix_nanos = 0;
  double value = 0;               // in the metric's unit
  std::string trace_id, span_id;  // hex; span_id may be ""
  // A span of its trace that began within kExemplarSpanNanosMax before it is in the store.
  bool is_stored = false;
  std::string service;
  Texts labels;      // attributes of its series
  Texts attributes;  // that only the measurement has
};

struct ExemplarAnswer {
  MetricKind kind = MetricKind::kGauge;
  std::string unit;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // whole steps
  int64_t step_seconds = 60;
  std::vector<Exemplar> exemplars;  // by step; within one those of stored traces first, then by time
  store::QueryStats scanned;
};

inline constexpr int64_t kExemplarSpanNanosMax = 3'600'000'000'000;

// Thread: any.
class ExemplarReader {
 public:
  // `source` must outlive it.
  explicit ExemplarReader(ItemSource& source) : source_(source) {}

  // One of each step (of several, where there are many) and range of values, the ranges with the largest first: of a
  // stored trace if there is one. Errors as of MetricReader::GetSeries; `at_fault` may get "type".
  Result<ExemplarAnswer> Read(const ExemplarRequest& request, store::Cancellation* cancellation = nullptr,
                              std::string* at_fault = nullptr);

 private:
  ItemSource& source_;
};

}  // namespace sightline::query
