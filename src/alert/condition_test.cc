#include "alert/condition.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sightline::alert {
namespace {

TEST(Limits, JudgeByOpAndHold) {
  const Limits above{
      .op = Op::kAbove, .warning = Bounds{.high = 10}, .critical = Bounds{.high = 20}, .recovery = Bounds{.high = 8}};
  const Limits below{.op = Op::kBelow, .critical = Bounds{.low = 5}, .recovery = Bounds{.low = 6}};
  const Limits outside{.op = Op::kOutside, .warning = Bounds{0, 10}, .critical = Bounds{-5, 15}};
  const Limits inside{.op = Op::kInside, .critical = Bounds{3, 4}};
  const struct {
    const Limits& limits;
    double value;
    Level held, expected;
  } cases[] = {
      {above, 10, Level::kNone, Level::kNone},  // the limit itself is no breach
      {above, 10.1, Level::kNone, Level::kWarning},      {above, 20, Level::kNone, Level::kWarning},
      {above, 20.1, Level::kNone, Level::kCritical},     {above, 9, Level::kNone, Level::kNone},
      {above, 9, Level::kWarning, Level::kWarning},      {above, 9, Level::kCritical, Level::kWarning},
      {above, 8, Level::kWarning, Level::kNone},         {below, 5, Level::kNone, Level::kNone},
      {below, 4.9, Level::kNone, Level::kCritical},      {below, 5.5, Level::kCritical, Level::kCritical},
      {below, 6, Level::kCritical, Level::kNone},        {outside, 0, Level::kNone, Level::kNone},
      {outside, -0.1, Level::kNone, Level::kWarning},    {outside, 10.1, Level::kNone, Level::kWarning},
      {outside, 15.1, Level::kNone, Level::kCritical},   {outside, -5.1, Level::kNone, Level::kCritical},
      {inside, 3, Level::kNone, Level::kCritical},       {inside, 4, Level::kNone, Level::kCritical},
      {inside, 4.1, Level::kNone, Level::kNone},         {inside, 2.9, Level::kNone, Level::kNone},
      {above, HUGE_VAL, Level::kNone, Level::kCritical},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(one.limits.Judge(one.value, one.held), one.expected)
        << one.value << " held at " << LevelName(one.held) << ", op " << static_cast<int>(one.limits.op);
  }
}

TEST(Change, IsInPercentOfWhatWasBefore) {
  EXPECT_DOUBLE_EQ(ChangeInPercent(150, 100), 50);
  EXPECT_DOUBLE_EQ(ChangeInPercent(50, 100), -50);
  EXPECT_DOUBLE_EQ(ChangeInPercent(-50, -100), 50);  // it rose
  EXPECT_TRUE(std::isnan(ChangeInPercent(5, 0)));
  EXPECT_TRUE(std::isnan(ChangeInPercent(5, std::nan(""))));
}

TEST(Burn, NeedsBothWindows) {
  const auto tiers = DefaultTiers();
  ASSERT_EQ(tiers.size(), 3);
  EXPECT_EQ(JudgeBurn(tiers, {{14.5, 14.5}, {1, 1}, {0, 0}}), Level::kCritical);
  EXPECT_EQ(JudgeBurn(tiers, {{14.5, 14.3}, {5, 9}, {0, 0}}), Level::kNone);
  EXPECT_EQ(JudgeBurn(tiers, {{14.5, 0}, {7, 6.1}, {1.1, 1.1}}), Level::kCritical);
  EXPECT_EQ(JudgeBurn(tiers, {{2, 0}, {2, 0}, {1.1, 1.1}}), Level::kWarning);
  EXPECT_EQ(JudgeBurn(tiers, {{14.4, 14.4}, {6, 6}, {1, 1}}), Level::kNone);
}

}  // namespace
}  // namespace sightline::alert
