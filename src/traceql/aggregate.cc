// Numbers over sets of spans: count, min, max, avg, sum, what is calculated with them, and stages that compare them.
#include <algorithm>
#include <iterator>

#include "traceql/compute.h"
#include "traceql/evaluate.h"
#include "traceql/print.h"

namespace sightline::traceql {
namespace {

// Whole numbers and durations stay what they are while they are alone and fit.
Value Sum(const Value& left, const Value& right) {
  int64_t whole = 0;
  const bool same = left.type == right.type && left.type != Type::kFloat;
  if (!same || __builtin_add_overflow(left.integer, right.integer, &whole))
    return Value::Float(left.AsDouble() + right.AsDouble());
  return left.type == Type::kDuration ? Value::Duration(whole) : Value::Int(whole);
}

Value Divided(const Value& sum, size_t count) {
  if (sum.type == Type::kDuration) return Value::Duration(sum.integer / static_cast<int64_t>(count));
  return Value::Float(sum.AsDouble() / static_cast<double>(count));
}

}  // namespace

Value TraceEvaluator::Aggregated(const Aggregate& aggregate, const SpanList& spans) const {
  if (aggregate.function == AggregateFunction::kCount) return Value::Int(static_cast<int64_t>(spans.size()));
  Value result;
  size_t count = 0;
  for (const uint32_t span : spans) {
    const Value value = EvaluateExpression(*aggregate.of, At(span));
    if (!IsNumber(value.type)) continue;
    ++count;
    if (result.is_nil()) {
      result = value;
    } else if (aggregate.function == AggregateFunction::kMin) {
      if (Compute(Operator::kLess, value, result).is_true()) result = value;
    } else if (aggregate.function == AggregateFunction::kMax) {
      if (Compute(Operator::kGreater, value, result).is_true()) result = value;
    } else {
      result = Sum(result, value);
    }
  }
  return aggregate.function == AggregateFunction::kAvg && count > 0 ? Divided(result, count) : result;
}

// Each pipeline runs once, as they can stand within each other.
TraceEvaluator::Number TraceEvaluator::Calculate(const ScalarExpression& scalar, const SpanList& spans) const {
  if (const auto* literal = std::get_if<Literal>(&scalar.node)) return {literal->value(), {}, {}};
  if (const auto* operation = std::get_if<ScalarOperation>(&scalar.node)) return CalculateOperation(*operation, spans);
  if (const auto* pipeline = std::get_if<ScalarPipeline>(&scalar.node)) return CalculatePipeline(*pipeline, spans);
  const Value value = Aggregated(std::get<Aggregate>(scalar.node), spans);
  return {value, {}, {{Print(scalar), value}}};
}

TraceEvaluator::Number TraceEvaluator::CalculateOperation(const ScalarOperation& operation,
                                                          const SpanList& spans) const {
  Number left = Calculate(*operation.left, spans);
  const Number right = Calculate(*operation.right, spans);
  // A share of counts is wanted as it is, other than a quotient of a span's whole numbers.
  const bool share = operation.op == Operator::kDivide && left.value.type == Type::kInt;
  Number result;
  result.value = Compute(operation.op, share ? Value::Float(left.value.AsDouble()) : left.value, right.value);
  std::ranges::set_union(left.spans, right.spans, std::back_inserter(result.spans));
  result.values = std::move(left.values);
  result.values.insert(result.values.end(), right.values.begin(), right.values.end());
  return result;
}

TraceEvaluator::Number TraceEvaluator::CalculatePipeline(const ScalarPipeline& pipeline, const SpanList& spans) const {
  auto sets = Run(*pipeline.spans, {Spanset{spans, {}}});
  SpanList left = sets.empty() ? SpanList{} : std::move(sets[0].spans);
  const Value value = Calculate(*pipeline.result, left).value;
  return {value, std::move(left), {}};
}

std::vector<Spanset> TraceEvaluator::RunStage(const ScalarFilter& filter, std::vector<Spanset> input) const {
  std::vector<Spanset> output;
  for (Spanset& spanset : input) {
    const Number left = Calculate(*filter.left, spanset.spans), right = Calculate(*filter.right, spanset.spans);
    if (!Compute(filter.op, left.value, right.value).is_true()) continue;
    for (const Number* side : {&left, &right})
      spanset.values.insert(spanset.values.end(), side->values.begin(), side->values.end());
    SpanList spans;
    std::ranges::set_union(left.spans, right.spans, std::back_inserter(spans));
    if (!spans.empty()) spanset.spans = std::move(spans);
    output.push_back(std::move(spanset));
  }
  return output;
}

}  // namespace sightline::traceql
