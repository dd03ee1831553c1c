#include "sample/traceql_condition.h"

#include <algorithm>
#include <deque>
#include <functional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hex.h"
#include "otlp/wire.h"
#include "otlp/wire_fields.h"
#include "sample/policy_set.h"
#include "traceql/evaluate.h"
#include "traceql/parse.h"

namespace sightline::sample {
namespace {

namespace field = otlp::field;
using traceql::Field;
using traceql::Intrinsic;
using traceql::Scope;
using traceql::Value;

constexpr char kPipelineNeedsTrace[] = "a pipeline (`|`) needs the whole trace, and a policy sees spans one by one";

// Calls visit(field) for each field that the condition names.
template <typename Visit>
void ForEachField(const traceql::Expression& expression, const Visit& visit) {
  if (const auto* named = std::get_if<Field>(&expression.node)) visit(*named);
  if (const auto* unary = std::get_if<traceql::Unary>(&expression.node)) ForEachField(*unary->operand, visit);
  if (const auto* binary = std::get_if<traceql::Binary>(&expression.node)) {
    ForEachField(*binary->left, visit);
    ForEachField(*binary->right, visit);
  }
}

bool IsOfSingleSpans(const Field& named) {
  if (named.of_parent || named.scope == Scope::kLink || named.scope == Scope::kInstrumentation) return false;
  switch (named.intrinsic) {
    case Intrinsic::kNone:
    case Intrinsic::kDuration:
    case Intrinsic::kName:
    case Intrinsic::kStatus:
    case Intrinsic::kStatusMessage:
    case Intrinsic::kKind:
    case Intrinsic::kSpanId:
    case Intrinsic::kParentId:
    case Intrinsic::kParent:
    case Intrinsic::kTraceId:
    case Intrinsic::kEventName:
    case Intrinsic::kEventTimeSinceStart:
      return true;
    default:
      return false;
  }
}

bool ReadsEvents(const Field& named) {
  return named.scope == Scope::kEvent || (named.scope == Scope::kNone && named.intrinsic == Intrinsic::kNone);
}

Result<void> CheckFilters(const traceql::SpansetExpression& spans) {
  if (const auto* filter = std::get_if<traceql::SpansetFilter>(&spans.node)) {
    Result<void> checked;
    if (filter->condition == nullptr) return checked;
    ForEachField(*filter->condition, [&](const Field& named) {
      if (!checked || IsOfSingleSpans(named)) return;
      checked = Fail(Code::kInvalidArgument, "{}: a policy sees spans one by one, with their resource and events only",
                     traceql::PrintField(named));
    });
    return checked;
  }
  if (const auto* pipeline = std::get_if<traceql::Box<traceql::Pipeline>>(&spans.node)) {
    const auto& stages = (*pipeline)->stages;
    const auto* inner = stages.size() == 1 ? std::get_if<traceql::SpansetExpression>(&stages[0].node) : nullptr;
    return inner == nullptr ? Fail(Code::kInvalidArgument, kPipelineNeedsTrace) : CheckFilters(*inner);
  }
  const auto& operation = std::get<traceql::SpansetOperation>(spans.node);
  if (operation.op != traceql::Operator::kAnd && operation.op != traceql::Operator::kOr) {
    return Fail(Code::kInvalidArgument,
                "an operator on the structure of a trace needs all of it, and a policy sees spans one by one; && and "
                "|| can join filters");
  }
  SIGHTLINE_TRY(CheckFilters(*operation.left));
  return CheckFilters(*operation.right);
}

// The attributes that a condition reads. A key's number in `names` is also that of its slots.
struct Keys {
  struct Slots {
    uint16_t span, resource;  // in the tables of the policies
  };
  KeyTable names;  // of events the table itself
  std::vector<Slots> slots;

  void Add(std::string_view key, KeyTable& span_keys, KeyTable& resource_keys) {
    if (names.Add(key) == slots.size()) slots.push_back({span_keys.Add(key), resource_keys.Add(key)});
  }
};

// One span while a condition looks at it. Thread: one.
class WireSpan final : public traceql::SpanView {
 public:
  WireSpan(const sample::SpanView& span, const Keys& keys) : span_(span), keys_(keys) {}

  Value Intrinsic(traceql::Intrinsic intrinsic) const override;
  Value Attribute(Scope scope, std::string_view key) const override;

 private:
  Value ValueOf(const AttributeValue& attribute) const;
  Value Array(std::vector<Value> elements) const {
    return elements.empty() ? Value::Nil() : Value::Array(arrays_.emplace_back(std::move(elements)));
  }
  Value Hex(std::string_view id) const { return Value::String(texts_.emplace_back(HexEncode(id))); }
  Value OfEvents(const std::function<Value(std::string_view event)>& read) const;

