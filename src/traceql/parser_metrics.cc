// Metrics: functions over time, second stages, arithmetic between metrics, hints.
#include <array>
#include <cmath>

#include "traceql/parse.h"
#include "traceql/parser.h"

namespace sightline::traceql {
namespace {

using Kind = Token::Kind;

bool IsOrder(Operator op) {
  return IsComparison(op) && op != Operator::kMatch && op != Operator::kNotMatch;
}

bool NeedsField(MetricsFunction function) {
  return function != MetricsFunction::kRate && function != MetricsFunction::kCountOverTime &&
         function != MetricsFunction::kCompare;
}

}  // namespace

// function(...) by (...), and the second stages behind it.
Parser::Term Parser::ParseMetrics(Pipeline spans, MetricsFunction function) {
  const size_t offset = token_.offset;
  Advance();
  MetricsPipeline pipeline{std::move(spans), function, {}, {}, {}, {}};
  Expect('(');
  if (NeedsField(function)) pipeline.of = ParseField();
  if (function == MetricsFunction::kQuantileOverTime) pipeline.quantiles = ParseQuantiles();
  if (function == MetricsFunction::kCompare) pipeline.comparison = ParseComparison();
  Expect(')');
  if (function != MetricsFunction::kCompare && AcceptWord("by")) pipeline.by = ParseFields();
  MetricsExpression metrics{std::move(pipeline), {}, offset};
  ParseSecondStages(metrics);
  return {std::move(metrics), offset};
}

// { selection }, top, from, to: the last two in nanoseconds since 1970, and both or none.
Comparison Parser::ParseComparison() {
  Comparison comparison{ParseFilter()};
  if (!Accept(',')) return comparison;
  comparison.top = ParseWholeNumber();
  if (!Accept(',')) return comparison;
  comparison.from_unix_nanos = ParseWholeNumber();
  Expect(',');
  comparison.to_unix_nanos = ParseWholeNumber();
  return comparison;
}

int64_t Parser::ParseWholeNumber() {
  if (token_.IsVariable()) token_.literal.scalar = Value::Int(1);
  if (token_.kind != Kind::kLiteral || token_.literal.scalar.type != Type::kInt) {
    FailHere({"a whole number"});
    return 0;
  }
  const int64_t number = token_.literal.scalar.integer;
  Advance();
  return number;
}

std::vector<double> Parser::ParseQuantiles() {
  std::vector<double> quantiles;
  Expect(',');
  do {
    if (token_.IsVariable()) token_.literal.scalar = Value::Float(0.5);
    const Value value = token_.literal.scalar;
    if (token_.kind != Kind::kLiteral || (value.type != Type::kInt && value.type != Type::kFloat)) {
      FailHere({"a quantile from 0 to 1"});
      break;
    }
    quantiles.push_back(value.AsDouble());
    Advance();
  } while (Accept(','));
  return quantiles;
}

// | topk(5) > 10 | bottomk(2)
void Parser::ParseSecondStages(MetricsExpression& metrics) {
  while (!failed()) {
    if (Accept('|')) {
      ParseTopK(metrics);
      continue;
    }
    if (token_.kind != Kind::kOperator) return;
    const Operator op = token_.op;
    const size_t offset = token_.offset;
    if (!IsOrder(op)) {
      if (IsArithmetic(op)) {
        Fail(offset, "a metric that is calculated with stands in parentheses", {"a form like `({ } | rate()) * 60`"});
      } else {
        FailHere({"a comparison", "`|`"});
      }
      return;
    }
    Advance();
    if (op == Operator::kEqual && AtOperator(Operator::kEqual)) {
      Fail(offset, "`==` is no operator", {"`=`"}, "=");
      return;
    }
    Term self{std::move(metrics), offset};
    Term joined = JoinMetrics(std::move(self), op, offset, ParseStageExpression(Precedence(op) + 1));
    if (failed()) return;
    metrics = std::move(std::get<MetricsExpression>(joined.node));
  }
}

void Parser::ParseTopK(MetricsExpression& metrics) {
  constexpr std::array<std::string_view, 2> kNames = {"topk", "bottomk"};
  const bool top = token_.IsWord("topk");
  if (!top && !token_.IsWord("bottomk")) {
    FailHere({"`topk`", "`bottomk`"}, token_.kind == Kind::kWord ? std::string(Nearest(token_.text, kNames)) : "");
    return;
  }
  Advance();
  Expect('(');
  const size_t offset = token_.offset;
  const int64_t k = ParseWholeNumber();
  Expect(')');
  if (k == 0 && !failed()) Fail(offset, "at least one series is kept", {"a number above 0"});
  metrics.stages.push_back(TopK{!top, k});
}

// metric op metric, metric op number, number op metric. A comparison with a number is a second stage of the metric.
Parser::Term Parser::JoinMetrics(Term left, Operator op, size_t offset, Term right) {
  if (failed()) return left;
  const std::string text(OperatorText(op));
  auto number = [](const Term& term) -> const Literal* {
    const auto* scalar = std::get_if<ScalarExpression>(&term.node);
    return scalar == nullptr ? nullptr : std::get_if<Literal>(&scalar->node);
  };
  const auto* metrics = std::get_if<MetricsExpression>(&left.node);
  if (IsOrder(op) && metrics != nullptr && number(right) != nullptr) {
    auto compared = std::move(std::get<MetricsExpression>(left.node));
    compared.stages.push_back(Threshold{op, *number(right)});
    return {std::move(compared), left.offset};
  }
  if (op != Operator::kAdd && op != Operator::kSubtract && op != Operator::kMultiply && op != Operator::kDivide) {
    Fail(offset, "`" + text + "` does not stand between metrics",
         {"`+`", "`-`", "`*`", "`/`", "a comparison with a number"});
    return left;
  }
  auto side = [&](Term& term) -> Box<MetricsExpression> {
    if (auto* metric = std::get_if<MetricsExpression>(&term.node))
      return std::make_unique<MetricsExpression>(std::move(*metric));
    const Literal* literal = number(term);
    if (literal == nullptr) {
      Fail(offset, "`" + text + "` stands between a metric and something that is neither a metric nor a number");
      return nullptr;
    }
    if (literal->scalar.type == Type::kDuration)
      Fail(offset, "a metric is not calculated with a duration", {"a number"});
    return std::make_unique<MetricsExpression>(MetricsExpression{*literal, {}, term.offset});
  };
  MetricsOperation joined{op, side(left), side(right)};
  return {MetricsExpression{std::move(joined), {}, offset}, left.offset};
}

// with(name=value, ...)
std::vector<Hint> Parser::ParseHints() {
  std::vector<Hint> hints;
  Advance();
  Expect('(');
  do {
    Hint hint{std::string(token_.text), {}};
    if (token_.kind != Kind::kWord) FailHere({"the name of a hint"});
    Advance();
    if (!failed() && !AtOperator(Operator::kEqual)) FailHere({"`=`"});
    Advance();
    const Value word = token_.kind == Kind::kWord ? LiteralWord(token_.text, false) : Value::Nil();
    if (token_.kind == Kind::kLiteral) {
      hint.value = token_.literal;
    } else if (!word.is_nil()) {
      hint.value.scalar = word;
    } else {
      FailHere({"a value"});
    }
    Advance();
    hints.push_back(std::move(hint));
  } while (Accept(','));
  Expect(')');
  return hints;
}

}  // namespace sightline::traceql
