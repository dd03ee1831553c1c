#include "metrics/exponential_buckets.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

namespace otel::internal {
namespace {

struct IndexOfValue {
  double value;
  int32_t scale;
  int32_t index;
};

// Computed with 80 decimal digits: ceil(ln(value) / ln(2) * 2^scale) - 1.
constexpr IndexOfValue kIndexes[] = {
    {0x1.0000000000000p+0, 20, -1},
    {0x1.0000000000000p+0, 1, -1},
    {0x1.0000000000000p+0, 0, -1},
    {0x1.0000000000000p+0, -3, -1},
    {0x1.8000000000000p+0, 20, 613377},
    {0x1.8000000000000p+0, 3, 4},
    {0x1.8000000000000p+0, 0, 0},
    {0x1.8000000000000p+0, -10, 0},
    {0x1.0000000000000p+1, 20, 1048575},
    {0x1.0000000000000p+1, 2, 3},
    {0x1.0000000000000p+1, 0, 0},
    {0x1.0000000000000p+1, -1, 0},
    {0x1.0000000000000p-1, 20, -1048577},
    {0x1.0000000000000p-1, 8, -257},
    {0x1.0000000000000p-1, 0, -2},
    {0x1.0000000000000p-1, -7, -1},
    {0x1.8000000000000p+1, 20, 1661953},
    {0x1.8000000000000p+1, 8, 405},
    {0x1.8000000000000p+1, 0, 1},
    {0x1.8000000000000p+1, -3, 0},
    {0x1.0624dd2f1a9fcp-10, 20, -10449883},
    {0x1.0624dd2f1a9fcp-10, 1, -20},
    {0x1.0624dd2f1a9fcp-10, 0, -10},
    {0x1.0624dd2f1a9fcp-10, -3, -2},
    {0x1.9000000000000p+6, 20, 6966588},
    {0x1.9000000000000p+6, 3, 53},
    {0x1.9000000000000p+6, 0, 6},
    {0x1.9000000000000p+6, -1, 3},
    {0x1.dcd6500000000p+29, 20, 31349646},
    {0x1.dcd6500000000p+29, 8, 7653},
    {0x1.dcd6500000000p+29, 0, 29},
    {0x1.dcd6500000000p+29, -1, 14},
    {0x1.0000000000000p-1022, 20, -1071644673},
    {0x1.0000000000000p-1022, 8, -261633},
    {0x1.0000000000000p-1022, 0, -1023},
    {0x1.0000000000000p-1022, -1, -512},
    {0x0.0000000000001p-1022, 20, -1126170625},
    {0x0.0000000000001p-1022, 8, -274945},
    {0x0.0000000000001p-1022, 0, -1075},
    {0x0.0000000000001p-1022, -3, -135},
    {0x0.0100000000000p-1022, 20, -1080033281},
    {0x0.0100000000000p-1022, 5, -32961},
    {0x0.0100000000000p-1022, 0, -1031},
    {0x0.0100000000000p-1022, -10, -2},
    {0x1.fffffffffffffp+1023, 20, 1073741823},
    {0x1.fffffffffffffp+1023, 3, 8191},
    {0x1.fffffffffffffp+1023, 0, 1023},
    {0x1.fffffffffffffp+1023, -10, 0},
    {0x1.0000000000001p+0, 20, 0},
    {0x1.0000000000001p+0, 8, 0},
    {0x1.0000000000001p+0, 0, 0},
    {0x1.0000000000001p+0, -10, 0},
    {0x1.fffffffffffffp-1, 20, -1},
    {0x1.fffffffffffffp-1, 3, -1},
    {0x1.fffffffffffffp-1, 0, -1},
    {0x1.fffffffffffffp-1, -7, -1},
    {0x1.0000000000001p+1, 20, 1048576},
    {0x1.0000000000001p+1, 2, 4},
    {0x1.0000000000001p+1, 0, 1},
    {0x1.0000000000001p+1, -3, 0},
    {0x1.fffffffffffffp+1, 20, 2097151},
    {0x1.fffffffffffffp+1, 13, 16383},
    {0x1.fffffffffffffp+1, 0, 1},
    {0x1.fffffffffffffp+1, -3, 0},
    {0x1.6a09e667f3bcdp+0, 20, 524288},
    {0x1.6a09e667f3bcdp+0, 1, 1},
    {0x1.6a09e667f3bcdp+0, 0, 0},
    {0x1.6a09e667f3bcdp+0, -7, 0},
    {0x1.306fe0a31b715p+0, 20, 262143},
    {0x1.306fe0a31b715p+0, 8, 63},
    {0x1.306fe0a31b715p+0, 0, 0},
    {0x1.306fe0a31b715p+0, -10, 0},
    {0x1.52e6b43e54e9cp-692, 20, -725190212},
    {0x1.52e6b43e54e9cp-692, 3, -5533},
    {0x1.52e6b43e54e9cp-692, 0, -692},
    {0x1.52e6b43e54e9cp-692, -10, -1},
    {0x1.65132714d4748p-902, 20, -945312149},
    {0x1.65132714d4748p-902, 3, -7213},
    {0x1.65132714d4748p-902, 0, -902},
    {0x1.65132714d4748p-902, -1, -451},
    {0x1.128b2f3a47e10p+97, 20, 101817664},
    {0x1.128b2f3a47e10p+97, 1, 194},
    {0x1.128b2f3a47e10p+97, 0, 97},
    {0x1.128b2f3a47e10p+97, -10, 0},
    {0x1.1818e80bb3b94p+193, 20, 202511256},
    {0x1.1818e80bb3b94p+193, 2, 772},
    {0x1.1818e80bb3b94p+193, 0, 193},
    {0x1.1818e80bb3b94p+193, -7, 1},
    {0x1.0ed9047d1c4bbp+39, 20, 40979753},
    {0x1.0ed9047d1c4bbp+39, 2, 156},
    {0x1.0ed9047d1c4bbp+39, 0, 39},
    {0x1.0ed9047d1c4bbp+39, -10, 0},
    {0x1.36f675c1332a2p-824, 20, -863732396},
    {0x1.36f675c1332a2p-824, 5, -26360},
    {0x1.36f675c1332a2p-824, 0, -824},
    {0x1.36f675c1332a2p-824, -1, -412},
    {0x1.6f03674d61aa9p-857, 20, -898084700},
    {0x1.6f03674d61aa9p-857, 13, -7016287},
    {0x1.6f03674d61aa9p-857, 0, -857},
    {0x1.6f03674d61aa9p-857, -1, -429},
    {0x1.3d9c1722e71f0p+128, 20, 134543951},
    {0x1.3d9c1722e71f0p+128, 8, 32847},
    {0x1.3d9c1722e71f0p+128, 0, 128},
    {0x1.3d9c1722e71f0p+128, -7, 1},
    {0x1.6cad4a21e43bbp+693, 20, 727198439},
    {0x1.6cad4a21e43bbp+693, 3, 5548},
    {0x1.6cad4a21e43bbp+693, 0, 693},
    {0x1.6cad4a21e43bbp+693, -7, 5},
    {0x1.90c192c3f62f8p+940, 20, 986339429},
    {0x1.90c192c3f62f8p+940, 8, 240805},
    {0x1.90c192c3f62f8p+940, 0, 940},
    {0x1.90c192c3f62f8p+940, -10, 0},
    {0x1.392630542e166p+284, 20, 298100411},
    {0x1.392630542e166p+284, 8, 72778},
    {0x1.392630542e166p+284, 0, 284},
    {0x1.392630542e166p+284, -10, 0},
    {0x1.953f48fe53a1bp-874, 20, -915760577},
    {0x1.953f48fe53a1bp-874, 1, -1747},
    {0x1.953f48fe53a1bp-874, 0, -874},
    {0x1.953f48fe53a1bp-874, -1, -437},
    {0x1.93bd04d2bcc16p-188, 20, -196443084},
    {0x1.93bd04d2bcc16p-188, 3, -1499},
    {0x1.93bd04d2bcc16p-188, 0, -188},
    {0x1.93bd04d2bcc16p-188, -10, -1},
    {0x1.0cb1e29f3d7b6p-548, 20, -574546432},
    {0x1.0cb1e29f3d7b6p-548, 13, -4488644},
    {0x1.0cb1e29f3d7b6p-548, 0, -548},
    {0x1.0cb1e29f3d7b6p-548, -1, -274},
};

TEST(ExponentialIndex, IsThatOfExactArithmetic) {
  for (const auto& [value, scale, index] : kIndexes) {
    EXPECT_EQ(ExponentialIndex(value, scale), index) << value << " at scale " << scale;
  }
}

TEST(ExponentialIndex, BoundsItsValueAtEveryScale) {
  std::mt19937_64 random(5);
  std::uniform_real_distribution<double> exponent(-300, 300);
  for (int i = 0; i < 20'000; ++i) {
    const double value = std::pow(10, exponent(random));
    const auto scale = static_cast<int32_t>(random() % 31) - 10;
    const int32_t index = ExponentialIndex(value, scale);
    const long double width = std::ldexp(1.0L, -scale), log = std::log2(static_cast<long double>(value));
    EXPECT_LT(index * width, log + 1e-12L) << value << " at scale " << scale;
    EXPECT_GE((index + 1) * width, log - 1e-12L) << value << " at scale " << scale;
  }
}

TEST(ExponentialIndex, OfALowerScaleIsThatOfAHigherOneShifted) {
  std::mt19937_64 random(6);
  std::lognormal_distribution<double> values(0, 20);
  for (int i = 0; i < 20'000; ++i) {
    const double value = values(random);
    EXPECT_EQ(ExponentialIndex(value, 7) >> 4, ExponentialIndex(value, 3));
    EXPECT_EQ(ExponentialIndex(value, 20) >> 20, ExponentialIndex(value, 0));
  }
}

// What a histogram of all the values must be, found without one: the largest scale at which either sign needs at most
// `size` buckets, and the counts there.
struct Expected {
  int32_t scale;
  std::map<int32_t, uint64_t> positive, negative;

