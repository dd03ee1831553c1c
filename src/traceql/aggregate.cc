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

Value TraceEvaluator::Scalar(const ScalarExpression& scalar, const SpanList& spans) const {
  if (const auto* literal = std::get_if<Literal>(&scalar.node)) return literal->value();
  if (const auto* aggregate = std::get_if<Aggregate>(&scalar.node)) return Aggregated(*aggregate, spans);
  if (const auto* operation = std::get_if<ScalarOperation>(&scalar.node)) {
    const Value left = Scalar(*operation->left, spans), right = Scalar(*operation->right, spans);
    // A share of counts is wanted as it is, other than a quotient of a span's whole numbers.
    const bool share = operation->op == Operator::kDivide && left.type == Type::kInt;
    return Compute(operation->op, share ? Value::Float(left.AsDouble()) : left, right);
  }
  const auto& pipeline = std::get<ScalarPipeline>(scalar.node);
  const auto sets = Run(*pipeline.spans, {Spanset{spans, {}}});
  return Scalar(*pipeline.result, sets.empty() ? SpanList{} : sets[0].spans);
}

void TraceEvaluator::AddAggregates(const ScalarExpression& scalar, Spanset& spanset) const {
  if (const auto* aggregate = std::get_if<Aggregate>(&scalar.node))
    spanset.values.emplace_back(Print(scalar), Aggregated(*aggregate, spanset.spans));
  if (const auto* operation = std::get_if<ScalarOperation>(&scalar.node)) {
    AddAggregates(*operation->left, spanset);
    AddAggregates(*operation->right, spanset);
  }
}

// What the pipelines of `({ .a } | count()) > 2` ended with. Empty without pipelines.
SpanList TraceEvaluator::SpansOfScalar(const ScalarExpression& scalar, const Spanset& input) const {
  if (const auto* pipeline = std::get_if<ScalarPipeline>(&scalar.node)) {
    const auto sets = Run(*pipeline->spans, {input});
    return sets.empty() ? SpanList{} : sets[0].spans;
  }
  const auto* operation = std::get_if<ScalarOperation>(&scalar.node);
  if (operation == nullptr) return {};
  SpanList both;
  std::ranges::set_union(SpansOfScalar(*operation->left, input), SpansOfScalar(*operation->right, input),
                         std::back_inserter(both));
  return both;
}

std::vector<Spanset> TraceEvaluator::RunStage(const ScalarFilter& filter, std::vector<Spanset> input) const {
  std::vector<Spanset> output;
  for (Spanset& spanset : input) {
    const Value left = Scalar(*filter.left, spanset.spans), right = Scalar(*filter.right, spanset.spans);
    if (!Compute(filter.op, left, right).is_true()) continue;
    AddAggregates(*filter.left, spanset);
    AddAggregates(*filter.right, spanset);
    SpanList spans;
    std::ranges::set_union(SpansOfScalar(*filter.left, spanset), SpansOfScalar(*filter.right, spanset),
                           std::back_inserter(spans));
    if (!spans.empty()) spanset.spans = std::move(spans);
    output.push_back(std::move(spanset));
  }
  return output;
}

}  // namespace sightline::traceql
