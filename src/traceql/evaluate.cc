#include "traceql/evaluate.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "traceql/compute.h"
#include "traceql/print.h"

namespace sightline::traceql {
namespace {

// Where an attribute without scope is looked for, as in Tempo. Spans have no attributes of log records, nor the
// reverse.
constexpr std::array kUnscopedOrder = {Scope::kSpan,  Scope::kLog,  Scope::kResource,
                                       Scope::kEvent, Scope::kLink, Scope::kInstrumentation};

Value ReadAttribute(const Field& field, std::string_view key, const SpanView& span) {
  if (field.scope != Scope::kNone) return span.Attribute(field.scope, key);
  for (const Scope scope : kUnscopedOrder)
    if (const Value value = span.Attribute(scope, key); !value.is_nil()) return value;
  return Value::Nil();
}

// {"a": {"b": 1}}, else {"a.b": 1}.
Value ReadBody(const Field& field, const SpanView& record) {
  const Value value = record.InBody(field.path);
  return value.is_nil() && field.path.size() > 1 ? record.InBody({&field.key, 1}) : value;
}

Value ReadIntrinsic(Intrinsic intrinsic, const SpanContext& context) {
  const TraceTree* tree = context.tree;
  switch (intrinsic) {
    case Intrinsic::kParent: {  // only its presence is asked
      const Value id = context.span.Intrinsic(Intrinsic::kParentId);
      return id.text.empty() ? Value::Nil() : Value::Bool(true);
    }
    case Intrinsic::kChildCount:
      return tree == nullptr ? Value::Nil() : Value::Int(tree->child_count(context.index));
    case Intrinsic::kNestedSetLeft:
      return tree == nullptr ? Value::Nil() : Value::Int(tree->nested_set_left(context.index));
    case Intrinsic::kNestedSetRight:
      return tree == nullptr ? Value::Nil() : Value::Int(tree->nested_set_right(context.index));
    case Intrinsic::kNestedSetParent:
      return tree == nullptr ? Value::Nil() : Value::Int(tree->nested_set_parent(context.index));
    default:
      return context.span.Intrinsic(intrinsic);
  }
}

Value Read(const Field& field, const SpanContext& context) {
  if (field.of_parent) {
    const int64_t parent = context.tree == nullptr ? TraceView::kMissingParent : context.tree->parent(context.index);
    if (parent < 0) return Value::Nil();
    const auto index = static_cast<size_t>(parent);
    Field of_span = field;
    of_span.of_parent = false;
    return Read(of_span, {context.trace->span(index), context.trace, context.tree, index});
  }
  if (field.intrinsic != Intrinsic::kNone) return ReadIntrinsic(field.intrinsic, context);
  if (field.scope == Scope::kBody) return ReadBody(field, context.span);
  Value value = ReadAttribute(field, field.key, context.span);
  for (size_t i = 0; value.is_nil() && i < field.aliases.size(); ++i)
    value = ReadAttribute(field, field.aliases[i], context.span);
  return value;
}

Value EvaluateUnary(const Unary& unary, const SpanContext& context) {
  const Value operand = EvaluateExpression(*unary.operand, context);
  switch (unary.op) {
    case Operator::kExists:
      return Value::Bool(!operand.is_nil());
    case Operator::kAbsent:
      return Value::Bool(operand.is_nil());
    case Operator::kNot:
      return operand.type == Type::kBool ? Value::Bool(!operand.is_true()) : Value::Nil();
    default:
      return Negated(operand);
  }
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool HasText(const FullText& wanted, const SpanView& record) {
  const std::string_view body = record.Intrinsic(Intrinsic::kBody).text;
  if (wanted.folded != nullptr) return re2::RE2::PartialMatch(body, *wanted.folded);
  return !std::ranges::search(body, wanted.text, {}, Lower, Lower).empty() || wanted.text.empty();
}

SpanList UnionOf(const std::vector<Spanset>& spansets) {
  SpanList all;
  for (const Spanset& spanset : spansets) all.insert(all.end(), spanset.spans.begin(), spanset.spans.end());
  std::ranges::sort(all);
  const auto repeated = std::ranges::unique(all);
  all.erase(repeated.begin(), repeated.end());
  return all;
}

}  // namespace

Value EvaluateExpression(const Expression& expression, const SpanContext& context) {
  if (const auto* literal = std::get_if<Literal>(&expression.node)) return literal->value();
  if (const auto* field = std::get_if<Field>(&expression.node)) return Read(*field, context);
  if (const auto* unary = std::get_if<Unary>(&expression.node)) return EvaluateUnary(*unary, context);
  if (const auto* text = std::get_if<FullText>(&expression.node)) return Value::Bool(HasText(*text, context.span));
  const auto* binary = std::get_if<Binary>(&expression.node);
  const Value left = EvaluateExpression(*binary->left, context);
  if (binary->op == Operator::kAnd && !left.is_true()) return Value::Bool(false);
  if (binary->op == Operator::kOr && left.is_true()) return Value::Bool(true);
  return Compute(binary->op, left, EvaluateExpression(*binary->right, context), binary->regex.get());
}

bool Matches(const Expression& condition, const SpanView& span) {
  return EvaluateExpression(condition, SpanContext{span}).is_true();
}

std::vector<Spanset> Evaluate(const Pipeline& pipeline, const TraceView& trace) {
  const TraceEvaluator evaluator(trace);
  return evaluator.Run(pipeline, {evaluator.WholeTrace()});
}

Spanset TraceEvaluator::WholeTrace() const {
  Spanset all;
  all.spans.resize(trace_.size());
  for (uint32_t i = 0; i < all.spans.size(); ++i) all.spans[i] = i;
  return all;
}

std::vector<Spanset> TraceEvaluator::Run(const Pipeline& pipeline, std::vector<Spanset> input) const {
  for (const Stage& stage : pipeline.stages) {
    input = std::visit([&](const auto& node) { return RunStage(node, std::move(input)); }, stage.node);
    std::erase_if(input, [](const Spanset& spanset) { return spanset.spans.empty(); });
  }
  return input;
}

std::vector<Spanset> TraceEvaluator::RunStage(const SpansetExpression& spans, std::vector<Spanset> input) const {
  // A pipeline alone can make groups, which a set of spans cannot hold.
  if (const auto* pipeline = std::get_if<Box<Pipeline>>(&spans.node)) return Run(**pipeline, std::move(input));
  for (Spanset& spanset : input) spanset.spans = Select(spans, spanset);
  return input;
}

SpanList TraceEvaluator::Filter(const SpansetFilter& filter, const SpanList& spans) const {
  if (filter.condition == nullptr) return spans;
  SpanList matching;
  for (const uint32_t span : spans)
    if (EvaluateExpression(*filter.condition, At(span)).is_true()) matching.push_back(span);
  return matching;
}

SpanList TraceEvaluator::Select(const SpansetExpression& spans, const Spanset& input) const {
  if (const auto* filter = std::get_if<SpansetFilter>(&spans.node)) return Filter(*filter, input.spans);
  if (const auto* pipeline = std::get_if<Box<Pipeline>>(&spans.node)) return UnionOf(Run(**pipeline, {input}));
  const auto& operation = std::get<SpansetOperation>(spans.node);
  const SpanList left = Select(*operation.left, input);
  const SpanList right = Select(*operation.right, input);
  if (operation.op == Operator::kAnd && (left.empty() || right.empty())) return {};
  if (operation.op != Operator::kAnd && operation.op != Operator::kOr) return tree_.Relate(operation.op, left, right);
  SpanList both;
  std::ranges::set_union(left, right, std::back_inserter(both));
  return both;
}

std::vector<Spanset> TraceEvaluator::RunStage(const Group& group, const std::vector<Spanset>& input) const {
  const std::string name = "by(" + Print(*group.by) + ")";
  std::vector<Spanset> groups;
  for (const Spanset& spanset : input) {
    std::map<std::pair<Type, std::string>, size_t> known;  // by value
    for (const uint32_t span : spanset.spans) {
      const Value value = EvaluateExpression(*group.by, At(span));
      const auto [found, is_new] = known.try_emplace({value.type, PrintValue(value)}, groups.size());
      if (is_new) {
        groups.push_back({{}, spanset.values});
        groups.back().values.emplace_back(name, value);
      }
      groups[found->second].spans.push_back(span);
    }
  }
  return groups;
}

std::vector<Spanset> TraceEvaluator::RunStage(const Coalesce&, const std::vector<Spanset>& input) const {
  return {Spanset{UnionOf(input), {}}};
}

}  // namespace sightline::traceql