  Expected(const std::vector<double>& values, int32_t size, int32_t max_scale) {
    for (scale = max_scale;; --scale) {
      positive.clear();
      negative.clear();
      for (const double value : values) {
        if (value != 0) ++(value > 0 ? positive : negative)[ExponentialIndex(std::abs(value), scale)];
      }
      const auto fits = [&](const auto& counts) {
        return counts.empty() || counts.rbegin()->first - counts.begin()->first < size;
      };
      if (fits(positive) && fits(negative)) return;
    }
  }
};

void Add(ExponentialScaled& buckets, double value, int32_t size) {
  if (value == 0) {
    ++buckets.zero_count;
  } else {
    buckets.Add(value < 0, ExponentialIndex(std::abs(value), 20) >> (20 - buckets.scale), size);
  }
}

std::map<int32_t, uint64_t> NotEmpty(const ExponentialCounts& counts) {
  const ExponentialBuckets dense = counts.Dense();
  std::map<int32_t, uint64_t> found;
  for (size_t i = 0; i < dense.counts.size(); ++i) {
    if (dense.counts[i] > 0) found[dense.offset + static_cast<int32_t>(i)] = dense.counts[i];
  }
  return found;
}

void ExpectSame(const ExponentialScaled& buckets, const std::vector<double>& values, int32_t size) {
  const Expected expected(values, size, 20);
  EXPECT_EQ(buckets.scale, expected.scale);
  EXPECT_EQ(NotEmpty(buckets.positive), expected.positive);
  EXPECT_EQ(NotEmpty(buckets.negative), expected.negative);
  EXPECT_EQ(buckets.zero_count, static_cast<uint64_t>(std::ranges::count(values, 0.0)));
}

std::vector<double> RandomValues(std::mt19937_64& random) {
  const double spread = std::uniform_real_distribution<double>(0.001, 30)(random);
  std::lognormal_distribution<double> magnitude(std::uniform_real_distribution<double>(-9, 9)(random), spread);
  std::vector<double> values(random() % 300);
  for (double& value : values) value = (random() % 4 == 0 ? -1 : 1) * (random() % 50 == 0 ? 0 : magnitude(random));
  return values;
}

TEST(ExponentialScaled, HasTheCountsAndTheScaleOfAllValuesAtOnce) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200; ++i) {
    const int32_t size = i % 3 == 0 ? 2 : i % 3 == 1 ? 20 : 160;
    const auto values = RandomValues(random);
    ExponentialScaled buckets{.scale = 20};
    for (const double value : values) Add(buckets, value, size);
    ExpectSame(buckets, values, size);
  }
}

