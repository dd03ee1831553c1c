// Which streams answer a question about a metric, and to which group each belongs.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "query/filters.h"
#include "query/metrics.h"
#include "query/rows.h"

namespace sightline::query {

struct MetricStream {
  uint32_t group = 0;
  bool monotonic = false, delta = false;
  bool is_overflow = false;  // of several streams: points of one time are not one
};

// Thread: of its owner.
struct MetricStreams {
  MetricKind kind = MetricKind::kGauge;
  std::string name, unit;
  bool monotonic = false;                       // all of them
  bool any_delta = false, any_running = false;  // running: cumulative, or of no known temporality
  std::vector<std::vector<std::pair<std::string, std::string>>> groups;  // labels
  boost::unordered_flat_map<uint64_t, MetricStream> by_id;
  std::vector<LimitedSeries> limited;  // of the services of these streams, and of those that are left out
  Conditions conditions;               // of these streams, on metric_series
};

// The tables as FROM takes them: beside what was sent, what is counted of spans where `name` is one of theirs.
std::string SeriesTable(const Question& question, std::string_view name);
std::string PointsTable(const Question& question, std::string_view name, MetricKind kind);
// Of what was sent only.
std::string StoredPointsTable(const Question& question, MetricKind kind);
// Of spans, named as the Collector's spanmetrics connector does. They are listed while there are calls.
inline constexpr int64_t kSpanMetricsListedSeconds = 2 * 86'400;
inline constexpr std::string_view kSpanMetrics[] = {"traces.span.metrics.calls", "traces.span.metrics.duration"};
bool IsOfSpans(std::string_view name, MetricKind kind);

// Those that may have points from then on. None, but a kind and a unit: there is such a metric, with older points only.
// Errors as of MetricReader::GetSeries.
Result<MetricStreams> FindStreams(const SeriesRequest& request, int64_t points_from_unix_nanos, Question& question,
                                  std::string* at_fault);

}  // namespace sightline::query
