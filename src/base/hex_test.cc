#include "base/hex.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>

namespace sightline {
namespace {

std::optional<std::string> Decoded(std::string_view hex) {
  std::string out(hex.size() / 2, '\0');
  if (!HexDecode(hex, out.data())) return std::nullopt;
  return out;
}

TEST(Hex, EncodesLowerCase) {
  EXPECT_EQ(HexEncode(std::string_view("\x00\x7f\xab\xff", 4)), "007fabff");
}

TEST(Hex, DecodesBothCases) {
  EXPECT_EQ(Decoded("007FabFf"), std::string("\x00\x7f\xab\xff", 4));
  EXPECT_EQ(Decoded(""), "");
}

TEST(Hex, RefusesOddLengthsAndEveryOtherCharacter) {
  EXPECT_EQ(Decoded("abc"), std::nullopt);
  int accepted = 0;
  for (int c = 0; c < 256; ++c) {
    const std::string first = {static_cast<char>(c), '0'}, second = {'0', static_cast<char>(c)};
    EXPECT_EQ(Decoded(first).has_value(), Decoded(second).has_value()) << c;
    EXPECT_EQ(Decoded(first).has_value(), std::isxdigit(c) != 0) << c;
    accepted += Decoded(first).has_value();
  }
  EXPECT_EQ(accepted, 22);
}

TEST(Hex, ComesBackAsItWas) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    std::string bytes(random() % 33, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    ASSERT_EQ(Decoded(HexEncode(bytes)), bytes);
  }
}

}  // namespace
}  // namespace sightline
