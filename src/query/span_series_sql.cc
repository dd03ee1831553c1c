#include "query/span_series_sql.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "query/span_series.h"

namespace sightline::query {
namespace {

using traceql::Field;
using traceql::MetricsFunction;
using traceql::MetricsPipeline;

// Weights are whole numbers to the engine's quantiles: thousandths are exact enough for any rate of sampling.
constexpr const char* kWeight = "toUInt64(round(least(AdjustedCount, 1e9) * 1000))";

std::string Value(const MetricsPipeline& pipeline) {
  switch (pipeline.function) {
    case MetricsFunction::kMinOverTime:
      return "[min(V)]";
    case MetricsFunction::kMaxOverTime:
      return "[max(V)]";
    case MetricsFunction::kAvgOverTime:
      return "[sum(V * AdjustedCount) / sum(AdjustedCount)]";
    case MetricsFunction::kSumOverTime:
      return "[sum(V * AdjustedCount)]";
    case MetricsFunction::kQuantileOverTime:
      // Within 0.8 % of the value (8 binary digits are kept), in little memory whatever their number.
      return fmt::format("arrayMap(q -> toFloat64(q), quantilesBFloat16Weighted({})(V, {}))",
                         fmt::join(pipeline.quantiles, ", "), kWeight);
    default:
      return "[sum(AdjustedCount)]";
  }
}

// A row a span: Step, AdjustedCount, V, and keys K0, K1, ...
std::string RowsSql(const std::vector<std::string>& keys, const std::string& number, const StepGrid& grid,
                    const std::string& spans, const std::string& condition) {
  std::string columns;
  for (size_t i = 0; i < keys.size(); ++i) columns += fmt::format(", {} AS K{}", keys[i], i);
  const std::string all = fmt::format(
      "SELECT toUInt32(intDiv(toUnixTimestamp64Nano(Timestamp) - {}, {})) AS Step, AdjustedCount, {} AS N{} FROM {} "
      "WHERE {}",
      grid.from, grid.step, number, columns, spans, condition);
  return "SELECT *, assumeNotNull(N) AS V FROM (" + all + ") WHERE isNotNull(N)";
}

// What SeriesSql says of one step, for functions that count: a rule that is evaluated every few seconds pays more for
// the planning of nested queries than for its spans.
std::string OneStepSql(const std::vector<std::string>& keys, const std::string& spans, const std::string& condition) {
  std::string columns, names;
  for (size_t i = 0; i < keys.size(); ++i) {
    columns += fmt::format("{}{} AS K{}", i == 0 ? "" : ", ", keys[i], i);
    names += fmt::format("{}K{}", i == 0 ? "" : ", ", i);
  }
  return fmt::format(
      "SELECT {}, if(count() = 0, emptyArrayUInt32(), [toUInt32(0)]), if(count() = 0, [], [[sum(AdjustedCount)]]) FROM "
      "{} WHERE {}{} ORDER BY sum(AdjustedCount) DESC{} LIMIT {}",
      keys.empty() ? "emptyArrayString()" : "[" + columns + "]", spans, condition,
      keys.empty() ? "" : " GROUP BY " + names, keys.empty() ? "" : ", " + names, kSpanSeriesMax + 1);
}

// The limit is one more than there may be, so that it is seen when there are more.
std::string SeriesSql(const MetricsPipeline& pipeline, size_t keys, const std::string& rows) {
  std::vector<std::string> names;
  for (size_t i = 0; i < keys; ++i) names.push_back(fmt::format("K{}", i));
  std::string bucket;
  if (pipeline.function == MetricsFunction::kHistogramOverTime) {
    bucket = ", concat('d', toString(if(V > 0, exp2(ceil(log2(V))), 0))) AS Bucket";
    names.emplace_back("Bucket");
  }
  const std::string by = fmt::format("{}", fmt::join(names, ", "));
  const std::string comma = names.empty() ? "" : ", ";
  const std::string steps = fmt::format(
      "SELECT Step, {} AS Numbers, sum(AdjustedCount) AS Weight{}{} FROM (SELECT *{} FROM ({})) GROUP BY Step{}{}",
      Value(pipeline), comma, by, bucket, rows, comma, by);
  return fmt::format(
      "SELECT {}, groupArray(Step), groupArray(Numbers) FROM ({}){} ORDER BY sum(Weight) DESC{} LIMIT {}",
      names.empty() ? "emptyArrayString()" : "[" + by + "]", steps, names.empty() ? "" : " GROUP BY " + by, comma + by,
      kSpanSeriesMax + 1);
}

}  // namespace

Result<PipelineSql> CompilePipeline(const MetricsPipeline& pipeline, const StepGrid& grid, const ItemSet& spans,
                                    const FieldColumns& columns) {
  Conditions conditions = spans.conditions;
  std::vector<std::string> keys;
  for (const Field& field : pipeline.by) {
    auto key = EncodedField(field, columns, conditions);
    if (!key) return std::unexpected(key.error());
    keys.push_back(*std::move(key));
  }
  if (!pipeline.of && grid.steps() == 1) {
    return PipelineSql{OneStepSql(keys, spans.table, conditions.Sql()), conditions.parameters()};
  }
  std::string number = "1.";
  if (pipeline.of) {
    auto value = NumberOfField(*pipeline.of, columns, conditions);
    if (!value) return std::unexpected(value.error());
    number = *std::move(value);
  }
  const std::string rows = RowsSql(keys, number, grid, spans.table, conditions.Sql());
  return PipelineSql{SeriesSql(pipeline, keys.size(), rows), conditions.parameters()};
}

}  // namespace sightline::query
