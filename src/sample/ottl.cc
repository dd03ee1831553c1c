#include "sample/ottl.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <compare>
#include <deque>
#include <optional>

#include "base/hex.h"
#include "otlp/wire.h"
#include "otlp/wire_fields.h"
#include "sample/ottl_ast.h"
#include "sample/policy_set.h"

namespace sightline::sample {
namespace {

namespace field = otlp::field;
using ottl::Expression;
using ottl::Function;
using ottl::Path;
using ottl::Value;
using Op = Expression::Op;
using Type = Value::Type;
using Outcome = std::optional<Value>;  // nothing: an error, as OTTL has for values of a wrong type

constexpr std::string_view kKindNames[] = {"Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"};
constexpr std::string_view kOldKindNames[] = {"SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER",
                                              "SPAN_KIND_CLIENT",      "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER"};
constexpr std::string_view kNoSpanId("\0\0\0\0\0\0\0\0", 8);

Value FromAttribute(const AttributeValue& attribute) {
  switch (attribute.type) {
    case AttributeValue::Type::kAbsent:
    case AttributeValue::Type::kEmpty:
      return {};
    case AttributeValue::Type::kString:
      return Value::String(attribute.text);
    case AttributeValue::Type::kBool:
      return Value::Bool(attribute.number != 0);
    case AttributeValue::Type::kInt:
      return Value::Int(attribute.number);
    case AttributeValue::Type::kDouble:
      return Value::Float(attribute.real);
    case AttributeValue::Type::kBytes:
      return Value::Bytes(attribute.text);
    case AttributeValue::Type::kArray:
      return {.type = Type::kList, .text = attribute.text};
    case AttributeValue::Type::kMap:
      return {.type = Type::kMap, .text = attribute.text};
  }
  return {};
}

int64_t Signed(uint64_t value) {
  return static_cast<int64_t>(value);
}

struct EventView {
  int64_t index = 0;
  uint64_t time_unix_nanos = 0;
  uint32_t dropped_attributes = 0;
  std::string_view name;
  std::span<const AttributeValue> attributes;
};

// One condition on one span or event. Thread: one.
class Evaluator {
 public:
  Evaluator(const SpanView& span, const EventView* event) : span_(span), event_(event) {}

  Outcome Evaluate(const Expression& expression);

 private:
  Value ReadPath(const Expression& expression);
  Value ReadEventPath(Path path) const;
  Outcome Call(const Expression& call);
  Outcome CallOnValue(Function function, const Value& value);
  Outcome Text(const Value& value);  // as OTTL's "string-like" arguments; nil stays nil
  std::string_view Own(std::string text) { return texts_.emplace_back(std::move(text)); }

