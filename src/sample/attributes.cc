#include "sample/attributes.h"

#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "otlp/wire.h"
#include "otlp/wire_fields.h"

namespace sightline::sample {

using otlp::FieldReader;
namespace field = otlp::field;
using Type = AttributeValue::Type;

uint64_t AttributeValue::Hash() const {
  const auto seed = static_cast<uint64_t>(type);
  switch (type) {
    case Type::kAbsent:
    case Type::kEmpty:
      return seed;
    case Type::kBool:
    case Type::kInt:
      return XXH3_64bits_withSeed(&number, sizeof(number), seed);
    case Type::kDouble:
      return XXH3_64bits_withSeed(&real, sizeof(real), seed);
    default:
      return XXH3_64bits_withSeed(text.data(), text.size(), seed);
  }
}

AttributeValue ReadAnyValue(std::string_view any_value) {
  AttributeValue value{.type = Type::kEmpty};
  for (FieldReader fields(any_value); fields.Next();) {
    switch (fields.tag()) {
      case field::any_value::kString:
        value = {.type = Type::kString, .text = fields.bytes()};
        break;
      case field::any_value::kBool:
        value = {.type = Type::kBool, .number = fields.Bool()};
        break;
      case field::any_value::kInt:
        value = {.type = Type::kInt, .number = fields.Int()};
        break;
      case field::any_value::kDouble:
        value = {.type = Type::kDouble, .real = fields.Double()};
        break;
      case field::any_value::kArray:
        value = {.type = Type::kArray, .text = fields.bytes()};
        break;
      case field::any_value::kKvlist:
        value = {.type = Type::kMap, .text = fields.bytes()};
        break;
      case field::any_value::kBytes:
        value = {.type = Type::kBytes, .text = fields.bytes()};
        break;
      default:
        break;
    }
  }
  return value;
}

uint16_t KeyTable::Add(std::string_view key) {
  const uint16_t found = Find(key);
  if (found != kNone) return found;
  SIGHTLINE_CHECK(keys_.size() < kNone);
  keys_.emplace_back(key);
  sizes_ |= uint64_t{1} << std::min<size_t>(key.size(), 63);
  return static_cast<uint16_t>(keys_.size() - 1);
}

void ReadPlainAttribute(const otlp::PlainAttribute& attribute, const KeyTable& keys, std::span<AttributeValue> slots) {
  const uint16_t slot = keys.Find(attribute.key);
  if (slot == KeyTable::kNone || slots[slot].present()) return;
  slots[slot] = ReadAnyValue(attribute.value);
}

void ReadOddAttribute(std::string_view key_value, const KeyTable& keys, std::span<AttributeValue> slots) {
  std::string_view key, value;
  for (FieldReader fields(key_value); fields.Next();) {
    if (fields.tag() == field::key_value::kKey) key = fields.bytes();
    if (fields.tag() == field::key_value::kValue) value = fields.bytes();
  }
  ReadPlainAttribute({key, value}, keys, slots);
}

void ReadResourceAttributes(std::string_view resource, const KeyTable& keys, std::span<AttributeValue> slots) {
  for (FieldReader fields(resource); fields.Next();) {
    if (fields.tag() == field::resource::kAttributes) ReadAttribute(fields.bytes(), keys, slots);
  }
}

std::string_view TraceStateMember(std::string_view trace_state, std::string_view key) {
  while (!trace_state.empty()) {
    const size_t comma = trace_state.find(',');
    std::string_view member = trace_state.substr(0, comma);
    trace_state.remove_prefix(comma == std::string_view::npos ? trace_state.size() : comma + 1);
    while (!member.empty() && (member.front() == ' ' || member.front() == '\t')) member.remove_prefix(1);
    while (!member.empty() && (member.back() == ' ' || member.back() == '\t')) member.remove_suffix(1);
    const size_t equals = member.find('=');
    if (equals != std::string_view::npos && member.substr(0, equals) == key) return member.substr(equals + 1);
  }
  return {};
}

}  // namespace sightline::sample
