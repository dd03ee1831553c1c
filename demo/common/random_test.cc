#include "demo/common/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace demo {
namespace {

TEST(Random, SameSeedGivesTheSameNumbers) {
  Random a(7), b(7), c(8);
  const uint64_t first = a.Next();
  EXPECT_EQ(first, b.Next());
  EXPECT_NE(first, c.Next());
}

TEST(Random, DistributionsHaveTheMeansThatTheyName) {
  constexpr int kDraws = 100'000;
  Random random(1);
  double exponential = 0, normal = 0, square = 0;
  int below_median = 0;
  for (int i = 0; i < kDraws; ++i) {
    exponential += random.Exponential(3.0);
    const double x = random.Normal();
    normal += x;
    square += x * x;
    below_median += random.LogNormal(20.0, 0.7) < 20.0 ? 1 : 0;
  }
  EXPECT_NEAR(exponential / kDraws, 3.0, 0.05);
  EXPECT_NEAR(normal / kDraws, 0.0, 0.02);
  EXPECT_NEAR(square / kDraws, 1.0, 0.02);
  EXPECT_NEAR(below_median / double{kDraws}, 0.5, 0.01);
}

TEST(Random, WeightedNeverPicksAnythingWithoutWeight) {
  Random random(2);
  const std::vector<double> weights = {0, 3, 0, 1, 0};
  std::vector<int> picked(weights.size());
  for (int i = 0; i < 40'000; ++i) ++picked[random.Weighted(weights)];
  EXPECT_EQ(picked[0] + picked[2] + picked[4], 0);
  EXPECT_NEAR(picked[1] / 40'000.0, 0.75, 0.01);
}

}  // namespace
}  // namespace demo
