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

bool IsHistogram(MetricKind kind) {
  return kind == MetricKind::kHistogram || kind == MetricKind::kExponentialHistogram;
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

// What becomes of the points of one stream; "" where it fits.
std::string_view FitsOverTimeInstead(const MetricStreams& streams, Aggregation over_time) {
  if (over_time == Aggregation::kCount) return "avg, min, max or last";
  if (over_time == Aggregation::kSum && streams.kind == MetricKind::kGauge) return "avg, min, max or last";
  return FitsInstead(streams, over_time);
}

// What GetSeries is to compute, checked against what the streams are.
struct Computation {
  Aggregation aggregation = Aggregation::kAvg;  // over time, where over_series is there
  std::optional<Aggregation> over_series;
};

Result<Computation> Choose(const SeriesRequest& request, const MetricStreams& streams, std::string* at_fault) {
  const auto refuse = [&](std::string_view field, Aggregation aggregation, std::string_view instead) {
    if (at_fault != nullptr) *at_fault = field;
    return Fail(Code::kInvalidArgument, "{} does not fit {:?}, a {}\nask for {}", AggregationName(aggregation),
                request.name, MetricKindName(streams.kind), instead);
  };
  if (!request.over_time) {
    const Aggregation aggregation = request.aggregation.value_or(DefaultAggregation(streams));
    const auto instead = FitsInstead(streams, aggregation);
    if (!instead.empty()) return refuse("aggregation", aggregation, instead);
    return Computation{aggregation, std::nullopt};
  }
  if (IsHistogram(streams.kind) || streams.kind == MetricKind::kSummary) {
    return refuse("over_time", *request.over_time, "an aggregation, which merges the streams of a group");
  }
  const auto instead = FitsOverTimeInstead(streams, *request.over_time);
  if (!instead.empty()) return refuse("over_time", *request.over_time, instead);
  return Computation{*request.over_time, request.over_series.value_or(Aggregation::kSum)};
}

std::string ResultUnit(const MetricStreams& streams, Aggregation aggregation) {
  const bool counts = streams.kind != MetricKind::kGauge && streams.kind != MetricKind::kSum;
  const std::string unit = counts || streams.unit.empty() ? "1" : streams.unit;
  if (aggregation == Aggregation::kRate) return unit + "/s";
  if (aggregation == Aggregation::kCount) return "1";
  if (aggregation == Aggregation::kIncrease && counts) return "1";
  return streams.unit;
}

// The mean of the finite values; none: there is no value at all. What is all infinite stands last.
std::optional<double> Height(const std::vector<double>& values) {
  double sum = 0;
  uint64_t finite = 0, any = 0;
  for (const double value : values) {
    any += std::isnan(value) ? 0 : 1;
    if (!std::isfinite(value)) continue;
    sum += value;
    ++finite;
  }
  if (any == 0) return std::nullopt;
  return finite > 0 ? sum / static_cast<double>(finite) : -HUGE_VAL;
}

void TakeSeries(const MetricStreams& streams, const GroupValues& values, uint64_t steps, const SeriesRequest& request,
                SeriesAnswer& answer) {
  for (size_t group = 0; group < streams.groups.size() && !values.empty(); ++group) {
    const auto first = values.begin() + static_cast<std::ptrdiff_t>(group * steps);
    answer.series.push_back({streams.groups[group], {first, first + static_cast<std::ptrdiff_t>(steps)}});
  }
  SortSeries(answer.series, request.smallest);
  answer.series_total = answer.series.size();
  if (answer.series.size() > request.limit) answer.series.resize(request.limit);
}

Result<void> CheckRequest(const SeriesRequest& request) {
  if (request.limit < 1 || request.limit > kSeriesReadMax) {
    return Fail(Code::kInvalidArgument, "a limit of {} series is not within 1 and {}", request.limit, kSeriesReadMax);
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

void SortSeries(std::vector<MetricSeries>& series, bool smallest) {
  struct Ranked {
    double height = 0;
    MetricSeries series;
  };
  std::vector<Ranked> ranked;
  for (MetricSeries& one : series) {
    if (const auto height = Height(one.values)) ranked.push_back({*height, std::move(one)});
  }
  std::ranges::sort(ranked, [&](const Ranked& a, const Ranked& b) {
    if (a.height != b.height) return smallest ? a.height < b.height : a.height > b.height;
    return a.series.labels < b.series.labels;
  });
  series.clear();
  for (Ranked& one : ranked) series.push_back(std::move(one.series));
}

Result<SeriesAnswer> MetricReader::GetSeries(const SeriesRequest& request, store::Cancellation* cancellation,
                                             std::string* at_fault) {
  SIGHTLINE_TRY(CheckRequest(request));
  const auto grid = MakeGrid(request.from_unix_nanos, request.to_unix_nanos, request.step_seconds,
                             request.origin_unix_nanos);
  if (!grid) return std::unexpected(grid.error());
  Question question(clickhouse_, database_, cancellation);
  auto streams = FindStreams(request, grid->from - LookNanos(*grid), question, at_fault);
  if (!streams) return std::unexpected(streams.error());
  const auto chosen = Choose(request, *streams, at_fault);
  if (!chosen) return std::unexpected(chosen.error());
  const uint64_t rows = chosen->over_series ? streams->by_id.size() : streams->groups.size();
  if (rows * grid->steps() > kSeriesCellsMax) {
    return Fail(Code::kResourceExhausted,
                "{} {} with {} steps are more than {} values\nask for fewer of them, longer steps or a shorter range",
                rows, chosen->over_series ? "streams" : "groups", grid->steps(), kSeriesCellsMax);
  }
  const MetricQuestion asked{question, clickhouse_, cancellation, *streams, *grid, chosen->aggregation};
  Result<GroupValues> values;
  if (!streams->by_id.empty()) {
    values =
        chosen->over_series ? ReadOverStreams(asked, chosen->aggregation, *chosen->over_series) : ReadValues(asked);
  }
  if (!values) return std::unexpected(values.error());
  const bool counts = chosen->over_series == Aggregation::kCount;
  SeriesAnswer answer;
  answer.kind = streams->kind;
  answer.unit = streams->unit;
  answer.result_unit = counts ? "1" : ResultUnit(*streams, chosen->aggregation);
  answer.aggregation = chosen->aggregation;
  answer.from_unix_nanos = grid->from;
  answer.to_unix_nanos = grid->to;
  answer.step_seconds = request.step_seconds;
  TakeSeries(*streams, *values, grid->steps(), request, answer);
  answer.limited = streams->limited;
  answer.scanned = question.stats();
  return answer;
}

}  // namespace sightline::query
