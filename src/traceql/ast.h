// A parsed query. Parse() makes it, and whoever evaluates, prints or compiles it walks it.
//
//   Query = Pipeline | MetricsExpression                with hints
//   Pipeline = Stage | Stage ...                        { span.a = 1 } | by(name) | count() > 2
//   MetricsExpression = pipelines of metrics, calculated with   ({ } | rate()) * 60 | topk(3)
//
// Offsets are bytes of the text that was parsed. Trees are at most kOperatorsMax (parse.h) high.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "traceql/field.h"
#include "traceql/operators.h"
#include "traceql/value.h"

namespace re2 {
class RE2;
}

namespace sightline::traceql {

template <typename T>
using Box = std::unique_ptr<T>;

// ---- on one span (or log record) ------------------------------------------------------------------------------------

struct Expression;

struct Unary {
  Operator op;  // kSubtract, kNot, kExists, kAbsent
  Box<Expression> operand;
};

struct Binary {
  Operator op;
  Box<Expression> left, right;
  std::shared_ptr<const re2::RE2> regex;  // of =~ and !~: the right side, anchored by whoever matches
};

// Logs: the body has this text anywhere, whatever its case.
struct FullText {
  std::string text;
  std::shared_ptr<const re2::RE2> folded;  // beyond ASCII: what knows which letters belong together
};

struct Expression {
  std::variant<Literal, Field, Unary, Binary, FullText> node;
  size_t offset = 0;  // of the operator, where there is one
};

// ---- on the spans of one trace --------------------------------------------------------------------------------------

struct Pipeline;
struct SpansetExpression;

struct SpansetFilter {
  Box<Expression> condition;  // null: every span
};

struct SpansetOperation {
  Operator op;  // kAnd, kOr, or a structural one
  Box<SpansetExpression> left, right;
};

struct SpansetExpression {
  std::variant<SpansetFilter, SpansetOperation, Box<Pipeline>> node;
  size_t offset = 0;
};

enum class AggregateFunction : uint8_t { kCount, kMin, kMax, kAvg, kSum };

struct Aggregate {
  AggregateFunction function;
  Box<Expression> of;  // null of count()
};

struct ScalarExpression;

struct ScalarOperation {
  Operator op;
  Box<ScalarExpression> left, right;
};

// ({ status = error } | count()): a number for all that its pipeline leaves.
struct ScalarPipeline {
  Box<Pipeline> spans;
  Box<ScalarExpression> result;
};

struct ScalarExpression {
  std::variant<Literal, Aggregate, ScalarOperation, ScalarPipeline> node;
  size_t offset = 0;
};

struct ScalarFilter {
  Operator op;
  Box<ScalarExpression> left, right;
};

struct Group {
  Box<Expression> by;
};
struct Coalesce {};
struct Select {
  std::vector<Field> fields;
};

struct Stage {
  std::variant<SpansetExpression, ScalarFilter, Group, Coalesce, Select> node;
  size_t offset = 0;
};

struct Pipeline {
  std::vector<Stage> stages;
};

// ---- over time ------------------------------------------------------------------------------------------------------

enum class MetricsFunction : uint8_t {
  kRate,
  kCountOverTime,
  kMinOverTime,
  kMaxOverTime,
  kAvgOverTime,
  kSumOverTime,
  kQuantileOverTime,
  kHistogramOverTime,
  kCompare,
};

struct Comparison {  // of compare()
  SpansetFilter selection;
  int64_t top = 10;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // 0: the query's
};

struct MetricsPipeline {
  Pipeline spans;
  MetricsFunction function;
  std::optional<Field> of;        // whose values; none of rate, count_over_time, compare
  std::vector<double> quantiles;  // of quantile_over_time
  std::vector<Field> by;
  std::optional<Comparison> comparison;
};

struct TopK {
  bool bottom;
  int64_t k;
};

struct Threshold {
  Operator op;
  Literal limit;
};

using SecondStage = std::variant<TopK, Threshold>;

struct MetricsExpression;

struct MetricsOperation {
  Operator op;                         // + - * /
  Box<MetricsExpression> left, right;  // not both of them numbers
};

struct MetricsExpression {
  std::variant<Literal, MetricsPipeline, MetricsOperation> node;
  std::vector<SecondStage> stages;
  size_t offset = 0;
};

struct Hint {
  std::string name;
  Literal value;
};

struct Query {
  std::variant<Pipeline, MetricsExpression> node;
  std::vector<Hint> hints;
};

std::string_view AggregateName(AggregateFunction function);
std::string_view MetricsFunctionName(MetricsFunction function);
std::optional<AggregateFunction> FindAggregate(std::string_view name);
std::optional<MetricsFunction> FindMetricsFunction(std::string_view name);

}  // namespace sightline::traceql
