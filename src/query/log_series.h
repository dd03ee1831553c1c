// How many log records each group has over time, all of them counted. Data: TraceQL, a grid and fields -> ClickHouse ->
// series. For tables with a sample of what is too much see log_groups.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "query/span_series.h"

namespace sightline::query {

inline constexpr size_t kLogSeriesFieldsMax = 5;

struct LogSeriesSearch {
  ItemQuery query;              // of log records; its range is widened to whole steps
  std::vector<std::string> by;  // up to kLogSeriesFieldsMax, as TraceQL writes them
  int64_t step_seconds = 60;
  int64_t origin_unix_nanos = 0;  // where a step begins
};

// Without groups it is one series. kInvalidArgument: an empty range, too many fields, one that a record does not have;
// kResourceExhausted: too many steps. Of more than kSpanSeriesMax groups those with the most records.
Result<SpanSeriesAnswer> ReadLogSeries(ItemSource& source, const LogSeriesSearch& search,
                                       store::Cancellation* cancellation = nullptr);

}  // namespace sightline::query