  const sample::SpanView& span_;
  const Keys& keys_;
  // Made while it is read; views stay valid.
  mutable std::deque<std::vector<Value>> arrays_;
  mutable std::deque<std::string> texts_;
};

Value WireSpan::ValueOf(const AttributeValue& attribute) const {
  using enum AttributeValue::Type;
  switch (attribute.type) {
    case kAbsent:
    case kEmpty:
      return Value::Nil();
    case kString:
      return Value::String(attribute.text);
    case kBool:
      return Value::Bool(attribute.number != 0);
    case kInt:
      return Value::Int(attribute.number);
    case kDouble:
      return Value::Float(attribute.real);
    case kBytes:
    case kMap:
      return Array({Value::Nil()});  // it is there, and compares with nothing
    case kArray:
      break;
  }
  std::vector<Value> elements;
  for (otlp::FieldReader fields(attribute.text); fields.Next();) {
    if (fields.tag() != field::array_value::kValues) continue;
    const AttributeValue element = ReadAnyValue(fields.bytes());
    elements.push_back(element.type == kArray || element.type == kMap ? Value::Nil() : ValueOf(element));
  }
  return Value::Array(arrays_.emplace_back(std::move(elements)));
}

Value WireSpan::OfEvents(const std::function<Value(std::string_view event)>& read) const {
  std::vector<Value> values;
  for (const std::string_view event : span_.events) {
    if (const Value value = read(event); !value.is_nil()) values.push_back(value);
  }
  return Array(std::move(values));
}

Value WireSpan::Attribute(Scope scope, std::string_view key) const {
  const uint16_t number = keys_.names.Find(key);
  if (number == KeyTable::kNone) return Value::Nil();
  if (scope == Scope::kSpan) return ValueOf(span_.attributes[keys_.slots[number].span]);
  if (scope == Scope::kResource) return ValueOf(span_.resource_attributes[keys_.slots[number].resource]);
  if (scope != Scope::kEvent) return Value::Nil();
  std::vector<AttributeValue> values(keys_.names.size());
  return OfEvents([&](std::string_view event) {
    std::ranges::fill(values, AttributeValue());
    for (otlp::FieldReader fields(event); fields.Next();) {
      if (fields.tag() == field::event::kAttributes) ReadAttribute(fields.bytes(), keys_.names, values);
    }
    return ValueOf(values[number]);
  });
}

Value WireSpan::Intrinsic(traceql::Intrinsic intrinsic) const {
  using enum traceql::Intrinsic;
  const SpanFacts& facts = span_.facts;
  switch (intrinsic) {
    case kDuration:
      return Value::Duration(facts.end_unix_nanos < facts.start_unix_nanos
                                 ? 0
                                 : static_cast<int64_t>(facts.end_unix_nanos - facts.start_unix_nanos));
    case kName:
      return Value::String(span_.name);
    case kStatus:
      return Value::Status(facts.status);
    case kStatusMessage:
      return Value::String(span_.status_message);
    case kKind:
      return Value::Kind(facts.kind);
    case kSpanId:
      return Hex(span_.span_id);
    case kParentId:
      return facts.is_root ? Value::String({}) : Hex(span_.parent_span_id);
    case kTraceId:
      return Hex(span_.trace_id);
    case kEventName:
      return OfEvents([](std::string_view event) {
        Value name = Value::String({});
        for (otlp::FieldReader fields(event); fields.Next();) {
          if (fields.tag() == field::event::kName) name = Value::String(fields.bytes());
        }
        return name;
      });
    case kEventTimeSinceStart:
      return OfEvents([&](std::string_view event) {
        uint64_t time = 0;
        for (otlp::FieldReader fields(event); fields.Next();) {
          if (fields.tag() == field::event::kTimeUnixNano) time = fields.Uint();
        }
        return Value::Duration(static_cast<int64_t>(time - facts.start_unix_nanos));
      });
    default:
      return Value::Nil();
  }
}

class TraceqlCondition final : public SpanCondition {
 public:
  TraceqlCondition(traceql::Expression condition, KeyTable& span_keys, KeyTable& resource_keys)
      : condition_(std::move(condition)) {
    ForEachField(condition_, [&](const Field& named) {
      needs_events_ |= ReadsEvents(named);
      if (named.intrinsic != Intrinsic::kNone) return;
      keys_.Add(named.key, span_keys, resource_keys);
      for (const std::string_view alias : named.aliases) keys_.Add(alias, span_keys, resource_keys);
    });
  }

  Answer Ask(const SpanView& span) const override {
    return traceql::Matches(condition_, WireSpan(span, keys_)) ? Answer::kYes : Answer::kNo;
  }
  bool needs_events() const override { return needs_events_; }

 private:
  const traceql::Expression condition_;
  Keys keys_;
  bool needs_events_ = false;
};

}  // namespace

Result<traceql::SpansetExpression> ParseTraceqlPolicy(const std::string& query) {
  auto parsed = traceql::ParseQuery(query);
  if (!parsed) {
    const traceql::ParseError& error = parsed.error();
    return Fail(Code::kInvalidArgument, "query: line {}, column {}: {}", error.line, error.column, error.message);
  }
  auto* pipeline = std::get_if<traceql::Pipeline>(&parsed->node);
  if (pipeline == nullptr) return Fail(Code::kInvalidArgument, "a metrics query keeps no traces");
  auto* spans =
      pipeline->stages.size() == 1 ? std::get_if<traceql::SpansetExpression>(&pipeline->stages[0].node) : nullptr;
  if (spans == nullptr) return Fail(Code::kInvalidArgument, kPipelineNeedsTrace);
  SIGHTLINE_TRY(CheckFilters(*spans));
  return std::move(*spans);
}

std::shared_ptr<const SpanCondition> CompileTraceqlCondition(traceql::Expression condition, KeyTable& span_keys,
                                                             KeyTable& resource_keys) {
  return std::make_shared<TraceqlCondition>(std::move(condition), span_keys, resource_keys);
}

}  // namespace sightline::sample
