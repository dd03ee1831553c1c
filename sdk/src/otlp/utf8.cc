#include "otlp/utf8.h"

#include <simdjson.h>

#include <cstdint>
#include <cstring>

namespace otel::internal {
namespace {

// Almost all texts are short and ASCII, which a few instructions tell.
bool IsAscii(std::string_view text) {
  uint64_t bits = 0;
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= text.size(); i += sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, sizeof word);
    bits |= word;
  }
  for (; i < text.size(); ++i) bits |= static_cast<uint8_t>(text[i]);
  return (bits & 0x8080808080808080) == 0;
}

size_t CharacterBytes(uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  return IsAscii(text) || simdjson::validate_utf8(text.data(), text.size());
}

std::string RepairUtf8(std::string_view text) {
  std::string repaired;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, CharacterBytes(static_cast<uint8_t>(text[0])));
    if (IsUtf8(character)) {
      repaired += character;
      text.remove_prefix(character.size());
    } else {
      repaired += "\uFFFD";
      text.remove_prefix(1);
    }
  }
  return repaired;
}

}  // namespace otel::internal
