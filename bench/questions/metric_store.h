// A store of metrics for measuring questions and bytes: made by SQL, in inserts as ingest makes them. Data: number of
// series -> the embedded engine with our schema and a day of points.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "store/clickhouse.h"

namespace sightline::bench {

// Three metrics with so many series each: `requests`, a counter that rises by whole numbers; `temperature`, a gauge
// with one decimal; `noise`, a gauge of random doubles. A point a minute; all series of one of 200 exporters have its
// clock, which jitters by up to 5 ms, as an SDK's periodic reader does. Labels: `pool` (20 values), `instance` (all
// different), 10 services.
struct MetricStore {
  std::unique_ptr<store::ClickHouse> clickhouse;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;
};

inline constexpr const char* kBenchMetrics[] = {"requests", "temperature", "noise"};

// What is in `directory`/clickhouse with as many series is used; anything else is refused.
Result<MetricStore> OpenMetricStore(const std::string& directory, int64_t series);

// Bytes on disk of a point of that metric alone, by column, the largest first: its points copied into a table of the
// same making and merged into one part.
Result<std::vector<std::pair<std::string, double>>> BytesOfPoint(store::ClickHouse& clickhouse,
                                                                 const std::string& metric);

}  // namespace sightline::bench
