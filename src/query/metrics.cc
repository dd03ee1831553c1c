#include "query/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "query/metric_answers.h"
#include "query/metric_grid.h"
#include "query/metric_streams.h"

namespace sightline::query {
namespace {

constexpr std::array<std::string_view, 5> kKindNames = {"gauge", "sum", "histogram", "exponential_histogram",
                                                        "summary"};
constexpr std::array<std::string_view, 13> kAggregationNames = {"rate",  "increase", "avg", "min", "max", "sum", "last",
                                                                "count", "p50",      "p75", "p90", "p95", "p99"};

template <typename T, size_t kSize>
std::optional<T> Parse(const std::array<std::string_view, kSize>& names, std::string_view name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<T>(found - names.begin());
}

bool IsFlow(Aggregation aggregation) {
  return aggregation == Aggregation::kRate || aggregation == Aggregation::kIncrease;
}

Aggregation DefaultAggregation(const MetricStreams& streams) {
  switch (streams.kind) {
    case MetricKind::kGauge:
      return Aggregation::kAvg;
    case MetricKind::kSum:
      if (streams.monotonic) return Aggregation::kRate;
      return streams.any_delta && streams.any_running ? Aggregation::kIncrease : Aggregation::kSum;
    case MetricKind::kHistogram:
    case MetricKind::kExponentialHistogram:
      return Aggregation::kP95;
    case MetricKind::kSummary:
      return Aggregation::kRate;
  }
  return Aggregation::kAvg;
}

// The aggregations that fit, for the error; "" where `aggregation` is one of them.
std::string_view FitsInstead(const MetricStreams& streams, Aggregation aggregation) {
  const bool quantile = QuantileOf(aggregation) > 0;
  switch (streams.kind) {
    case MetricKind::kGauge:
      return quantile || IsFlow(aggregation) ? "avg, min, max, sum, last or count" : "";
    case MetricKind::kSum:
      if (IsFlow(aggregation)) return "";
      if (!streams.any_delta) return quantile ? "rate, increase, avg, min, max, sum, last or count" : "";
      if (streams.any_running) return "rate or increase, as some streams are delta and others cumulative";
      return aggregation == Aggregation::kSum ? "" : "rate, increase or sum, as it is delta";
    default: {
      const bool none =
          aggregation == Aggregation::kMin || aggregation == Aggregation::kMax || aggregation == Aggregation::kLast;
      return none ? "rate, increase, count, sum, avg or p50 to p99" : "";
    }
  }
}

std::string ResultUnit(const MetricStreams& streams, Aggregation aggregation) {
  const bool counts = streams.kind != MetricKind::kGauge && streams.kind != MetricKind::kSum;
  const std::string unit = counts || streams.unit.empty() ? "1" : streams.unit;
  if (aggregation == Aggregation::kRate) return unit + "/s";
  if (aggregation == Aggregation::kCount) return "1";
  if (aggregation == Aggregation::kIncrease && counts) return "1";
  return streams.unit;
}

Result<GroupValues> ReadValues(const MetricQuestion& asked) {
  const MetricKind kind = asked.streams.kind;
  if (QuantileOf(asked.aggregation) > 0) return kind == MetricKind::kSummary ? ReadLevels(asked) : ReadQuantiles(asked);
  const bool delta_sum = kind == MetricKind::kSum && asked.streams.any_delta;
  const bool levels = kind == MetricKind::kGauge || (kind == MetricKind::kSum && !delta_sum);
  return levels && !IsFlow(asked.aggregation) ? ReadLevels(asked) : ReadFlows(asked);
}

// The mean of the finite values; none: there is no value at all. What is all infinite stands last.
std::optional<double> Height(const double* values, uint64_t steps) {
  double sum = 0;
  uint64_t finite = 0, any = 0;
  for (uint64_t i = 0; i < steps; ++i) {
    any += std::isnan(values[i]) ? 0 : 1;
    if (!std::isfinite(values[i])) continue;
    sum += values[i];
    ++finite;
  }
  if (any == 0) return std::nullopt;
  return finite > 0 ? sum / static_cast<double>(finite) : -HUGE_VAL;
}

void TakeLargest(const MetricStreams& streams, const GroupValues& values, uint64_t steps, uint32_t limit,
                 SeriesAnswer& answer) {
  struct Ranked {
    double height = 0;
    size_t group = 0;
  };
  std::vector<Ranked> ranked;
  for (size_t group = 0; group < streams.groups.size(); ++group) {
    const auto height = Height(&values[group * steps], steps);
    if (height) ranked.push_back({*height, group});
  }
  std::ranges::sort(ranked, [&](const Ranked& a, const Ranked& b) {
    if (a.height != b.height) return a.height > b.height;
    return streams.groups[a.group] < streams.groups[b.group];
  });
  answer.series_total = ranked.size();
  if (ranked.size() > limit) ranked.resize(limit);
  for (const Ranked& one : ranked) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(one.group * steps);
    answer.series.push_back({streams.groups[one.group], {first, first + static_cast<std::ptrdiff_t>(steps)}});
  }
}

Result<void> CheckRequest(const SeriesRequest& request) {
  if (request.limit < 1 || request.limit > kSeriesGroupsMax) {
    return Fail(Code::kInvalidArgument, "a limit of {} series is not within 1 and {}", request.limit, kSeriesGroupsMax);
  }
  if (request.group_by.size() > kGroupByMax) {
    return Fail(Code::kInvalidArgument, "{} attributes to group by are more than {}", request.group_by.size(),
                kGroupByMax);
  }
  auto keys = request.group_by;
  std::ranges::sort(keys);
  if (std::ranges::adjacent_find(keys) != keys.end() || (!keys.empty() && keys.front().empty())) {
    return Fail(Code::kInvalidArgument, "an attribute to group by is empty or given twice");
  }
  return {};
}

}  // namespace

