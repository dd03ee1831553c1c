// Histograms added up, taken apart and asked for quantiles; expectations are computed by hand.
#include "query/metric_buckets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace sightline::query {
namespace {

using ::testing::ElementsAre;

TEST(ExplicitBuckets, QuantileFollowsPrometheus) {
  const ExplicitBuckets buckets{{10, 20, 40}, {10, 20, 10, 10}};
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.1), 5) << "the first bucket begins at 0";
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.5), 10 + 10 * (25 - 10) / 20.0);
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.6), 20);
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.7), 20 + 20 * (35 - 30) / 10.0);
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.95), 40) << "what is above all bounds stands for the last";
  EXPECT_DOUBLE_EQ((ExplicitBuckets{{-5, 5}, {10, 10, 0}}.Quantile(0.25)), -5) << "a first bound below 0 stands alone";
  EXPECT_DOUBLE_EQ((ExplicitBuckets{{-5, 5}, {10, 10, 0}}.Quantile(0.75)), 0);
  EXPECT_TRUE(std::isnan(ExplicitBuckets({{10}, {0, 0}}).Quantile(0.5)));
  EXPECT_TRUE(std::isnan(ExplicitBuckets({{}, {7}}).Quantile(0.5)));
  EXPECT_TRUE(std::isnan(ExplicitBuckets().Quantile(0.5)));
  EXPECT_DOUBLE_EQ((ExplicitBuckets{{10, 20}, {0, 4, 0}}.Quantile(0.5)), 15) << "empty buckets in front";
}

TEST(ExplicitBuckets, OtherBoundsAreSplitEvenlyAtAllBounds) {
  ExplicitBuckets buckets{{10, 20}, {10, 20, 5}};
  buckets.Add({{5, 20, 40}, {1, 6, 8, 3}}, 1);
  EXPECT_THAT(buckets.bounds, ElementsAre(5, 10, 20, 40));
  // [0,5]: 10/2 + 1; (5,10]: 10/2 + 6*5/15; (10,20]: 20 + 6*10/15; (20,40]: 8; above: 5 + 3.
  EXPECT_THAT(buckets.counts, ElementsAre(6, 7, 24, 8, 8));
  ExplicitBuckets below{{-5, 5}, {4, 2, 0}};
  below.Add({{-10, 5}, {1, 30, 0}}, 2);
  EXPECT_THAT(below.bounds, ElementsAre(-10, -5, 5));
  // The first bucket is all at its bound, -5.
  EXPECT_THAT(below.counts, ElementsAre(2, 4 + 2 * 10, 2 + 2 * 20, 0));
}

TEST(ExplicitBuckets, MergingKeepsTheCountAndPointsWithoutBucketsAddNothing) {
  std::mt19937_64 random(3);
  ExplicitBuckets all;
  double total = 0;
  for (int i = 0; i < 50; ++i) {
    ExplicitBuckets one;
    double bound = static_cast<double>(random() % 20) - 10;
    for (uint64_t n = random() % 6; n > 0; --n) one.bounds.push_back(bound += 1 + static_cast<double>(random() % 30));
    for (size_t b = 0; b <= one.bounds.size(); ++b) one.counts.push_back(static_cast<double>(random() % 100));
    for (const double count : one.counts) total += count;
    all.Add(one, 1);
    all.Add({}, 1);
  }
  double sum = 0;
  for (const double count : all.counts) {
    EXPECT_GE(count, 0);
    sum += count;
  }
  EXPECT_NEAR(sum, total, 1e-6);
}

TEST(ExplicitBuckets, OneBucketThatFellIsAReset) {
  const ExplicitBuckets before{{10}, {5, 5}};
  EXPECT_EQ(Relate(before, {{10}, {6, 5}}, true), Relation::kGoesOn);
  EXPECT_EQ(Relate(before, {{10}, {100, 4}}, true), Relation::kReset);
  EXPECT_EQ(Relate(before, {{11}, {6, 5}}, true), Relation::kUnrelated);
  EXPECT_THAT(Minus({{10}, {6, 9}}, before).counts, ElementsAre(1, 4));
}

ExponentialBuckets Exponential(int scale, int64_t offset, std::vector<double> counts, double zero = 0) {
  ExponentialBuckets buckets;
  buckets.scale = scale;
  buckets.zero_count = zero;
  buckets.positive = {offset, std::move(counts)};
  buckets.Tidy();
  return buckets;
}

TEST(ExponentialBuckets, QuantileIsGeometricWithinABucket) {
  // Scale 0: (1,2] 4, (2,4] 4, (4,8] 8.
  const auto buckets = Exponential(0, 0, {4, 4, 8});
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.25), 2);
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.375), 2 * std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.75), 4 * std::sqrt(2.0));
  EXPECT_TRUE(std::isnan(ExponentialBuckets().Quantile(0.5)));
}

