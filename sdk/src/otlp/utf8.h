// Receivers refuse a whole request for one text that is not UTF-8, so none is sent.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace otel::internal {

// Almost all texts are short and ASCII, which a few instructions tell: words of eight bytes, the last of which may
// overlap the one before.
inline bool IsAscii(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  const char* const begin = text.data();
  const size_t size = text.size();
  const auto word = [](const char* at) {
    uint64_t bits;
    std::memcpy(&bits, at, sizeof bits);
    return bits;
  };
  uint64_t bits = 0;
  if (size >= sizeof(uint64_t)) {
    for (size_t i = 0; i + sizeof(uint64_t) < size; i += sizeof(uint64_t)) bits |= word(begin + i);
    bits |= word(begin + size - sizeof(uint64_t));
  } else {
    for (const char c : text) bits |= static_cast<uint8_t>(c);
  }
  return (bits & kHighBits) == 0;
}

bool IsUtf8Slow(std::string_view text);
inline bool IsUtf8(std::string_view text) {
  return IsAscii(text) || IsUtf8Slow(text);
}

// With U+FFFD in place of each byte that belongs to no character.
std::string RepairUtf8(std::string_view text);

}  // namespace otel::internal
