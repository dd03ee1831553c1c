// The tests against known values, and what they find in what is alike.
#include "query/explain_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sightline::query {
namespace {

TEST(ExplainStatisticsTest, FewAreComparedExactly) {
  EXPECT_NEAR(DifferenceOfShares({1, 12}, {9, 12}), 0.002759, 1e-6);
  EXPECT_NEAR(DifferenceOfShares({3, 4}, {1, 4}), 0.485714, 1e-6);
  EXPECT_NEAR(DifferenceOfShares({0, 5}, {5, 5}), 2.0 / 252, 1e-6);
  EXPECT_NEAR(DifferenceOfShares({4, 5}, {0, 5}), 0.047619, 1e-6);
  EXPECT_EQ(DifferenceOfShares({0, 5}, {0, 9}), 1);
  EXPECT_EQ(DifferenceOfShares({5, 5}, {9, 9}), 1);
  EXPECT_EQ(DifferenceOfShares({0, 0}, {3, 9}), 1);
  EXPECT_NEAR(DifferenceOfShares({2, 2}, {100'000, 100'000'000}), 1e-6, 1e-8);
}

TEST(ExplainStatisticsTest, ManyAreComparedByChiSquare) {
  EXPECT_NEAR(DifferenceOfShares({30, 100}, {50, 100}), 0.006099, 1e-6);
  EXPECT_NEAR(DifferenceOfShares({500, 1000}, {500, 1000}), 1, 1e-9);
  EXPECT_LT(DifferenceOfShares({5000, 10'000}, {6000, 10'000}), 1e-40);
}

TEST(ExplainStatisticsTest, TheLeastDifferenceIsBelowTheOneThatIsSeen) {
  EXPECT_EQ(LeastDifference({1, 2}, {1, 3}), 0);
  EXPECT_NEAR(LeastDifference({900, 1000}, {100, 1000}), 0.747, 0.01);
  EXPECT_EQ(LeastDifference({900, 1000}, {100, 1000}), LeastDifference({100, 1000}, {900, 1000}));
  EXPECT_LT(LeastDifference({9, 10}, {1, 10}), LeastDifference({90, 100}, {10, 100}));
  EXPECT_EQ(LeastDifference({0, 0}, {1, 1}), 0);
}

TEST(ExplainStatisticsTest, NumbersAreComparedByRank) {
  std::vector<WeightedNumber> numbers;
  for (int i = 0; i < 20; ++i) numbers.push_back({static_cast<double>(i), i < 10 ? 1.0 : 0.0, i < 10 ? 0.0 : 1.0});
  EXPECT_LT(DifferenceOfNumbers(numbers, 10, 10), 0.001);
  std::vector<WeightedNumber> same = {{1, 5, 5}, {2, 3, 3}, {3, 1, 1}};
  EXPECT_NEAR(DifferenceOfNumbers(same, 9, 9), 1, 1e-9);
  EXPECT_EQ(DifferenceOfNumbers({{1, 1, 0}}, 5, 5), 1);
  EXPECT_EQ(DifferenceOfNumbers({}, 5, 5), 1);
}

TEST(ExplainStatisticsTest, WhatIsAlikeRarelyStandsOut) {
  std::mt19937 random(7);
  int found = 0;
  for (int round = 0; round < 200; ++round) {
    std::vector<double> p_values;
    for (int i = 0; i < 50; ++i) {
      const double share = std::uniform_real_distribution(0.001, 0.6)(random);
      std::binomial_distribution<int> a(300, share), b(5000, share);
      p_values.push_back(
          DifferenceOfShares({static_cast<double>(a(random)), 300}, {static_cast<double>(b(random)), 5000}));
    }
    std::vector<WeightedNumber> numbers;
    for (int i = 0; i < 500; ++i) {
      const auto value = static_cast<double>(random() % 1000);
      numbers.push_back(i < 100 ? WeightedNumber{value, 1, 0} : WeightedNumber{value, 0, 1});
    }
    std::ranges::sort(numbers, {}, &WeightedNumber::value);
    p_values.push_back(DifferenceOfNumbers(numbers, 100, 400));
    found += SignificanceLimit(p_values, 0.01) >= 0 ? 1 : 0;
  }
  EXPECT_LE(found, 6);  // 2 are expected
}

TEST(ExplainStatisticsTest, TheLimitFollowsTheirNumber) {
  EXPECT_EQ(SignificanceLimit({0.004, 0.5}, 0.01), 0.004);
  EXPECT_EQ(SignificanceLimit({0.004, 0.5, 0.9}, 0.01), -1);
  EXPECT_EQ(SignificanceLimit({0.001, 0.006, 0.9}, 0.01), 0.006);
  EXPECT_EQ(SignificanceLimit({}, 0.01), -1);
}

}  // namespace
}  // namespace sightline::query