std::string_view MetricKindName(MetricKind kind) {
  return kKindNames[static_cast<size_t>(kind)];
}
std::optional<MetricKind> ParseMetricKind(std::string_view name) {
  return Parse<MetricKind>(kKindNames, name);
}
std::string_view AggregationName(Aggregation aggregation) {
  return kAggregationNames[static_cast<size_t>(aggregation)];
}
std::optional<Aggregation> ParseAggregation(std::string_view name) {
  return Parse<Aggregation>(kAggregationNames, name);
}

Result<SeriesAnswer> MetricReader::GetSeries(const SeriesRequest& request, store::Cancellation* cancellation,
                                             std::string* at_fault) {
  SIGHTLINE_TRY(CheckRequest(request));
  const auto grid = MakeGrid(request.from_unix_nanos, request.to_unix_nanos, request.step_seconds);
  if (!grid) return std::unexpected(grid.error());
  Question question(clickhouse_, database_, cancellation);
  auto streams = FindStreams(request, grid->from - LookNanos(*grid), question, at_fault);
  if (!streams) return std::unexpected(streams.error());
  const Aggregation aggregation = request.aggregation.value_or(DefaultAggregation(*streams));
  if (const auto instead = FitsInstead(*streams, aggregation); !instead.empty()) {
    if (at_fault != nullptr) *at_fault = "aggregation";
    return Fail(Code::kInvalidArgument, "{} does not fit {:?}, a {}\nask for {}", AggregationName(aggregation),
                request.name, MetricKindName(streams->kind), instead);
  }
  if (streams->groups.size() * grid->steps() > kSeriesCellsMax) {
    return Fail(
        Code::kResourceExhausted,
        "{} groups with {} steps are more than {} values\nask for fewer groups, longer steps or a shorter range",
        streams->groups.size(), grid->steps(), kSeriesCellsMax);
  }
  auto values = streams->by_id.empty() ? GroupValues() : ReadValues({question, *streams, *grid, aggregation});
  if (!values) return std::unexpected(values.error());
  SeriesAnswer answer;
  answer.kind = streams->kind;
  answer.unit = streams->unit;
  answer.result_unit = ResultUnit(*streams, aggregation);
  answer.aggregation = aggregation;
  answer.from_unix_nanos = grid->from;
  answer.to_unix_nanos = grid->to;
  answer.step_seconds = request.step_seconds;
  TakeLargest(*streams, *values, grid->steps(), request.limit, answer);
  answer.scanned = question.stats();
  return answer;
}

}  // namespace sightline::query
