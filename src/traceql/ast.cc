#include "traceql/ast.h"

#include <array>

namespace sightline::traceql {
namespace {

constexpr std::array<std::string_view, 5> kAggregates = {"count", "min", "max", "avg", "sum"};
constexpr std::array<std::string_view, 9> kMetricsFunctions = {
    "rate",          "count_over_time",    "min_over_time",       "max_over_time", "avg_over_time",
    "sum_over_time", "quantile_over_time", "histogram_over_time", "compare"};

template <typename Function, size_t kSize>
std::optional<Function> Find(const std::array<std::string_view, kSize>& names, std::string_view name) {
  for (size_t i = 0; i < kSize; ++i)
    if (names[i] == name) return static_cast<Function>(i);
  return std::nullopt;
}

}  // namespace

std::string_view AggregateName(AggregateFunction function) {
  return kAggregates[static_cast<size_t>(function)];
}
std::string_view MetricsFunctionName(MetricsFunction function) {
  return kMetricsFunctions[static_cast<size_t>(function)];
}
std::optional<AggregateFunction> FindAggregate(std::string_view name) {
  return Find<AggregateFunction>(kAggregates, name);
}
std::optional<MetricsFunction> FindMetricsFunction(std::string_view name) {
  return Find<MetricsFunction>(kMetricsFunctions, name);
}

}  // namespace sightline::traceql
