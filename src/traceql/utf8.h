// Whether bytes are text.
#pragma once

#include <string_view>

namespace sightline::traceql {

// Bytes of the character at `at`; 0 where there is none, as in the middle of one or at a byte that is of no text.
inline size_t CharacterBytes(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  const size_t length = byte < 0x80                   ? 1
                        : byte >= 0xc2 && byte < 0xe0 ? 2
                        : (byte & 0xf0) == 0xe0       ? 3
                        : byte >= 0xf0 && byte < 0xf5 ? 4
                                                      : 0;
  if (at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((text[at + i] & 0xc0) != 0x80) return 0;
  return length;
}

}  // namespace sightline::traceql
