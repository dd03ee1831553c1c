// ReadOverStreams: what each stream comes to in a step, and then the streams of a group together.
#include <algorithm>
#include <cmath>
#include <limits>

#include "query/metric_answers.h"

namespace sightline::query {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Between the two values that are nearest to the rank, as Prometheus' quantile(): rank = q * (n - 1). Sorts `values`.
double QuantileOfValues(std::vector<double>& values, double q) {
  std::ranges::sort(values);
  const double rank = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(rank);
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (values[above] - values[below]) * (rank - static_cast<double>(below));
}

// Of the streams that have a value; none has: none.
double Combine(std::vector<double>& values, Aggregation over_series) {
  if (values.empty()) return kNone;
  if (const double q = QuantileOf(over_series); q > 0) return QuantileOfValues(values, q);
  double sum = 0;
  for (const double value : values) sum += value;
  switch (over_series) {
    case Aggregation::kMin:
      return *std::ranges::min_element(values);
    case Aggregation::kMax:
      return *std::ranges::max_element(values);
    case Aggregation::kCount:
      return static_cast<double>(values.size());
    case Aggregation::kAvg:
      return sum / static_cast<double>(values.size());
    default:
      return sum;
  }
}

}  // namespace

Result<GroupValues> ReadValues(const MetricQuestion& asked) {
  const MetricKind kind = asked.streams.kind;
  if (QuantileOf(asked.aggregation) > 0) return kind == MetricKind::kSummary ? ReadLevels(asked) : ReadQuantiles(asked);
  const bool delta_sum = kind == MetricKind::kSum && asked.streams.any_delta;
  const bool levels = kind == MetricKind::kGauge || (kind == MetricKind::kSum && !delta_sum);
  const bool flows = asked.aggregation == Aggregation::kRate || asked.aggregation == Aggregation::kIncrease;
  return levels && !flows ? ReadLevels(asked) : ReadFlows(asked);
}

Result<GroupValues> ReadOverStreams(const MetricQuestion& asked, Aggregation over_time, Aggregation over_series) {
  MetricStreams alone = asked.streams;  // each stream is a group
  alone.groups.assign(alone.by_id.size(), {});
  std::vector<std::vector<size_t>> members(asked.streams.groups.size());
  size_t next = 0;
  for (auto& [id, stream] : alone.by_id) {
    members[stream.group].push_back(next);
    stream.group = static_cast<uint32_t>(next++);
  }
  auto values = ReadValues({asked.question, asked.clickhouse, asked.cancellation, alone, asked.grid, over_time});
  if (!values) return values;
  const uint64_t steps = asked.grid.steps();
  GroupValues combined(members.size() * steps, kNone);
  std::vector<double> of_step;
  for (size_t group = 0; group < members.size(); ++group) {
    for (uint64_t step = 0; step < steps; ++step) {
      of_step.clear();
      for (const size_t member : members[group]) {
        if (const double value = (*values)[member * steps + step]; !std::isnan(value)) of_step.push_back(value);
      }
      combined[group * steps + step] = Combine(of_step, over_series);
    }
  }
  return combined;
}

}  // namespace sightline::query