TEST(ExponentialScaled, MergesIntoWhatOneWouldBe) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 200; ++i) {
    const int32_t size = i % 2 == 0 ? 10 : 160;
    std::vector<double> all;
    ExponentialScaled merged{.scale = 20};
    for (int part = 0; part < 3; ++part) {
      const auto values = RandomValues(random);
      ExponentialScaled buckets{.scale = 20};
      for (const double value : values) Add(buckets, value, size);
      merged.Merge(buckets, size);
      all.insert(all.end(), values.begin(), values.end());
    }
    ExpectSame(merged, all, size);
  }
}

TEST(ExponentialScaled, HoldsAllDoublesInTwoBuckets) {
  ExponentialScaled buckets{.scale = 20};
  for (const double value : {5e-324, 1.0, 1.7976931348623157e308}) Add(buckets, value, 2);
  EXPECT_EQ(buckets.scale, -11);
  EXPECT_THAT(buckets.positive.Dense().counts, testing::ElementsAre(2, 1));
  EXPECT_EQ(buckets.positive.Dense().offset, -1);
}

TEST(ExponentialScaled, KeepsTheLargestScaleForOneValue) {
  ExponentialScaled buckets{.scale = 20};
  for (int i = 0; i < 10; ++i) Add(buckets, 7, 160);
  EXPECT_EQ(buckets.scale, 20);
  EXPECT_THAT(buckets.positive.Dense().counts, testing::ElementsAre(10));
}

}  // namespace
}  // namespace otel::internal
