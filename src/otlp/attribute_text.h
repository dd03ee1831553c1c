// The text forms of attribute values, and the mending of text. Data: AnyValue bytes -> type letter and text.
// Text forms are those of the Collector's Value.AsString, so that tables and tools written for it agree: integers
// decimal, doubles the shortest form that reads back, bytes base64, arrays and key-value lists JSON in their own order.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/limits.h"

namespace sightline::otlp {

// What was mended in one row. Written to the Repairs column as names, comma-separated: docs/oddities.md.
class Marks {
 public:
  enum Mark : uint16_t {
    kUtf8 = 1 << 0,
    kAttributesCut = 1 << 1,
    kValueCut = 1 << 2,
    kEventsCut = 1 << 3,
    kLinksCut = 1 << 4,
    kTimeMissing = 1 << 5,
    kTimeClamped = 1 << 6,
    kEndBeforeStart = 1 << 7,
    kIdDropped = 1 << 8,
  };
  static constexpr uint32_t kCount = 9;

  void Set(Mark mark) { bits_ |= mark; }
  void Merge(Marks other) { bits_ |= other.bits_; }
  bool Has(Mark mark) const { return (bits_ & mark) != 0; }
  bool any() const { return bits_ != 0; }
  std::string Names() const;  // "utf8,value_cut"

 private:
  uint16_t bits_ = 0;
};

// One AnyValue, not yet text. Views point into the message.
struct AttributeValue {
  char type = 'e';         // a letter of the Types columns: s i d b x a m e
  std::string_view bytes;  // s: text, x: bytes, a and m: the ArrayValue or KeyValueList message
  uint64_t number = 0;     // i: two's complement, d: bits, b: 0 or 1
};

struct Attribute {
  std::string_view key;
  AttributeValue value;
};

AttributeValue ReadAnyValue(std::string_view any_value);
Attribute ReadKeyValue(std::string_view key_value);

// "NaN", "+Inf", "-Inf"; else the shortest decimal that reads back, with an exponent below 1e-6 and from 1e21 on.
// Writes at most 32 bytes at `out`, returns their end.
char* FormatDouble(double value, char* out);
char* FormatInt(int64_t value, char* out);  // at most 20 bytes

void AppendBase64(std::string_view bytes, std::string& out);

// True for what ClickHouse's String columns and JSON answers may hold.
bool IsValidUtf8(std::string_view text);
// Each maximal run of bytes that is no part of a character becomes one U+FFFD.
void RepairUtf8(std::string_view text, std::string& out);

// Makes texts storable: valid UTF-8, not longer than the limit. Holds the scratch memory for it. Thread: one.
class TextMender {
 public:
  explicit TextMender(const Limits& limits)
      : value_bytes_max_(limits.value_bytes_max), name_bytes_max_(limits.name_bytes_max) {}

  // `text` itself if there is nothing to mend, else a view of scratch memory, good until the next call of any method.
  std::string_view Clean(std::string_view text, Marks& marks) {
    if (text.size() <= value_bytes_max_ && IsValidUtf8(text)) [[likely]]
      return text;
    return Mend(text, value_bytes_max_, marks);
  }
  // The same for what is a name or a key.
  std::string_view CleanName(std::string_view text, Marks& marks) {
    if (text.size() <= name_bytes_max_ && IsValidUtf8(text)) [[likely]]
      return text;
    return Mend(text, name_bytes_max_, marks);
  }

  // The text of a value under the same terms.
  std::string_view TextOf(const AttributeValue& value, Marks& marks);

  // KeyValue messages as one JSON object.
  std::string_view JsonObject(const std::vector<std::string_view>& key_values, Marks& marks);

 private:
  std::string_view Mend(std::string_view text, uint32_t bytes_max, Marks& marks);

  const uint32_t value_bytes_max_;
  const uint32_t name_bytes_max_;
  std::string scratch_;
  char number_[32];
};

}  // namespace sightline::otlp
