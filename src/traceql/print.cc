#include "traceql/print.h"

#include <fmt/format.h>

#include <cmath>

namespace sightline::traceql {
namespace {

std::string Parenthesized(const std::string& text, bool needed) {
  return needed ? "(" + text + ")" : text;
}

bool IsNegative(const Value& value) {
  return IsNumber(value.type) && (value.type == Type::kFloat ? std::signbit(value.number) : value.integer < 0);
}

// The outermost operator; none of what is never torn apart.
std::optional<Operator> OperatorOf(const Expression& expression) {
  if (const auto* literal = std::get_if<Literal>(&expression.node)) {
    const bool sign = IsNegative(literal->scalar) && PrintValue(literal->scalar).starts_with('-');
    return sign ? std::optional(Operator::kSubtract) : std::nullopt;
  }
  if (const auto* unary = std::get_if<Unary>(&expression.node)) return unary->op;
  if (const auto* binary = std::get_if<Binary>(&expression.node)) return binary->op;
  return std::nullopt;
}

std::optional<Operator> OperatorOf(const SpansetExpression& spans) {
  const auto* operation = std::get_if<SpansetOperation>(&spans.node);
  return operation == nullptr ? std::nullopt : std::optional(operation->op);
}

std::optional<Operator> OperatorOf(const ScalarExpression& scalar) {
  const auto* operation = std::get_if<ScalarOperation>(&scalar.node);
  return operation == nullptr ? std::nullopt : std::optional(operation->op);
}

std::optional<Operator> OperatorOf(const MetricsExpression& metrics) {
  const auto* operation = std::get_if<MetricsOperation>(&metrics.node);
  return operation == nullptr ? std::nullopt : std::optional(operation->op);
}

// Inside of an operation in parentheses, whatever is around it.
template <typename T>
bool IsPipeline(const T&) {
  return false;
}
bool IsPipeline(const MetricsExpression& metrics) {
  return std::holds_alternative<MetricsPipeline>(metrics.node) || !metrics.stages.empty();
}

constexpr int kTightest = 10;

template <typename T>
int PrecedenceOf(const T& node) {
  const auto op = OperatorOf(node);
  return op ? Precedence(*op) : kTightest;
}

// left op right, with parentheses where a side binds less tightly.
template <typename T>
std::string PrintJoined(Operator op, const T& left, const T& right) {
  const int own = Precedence(op);
  const bool to_right = op == Operator::kPower;
  const std::string left_text = Print(left);
  // a || b && c reads as (a || b) && c, which few expect. A long row of such would be nested too deeply to be read
  // back.
  const bool mixed = own == kLowestPrecedence && OperatorOf(left).value_or(op) != op && PrecedenceOf(left) == own &&
                     !left_text.starts_with("((((((((((");
  const bool wrap_left = IsPipeline(left) || mixed || PrecedenceOf(left) < own + (to_right ? 1 : 0);
  const bool wrap_right = IsPipeline(right) || PrecedenceOf(right) < own + (to_right ? 0 : 1);
  return Parenthesized(left_text, wrap_left) + " " + std::string(OperatorText(op)) + " " +
         Parenthesized(Print(right), wrap_right);
}

std::string Print(const Literal& literal) {
  return PrintValue(literal.value());
}

std::string PrintUnary(const Unary& unary) {
  if (unary.op == Operator::kExists || unary.op == Operator::kAbsent) {
    const bool wrap = PrecedenceOf(*unary.operand) <= Precedence(unary.op);
    return Parenthesized(Print(*unary.operand), wrap) + (unary.op == Operator::kExists ? " != nil" : " = nil");
  }
  // What is read behind the operator: see kOperandOfMinus. A second sign stands without parentheses.
  const auto inner = OperatorOf(*unary.operand);
  const bool sign =
      inner == Operator::kNot || (inner == Operator::kSubtract && !std::holds_alternative<Binary>(unary.operand->node));
  const int operand = unary.op == Operator::kNot ? kOperandOfNot : kOperandOfMinus;
  const bool wrap = !sign && PrecedenceOf(*unary.operand) < operand;
  return std::string(OperatorText(unary.op)) + Parenthesized(Print(*unary.operand), wrap);
}

std::string PrintFields(const std::vector<Field>& fields) {
  std::string text = "(";
  for (const Field& field : fields) text += (text.size() > 1 ? ", " : "") + PrintField(field);
  return text + ")";
}

std::string Print(const SpansetFilter& filter) {
  return filter.condition == nullptr ? "{ }" : "{ " + Print(*filter.condition) + " }";
}

std::string PrintAggregate(const Aggregate& aggregate) {
  return std::string(AggregateName(aggregate.function)) + "(" + (aggregate.of == nullptr ? "" : Print(*aggregate.of)) +
         ")";
}

std::string PrintMetricsPipeline(const MetricsPipeline& pipeline) {
  std::string text = Print(pipeline.spans) + " | " + std::string(MetricsFunctionName(pipeline.function)) + "(";
  if (pipeline.of) text += PrintField(*pipeline.of);
  for (const double quantile : pipeline.quantiles) text += ", " + PrintValue(Value::Float(quantile));
  if (const auto& comparison = pipeline.comparison) {
    text += Print(comparison->selection) + ", " + std::to_string(comparison->top);
    if (comparison->from_unix_nanos != 0 || comparison->to_unix_nanos != 0)
      text += fmt::format(", {}, {}", comparison->from_unix_nanos, comparison->to_unix_nanos);
  }
  text += ")";
  return pipeline.by.empty() ? text : text + " by " + PrintFields(pipeline.by);
}

std::string PrintSecondStage(const SecondStage& stage) {
  if (const auto* top = std::get_if<TopK>(&stage))
    return fmt::format(" | {}({})", top->bottom ? "bottomk" : "topk", top->k);
  const auto& threshold = std::get<Threshold>(stage);
  return " " + std::string(OperatorText(threshold.op)) + " " + Print(threshold.limit);
}

}  // namespace

std::string Print(const Expression& expression) {
  if (const auto* literal = std::get_if<Literal>(&expression.node)) return Print(*literal);
  if (const auto* field = std::get_if<Field>(&expression.node)) return PrintField(*field);
  if (const auto* unary = std::get_if<Unary>(&expression.node)) return PrintUnary(*unary);
  if (const auto* text = std::get_if<FullText>(&expression.node)) return PrintString(text->text);
  const auto& binary = std::get<Binary>(expression.node);
  return PrintJoined(binary.op, *binary.left, *binary.right);
}

std::string Print(const SpansetExpression& spans) {
  if (const auto* filter = std::get_if<SpansetFilter>(&spans.node)) return Print(*filter);
  if (const auto* operation = std::get_if<SpansetOperation>(&spans.node))
    return PrintJoined(operation->op, *operation->left, *operation->right);
  return "(" + Print(*std::get<Box<Pipeline>>(spans.node)) + ")";
}

std::string Print(const ScalarExpression& scalar) {
  if (const auto* literal = std::get_if<Literal>(&scalar.node)) return Print(*literal);
  if (const auto* aggregate = std::get_if<Aggregate>(&scalar.node)) return PrintAggregate(*aggregate);
  if (const auto* operation = std::get_if<ScalarOperation>(&scalar.node))
    return PrintJoined(operation->op, *operation->left, *operation->right);
  const auto& pipeline = std::get<ScalarPipeline>(scalar.node);
  return "(" + Print(*pipeline.spans) + " | " + Print(*pipeline.result) + ")";
}

std::string Print(const Stage& stage) {
  if (const auto* spans = std::get_if<SpansetExpression>(&stage.node)) return Print(*spans);
  if (const auto* filter = std::get_if<ScalarFilter>(&stage.node))
    return PrintJoined(filter->op, *filter->left, *filter->right);
  if (const auto* group = std::get_if<Group>(&stage.node)) return "by(" + Print(*group->by) + ")";
  if (const auto* select = std::get_if<Select>(&stage.node)) return "select" + PrintFields(select->fields);
  return "coalesce()";
}

std::string Print(const Pipeline& pipeline) {
  std::string text;
  for (const Stage& stage : pipeline.stages) text += (text.empty() ? "" : " | ") + Print(stage);
  return text;
}

std::string Print(const MetricsExpression& metrics) {
  std::string text;
  if (const auto* literal = std::get_if<Literal>(&metrics.node)) return Print(*literal);
  if (const auto* pipeline = std::get_if<MetricsPipeline>(&metrics.node)) {
    text = PrintMetricsPipeline(*pipeline);
  } else {
    const auto& operation = std::get<MetricsOperation>(metrics.node);
    text = PrintJoined(operation.op, *operation.left, *operation.right);
  }
  for (const SecondStage& stage : metrics.stages) text += PrintSecondStage(stage);
  return text;
}

std::string Print(const Query& query) {
  const auto* pipeline = std::get_if<Pipeline>(&query.node);
  std::string text = pipeline != nullptr ? Print(*pipeline) : Print(std::get<MetricsExpression>(query.node));
  if (query.hints.empty()) return text;
  text += " with(";
  for (size_t i = 0; i < query.hints.size(); ++i)
    text += (i == 0 ? "" : ", ") + query.hints[i].name + "=" + Print(query.hints[i].value);
  return text + ")";
}

}  // namespace sightline::traceql
