// The three ways from points to values by group and step: what flowed (rates, counts, averages of histograms), how
// histograms stood (quantiles), and levels (gauges). Each reads one row for each stream and step, or a few.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/metric_grid.h"
#include "query/metric_streams.h"
#include "query/metrics.h"
#include "query/rows.h"

namespace sightline::query {

struct MetricQuestion {
  Question& question;
  store::ClickHouse& clickhouse;      // the question's
  store::Cancellation* cancellation;  // the same
  const MetricStreams& streams;
  const StepGrid& grid;
  Aggregation aggregation;
};

// One value for each group and step, group by group; NaN: no data.
using GroupValues = std::vector<double>;

// rate, increase, count, sum, avg of what flows.
Result<GroupValues> ReadFlows(const MetricQuestion& asked);
// Quantiles of histograms.
Result<GroupValues> ReadQuantiles(const MetricQuestion& asked);
// Gauges, running totals of sums, and quantiles that summaries carry.
Result<GroupValues> ReadLevels(const MetricQuestion& asked);

// As the aggregation of `asked` says: one of the three above.
Result<GroupValues> ReadValues(const MetricQuestion& asked);
// Of each stream by `over_time`, then of those of a group by `over_series`; `asked.aggregation` is not looked at.
Result<GroupValues> ReadOverStreams(const MetricQuestion& asked, Aggregation over_time, Aggregation over_series);

// By their means, the largest first, or the smallest; those without a value are left out.
void SortSeries(std::vector<MetricSeries>& series, bool smallest);

// 0.5 to 0.99; 0: it is none.
double QuantileOf(Aggregation aggregation);

// How far before and behind the range points are looked for.
int64_t LookNanos(const StepGrid& grid);

// The FROM and WHERE of the streams' points: those with that temporality, within the range and `before` and `behind`.
class PointsSql {
 public:
  enum class Which : uint8_t { kAll, kDelta, kRunning };
  PointsSql(const MetricQuestion& asked, Which which, int64_t before_nanos, int64_t behind_nanos);

  const std::string& from_where() const { return from_where_; }
  // Of the point's time: -1 before the range, the number of steps behind it.
  const std::string& step() const { return step_; }
  const Conditions& conditions() const { return conditions_; }

 private:
  Conditions conditions_;
  std::string from_where_, step_;
};

inline constexpr const char* kPointNanos = "toUnixTimestamp64Nano(Timestamp)";
inline constexpr const char* kPointStartNanos = "toUnixTimestamp64Nano(StartTimestamp)";

}  // namespace sightline::query
