// Which attributes make the series of a metric. Data: streams with their attributes -> for each attribute its values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "query/metrics.h"

namespace sightline::query {

inline constexpr size_t kCardinalityValuesShown = 10, kCardinalityValuesMax = 1000, kCardinalityServicesShown = 100;

struct AttributeCardinality {
  std::string key;
  bool of_resource = false;
  uint64_t values = 0;                                // different ones
  uint64_t series = 0;                                // that have it
  uint64_t without = 0;                               // series there would be if none had it
  std::vector<std::pair<std::string, uint64_t>> top;  // values with the most series
};
struct MetricCardinality {
  uint64_t series = 0;
  std::vector<std::pair<std::string, uint64_t>> services;  // most series first
  std::vector<AttributeCardinality> attributes;            // most values first
  std::vector<LimitedSeries> limited;                      // whose further series are not counted
  store::QueryStats scanned;
};

// Of the streams that were announced since then (a day before points of theirs, at most). kNotFound: there is no such
// metric; kResourceExhausted: more than kStreamsMax streams.
Result<MetricCardinality> ReadMetricCardinality(store::ClickHouse& clickhouse, const std::string& database,
                                                const std::string& name, const std::optional<std::string>& service,
                                                int64_t from_unix_nanos, store::Cancellation* cancellation,
                                                size_t values_shown = kCardinalityValuesShown);

}  // namespace sightline::query
