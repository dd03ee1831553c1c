// Nearly every attribute is a key and a scalar value, each with a length of one or two bytes: seen at a glance, without
// a walk over fields. Data: a KeyValue message -> its parts, or "look closer".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "otlp/wire_fields.h"

namespace sightline::otlp {

struct PlainAttribute {
  std::string_view key, value;  // value: an AnyValue message, unseen
};

// Whether the message is a key of less than 128 bytes, then a value, and nothing else. False says nothing but that a
// closer look is needed.
[[gnu::always_inline]] inline bool SplitPlain(std::string_view key_value, PlainAttribute& plain) {
  const char* const at = key_value.data();
  const size_t size = key_value.size();
  if (size < 4 || at[0] != static_cast<char>(field::key_value::kKey)) return false;
  const size_t key_size = static_cast<uint8_t>(at[1]);
  const size_t value = 2 + key_size;
  if (key_size >= 0x80 || size < value + 2 || at[value] != static_cast<char>(field::key_value::kValue)) return false;
  plain.key = {at + 2, key_size};
  const size_t low = static_cast<uint8_t>(at[value + 1]);
  if (low < 0x80) {
    plain.value = {at + value + 2, low};
    return size == value + 2 + low;
  }
  if (size < value + 3 || static_cast<uint8_t>(at[value + 2]) >= 0x80) return false;
  const size_t value_size = (low & 0x7f) + (size_t{static_cast<uint8_t>(at[value + 2])} << 7);
  plain.value = {at + value + 3, value_size};
  return size == value + 3 + value_size;
}

// Whether an AnyValue is one scalar field and nothing else, with the same reservation.
[[gnu::always_inline]] inline bool IsPlainValue(std::string_view any_value) {
  const auto* const at = reinterpret_cast<const uint8_t*>(any_value.data());
  const size_t size = any_value.size();
  if (size < 2) return size == 0;
  switch (at[0]) {
    case field::any_value::kString:
    case field::any_value::kBytes:
      if (at[1] < 0x80) return size == 2 + size_t{at[1]};
      return size > 3 && at[2] < 0x80 && size == 3 + (size_t{at[1]} & 0x7f) + (size_t{at[2]} << 7);
    case field::any_value::kBool:
    case field::any_value::kInt:
      return size == 2 ? at[1] < 0x80 : size == 3 && at[1] >= 0x80 && at[2] < 0x80;
    case field::any_value::kDouble:
      return size == 9;
    default:
      return false;
  }
}

}  // namespace sightline::otlp
