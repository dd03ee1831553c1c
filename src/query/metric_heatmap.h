// How many measurements of a histogram there are over time and value. Data: points -> merged differences -> cells.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "query/metrics.h"

namespace sightline::query {

inline constexpr size_t kHeatmapRowsMax = 100;  // of exponential histograms: finer ones are made coarser

struct MetricHeatmapRequest {
  std::string name;
  std::optional<MetricKind> kind;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // [from, to), widened to whole steps
  int64_t step_seconds = 60;
  std::shared_ptr<const traceql::Expression> filter;  // on labels; none: all streams
};

struct MetricHeatmapCell {
  uint64_t step = 0, row = 0;
  double count = 0;
};
struct MetricHeatmap {
  MetricKind kind = MetricKind::kHistogram;
  std::string unit;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0, step_seconds = 60;
  // Upper bounds of the rows, rising; one row more is above them all.
  std::vector<double> bounds;
  std::vector<MetricHeatmapCell> cells;  // by step, then row; without empty ones
  std::vector<LimitedSeries> limited;
  store::QueryStats scanned;
};

// Errors as of MetricReader::GetSeries; kInvalidArgument: it is no histogram.
Result<MetricHeatmap> ReadMetricHeatmap(store::ClickHouse& clickhouse, const std::string& database,
                                        const MetricHeatmapRequest& request, store::Cancellation* cancellation,
                                        std::string* at_fault);

}  // namespace sightline::query
