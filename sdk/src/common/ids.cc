#include "otel/ids.h"

namespace otel {
namespace {

int Digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  return -1;
}

}  // namespace

template <size_t kSize>
std::string Id<kSize>::Hex() const {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * kSize);
  for (const uint8_t byte : bytes) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 0xf]);
  }
  return hex;
}

template <size_t kSize>
std::optional<Id<kSize>> Id<kSize>::FromHex(std::string_view hex) {
  if (hex.size() != 2 * kSize) return std::nullopt;
  Id id;
  for (size_t i = 0; i < kSize; ++i) {
    const int high = Digit(hex[2 * i]), low = Digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return id;
}

template struct Id<16>;
template struct Id<8>;
template struct Id<1>;

}  // namespace otel
