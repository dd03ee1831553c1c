#include "query/own_condition.h"

#include <string>
#include <vector>

#include "query/encoded_field.h"
#include "traceql/print.h"

namespace sightline::query {
namespace {

using traceql::Expression;
using traceql::Field;
using traceql::Intrinsic;
using traceql::Scope;

bool IsSame(const Field& asked, const Field& field) {
  if (asked.of_parent || asked.intrinsic != field.intrinsic) return false;
  if (field.intrinsic != Intrinsic::kNone) return true;
  if (asked.scope == Scope::kBody || field.scope == Scope::kBody) return asked == field;
  const bool scope = asked.scope == field.scope || asked.scope == Scope::kNone;
  return scope && CanonicalKey(asked.key) == CanonicalKey(field.key);
}

// It asks of this field and of nothing else.
struct Asked {
  bool field = false, other = false;
};
void Look(const Expression& expression, const Field& field, Asked& asked) {
  if (const auto* named = std::get_if<Field>(&expression.node)) {
    (IsSame(*named, field) ? asked.field : asked.other) = true;
  } else if (const auto* unary = std::get_if<traceql::Unary>(&expression.node)) {
    Look(*unary->operand, field, asked);
  } else if (const auto* binary = std::get_if<traceql::Binary>(&expression.node)) {
    Look(*binary->left, field, asked);
    Look(*binary->right, field, asked);
  } else if (std::holds_alternative<traceql::FullText>(expression.node)) {
    asked.other = true;
  }
}

// What stays of the terms that && joins, as text; counts the others.
void AddOthers(const Expression& expression, const Field& field, std::string& text, size_t& left_out) {
  const auto* binary = std::get_if<traceql::Binary>(&expression.node);
  if (binary != nullptr && binary->op == traceql::Operator::kAnd) {
    AddOthers(*binary->left, field, text, left_out);
    AddOthers(*binary->right, field, text, left_out);
    return;
  }
  Asked asked;
  Look(expression, field, asked);
  if (asked.field && !asked.other) {
    ++left_out;
    return;
  }
  text += (text.empty() ? "(" : " && (") + traceql::Print(expression) + ")";
}

std::string Filter(const Expression* condition, const Field& field, size_t& left_out) {
  std::string text;
  if (condition != nullptr) AddOthers(*condition, field, text, left_out);
  return "{ " + text + " }";
}

std::string Pipeline(const traceql::Pipeline& pipeline, const Field& field, size_t& left_out) {
  std::string text;
  for (const traceql::Stage& stage : pipeline.stages) {
    if (!text.empty()) text += " | ";
    const auto* spans = std::get_if<traceql::SpansetExpression>(&stage.node);
    const auto* filter = spans == nullptr ? nullptr : std::get_if<traceql::SpansetFilter>(&spans->node);
    text += filter == nullptr ? traceql::Print(stage) : Filter(filter->condition.get(), field, left_out);
  }
  return text;
}

}  // namespace

std::optional<ItemQuery> WithoutConditionsOn(const Field& field, const ItemQuery& query) {
  size_t left_out = 0;
  std::string text;
  if (query.spans != nullptr) text = Pipeline(query.spans->pipeline(), field, left_out);
  if (query.logs != nullptr) text = Filter(query.logs.get(), field, left_out);
  if (left_out == 0) return std::nullopt;
  auto parsed = ParseItemQuery(query.signal, text, query.from_unix_nanos, query.to_unix_nanos);
  if (!parsed) return std::nullopt;  // printed, it is too long or too deep
  return *std::move(parsed);
}

}  // namespace sightline::query
