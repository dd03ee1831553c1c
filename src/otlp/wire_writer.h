// Writes protobuf messages into one string. Unlike protozero's writer it keeps empty messages: an empty AnyValue in an
// array is a value, and an empty span is a span to refuse.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "otlp/wire.h"

namespace sightline::otlp {

// Thread: one.
class WireWriter {
 public:
  void Varint(uint32_t tag, uint64_t value) {
    Raw(tag);
    Raw(value);
  }
  void Fixed64(uint32_t tag, uint64_t value) {
    Raw(tag);
    RawFixed64(value);
  }
  void Fixed32(uint32_t tag, uint32_t value) {
    Raw(tag);
    out_.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void Bytes(uint32_t tag, std::string_view value) {
    Raw(tag);
    Raw(value.size());
    out_.append(value);
  }

  // A message or packed field: fields written until End(what Begin returned) are inside it.
  size_t Begin(uint32_t tag) {
    Raw(tag);
    out_.push_back('\0');
    return out_.size();
  }
  void End(size_t begin) {
    const uint64_t size = out_.size() - begin;
    const size_t more = (static_cast<size_t>(std::bit_width(size | 1)) + 6) / 7 - 1;
    if (more > 0) out_.insert(begin, more, '\0');
    char* at = out_.data() + begin - 1;
    uint64_t rest = size;
    for (; rest >= 0x80; rest >>= 7) *at++ = static_cast<char>(rest | 0x80);
    *at = static_cast<char>(rest);
  }
  void Raw(uint64_t varint) {
    for (; varint >= 0x80; varint >>= 7) out_.push_back(static_cast<char>(varint | 0x80));
    out_.push_back(static_cast<char>(varint));
  }
  void RawBytes(std::string_view bytes) { out_.append(bytes); }
  void RawFixed64(uint64_t value) { out_.append(reinterpret_cast<const char*>(&value), sizeof(value)); }

  void Reserve(size_t bytes) { out_.reserve(bytes); }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace sightline::otlp