TEST(ExponentialBuckets, ZeroAndNegativeBucketsComeBeforeThePositive) {
  ExponentialBuckets buckets = Exponential(0, 0, {4}, 4);
  buckets.zero_threshold = 0.5;
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.25), 0.25) << "without negative values the zero bucket begins at 0";
  buckets.negative = {1, {8}};  // [-4, -2)
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.25), -4 * std::pow(0.5, 0.5));
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.625), 0) << "half of the zero bucket, from -0.5 to 0.5";
  EXPECT_DOUBLE_EQ(buckets.Quantile(0.875), std::sqrt(2.0));
}

TEST(ExponentialBuckets, TheSmallerScaleWinsWhereScalesDiffer) {
  // Scale 1, buckets -3..2: 2^-1.5 to 2^1.5, two of them make one of scale 0: index >> 1.
  auto fine = Exponential(1, -3, {1, 2, 3, 4, 5, 6});
  fine.Add(Exponential(0, -1, {10, 20}), 1);
  EXPECT_EQ(fine.scale, 0);
  EXPECT_EQ(fine.positive.offset, -2);
  EXPECT_THAT(fine.positive.counts, ElementsAre(1, 2 + 3 + 10, 4 + 5 + 20, 6));
  auto coarse = Exponential(0, -1, {10, 20});
  coarse.Add(Exponential(1, -3, {1, 2, 3, 4, 5, 6}), 0.5);
  EXPECT_EQ(coarse.positive.offset, -2);
  EXPECT_THAT(coarse.positive.counts, ElementsAre(0.5, 12.5, 24.5, 3));
}

TEST(ExponentialBuckets, DifferencesCrossAChangeOfScaleAndOfTheZeroThreshold) {
  const auto before = Exponential(1, 0, {1, 1, 1, 1}, 2);
  auto now = Exponential(0, 0, {5, 7}, 3);
  EXPECT_EQ(Relate(before, now, true), Relation::kGoesOn);
  EXPECT_THAT(Minus(now, before).positive.counts, ElementsAre(3, 5));
  EXPECT_EQ(Minus(now, before).zero_count, 1);
  // All up to 2 has become zero: the bucket (1,2] with 1 + 1 of before as well.
  now = Exponential(0, 1, {7}, 6);
  now.zero_threshold = 2;
  EXPECT_EQ(Relate(before, now, true), Relation::kGoesOn);
  EXPECT_EQ(Minus(now, before).zero_count, 6 - (2 + 2));
  EXPECT_THAT(Minus(now, before).positive.counts, ElementsAre(5));
  EXPECT_EQ(Relate(before, Exponential(1, 0, {1, 1, 0, 9}, 9), true), Relation::kReset);
  EXPECT_EQ(Relate(before, Exponential(1, 1, {9, 9, 9}, 9), true), Relation::kReset) << "the first bucket is gone";
}

TEST(ExponentialBuckets, StaySmallWhateverIsSent) {
  ExponentialBuckets all;
  const int32_t low = INT32_MIN, high = INT32_MAX;
  for (const int scale : {20, 0, -10, high, low}) {
    for (const int32_t offset : {low, -7, 0, 9, high}) {
      auto one = Exponential(scale, offset, {1, 0, 2});
      one.negative = {-int64_t{offset}, {3}};
      EXPECT_EQ(Relate(one, one, true), Relation::kGoesOn);
      all.Add(one, 1);
      EXPECT_LE(all.positive.counts.size(), ExponentialBuckets::kSideMax);
      EXPECT_LE(all.negative.counts.size(), ExponentialBuckets::kSideMax);
      all.Quantile(0.95);
    }
  }
}

TEST(ExponentialBuckets, QuantilesOfWideDataStayNearTheExactOnes) {
  std::mt19937_64 random(11);
  std::lognormal_distribution<double> values(2, 2);
  std::vector<double> all;
  ExponentialBuckets merged;
  for (int i = 0; i < 20'000; ++i) {
    all.push_back(values(random));
    const auto index = static_cast<int64_t>(std::ceil(std::log2(all.back()) * 1024)) - 1;
    merged.Add(Exponential(10, index, {1}), 1);
  }
  std::ranges::sort(all);
  EXPECT_LE(merged.positive.counts.size(), ExponentialBuckets::kSideMax);
  for (const double q : {0.5, 0.9, 0.95, 0.99}) {
    EXPECT_NEAR(merged.Quantile(q) / all[static_cast<size_t>(q * 20'000)], 1, 0.03) << q;
  }
}

}  // namespace
}  // namespace sightline::query