  const SpanView& span_;
  const EventView* event_;
  std::deque<std::string> texts_;  // made here; views stay valid
};

Value Evaluator::ReadEventPath(Path path) const {
  switch (path) {
    case Path::kEventName:
      return Value::String(event_->name);
    case Path::kEventTimeNanos:
      return Value::Int(Signed(event_->time_unix_nanos));
    case Path::kEventTime:
      return Value::Time(Signed(event_->time_unix_nanos));
    case Path::kEventIndex:
      return Value::Int(event_->index);
    case Path::kEventDroppedAttributes:
      return Value::Int(event_->dropped_attributes);
    default:
      return {};
  }
}

Value Evaluator::ReadPath(const Expression& expression) {
  const SpanFacts& facts = span_.facts;
  const size_t kind = facts.kind < std::size(kKindNames) ? facts.kind : 0;
  const std::string_view parent = span_.parent_span_id.empty() ? kNoSpanId : span_.parent_span_id;
  switch (expression.path) {
    case Path::kSpanAttribute:
      return FromAttribute(span_.attributes[expression.slot]);
    case Path::kResourceAttribute:
      return FromAttribute(span_.resource_attributes[expression.slot]);
    case Path::kEventAttribute:
      return FromAttribute(event_->attributes[expression.slot]);
    case Path::kName:
      return Value::String(span_.name);
    case Path::kKind:
      return Value::Int(facts.kind);
    case Path::kKindString:
      return Value::String(kKindNames[kind]);
    case Path::kKindDeprecatedString:
      return Value::String(kOldKindNames[kind]);
    case Path::kStatusCode:
      return Value::Int(facts.status);
    case Path::kStatusMessage:
      return Value::String(span_.status_message);
    case Path::kStartTimeNanos:
      return Value::Int(Signed(facts.start_unix_nanos));
    case Path::kEndTimeNanos:
      return Value::Int(Signed(facts.end_unix_nanos));
    case Path::kStartTime:
      return Value::Time(Signed(facts.start_unix_nanos));
    case Path::kEndTime:
      return Value::Time(Signed(facts.end_unix_nanos));
    case Path::kTraceState:
      return Value::String(span_.trace_state);
    case Path::kTraceStateMember:
      return Value::String(TraceStateMember(span_.trace_state, expression.text));
    case Path::kTraceId:
      return Value::Bytes(span_.trace_id);
    case Path::kTraceIdString:
      return Value::String(Own(HexEncode(span_.trace_id)));
    case Path::kSpanId:
      return Value::Bytes(span_.span_id);
    case Path::kSpanIdString:
      return Value::String(Own(HexEncode(span_.span_id)));
    case Path::kParentSpanId:
      return Value::Bytes(parent);
    case Path::kParentSpanIdString:
      return Value::String(parent == kNoSpanId ? std::string_view() : Own(HexEncode(parent)));
    case Path::kFlags:
      return Value::Int(facts.flags);
    case Path::kDroppedAttributes:
      return Value::Int(span_.dropped_attributes);
    case Path::kDroppedEvents:
      return Value::Int(span_.dropped_events);
    case Path::kDroppedLinks:
      return Value::Int(span_.dropped_links);
    default:
      return ReadEventPath(expression.path);
  }
}

bool IsNumber(const Value& value) {
  return value.type == Type::kInt || value.type == Type::kFloat;
}

double AsReal(const Value& value) {
  return value.type == Type::kInt ? static_cast<double>(value.number) : value.real;
}

template <typename Ordering>
bool Holds(Op op, Ordering order) {
  switch (op) {
    case Op::kEqual:
      return order == 0;
    case Op::kNotEqual:
      return order != 0;
    case Op::kLess:
      return order < 0;
    case Op::kLessOrEqual:
      return order <= 0;
    case Op::kGreater:
      return order > 0;
    default:
      return order >= 0;
  }
}

// OTTL's rules: values of different kinds are unequal and in no order, int and float compare as numbers.
bool Compare(Op op, const Value& left, const Value& right) {
  if (IsNumber(left) && IsNumber(right)) {
    if (left.type == Type::kInt && right.type == Type::kInt) return Holds(op, left.number <=> right.number);
    return Holds(op, AsReal(left) <=> AsReal(right));
  }
  if (left.type != right.type) return op == Op::kNotEqual;
  switch (left.type) {
    case Type::kNil:
      return op == Op::kEqual || op == Op::kLessOrEqual || op == Op::kGreaterOrEqual;
    case Type::kBool:
    case Type::kTime:
    case Type::kDuration:
      return Holds(op, left.number <=> right.number);
    case Type::kString:
    case Type::kBytes:
      return Holds(op, left.text <=> right.text);
    default:  // lists and maps: equal if written the same
      return op == Op::kEqual ? left.text == right.text : op == Op::kNotEqual && left.text != right.text;
  }
}

// Whole numbers wrap around, as Go's do.
std::optional<int64_t> Whole(Op op, int64_t left, int64_t right) {
  const auto a = static_cast<uint64_t>(left), b = static_cast<uint64_t>(right);
  switch (op) {
    case Op::kAdd:
      return Signed(a + b);
    case Op::kSubtract:
      return Signed(a - b);
    case Op::kMultiply:
      return Signed(a * b);
    default:
      if (right == 0) return std::nullopt;
      return right == -1 ? Signed(-a) : left / right;
  }
}

Outcome Calculate(Op op, const Value& left, const Value& right) {
  const auto typed = [&](Type type) -> Outcome {
    const std::optional<int64_t> number = Whole(op, left.number, right.number);
    if (!number) return std::nullopt;
    return Value{.type = type, .number = *number};
  };
  if (IsNumber(left) && IsNumber(right)) {
    if (left.type == Type::kInt && right.type == Type::kInt) return typed(Type::kInt);
    const double a = AsReal(left), b = AsReal(right);
    if (op == Op::kDivide && b == 0) return std::nullopt;
    return Value::Float(op == Op::kAdd ? a + b : op == Op::kSubtract ? a - b : op == Op::kMultiply ? a * b : a / b);
  }
  const bool sum = op == Op::kAdd || op == Op::kSubtract;
  if (!sum) return std::nullopt;
  if (left.type == Type::kDuration && right.type == Type::kDuration) return typed(Type::kDuration);
  if (left.type == Type::kTime && right.type == Type::kDuration) return typed(Type::kTime);
  if (left.type == Type::kDuration && right.type == Type::kTime && op == Op::kAdd) return typed(Type::kTime);
  if (left.type == Type::kTime && right.type == Type::kTime && op == Op::kSubtract) return typed(Type::kDuration);
  return std::nullopt;
}

Outcome Evaluator::Evaluate(const Expression& expression) {
  switch (expression.op) {
    case Op::kLiteral: {
      Value value = expression.literal;
      value.text = expression.text;
      return value;
    }
    case Op::kPath:
      return ReadPath(expression);
    case Op::kCall:
      return Call(expression);
    case Op::kNegate: {
      const Outcome value = Evaluate(expression.operands[0]);
      if (!value || !IsNumber(*value)) return std::nullopt;
      return value->type == Type::kInt ? Value::Int(*Whole(Op::kSubtract, 0, value->number))
                                       : Value::Float(-value->real);
    }
    case Op::kNot: {
      const Outcome value = Evaluate(expression.operands[0]);
      if (!value) return std::nullopt;
      return Value::Bool(value->number == 0);
    }
    case Op::kAnd:
    case Op::kOr: {
      const Outcome left = Evaluate(expression.operands[0]);
      if (!left || (left->number != 0) == (expression.op == Op::kOr)) return left;
      return Evaluate(expression.operands[1]);
    }
    default: {
      const Outcome left = Evaluate(expression.operands[0]);
      if (!left) return std::nullopt;
      const Outcome right = Evaluate(expression.operands[1]);
      if (!right) return std::nullopt;
      if (expression.op < Op::kEqual) return Calculate(expression.op, *left, *right);
      return Value::Bool(Compare(expression.op, *left, *right));
    }
  }
}

Outcome Evaluator::Text(const Value& value) {
  switch (value.type) {
    case Type::kNil:
    case Type::kString:
      return value;
    case Type::kBool:
      return Value::String(value.number != 0 ? "true" : "false");
    case Type::kInt:
      return Value::String(Own(fmt::format("{}", value.number)));
    case Type::kFloat:
      return Value::String(Own(fmt::format("{}", value.real)));
    case Type::kBytes:
      return Value::String(Own(HexEncode(value.text)));
    default:
      return std::nullopt;
  }
}

Outcome Evaluator::Call(const Expression& call) {
  std::array<Value, 3> arguments;
  for (size_t i = 0; i < call.operands.size(); ++i) {
    const Outcome value = Evaluate(call.operands[i]);
    if (!value) return std::nullopt;
    arguments[i] = *value;
  }
  const bool texts = arguments[0].type == Type::kString && arguments[1].type == Type::kString;
  switch (call.function) {
    case Function::kIsMatch: {
      const Outcome text = Text(arguments[0]);
      if (!text) return std::nullopt;
      return Value::Bool(text->type == Type::kString && call.pattern->Matches(text->text));
    }
    case Function::kHasPrefix:
      if (!texts) return std::nullopt;
      return Value::Bool(arguments[0].text.starts_with(arguments[1].text));
    case Function::kHasSuffix:
      if (!texts) return std::nullopt;
      return Value::Bool(arguments[0].text.ends_with(arguments[1].text));
    case Function::kIsRootSpan:
      return Value::Bool(span_.facts.is_root);
    case Function::kSubstring: {
      if (arguments[0].type != Type::kString || arguments[1].type != Type::kInt || arguments[2].type != Type::kInt) {
        return std::nullopt;
      }
      const int64_t size = Signed(arguments[0].text.size()), start = arguments[1].number, length = arguments[2].number;
      if (start < 0 || length <= 0 || start > size || length > size - start) return std::nullopt;
      return Value::String(arguments[0].text.substr(static_cast<size_t>(start), static_cast<size_t>(length)));
    }
    default:
      return CallOnValue(call.function, arguments[0]);
  }
}

Outcome ToInt(const Value& value) {
  switch (value.type) {
    case Type::kInt:
    case Type::kNil:
      return value;
    case Type::kBool:
      return Value::Int(value.number);
    case Type::kFloat:
      if (!(std::abs(value.real) < 9.2e18)) return std::nullopt;
      return Value::Int(static_cast<int64_t>(value.real));
    case Type::kString: {
      int64_t number = 0;
      const char* const end = value.text.data() + value.text.size();
      const auto parsed = std::from_chars(value.text.data(), end, number);
      return parsed.ec == std::errc() && parsed.ptr == end ? Value::Int(number) : Value{};
    }
    default:
      return Value{};
  }
}

Outcome ToDouble(const Value& value) {
  switch (value.type) {
    case Type::kFloat:
    case Type::kNil:
      return value;
    case Type::kBool:
    case Type::kInt:
      return Value::Float(static_cast<double>(value.number));
    case Type::kString: {
      double number = 0;
      const char* const end = value.text.data() + value.text.size();
      const auto parsed = std::from_chars(value.text.data(), end, number);
      return parsed.ec == std::errc() && parsed.ptr == end ? Value::Float(number) : Value{};
    }
    default:
      return Value{};
  }
}

// Elements of an ArrayValue, entries of a KeyValueList: both are their field 1.
int64_t CountElements(std::string_view message) {
  static_assert(field::array_value::kValues == field::key_value_list::kValues);
  int64_t count = 0;
  for (otlp::FieldReader fields(message); fields.Next();) count += fields.tag() == field::array_value::kValues;
  return count;
}

Outcome Convert(const Value& value, Type wanted, int64_t nanos, bool real) {
  if (value.type != wanted) return std::nullopt;
  if (real) return Value::Float(static_cast<double>(value.number) / static_cast<double>(nanos));
  return Value::Int(value.number / nanos);
}

Outcome Evaluator::CallOnValue(Function function, const Value& value) {
  switch (function) {
    case Function::kIsString:
      return Value::Bool(value.type == Type::kString);
    case Function::kIsInt:
      return Value::Bool(value.type == Type::kInt);
    case Function::kIsBool:
      return Value::Bool(value.type == Type::kBool);
    case Function::kIsDouble:
      return Value::Bool(value.type == Type::kFloat);
    case Function::kIsMap:
      return Value::Bool(value.type == Type::kMap);
    case Function::kIsList:
      return Value::Bool(value.type == Type::kList);
    case Function::kInt:
      return ToInt(value);
    case Function::kDouble:
      return ToDouble(value);
    case Function::kString:
      return Text(value);
    case Function::kLen:
      if (value.type == Type::kString || value.type == Type::kBytes) return Value::Int(Signed(value.text.size()));
      if (value.type == Type::kList || value.type == Type::kMap) return Value::Int(CountElements(value.text));
      return std::nullopt;
    case Function::kToLowerCase:
    case Function::kToUpperCase: {
      if (value.type != Type::kString) return std::nullopt;
      std::string text(value.text);
      const bool lower = function == Function::kToLowerCase;
      for (char& c : text) {
        if (lower ? c >= 'A' && c <= 'Z' : c >= 'a' && c <= 'z') c = static_cast<char>(c ^ 0x20);
      }
      return Value::String(Own(std::move(text)));
    }
    case Function::kNanoseconds:
      return Convert(value, Type::kDuration, 1, false);
    case Function::kMicroseconds:
      return Convert(value, Type::kDuration, 1'000, false);
    case Function::kMilliseconds:
      return Convert(value, Type::kDuration, 1'000'000, false);
    case Function::kSeconds:
      return Convert(value, Type::kDuration, 1'000'000'000, true);
    case Function::kUnixNano:
      return Convert(value, Type::kTime, 1, false);
    case Function::kUnixMilli:
      return Convert(value, Type::kTime, 1'000'000, false);
    case Function::kTraceId:
    case Function::kSpanId:
      return value.type == Type::kBytes ? Outcome(value) : std::nullopt;
    default:
      return std::nullopt;
  }
}

class OttlCondition final : public SpanCondition {
 public:
  Answer Ask(const SpanView& span) const override;
  bool needs_events() const override { return !event_conditions_.empty(); }

  std::vector<Expression> span_conditions_, event_conditions_;
  KeyTable event_keys_;
  bool propagates_ = false;

 private:
  Answer AskAny(const std::vector<Expression>& conditions, const SpanView& span, const EventView* event) const;
};

// Conditions are joined by "or"; one that fails ends the question or is passed over, as error_mode says.
SpanCondition::Answer OttlCondition::AskAny(const std::vector<Expression>& conditions, const SpanView& span,
                                            const EventView* event) const {
  for (const Expression& condition : conditions) {
    const Outcome outcome = Evaluator(span, event).Evaluate(condition);
    if (!outcome && propagates_) return Answer::kError;
    if (outcome && outcome->number != 0) return Answer::kYes;
  }
  return Answer::kNo;
}

SpanCondition::Answer OttlCondition::Ask(const SpanView& span) const {
  if (!span_conditions_.empty()) {
    if (const Answer answer = AskAny(span_conditions_, span, nullptr); answer != Answer::kNo) return answer;
  }
  std::vector<AttributeValue> attributes(event_conditions_.empty() ? 0 : event_keys_.size());
  EventView event;
  for (const std::string_view message : span.events) {
    if (event_conditions_.empty()) break;
    std::ranges::fill(attributes, AttributeValue());
    event = {.index = event.index, .attributes = attributes};
    for (otlp::FieldReader fields(message); fields.Next();) {
      if (fields.tag() == field::event::kName) event.name = fields.bytes();
      if (fields.tag() == field::event::kTimeUnixNano) event.time_unix_nanos = fields.Uint();
      if (fields.tag() == field::event::kDroppedAttributesCount) event.dropped_attributes = fields.Uint32();
      if (fields.tag() == field::event::kAttributes) ReadAttribute(fields.bytes(), event_keys_, attributes);
    }
    if (const Answer answer = AskAny(event_conditions_, span, &event); answer != Answer::kNo) return answer;
    ++event.index;
  }
  return Answer::kNo;
}

}  // namespace

Result<std::shared_ptr<const SpanCondition>> CompileOttlCondition(const OttlConditionSpec& spec, KeyTable& span_keys,
                                                                  KeyTable& resource_keys) {
  auto condition = std::make_shared<OttlCondition>();
  condition->propagates_ = spec.error_mode == OttlConditionSpec::ErrorMode::kPropagate;
  const ottl::Keys keys{span_keys, resource_keys, condition->event_keys_};
  const auto parse = [&](const std::vector<std::string>& texts, ottl::Context context,
                         std::vector<Expression>& out) -> Result<void> {
    for (const std::string& text : texts) {
      auto expression = ottl::Parse(text, context, keys);
      if (!expression) return Wrap("condition `" + text + "`", expression.error());
      out.push_back(*std::move(expression));
    }
    return {};
  };
  SIGHTLINE_TRY(parse(spec.span, ottl::Context::kSpan, condition->span_conditions_));
  SIGHTLINE_TRY(parse(spec.spanevent, ottl::Context::kSpanEvent, condition->event_conditions_));
  return condition;
}

}  // namespace sightline::sample
