// Reads attributes in place, out of the wire bytes of resources, spans and events, for the policies that look at them.
// Data: a message's bytes + the keys somebody wants -> a value for each key (a slot). Views point into the message.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/plain_attribute.h"

namespace sightline::sample {

struct AttributeValue {
  enum class Type : uint8_t { kAbsent, kEmpty, kString, kBool, kInt, kDouble, kBytes, kArray, kMap };
  Type type = Type::kAbsent;
  std::string_view text;  // kString, kBytes: the value; kArray, kMap: the message
  int64_t number = 0;     // kBool, kInt
  double real = 0;        // kDouble

  bool present() const { return type != Type::kAbsent; }
  uint64_t Hash() const;  // of type and value
};

// The bytes of an AnyValue message.
AttributeValue ReadAnyValue(std::string_view any_value);

// Keys with a number each, from 0. Thread: any, once filled.
class KeyTable {
 public:
  static constexpr uint16_t kNone = UINT16_MAX;

  uint16_t Add(std::string_view key);  // the number it has already, or a new one
  uint16_t Find(std::string_view key) const {
    if (!MayHave(key.size())) return kNone;
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i].size() != key.size()) continue;
      // The first byte decides most, without a call.
      if (key.empty() || (keys_[i].front() == key.front() && keys_[i] == key)) return static_cast<uint16_t>(i);
    }
    return kNone;
  }
  // False: no key has so many bytes. Most attributes are passed over by this alone.
  bool MayHave(size_t key_bytes) const { return (sizes_ >> std::min<size_t>(key_bytes, 63) & 1) != 0; }
  size_t size() const { return keys_.size(); }
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  uint64_t sizes_ = 0;             // bit n: some key has n bytes; bit 63: 63 or more
  std::vector<std::string> keys_;  // few: found by comparing lengths
};

// The bytes of a KeyValue message: sets its slot if the key is wanted and was not seen before (of a repeated key the
// first value counts, as in the Collector).
void ReadPlainAttribute(const otlp::PlainAttribute& attribute, const KeyTable& keys, std::span<AttributeValue> slots);
void ReadOddAttribute(std::string_view key_value, const KeyTable& keys, std::span<AttributeValue> slots);
inline void ReadAttribute(std::string_view key_value, const KeyTable& keys, std::span<AttributeValue> slots) {
  otlp::PlainAttribute plain;
  if (!otlp::SplitPlain(key_value, plain)) return ReadOddAttribute(key_value, keys, slots);
  if (keys.MayHave(plain.key.size())) ReadPlainAttribute(plain, keys, slots);
}

// All attributes of a Resource message.
void ReadResourceAttributes(std::string_view resource, const KeyTable& keys, std::span<AttributeValue> slots);

// The value of the first member of a W3C tracestate with this key; empty if there is none. Blanks around members are
// allowed.
std::string_view TraceStateMember(std::string_view trace_state, std::string_view key);

}  // namespace sightline::sample
