#include "alert/robust.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <random>

namespace sightline::alert {
namespace {

TEST(Robust, QuantilesLieBetweenValues) {
  std::vector<double> values = {5, 1, 3, 2};
  EXPECT_DOUBLE_EQ(Median(values), 2.5);
  EXPECT_DOUBLE_EQ(Quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(Quantile(values, 1), 5);
  EXPECT_DOUBLE_EQ(Quantile(values, 0.75), 3.5);
  EXPECT_TRUE(std::isnan(Median({})));
}

TEST(Robust, TwoSamplesAgreeAboutTheNearerToNothing) {
  const auto agreed = [](std::vector<double> samples) { return Agreed(samples); };
  EXPECT_DOUBLE_EQ(agreed({5}), 0);
  EXPECT_DOUBLE_EQ(agreed({5, 4}), 4);
  EXPECT_DOUBLE_EQ(agreed({-5, -40}), -5);
  EXPECT_DOUBLE_EQ(agreed({5, -4}), 0);
  EXPECT_DOUBLE_EQ(agreed({5, 4, 100}), 5);
}

TEST(Robust, TrailingMedianIsThatOfTheNewestValues) {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<int> value(0, 20);  // with many that are the same
  for (const size_t length : {1, 2, 7, 100}) {
    TrailingMedian median(length);
    EXPECT_TRUE(std::isnan(median.value()));
    std::deque<double> newest;
    for (size_t i = 0; i < 3 * length + 5; ++i) {
      newest.push_back(value(random));
      if (newest.size() > length) newest.pop_front();
      median.Add(newest.back());
      std::vector<double> copy(newest.begin(), newest.end());
      ASSERT_DOUBLE_EQ(median.value(), Median(copy)) << length << " " << i;
    }
    EXPECT_EQ(median.size(), length);
  }
}

TEST(Robust, SpreadIsThatOfEachSideAndNotOfOutliers) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> values(10'000);
  for (double& value : values) {
    value = normal(random);
    if (value > 0) value *= 3;
  }
  for (size_t i = 0; i < values.size(); i += 10) values[i] = 1e6;  // a tenth
  const Spread spread = SpreadOf(values);
  EXPECT_NEAR(spread.above, 3.9, 0.3);  // a tenth more on that side moves its median a little
  EXPECT_NEAR(spread.below, 1, 0.05);
}

TEST(Robust, OccasionsCountOnceHoweverLong) {
  std::vector<double> values(1000);
  std::fill_n(values.begin() + 100, 300, 9.0);  // one long incident
  EXPECT_EQ(SpreadOfOccasions(values).above, 0);
  for (const size_t at : {10, 500, 600, 700, 800}) values[at] = 2;
  EXPECT_DOUBLE_EQ(SpreadOfOccasions(values).above, 2 / 2.5);
  EXPECT_EQ(SpreadOfOccasions(values).below, 0);
}

TEST(Robust, HeavyTailsWidenToALimit) {
  std::mt19937_64 random(1);
  std::vector<double> normal(20'000), heavy(20'000);
  for (double& value : normal) value = std::abs(std::normal_distribution<double>()(random));
  for (double& value : heavy) value = std::exponential_distribution<double>(std::log(2) * kSigmaOfMad)(random);
  EXPECT_NEAR(TailFactor(normal), 1, 0.03);
  EXPECT_NEAR(TailFactor(heavy), 1.49, 0.05);
  for (size_t i = 0; i < heavy.size(); i += 5) heavy[i] = 1e9;
  EXPECT_DOUBLE_EQ(TailFactor(heavy), kTailMax);
}

}  // namespace
}  // namespace sightline::alert
