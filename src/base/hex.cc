#include "base/hex.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace sightline {
namespace {

// Both digits of every byte, so that encoding is one load and one store a byte.
constexpr std::array<char, 512> kPairs = [] {
  std::array<char, 512> pairs{};
  for (int i = 0; i < 256; ++i) {
    pairs[2 * i] = "0123456789abcdef"[i >> 4];
    pairs[2 * i + 1] = "0123456789abcdef"[i & 15];
  }
  return pairs;
}();

// Value of a digit, or 0xFF, whose high bits survive the or-ing in HexDecode.
constexpr std::array<uint8_t, 256> kDigits = [] {
  std::array<uint8_t, 256> digits{};
  digits.fill(0xFF);
  for (int i = 0; i < 10; ++i) digits['0' + i] = static_cast<uint8_t>(i);
  for (int i = 0; i < 6; ++i) digits['a' + i] = digits['A' + i] = static_cast<uint8_t>(10 + i);
  return digits;
}();

}  // namespace

void HexEncode(std::string_view bytes, char* out) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::memcpy(out + 2 * i, &kPairs[2 * size_t{static_cast<uint8_t>(bytes[i])}], 2);
  }
}

std::string HexEncode(std::string_view bytes) {
  std::string out(bytes.size() * 2, '\0');
  HexEncode(bytes, out.data());
  return out;
}

bool HexDecode(std::string_view hex, char* out) {
  if (hex.size() % 2 != 0) return false;
  uint8_t seen = 0;
  for (size_t i = 0; i < hex.size(); i += 2) {
    const uint8_t high = kDigits[static_cast<uint8_t>(hex[i])];
    const uint8_t low = kDigits[static_cast<uint8_t>(hex[i + 1])];
    seen |= high | low;
    out[i / 2] = static_cast<char>(high << 4 | low);
  }
  return seen < 16;
}

}  // namespace sightline
