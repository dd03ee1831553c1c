#include "otlp/utf8.h"

#include <simdjson.h>

namespace otel::internal {
namespace {

size_t CharacterBytes(uint8_t first) {
  if (first < 0x80) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

}  // namespace

bool IsUtf8Slow(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
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
