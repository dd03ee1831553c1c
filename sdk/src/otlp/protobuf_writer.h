// Writes protobuf messages into one buffer. Unlike protozero's writer it keeps empty messages, as an empty value in an
// array is a value, and it moves nothing when a short message ends.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "otel/any_value.h"
#include "otel/ids.h"
#include "otlp/field.h"
#include "otlp/utf8.h"

namespace otel::internal {

static_assert(std::endian::native == std::endian::little, "protobuf's fixed-size numbers are little-endian");

// The same functions as JsonWriter: messages.h describes each message once for both.
// Thread: one.
class ProtobufWriter {
 public:
  // Writes over what the buffer holds, and makes it longer where that is not enough.
  explicit ProtobufWriter(std::string* buffer) : buffer_(*buffer), at_(buffer->data()), end_(at_ + buffer->size()) {}

  // What was written; lies in the buffer.
  std::string_view written() const { return {buffer_.data(), Position()}; }

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
    if (value != 0) Numbers(Tag(field, kVarint), uint64_t{value});
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
      Utf8Value(field, text);
    } else {
      Utf8Value(field, RepairUtf8(text));
    }
  }
  void Utf8Value(Field field, std::string_view text) { Bytes(field, text.data(), text.size()); }  // known to be UTF-8
  void BytesValue(Field field, std::string_view bytes) { Bytes(field, bytes.data(), bytes.size()); }
  void BoolValue(Field field, bool value) { Numbers(Tag(field, kVarint), uint64_t{value}); }
  void Int64Value(Field field, int64_t value) { Numbers(Tag(field, kVarint), static_cast<uint64_t>(value)); }
  void Sfixed64Value(Field field, int64_t value) { Fixed(field, kFixed64, value); }
  void DoubleValue(Field field, double value) { Fixed(field, kFixed64, value); }

  // An attribute with a short key and a number or a short text, as nearly all are, at once: half of what its parts
  // cost one by one. False, and nothing written, where it is not such a one.
  bool ShortAttribute(Field field, const Attribute& attribute) {
    using Type = AnyValue::Type;
    if (attribute.key.empty() || attribute.key.size() > kShortBytesMax) return false;
    Reserve(kShortAttributeBytesMax);
    uint64_t bits = 0;  // of all characters
    char* const begin = Put(at_, Tag(field, kLength));
    char* const value = PutShort(begin + 1, kKeyTag, attribute.key, &bits) + 2;
    char* end = value;
    switch (attribute.value.type()) {
      case Type::kBool:
        end = Put(Put(end, kBoolTag), uint64_t{attribute.value.as_bool()});
        break;
      case Type::kInt:
        end = Put(Put(end, kIntTag), static_cast<uint64_t>(attribute.value.as_int()));
        break;
      case Type::kDouble: {
        const double number = attribute.value.as_double();
        end = Put(Put(end, kDoubleTag), &number, sizeof number);
        break;
      }
      case Type::kString:
        if (attribute.value.as_string().size() > kShortBytesMax) return false;
        end = PutShort(end, kStringTag, attribute.value.as_string(), &bits);
        break;
      default:
        return false;
    }
    if ((bits & kHighBits) != 0) return false;
    value[-2] = static_cast<char>(kValueTag);
    value[-1] = static_cast<char>(end - value);
    begin[0] = static_cast<char>(end - begin - 1);
    at_ = end;
    return true;
  }

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
  // Of ShortAttribute: with both texts as long as that the length of the attribute is a varint of one byte.
  static constexpr size_t kShortBytesMax = 60;
  static constexpr size_t kShortAttributeBytesMax = kVarintBytesMax + 2 + 3 * 2 + 2 * kShortBytesMax;
  static constexpr uint64_t kKeyTag = 1 << 3 | kLength, kValueTag = 2 << 3 | kLength;
  static constexpr uint64_t kStringTag = 1 << 3 | kLength, kBoolTag = 2 << 3, kIntTag = 3 << 3;
  static constexpr uint64_t kDoubleTag = 4 << 3 | kFixed64;
  static constexpr uint64_t kHighBits = 0x8080808080808080;  // set in what is not ASCII

  static constexpr uint64_t Tag(Field field, WireType type) { return field.number << 3 | type; }
  static char* Put(char* at, uint64_t varint) {
    for (; varint >= 0x80; varint >>= 7) *at++ = static_cast<char>(varint | 0x80);
    *at++ = static_cast<char>(varint);
    return at;
  }
  static char* Put(char* at, const void* data, size_t size) {
    if (size > 0) std::memcpy(at, data, size);  // nothing may lie nowhere
    return at + size;
  }
  // A text of less than 128 bytes. Copies words of eight bytes, the last of which may overlap the one before: a call of
  // memcpy costs more.
  static char* PutShort(char* at, uint64_t tag, std::string_view text, uint64_t* bits) {
    *at++ = static_cast<char>(tag);
    *at++ = static_cast<char>(text.size());
    const char* from = text.data();
    const auto move = [&]<typename Word>(size_t offset, Word word) {
      std::memcpy(&word, from + offset, sizeof word);
      std::memcpy(at + offset, &word, sizeof word);
      *bits |= word;
    };
    const size_t size = text.size();
    if (size >= sizeof(uint64_t)) {
      for (size_t i = 0; i + sizeof(uint64_t) < size; i += sizeof(uint64_t)) move(i, uint64_t{});
      move(size - sizeof(uint64_t), uint64_t{});
    } else if (size >= sizeof(uint32_t)) {
      move(0, uint32_t{});
      move(size - sizeof(uint32_t), uint32_t{});
    } else {
      for (size_t i = 0; i < size; ++i) move(i, uint8_t{});
    }
    return at + size;
  }
  // Makes sure that so many bytes can be written at `at_`.
  void Reserve(size_t bytes) {
    if (static_cast<size_t>(end_ - at_) < bytes) Grow(bytes);
  }
  void Grow(size_t bytes) {
    constexpr size_t kFirstBytes = 4096;
    const size_t position = Position();
    buffer_.resize(std::max(2 * buffer_.size(), position + bytes + kFirstBytes));
    at_ = buffer_.data() + position;
    end_ = buffer_.data() + buffer_.size();
  }
  size_t Position() const { return static_cast<size_t>(at_ - buffer_.data()); }

  template <typename... Varints>
  void Numbers(Varints... varints) {
    Reserve(sizeof...(varints) * kVarintBytesMax);
    ((at_ = Put(at_, varints)), ...);
  }
  template <typename T>
  void Fixed(Field field, WireType type, T value) {
    Reserve(kVarintBytesMax + sizeof value);
    at_ = Put(Put(at_, Tag(field, type)), &value, sizeof value);
  }
  void Bytes(Field field, const void* data, size_t size) {
    Reserve(2 * kVarintBytesMax + size);
    at_ = Put(Put(Put(at_, Tag(field, kLength)), size), data, size);
  }
  template <typename T>
  void Packed(Field field, std::span<const T> values) {
    if (!values.empty()) Bytes(field, values.data(), values.size_bytes());
  }

  size_t Begin(Field field) {
    Numbers(Tag(field, kLength), uint64_t{0});  // one byte for the length
    return Position();
  }
  void End(size_t begin) {
    const uint64_t size = Position() - begin;
    const size_t more = (static_cast<size_t>(std::bit_width(size | 1)) + 6) / 7 - 1;
    Reserve(more);
    char* message = buffer_.data() + begin;
    if (more > 0) std::memmove(message + more, message, size);
    at_ += more;
    Put(message - 1, size);
  }

  std::string& buffer_;
  char* at_;   // where the next byte goes
  char* end_;  // of the buffer
};

}  // namespace otel::internal
