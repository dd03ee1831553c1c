// The look at one span's bytes: attributes, names and events -> bits of predicates, values of dynamic keys.
#include <algorithm>
#include <array>
#include <bit>

#include "otlp/http_status.h"
#include "otlp/wire.h"
#include "otlp/wire_fields.h"
#include "sample/policy_program.h"

namespace sightline::sample::internal {
namespace {

using otlp::FieldReader;
namespace field = otlp::field;

constexpr size_t kKeyValuesPerTraceMax = 64;

// Words of at least the inline number of elements without allocation.
template <typename T, size_t kInline>
class Scratch {
 public:
  explicit Scratch(size_t size) : size_(size) {
    if (size > kInline) more_.resize(size);
  }
  std::span<T> span() { return {size_ > kInline ? more_.data() : few_.data(), size_}; }

 private:
  size_t size_;
  std::array<T, kInline> few_{};
  std::vector<T> more_;
};

// As otlp::HttpStatusNote has it; 0: none.
uint16_t HttpStatusOf(const AttributeValue& value) {
  if (value.type == AttributeValue::Type::kString) return otlp::HttpStatusOfText(value.text);
  const bool is_status = value.type == AttributeValue::Type::kInt && value.number > 0 && value.number <= 999;
  return is_status ? static_cast<uint16_t>(value.number) : 0;
}

}  // namespace

bool AttributePredicate::Matches(const AttributeValue& value, bool of_span) const {
  using Type = AttributeValue::Type;
  if (!value.present()) return false;
  switch (kind) {
    case Kind::kIntRange: {
      const int64_t number = value.type == Type::kInt ? value.number : 0;
      return number >= min && number <= max;
    }
    case Kind::kBool:
      return (value.type == Type::kBool && value.number != 0) == (min != 0);
    case Kind::kText:
    case Kind::kRegex: {
      const std::string_view text = value.type == Type::kString ? value.text : std::string_view();
      return !(of_span && text.empty()) && texts->Matches(text);
    }
  }
  return false;
}

void PolicyProgram::SetBit(SpanMatch& match, uint16_t bit) const {
  if (bit < 64) {
    match.bits |= uint64_t{1} << bit;
    return;
  }
  if (!match.more) match.more = std::make_unique<MatchMore>();
  match.more->words.resize(words - 1);
  match.more->words[bit / 64 - 1] |= uint64_t{1} << bit % 64;
}

void PolicyProgram::MatchTraceState(std::string_view trace_state, SpanMatch& match) const {
  for (const TraceStatePredicate& predicate : trace_states) {
    const std::string_view value = TraceStateMember(trace_state, predicate.key);
    if (!value.empty() && std::ranges::find(predicate.values, value) != predicate.values.end()) {
      SetBit(match, predicate.bit);
    }
  }
}

void PolicyProgram::MatchBytes(const SpanFacts& facts, const ResourceMatch& resource, SpanMatch& match) const {
  Scratch<AttributeValue, 16> slots(span_keys.size());
  Scratch<AttributeValue, 16> absent(resource.slots.size() < resource_keys.size() ? resource_keys.size() : 0);
  Scratch<std::string_view, 8> events(needs.events ? CountEvents(facts.span) : 0);
  SpanView view{
      .facts = facts, .attributes = slots.span(), .resource_attributes = resource.slots, .events = events.span()};
  if (resource.slots.size() < resource_keys.size()) view.resource_attributes = absent.span();
  size_t event = 0;
  for (FieldReader fields(facts.span); fields.Next();) {
    switch (fields.tag()) {
      case field::span::kAttributes:
        ReadAttribute(fields.bytes(), span_keys, slots.span());
        break;
      case field::span::kName:
        view.name = fields.bytes();
        break;
      case field::span::kTraceState:
        view.trace_state = fields.bytes();
        break;
      case field::span::kTraceId:
        view.trace_id = fields.bytes();
        break;
      case field::span::kSpanId:
        view.span_id = fields.bytes();
        break;
      case field::span::kParentSpanId:
        view.parent_span_id = fields.bytes();
        break;
      case field::span::kEvents:
        if (needs.events) events.span()[event++] = fields.bytes();
        break;
      case field::span::kStatus:
        for (FieldReader status(fields.bytes()); status.Next();) {
          if (status.tag() == field::status::kMessage) view.status_message = status.bytes();
        }
        break;
      case field::span::kDroppedAttributesCount:
        view.dropped_attributes = fields.Uint32();
        break;
      case field::span::kDroppedEventsCount:
        view.dropped_events = fields.Uint32();
        break;
      case field::span::kDroppedLinksCount:
        view.dropped_links = fields.Uint32();
        break;
      default:
        break;
    }
  }
  MatchView(view, match);
}

size_t PolicyProgram::CountEvents(std::string_view span) {
  size_t events = 0;
  for (FieldReader fields(span); fields.Next();) events += fields.tag() == field::span::kEvents;
  return events;
}

void PolicyProgram::MatchView(const SpanView& view, SpanMatch& match) const {
  for (const AttributePredicate& predicate : attributes) {
    if (predicate.Matches(view.attributes[predicate.slots.span], true)) SetBit(match, predicate.bit);
  }
  if (error_bits != 0 && view.facts.http_status == SpanFacts::kHttpStatusUnread) {
    const uint16_t now = HttpStatusOf(view.attributes[http_status_slot]);
    const uint16_t status = now != 0 ? now : HttpStatusOf(view.attributes[old_http_status_slot]);
    if (otlp::IsServerError(status)) match.bits |= error_bits;
  }
  for (const ConditionPredicate& predicate : conditions) {
    switch (predicate.condition->Ask(view)) {
      case SpanCondition::Answer::kYes:
        SetBit(match, predicate.bit);
        break;
      case SpanCondition::Answer::kError:
        SetBit(match, predicate.error_bit);
        break;
      case SpanCondition::Answer::kNo:
        break;
    }
  }
  if (!key_fields.empty()) AddKeyValues(view, match);
}

void PolicyProgram::AddKeyValues(const SpanView& view, SpanMatch& match) const {
  for (uint16_t i = 0; i < key_fields.size(); ++i) {
    const KeyField& field = key_fields[i];
    if (field.root_only && !view.facts.is_root) continue;
    AttributeValue value;
    switch (field.kind) {
      case KeyField::Kind::kAttribute:
        value = view.attributes[field.slots.span];
        if (!value.present()) value = view.resource_attributes[field.slots.resource];
        break;
      case KeyField::Kind::kName:
        value = {.type = AttributeValue::Type::kString, .text = view.name};
        break;
      case KeyField::Kind::kKind:
        value = {.type = AttributeValue::Type::kInt, .number = view.facts.kind};
        break;
      case KeyField::Kind::kStatus:
        value = {.type = AttributeValue::Type::kInt, .number = view.facts.status};
        break;
    }
    if (!value.present()) continue;
    if (!match.more) match.more = std::make_unique<MatchMore>();
    match.more->key_values.push_back({i, value.Hash()});
  }
}

void PolicyProgram::MatchResource(std::string_view bytes, ResourceMatch& match) const {
  if (resource_keys.size() == 0) return;
  match.slots.resize(resource_keys.size());
  ReadResourceAttributes(bytes, resource_keys, match.slots);
  SpanMatch bits;
  for (const AttributePredicate& predicate : attributes) {
    if (predicate.Matches(match.slots[predicate.slots.resource], false)) SetBit(bits, predicate.bit);
  }
  match.bits = bits.bits;
  if (bits.more) match.words = std::move(bits.more->words);
}

void PolicyProgram::FoldMore(TraceState& state, const MatchMore& more) const {
  if (!state.more) state.more = std::make_unique<MatchMore>();
  std::vector<uint64_t>& words_so_far = state.more->words;
  words_so_far.resize(words - 1);
  for (size_t i = 0; i < more.words.size(); ++i) words_so_far[i] |= more.words[i];
  std::vector<MatchMore::KeyValue>& values = state.more->key_values;
  for (const MatchMore::KeyValue& value : more.key_values) {
    const auto at = std::ranges::lower_bound(values, value);
    if (at != values.end() && *at == value) continue;
    if (values.size() >= kKeyValuesPerTraceMax) break;
    values.insert(at, value);
  }
}

}  // namespace sightline::sample::internal
