// Pipelines: spansets and what joins them, aggregates and their comparisons, by, select, coalesce.
//
// A parenthesis may hold a set of spans, a pipeline, a number or a metric: what it was is known at its end. So each
// stage is read as a Term, and an operator looks at what stands on its sides.
#include <array>
#include <cmath>

#include "traceql/parse.h"
#include "traceql/parser.h"

namespace sightline::traceql {
namespace {

using Kind = Token::Kind;

constexpr std::array<std::string_view, 18> kStageWords = {"count",
                                                          "min",
                                                          "max",
                                                          "avg",
                                                          "sum",
                                                          "by",
                                                          "select",
                                                          "coalesce",
                                                          "rate",
                                                          "count_over_time",
                                                          "min_over_time",
                                                          "max_over_time",
                                                          "avg_over_time",
                                                          "sum_over_time",
                                                          "quantile_over_time",
                                                          "histogram_over_time",
                                                          "compare",
                                                          "topk"};

template <typename T>
Box<T> Boxed(T value) {
  return std::make_unique<T>(std::move(value));
}

bool IsConstant(const ScalarExpression& scalar) {
  return std::holds_alternative<Literal>(scalar.node);
}

}  // namespace

Query Parser::ParseWholeQuery() {
  Term term = ParsePipeline();
  Query query;
  while (!failed() && token_.IsWord("with"))
    for (Hint& hint : ParseHints()) query.hints.push_back(std::move(hint));
  if (!failed() && token_.kind != Kind::kEnd) FailHere({"an operator", "`|`", "`with`", "the end of the query"});
  if (failed()) return query;
  if (auto* metrics = std::get_if<MetricsExpression>(&term.node)) {
    query.node = std::move(*metrics);
  } else if (std::holds_alternative<ScalarExpression>(term.node)) {
    Fail(term.offset, "a number is no condition", {"a comparison, as in `| count() > 2`"});
  } else {
    Pipeline pipeline;
    auto* spans = std::get_if<SpansetExpression>(&term.node);
    auto* wrapped = spans == nullptr ? nullptr : std::get_if<Box<Pipeline>>(&spans->node);
    if (wrapped != nullptr) {
      pipeline = std::move(**wrapped);
    } else {
      AddStage(pipeline, std::move(term), true);
    }
    query.node = std::move(pipeline);
  }
  return query;
}

// All up to the closing parenthesis or the end. A pipeline of one stage is that stage.
Parser::Term Parser::ParsePipeline() {
  if (++nesting_ > kNestingMax) Fail(token_.offset, "the query is nested too deeply");
  Term term = ParseStage(true);
  if (auto* metrics = std::get_if<MetricsExpression>(&term.node)) {
    ParseSecondStages(*metrics);
    --nesting_;
    return term;
  }
  Pipeline pipeline;
  bool piped = false;
  while (!failed() && token_.Is('|')) {
    piped = true;
    if (!AddStage(pipeline, std::move(term), false)) break;
    Advance();
    const auto function = token_.kind == Kind::kWord ? FindMetricsFunction(token_.text) : std::nullopt;
    if (function) {
      term = ParseMetrics(std::move(pipeline), *function);
      --nesting_;
      return term;
    }
    term = ParseStage(false);
  }
  --nesting_;
  if (failed()) return {};
  if (!piped) return term;
  return ClosePipeline(std::move(pipeline), std::move(term));
}

Parser::Term Parser::ClosePipeline(Pipeline pipeline, Term last) {
  const size_t offset = last.offset;
  if (auto* scalar = std::get_if<ScalarExpression>(&last.node)) {
    if (IsConstant(*scalar)) Fail(offset, "a number alone does nothing here", {"a filter", "an aggregate"});
    ScalarPipeline made{Boxed(std::move(pipeline)), Boxed(std::move(*scalar))};
    return {ScalarExpression{std::move(made), offset}, offset};
  }
  AddStage(pipeline, std::move(last), true);
  return {SpansetExpression{Boxed(std::move(pipeline)), offset}, offset};
}

bool Parser::AddStage(Pipeline& pipeline, Term term, bool last) {
  const size_t offset = term.offset;
  if (std::holds_alternative<ScalarExpression>(term.node)) {
    Fail(last ? offset : token_.offset, "a number is no condition", {"a comparison, as in `count() > 2`"});
  } else if (std::holds_alternative<MetricsExpression>(term.node)) {
    Fail(offset, "a metric stands at the end of its pipeline");
  } else {
    std::visit(
        [&](auto&& node) {
          using Node = std::decay_t<decltype(node)>;
          if constexpr (!std::is_same_v<Node, ScalarExpression> && !std::is_same_v<Node, MetricsExpression>)
            pipeline.stages.push_back({std::forward<decltype(node)>(node), offset});
        },
        std::move(term.node));
  }
  return !failed();
}

Parser::Term Parser::ParseStage(bool first) {
  const size_t offset = token_.offset;
  if (AcceptWord("by")) {
    Expect('(');
    Group group{Boxed(ParseExpression(kLowestPrecedence))};
    Expect(')');
    return {std::move(group), offset};
  }
  if (token_.IsWord("select")) {
    Advance();
    return {Select{ParseFields()}, offset};
  }
  if (AcceptWord("coalesce")) {
    if (first) Fail(offset, "coalesce() needs groups before it, as in `{ } | by(name) | coalesce()`");
    Expect('(');
    Expect(')');
    return {Coalesce{}, offset};
  }
  return ParseStageExpression(kLowestPrecedence);
}

Parser::Term Parser::ParseStageExpression(int precedence) {
  if (++nesting_ > kNestingMax) Fail(token_.offset, "the query is nested too deeply");
  Term left = ParseStageOperand();
  while (!failed() && token_.kind == Kind::kOperator && token_.op != Operator::kNot) {
    const Operator op = token_.op;
    const size_t offset = token_.offset;
    if (Precedence(op) < precedence || !CountOperator(offset)) break;
    Advance();
    if (op == Operator::kEqual && AtOperator(Operator::kEqual)) {
      Fail(offset, "`==` is no operator", {"`=`"}, "=");
      break;
    }
    const int right_precedence = op == Operator::kPower ? Precedence(op) : Precedence(op) + 1;
    left = Join(std::move(left), op, offset, ParseStageExpression(right_precedence));
  }
  --nesting_;
  return left;
}

Parser::Term Parser::ParseStageOperand() {
  const size_t offset = token_.offset;
  if (Accept('(')) {
    Term inner = ParsePipeline();
    Expect(')');
    const bool stage = !std::holds_alternative<SpansetExpression>(inner.node) &&
                       !std::holds_alternative<ScalarExpression>(inner.node) &&
                       !std::holds_alternative<MetricsExpression>(inner.node);
    if (!stage || failed()) return inner;
    Pipeline pipeline;
    AddStage(pipeline, std::move(inner), true);
    return {SpansetExpression{Boxed(std::move(pipeline)), offset}, offset};
  }
  if (token_.Is('{')) return {SpansetExpression{ParseFilter(), offset}, offset};
  if (token_.IsVariable()) token_.literal.scalar = Value::Int(1);
  if (token_.kind == Kind::kLiteral && IsNumber(token_.literal.scalar.type)) {
    ScalarExpression number{std::move(token_.literal), offset};
    Advance();
    return {std::move(number), offset};
  }
  if (AtOperator(Operator::kSubtract)) {
    if (!CountOperator(offset)) return {};
    Advance();
    constexpr int kTightest = 7;
    const Term operand = ParseStageExpression(kTightest);
    const auto* number = std::get_if<ScalarExpression>(&operand.node);
    if (number != nullptr && IsConstant(*number)) {
      ScalarExpression negative{std::get<Literal>(number->node), offset};
      Value& value = std::get<Literal>(negative.node).scalar;
      if (value.type == Type::kFloat) {
        value.number = -value.number;
      } else if (value.integer != INT64_MIN) {
        value.integer = -value.integer;
      }
      return {std::move(negative), offset};
    }
    Fail(offset, "a sign stands only before a number");
    return {};
  }
  if (token_.kind == Kind::kWord) return ParseStageWord();
  FailHere({token_.kind == Kind::kField ? "`{`: conditions on spans stand in braces" : "`{`", "`(`", "an aggregate",
            "a number"});
  return {};
}

Parser::Term Parser::ParseStageWord() {
  const std::string word(token_.text);
  if (const auto aggregate = FindAggregate(word)) return ParseAggregate(*aggregate);
  if (FindMetricsFunction(word)) {
    FailHere({"`{ }` and a bar before it: `{ } | " + word + "()`"});
  } else if (word == "topk" || word == "bottomk") {
    Fail(token_.offset, "`" + word + "` stands behind a metric, as in `{ } | rate() by (name) | " + word + "(10)`");
  } else if (word == "by" || word == "select" || word == "coalesce") {
    Fail(token_.offset, "`" + word + "` is a stage of its own", {"a bar on each side of it"});
  } else if (FindBareIntrinsic(word, subject_) != nullptr || !LiteralWord(word, false).is_nil()) {
    FailHere({"`{`: conditions on spans stand in braces", "`(`", "an aggregate", "a number"});
  } else {
    Fail(token_.offset, "there is no function `" + word + "`", {"`{`", "`(`", "a function"},
         std::string(Nearest(word, kStageWords)));
  }
  return {};
}

SpansetFilter Parser::ParseFilter() {
  SpansetFilter filter;
  if (!Expect('{')) return filter;
  if (Accept('}')) return filter;
  filter.condition = Boxed(ParseExpression(kLowestPrecedence));
  if (!failed() && !token_.Is('}')) FailHere({"an operator", "`}`"});
  Expect('}');
  return filter;
}

Parser::Term Parser::ParseAggregate(AggregateFunction function) {
  const size_t offset = token_.offset;
  Advance();
  Aggregate aggregate{function, nullptr};
  if (!Expect('(')) return {};
  if (function != AggregateFunction::kCount) aggregate.of = Boxed(ParseExpression(kLowestPrecedence));
  Expect(')');
  return {ScalarExpression{std::move(aggregate), offset}, offset};
}

Parser::Term Parser::Join(Term left, Operator op, size_t offset, Term right) {
  if (failed()) return left;
  auto is = [&](auto* type) {
    using Node = std::remove_pointer_t<decltype(type)>;
    return std::pair{std::holds_alternative<Node>(left.node), std::holds_alternative<Node>(right.node)};
  };
  const auto [left_spans, right_spans] = is(static_cast<SpansetExpression*>(nullptr));
  const auto [left_metric, right_metric] = is(static_cast<MetricsExpression*>(nullptr));
  const auto [left_number, right_number] = is(static_cast<ScalarExpression*>(nullptr));
  if (left_spans && right_spans) return JoinSpansets(std::move(left), op, offset, std::move(right));
  if (left_metric || right_metric) return JoinMetrics(std::move(left), op, offset, std::move(right));
  if (left_number && right_number) return JoinNumbers(std::move(left), op, offset, std::move(right));
  const auto [left_filter, right_filter] = is(static_cast<ScalarFilter*>(nullptr));
  if (left_filter || right_filter) {
    Fail(offset, "a comparison of aggregates is a stage of its own", {"`|`", "parentheses around it"});
  } else {
    Fail(offset, "`" + std::string(OperatorText(op)) + "` stands between a set of spans and a number");
  }
  return left;
}

Parser::Term Parser::JoinSpansets(Term left, Operator op, size_t offset, Term right) {
  if (op != Operator::kAnd && op != Operator::kOr && !IsStructural(op)) {
    Fail(offset, "`" + std::string(OperatorText(op)) + "` does not stand between sets of spans",
         {"`&&`", "`||`", "`>`", "`>>`", "`<`", "`<<`", "`~`"});
    return left;
  }
  SpansetOperation joined{op, Boxed(std::move(std::get<SpansetExpression>(left.node))),
                          Boxed(std::move(std::get<SpansetExpression>(right.node)))};
  return {SpansetExpression{std::move(joined), offset}, left.offset};
}

Parser::Term Parser::JoinNumbers(Term left, Operator op, size_t offset, Term right) {
  auto& left_number = std::get<ScalarExpression>(left.node);
  auto& right_number = std::get<ScalarExpression>(right.node);
  const bool constants = IsConstant(left_number) && IsConstant(right_number);
  if (IsArithmetic(op)) {
    if (constants) return Fold(left_number, op, offset, right_number);
    ScalarOperation joined{op, Boxed(std::move(left_number)), Boxed(std::move(right_number))};
    return {ScalarExpression{std::move(joined), offset}, left.offset};
  }
  if (!IsComparison(op) || op == Operator::kMatch || op == Operator::kNotMatch) {
    Fail(offset, "`" + std::string(OperatorText(op)) + "` does not stand between numbers",
         {"a comparison", "`+`", "`-`", "`*`", "`/`"});
  } else if (constants) {
    Fail(offset, "two constants are compared", {"an aggregate on one side"});
  }
  return {ScalarFilter{op, Boxed(std::move(left_number)), Boxed(std::move(right_number))}, left.offset};
}

// Whole numbers stay whole, as in Tempo: 1 / 2 is 0.
Parser::Term Parser::Fold(const ScalarExpression& left, Operator op, size_t offset, const ScalarExpression& right) {
  const Value a = std::get<Literal>(left.node).scalar;
  const Value b = std::get<Literal>(right.node).scalar;
  Value folded;
  if (a.type == Type::kDuration || b.type == Type::kDuration) {
    Fail(offset, "durations are not calculated with here", {"the result, as in `20s`"});
  } else if (op == Operator::kModulo || op == Operator::kPower) {
    Fail(offset, "`" + std::string(OperatorText(op)) + "` does not stand between constants",
         {"`+`", "`-`", "`*`", "`/`"});
  } else if (a.type == Type::kInt && b.type == Type::kInt) {
    int64_t result = 0;
    bool overflow = false;
    if (op == Operator::kAdd) overflow = __builtin_add_overflow(a.integer, b.integer, &result);
    if (op == Operator::kSubtract) overflow = __builtin_sub_overflow(a.integer, b.integer, &result);
    if (op == Operator::kMultiply) overflow = __builtin_mul_overflow(a.integer, b.integer, &result);
    if (op == Operator::kDivide) {
      overflow = b.integer == 0 || (b.integer == -1 && a.integer == INT64_MIN);
      if (!overflow) result = a.integer / b.integer;
    }
    if (overflow) Fail(offset, "the result is no number of 64 bits");
    folded = Value::Int(result);
  } else {
    const double x = a.AsDouble(), y = b.AsDouble();
    folded = Value::Float(op == Operator::kAdd        ? x + y
                          : op == Operator::kSubtract ? x - y
                          : op == Operator::kMultiply ? x * y
                                                      : x / y);
    if (!std::isfinite(folded.number)) Fail(offset, "the result is no number");
  }
  return {ScalarExpression{Literal{folded, ""}, left.offset}, left.offset};
}

}  // namespace sightline::traceql
