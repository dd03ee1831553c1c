// Writes protobuf messages into one string. Unlike protozero's writer it keeps empty messages, as an empty value in an
// array is a value, and it moves nothing when a short message ends.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "otel/ids.h"
#include "otlp/field.h"
#include "otlp/utf8.h"

namespace otel::internal {

static_assert(std::endian::native == std::endian::little, "protobuf's fixed-size numbers are little-endian");

// The same functions as JsonWriter: messages.h describes each message once for both.
// Thread: one.
class ProtobufWriter {
 public:
  explicit ProtobufWriter(std::string* out) : out_(*out) {}

  // Left out where they have their type's default.
  void Text(Field field, std::string_view text) {
    if (!text.empty()) TextValue(field, text);
  }
  template <size_t kSize>
  void Id(Field field, const otel::Id<kSize>& id) {
    if (id.IsValid()) Bytes(field, id.bytes.data(), kSize);
  }
  void Fixed64(Field field, uint64_t value) {
    if (value != 0) Fixed(field, kFixed64, value);
  }
  void Fixed32(Field field, uint32_t value) {
    if (value != 0) Fixed(field, kFixed32, value);
  }
  void Uint32(Field field, uint32_t value) {
    if (value != 0) Numbers(Tag(field, kVarint), value);
  }
  void Uint64(Field field, uint64_t value) {
    if (value != 0) Numbers(Tag(field, kVarint), value);
  }
  void Sint32(Field field, int32_t value) {
    const auto bits = static_cast<uint32_t>(value);
    Uint32(field, (bits << 1) ^ (value < 0 ? ~uint32_t{0} : 0));
  }
  void Double(Field field, double value) {
    if (std::bit_cast<uint64_t>(value) != 0) DoubleValue(field, value);
  }
  void Bool(Field field, bool value) { Uint32(field, value ? 1 : 0); }

  // Always written: that they are there says something.
  void TextValue(Field field, std::string_view text) {
    if (IsUtf8(text)) {
      Bytes(field, text.data(), text.size());
    } else {
      const std::string repaired = RepairUtf8(text);
      Bytes(field, repaired.data(), repaired.size());
    }
  }
  void BytesValue(Field field, std::string_view bytes) { Bytes(field, bytes.data(), bytes.size()); }
  void BoolValue(Field field, bool value) { Numbers(Tag(field, kVarint), value ? 1 : 0); }
  void Int64Value(Field field, int64_t value) { Numbers(Tag(field, kVarint), static_cast<uint64_t>(value)); }
  void Sfixed64Value(Field field, int64_t value) { Fixed(field, kFixed64, value); }
  void DoubleValue(Field field, double value) { Fixed(field, kFixed64, value); }

  template <typename Fields>
  void Message(Field field, Fields&& fields) {
    const size_t begin = Begin(field);
    fields();
    End(begin);
  }
  template <typename Range, typename Fields>
  void Messages(Field field, const Range& range, Fields&& fields) {
    for (const auto& item : range) Message(field, [&] { fields(item); });
  }

  void Fixed64s(Field field, std::span<const uint64_t> values) { Packed(field, values); }
  void Doubles(Field field, std::span<const double> values) { Packed(field, values); }
  void Uint64s(Field field, std::span<const uint64_t> values) {
    if (values.empty()) return;
    const size_t begin = Begin(field);
    for (const uint64_t value : values) Numbers(value);
    End(begin);
  }

 private:
  enum WireType : uint32_t { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };
  static constexpr size_t kVarintBytesMax = 10;

  static constexpr uint64_t Tag(Field field, WireType type) { return field.number << 3 | type; }
  static char* Put(char* at, uint64_t varint) {
    for (; varint >= 0x80; varint >>= 7) *at++ = static_cast<char>(varint | 0x80);
    *at++ = static_cast<char>(varint);
    return at;
  }
  template <typename... Varints>
  void Numbers(Varints... varints) {
    char buffer[sizeof...(varints) * kVarintBytesMax];
    char* end = buffer;
    ((end = Put(end, varints)), ...);
    out_.append(buffer, static_cast<size_t>(end - buffer));
  }
  template <typename T>
  void Fixed(Field field, WireType type, T value) {
    char buffer[kVarintBytesMax + sizeof value];
    char* end = Put(buffer, Tag(field, type));
    std::memcpy(end, &value, sizeof value);
    out_.append(buffer, static_cast<size_t>(end - buffer) + sizeof value);
  }
  void Bytes(Field field, const void* data, size_t size) {
    Numbers(Tag(field, kLength), size);
    out_.append(static_cast<const char*>(data), size);
  }
  template <typename T>
  void Packed(Field field, std::span<const T> values) {
    if (!values.empty()) Bytes(field, values.data(), values.size_bytes());
  }

  size_t Begin(Field field) {
    Numbers(Tag(field, kLength), 0);  // one byte for the length
    return out_.size();
  }
  void End(size_t begin) {
    const uint64_t size = out_.size() - begin;
    const size_t more = (static_cast<size_t>(std::bit_width(size | 1)) + 6) / 7 - 1;
    if (more > 0) out_.insert(begin, more, '\0');
    Put(out_.data() + begin - 1, size);
  }

  std::string& out_;
};

}  // namespace otel::internal
