// Walks the fields of a protobuf message in place: no message classes, no allocation, no exceptions, exact errors.
// Data: the bytes of one message -> its fields, one after the other, each with tag, number or bytes.
// The tags of OTLP's messages stand in wire_fields.h. Malformed bytes end the walk with a fault; the scan turns it into
// an error, and whoever reads what the scan accepted need not look at faults.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sightline::otlp {

static_assert(std::endian::native == std::endian::little, "fixed-size fields are read as they lie in memory");

enum class WireType : uint8_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kGroupStart = 3, kGroupEnd = 4, kFixed32 = 5 };

// A field's number and wire type as they stand on the wire: what one switches on.
constexpr uint32_t Tag(uint32_t number, WireType type) {
  return number << 3 | static_cast<uint32_t>(type);
}
constexpr uint32_t TagNumber(uint32_t tag) {
  return tag >> 3;
}
constexpr WireType TagType(uint32_t tag) {
  return static_cast<WireType>(tag & 7);
}

enum class WireFault : uint8_t {
  kNone,
  kTruncated,      // the message ends inside a field
  kVarintTooLong,  // more than 10 bytes, or more than 64 bits
  kLengthPastEnd,  // a length that goes beyond the message around it
  kFieldNumber,    // 0 or above 2^29 - 1
  kWireType,       // groups (3, 4), which OTLP never used, and 6 and 7, which do not exist
};
std::string_view WireFaultText(WireFault fault);  // "ends inside a field", ...

// Reads a base-128 varint at `at`; returns the byte behind it, or nullptr with `fault` set.
inline const char* ReadVarint(const char* at, const char* end, uint64_t& value, WireFault& fault) {
  uint64_t result = 0;
  for (uint32_t shift = 0; shift < 70; shift += 7) {
    if (at == end) {
      fault = WireFault::kTruncated;
      return nullptr;
    }
    const uint64_t byte = static_cast<uint8_t>(*at++);
    if (shift == 63 && byte > 1) break;
    result |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      value = result;
      return at;
    }
  }
  fault = WireFault::kVarintTooLong;
  return nullptr;
}

// The fields of one message in the order of the bytes:
//   for (FieldReader fields(message); fields.Next();)
//     switch (fields.tag()) { case field::span::kName: name = fields.bytes(); break; ... }
// Unknown fields come up like others (default: nothing to do). Views point into the message. Thread: one.
class FieldReader {
 public:
  explicit FieldReader(std::string_view message)
      : at_(message.data()), field_(at_), end_(message.data() + message.size()) {}

  // False at the end and at a fault. Inlined everywhere: a call a field is half of what a walk costs.
  [[gnu::always_inline]] bool Next() {
    if (at_ == end_) return false;
    field_ = at_;
    uint64_t tag = static_cast<uint8_t>(*at_);
    if (tag < 0x80) [[likely]] {
      ++at_;
    } else if (!Varint(tag)) {
      return false;
    }
    tag_ = static_cast<uint32_t>(tag);
    if (tag < 8 || tag > UINT32_MAX) [[unlikely]]
      return Stop(WireFault::kFieldNumber);
    switch (static_cast<WireType>(tag & 7)) {
      case WireType::kBytes:
        return Bytes();
      case WireType::kFixed64:
        return Fixed<uint64_t>();
      case WireType::kVarint:
        return Varint(value_);
      case WireType::kFixed32:
        return Fixed<uint32_t>();
      default:
        return Stop(WireFault::kWireType);
    }
  }

  uint32_t tag() const { return tag_; }

  // What a field holds, by its wire type; each is meaningful only for the types named.
  std::string_view bytes() const { return {content_, value_}; }      // kBytes
  uint64_t Uint() const { return value_; }                           // kVarint, kFixed32, kFixed64
  int64_t Int() const { return static_cast<int64_t>(value_); }       // the same, signed 64 bits
  int32_t Int32() const { return static_cast<int32_t>(value_); }     // enums and int32
  uint32_t Uint32() const { return static_cast<uint32_t>(value_); }  // uint32 and fixed32
  int32_t Sint32() const {                                           // zigzag
    const auto n = static_cast<uint32_t>(value_);
    return static_cast<int32_t>((n >> 1) ^ (~(n & 1) + 1));
  }
  bool Bool() const { return value_ != 0; }
  double Double() const { return std::bit_cast<double>(value_); }  // kFixed64

  WireFault fault() const { return fault_; }
  const char* field() const { return field_; }  // first byte of the current (or faulty) field's tag

 private:
  bool Stop(WireFault fault) {
    fault_ = fault;
    at_ = end_;
    return false;
  }

  [[gnu::always_inline]] bool Varint(uint64_t& value) {
    if (at_ != end_ && static_cast<uint8_t>(*at_) < 0x80) [[likely]] {
      value = static_cast<uint8_t>(*at_++);
      return true;
    }
    const char* behind = ReadVarint(at_, end_, value, fault_);
    at_ = behind == nullptr ? end_ : behind;
    return behind != nullptr;
  }

  [[gnu::always_inline]] bool Bytes() {
    if (!Varint(value_)) return false;
    if (value_ > static_cast<uint64_t>(end_ - at_)) return Stop(WireFault::kLengthPastEnd);
    content_ = at_;
    at_ += value_;
    return true;
  }

  template <typename T>
  bool Fixed() {
    if (end_ - at_ < static_cast<std::ptrdiff_t>(sizeof(T))) return Stop(WireFault::kTruncated);
    T value;
    std::memcpy(&value, at_, sizeof(T));
    value_ = value;
    at_ += sizeof(T);
    return true;
  }

  const char* at_;
  const char* field_;
  const char* end_;
  const char* content_ = nullptr;
  uint64_t value_ = 0;
  uint32_t tag_ = 0;
  WireFault fault_ = WireFault::kNone;
};

// The elements of a packed repeated field, `each(uint64_t raw)`; false when the bytes do not divide into elements.
template <typename Each>
bool ForEachPackedFixed64(std::string_view packed, Each each) {
  if (packed.size() % 8 != 0) return false;
  for (size_t i = 0; i < packed.size(); i += 8) {
    uint64_t value;
    std::memcpy(&value, packed.data() + i, 8);
    each(value);
  }
  return true;
}

template <typename Each>
bool ForEachPackedVarint(std::string_view packed, Each each) {
  const char* at = packed.data();
  const char* const end = at + packed.size();
  WireFault fault = WireFault::kNone;
  while (at != end) {
    uint64_t value = 0;
    at = ReadVarint(at, end, value, fault);
    if (at == nullptr) return false;
    each(value);
  }
  return true;
}

}  // namespace sightline::otlp
