#include "base/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sightline {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(ParseDuration, ReadsNumbersWithUnits) {
  const struct {
    std::string_view text;
    int64_t nanos;
  } cases[] = {
      {"30d", 30 * 86'400 * kSecond},
      {"2w", 14 * 86'400 * kSecond},
      {"500ms", kSecond / 2},
      {"1h30m", 5'400 * kSecond},
      {"1.5s", 1'500'000'000},
      {"0", 0},
      {"0s", 0},
      {"10us", 10'000},
      {"10\xC2\xB5s", 10'000},
      {"7ns", 7},
      {"1d2h3m4s5ms6us7ns", ((86'400 + 7'200 + 180 + 4) * kSecond) + 5'006'007},
      {"forever", kForeverNanos},
  };
  for (const auto& c : cases) {
    const Result<int64_t> nanos = ParseDuration(c.text);
    ASSERT_TRUE(nanos.has_value()) << c.text << ": " << nanos.error().message;
    EXPECT_EQ(*nanos, c.nanos) << c.text;
  }
}

TEST(ParseDuration, RefusesEverythingElse) {
  for (const std::string_view text : {"",
                                      "30",
                                      "d",
                                      "-1s",
                                      "+1s",
                                      "1 s",
                                      " 1s",
                                      "1s ",
                                      "1y",
                                      "1S",
                                      "1m1h",
                                      "1s1s",
                                      "1.s",
                                      ".5s",
                                      "1..5s",
                                      "1.5",
                                      "1e3s",
                                      "Forever",
                                      "0.5ns",
                                      "99999999999999999999s",
                                      "15251w",
                                      "106752d",
                                      "106751d86399s"}) {
    const Result<int64_t> nanos = ParseDuration(text);
    ASSERT_FALSE(nanos.has_value()) << text << " = " << *nanos;
    EXPECT_EQ(nanos.error().code, Code::kInvalidArgument);
    EXPECT_THAT(nanos.error().message, testing::HasSubstr("\"" + std::string(text) + "\""));
  }
}

TEST(PrintDuration, PrintsWhatParsesBack) {
  EXPECT_EQ(PrintDuration(30 * 86'400 * kSecond), "30d");
  EXPECT_EQ(PrintDuration(5'400 * kSecond), "1h30m");
  EXPECT_EQ(PrintDuration(1'500'000'000), "1s500ms");
  EXPECT_EQ(PrintDuration(0), "0");
  EXPECT_EQ(PrintDuration(kForeverNanos), "forever");
  EXPECT_EQ(PrintDuration(-kSecond), "-1s");
  std::mt19937_64 random(11);
  for (int i = 0; i < 1000; ++i) {
    const int64_t nanos = static_cast<int64_t>((random() >> 1) >> (random() % 63));
    ASSERT_EQ(ParseDuration(PrintDuration(nanos)), nanos) << PrintDuration(nanos);
  }
}

TEST(ParseBytes, ReadsNumbersWithAndWithoutUnits) {
  const struct {
    std::string_view text;
    uint64_t bytes;
  } cases[] = {
      {"0", 0},
      {"1048576", 1'048'576},
      {"64MiB", 64ULL << 20},
      {"64mib", 64ULL << 20},
      {"64 MiB", 64ULL << 20},
      {"4GB", 4'000'000'000},
      {"1.5GiB", 3ULL << 29},
      {"2KiB", 2048},
      {"2kB", 2000},
      {"2KB", 2000},
      {"512B", 512},
      {"3TB", 3'000'000'000'000},
      {"1TiB", 1ULL << 40},
  };
  for (const auto& c : cases) {
    const Result<uint64_t> bytes = ParseBytes(c.text);
    ASSERT_TRUE(bytes.has_value()) << c.text << ": " << bytes.error().message;
    EXPECT_EQ(*bytes, c.bytes) << c.text;
  }
}

TEST(ParseBytes, RefusesEverythingElse) {
  for (const std::string_view text : {"", "MiB", "-1", "+1", "1.5", "1K", "1M", "1G", "64  MiB", "64 ", " 64", "64Mib ",
                                      "0x10", "1e6", "1.0000001MB", "9999999TiB", "99999999999999999999"}) {
    const Result<uint64_t> bytes = ParseBytes(text);
    ASSERT_FALSE(bytes.has_value()) << text << " = " << *bytes;
    EXPECT_EQ(bytes.error().code, Code::kInvalidArgument);
    EXPECT_THAT(bytes.error().message, testing::HasSubstr("\"" + std::string(text) + "\""));
  }
}

TEST(PrintBytes, PrintsWhatParsesBack) {
  EXPECT_EQ(PrintBytes(64ULL << 20), "64MiB");
  EXPECT_EQ(PrintBytes(25'000'000), "25MB");
  EXPECT_EQ(PrintBytes(4'000'000'000), "4GB");
  EXPECT_EQ(PrintBytes(1234), "1234");
  EXPECT_EQ(PrintBytes(0), "0");
  std::mt19937_64 random(13);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t unit = i % 3 == 0 ? 1 : i % 3 == 1 ? 1'000'000 : 1 << 20;
    const uint64_t bytes = random() % 1'000'000 * unit;
    ASSERT_EQ(ParseBytes(PrintBytes(bytes)), bytes) << PrintBytes(bytes);
  }
}

}  // namespace
}  // namespace sightline
