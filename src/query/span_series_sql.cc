#include "query/span_series_sql.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "query/span_series.h"
#include "query/trace_query.h"

namespace sightline::query {
namespace {

using traceql::Field;
using traceql::Intrinsic;
using traceql::MetricsFunction;
using traceql::MetricsPipeline;
using traceql::Scope;

constexpr std::array kLetters = {'s', 'i', 'd', 'b'};  // of HotAttribute::Type

// Weights are whole numbers to the engine's quantiles: thousandths are exact enough for any rate of sampling.
constexpr const char* kWeight = "toUInt64(round(least(AdjustedCount, 1e9) * 1000))";

Error NotCalculated(const Field& field) {
  return {Code::kInvalidArgument, fmt::format("{} is not calculated over time\nattributes of span, resource and "
                                              "instrumentation are, and name, kind, status, statusMessage, duration",
                                              traceql::PrintField(field))};
}

std::string OnSpan(const std::string& key, const std::vector<otlp::HotAttribute>& hot, const std::string& bound) {
  const std::string in_map = fmt::format(
      "if(mapContains(SpanAttributes, {0}), concat(substring(SpanAttributeTypes, indexOf(mapKeys(SpanAttributes), "
      "{0}), "
      "1), SpanAttributes[{0}]), '')",
      bound);
  const auto found = std::ranges::find(hot, key, &otlp::HotAttribute::key);
  if (found == hot.end()) return in_map;
  const std::string column = QuoteIdentifier("a." + key);
  return fmt::format("if({0} != '', concat('{1}', toString({0})), {2})", column,
                     kLetters[static_cast<size_t>(found->type)], in_map);
}

// A constant table from ids to values, which costs one look-up a row; the lists are not empty, so that they have a
// type.
std::string OnSet(const std::string& column, const std::string& attribute_sets, const std::string& bound) {
  const std::string pairs = fmt::format(
      "(SELECT (groupArray(Id), groupArray(V)) FROM (SELECT toString(Id) AS Id, any(concat(substring(Types, "
      "indexOf(Keys, {0}), 1), Values[indexOf(Keys, {0})])) AS V FROM {1} WHERE has(Keys, {0}) GROUP BY Id))",
      bound, attribute_sets);
  return fmt::format(
      "transform(toString({0}), arrayConcat(['-'], tupleElement({1}, 1)), arrayConcat([''], tupleElement({1}, 2)), '')",
      column, pairs);
}

std::optional<std::string> OfIntrinsic(Intrinsic intrinsic) {
  switch (intrinsic) {
    case Intrinsic::kName:
      return "concat('s', toString(SpanName))";
    case Intrinsic::kStatus:
      return "concat('w', lower(toString(StatusCode)))";
    case Intrinsic::kKind:
      return "concat('w', lower(toString(SpanKind)))";
    case Intrinsic::kStatusMessage:
      return "concat('s', StatusMessage)";
    case Intrinsic::kInstrumentationName:
      return "concat('s', toString(ScopeName))";
    case Intrinsic::kInstrumentationVersion:
      return "concat('s', toString(ScopeVersion))";
    default:
      return std::nullopt;
  }
}

// The first place that has the key counts; no attribute ('e') is none.
std::string FirstOf(const std::vector<std::string>& places) {
  std::string chain = places.back();
  for (size_t i = places.size() - 1; i-- > 0;) {
    chain = fmt::format("if({0} NOT IN ('', 'e'), {0}, {1})", places[i], chain);
  }
  return chain;
}

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
      // Within 0.4 % of the value, in little memory whatever their number.
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

Result<std::string> EncodedField(const Field& field, const std::vector<otlp::HotAttribute>& hot_attributes,
                                 const std::string& attribute_sets, Conditions& conditions) {
  if (field.of_parent) return std::unexpected(NotCalculated(field));
  if (field.intrinsic != Intrinsic::kNone) {
    const auto sql = OfIntrinsic(field.intrinsic);
    if (!sql) return std::unexpected(NotCalculated(field));
    return *sql;
  }
  std::vector<std::string> places;
  const auto add = [&](const std::string& key) {
    const std::string bound = conditions.BindText(key);
    const auto wanted = [&](Scope scope) { return field.scope == Scope::kNone || field.scope == scope; };
    if (wanted(Scope::kSpan)) places.push_back(OnSpan(key, hot_attributes, bound));
    if (wanted(Scope::kResource)) {
      places.push_back(key == "service.name" ? "if(ServiceName = '', '', concat('s', toString(ServiceName)))"
                                             : OnSet("ResourceId", attribute_sets, bound));
    }
    if (wanted(Scope::kInstrumentation)) places.push_back(OnSet("ScopeId", attribute_sets, bound));
  };
  add(field.key);
  for (const std::string_view alias : field.aliases) add(std::string(alias));
  if (places.empty()) return std::unexpected(NotCalculated(field));
  return FirstOf(places);
}

std::string DecodedField(std::string_view encoded) {
  if (encoded.empty() || encoded == "e") return "nil";
  const std::string_view text = encoded.substr(1);
  const bool plain = std::string_view("idbw").find(encoded[0]) != std::string_view::npos;
  return plain ? std::string(text) : traceql::PrintString(text);
}

Result<std::string> NumberOfField(const Field& field, const std::vector<otlp::HotAttribute>& hot_attributes,
                                  const std::string& attribute_sets, Conditions& conditions) {
  if (field.intrinsic == Intrinsic::kDuration && !field.of_parent) return "toNullable(Duration / 1e9)";
  auto encoded = EncodedField(field, hot_attributes, attribute_sets, conditions);
  if (!encoded) return encoded;
  return fmt::format("if(substring({0} AS Encoded, 1, 1) IN ('i', 'd'), toFloat64OrNull(substring(Encoded, 2)), NULL)",
                     *encoded);
}

Result<PipelineSql> CompilePipeline(const MetricsPipeline& pipeline, const StepGrid& grid,
                                    const std::vector<otlp::HotAttribute>& hot_attributes, const std::string& spans,
                                    const std::string& attribute_sets) {
  if (pipeline.function == MetricsFunction::kCompare) {
    return Fail(Code::kInvalidArgument, "compare() is not calculated yet\nask for the rate by an attribute instead");
  }
  Conditions conditions;
  conditions.AddTimeRange(grid.from, grid.to);
  if (!AddCandidates(pipeline.spans, conditions, hot_attributes, attribute_sets)) {
    return Fail(Code::kInvalidArgument,
                "numbers over time of spans that only their whole trace tells are not calculated yet\nuse one filter, "
                "with conditions that compare fields with constants");
  }
  std::vector<std::string> keys;
  for (const Field& field : pipeline.by) {
    auto key = EncodedField(field, hot_attributes, attribute_sets, conditions);
    if (!key) return std::unexpected(key.error());
    keys.push_back(*std::move(key));
  }
  std::string number = "1.";
  if (pipeline.of) {
    auto value = NumberOfField(*pipeline.of, hot_attributes, attribute_sets, conditions);
    if (!value) return std::unexpected(value.error());
    number = *std::move(value);
  }
  const std::string rows = RowsSql(keys, number, grid, spans, conditions.Sql());
  return PipelineSql{SeriesSql(pipeline, keys.size(), rows), conditions.parameters()};
}

}  // namespace sightline::query
