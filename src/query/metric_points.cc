#include "query/metric_answers.h"
#include "query/metric_flow.h"

namespace sightline::query {
double QuantileOf(Aggregation aggregation) {
  switch (aggregation) {
    case Aggregation::kP50:
      return 0.5;
    case Aggregation::kP75:
      return 0.75;
    case Aggregation::kP90:
      return 0.9;
    case Aggregation::kP95:
      return 0.95;
    case Aggregation::kP99:
      return 0.99;
    default:
      return 0;
  }
}

int64_t LookNanos(const StepGrid& grid) {
  return std::max(grid.step, kQuietNanosMax);
}

PointsSql::PointsSql(const MetricQuestion& asked, Which which, int64_t before_nanos, int64_t behind_nanos)
    : conditions_(asked.streams.conditions) {
  const StepGrid& grid = asked.grid;
  std::string streams = conditions_.Sql();
  const std::string delta = std::to_string(static_cast<int>(Temporality::kDelta));
  if (which == Which::kDelta) streams += " AND AggregationTemporality = " + delta;
  if (which == Which::kRunning) streams += " AND AggregationTemporality != " + delta;
  const auto time = [&](int64_t nanos) {
    return "fromUnixTimestamp64Nano(" + conditions_.Bind("Int64", NanosText(nanos)) + ")";
  };
  const std::string& name = asked.streams.name;
  from_where_ = " FROM " + PointsTable(asked.question, name, asked.streams.kind) +
                " WHERE SeriesId IN (SELECT SeriesId FROM " + SeriesTable(asked.question, name) + " WHERE " + streams +
                ") AND Timestamp >= " + time(grid.from - before_nanos) + " AND Timestamp < " +
                time(grid.to + behind_nanos);
  const std::string from = std::to_string(grid.from);
  step_ = std::string("if(") + kPointNanos + " < " + from + ", toInt64(-1), least(intDiv(" + kPointNanos + " - " +
          from + ", " + std::to_string(grid.step) + "), " + std::to_string(grid.steps()) + "))";
}

}  // namespace sightline::query
