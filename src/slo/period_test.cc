#include "slo/period.h"

#include <gtest/gtest.h>

namespace sightline::slo {
namespace {

// 2026-03-29 12:00 UTC, a Sunday; in Berlin clocks went forward that night.
constexpr int64_t kSunday = 1'774'785'600 / 60;

Period At(SloWindow window, int64_t minute = kSunday) {
  const auto period = PeriodAt(window, minute);
  EXPECT_TRUE(period);
  return period ? *period : Period();
}

TEST(Period, ARollingOneEndsWithTheMinute) {
  const Period period = At({.kind = SloWindow::Kind::kRolling, .length_seconds = 3600, .timezone = ""});
  EXPECT_EQ(period.begin, kSunday + 1 - 60);
  EXPECT_EQ(period.end, kSunday + 1);
  EXPECT_EQ(period.Passed(kSunday), 1);
}

TEST(Period, CalendarOnesGoByTheClocksOfTheirPlace) {
  const auto week = At({.kind = SloWindow::Kind::kWeek, .length_seconds = 0, .timezone = "Europe/Berlin"});
  EXPECT_EQ(week.begin * 60, 1'774'220'400) << "Monday the 23rd, 00:00 in Berlin, then UTC + 1";
  EXPECT_EQ(week.end * 60, 1'774'821'600) << "Monday the 30th, then UTC + 2";
  EXPECT_EQ(week.minutes(), 7 * kDaySeconds / 60 - 60) << "a week of 167 hours";
  const auto month = At({.kind = SloWindow::Kind::kMonth, .length_seconds = 0, .timezone = "UTC"});
  EXPECT_EQ(month.begin * 60, 1'772'323'200) << "2026-03-01";
  EXPECT_EQ(month.minutes(), 31 * kDaySeconds / 60);
  EXPECT_NEAR(month.Passed(kSunday), 28.5 / 31, 1e-4);
  const auto quarter = At({.kind = SloWindow::Kind::kQuarter, .length_seconds = 0, .timezone = "UTC"});
  EXPECT_EQ(quarter.begin * 60, 1'767'225'600) << "2026-01-01";
  EXPECT_EQ(quarter.minutes(), 90 * kDaySeconds / 60);
}

TEST(Period, MinutesAtItsBoundsBelongToOneEach) {
  const SloWindow month{.kind = SloWindow::Kind::kMonth, .length_seconds = 0, .timezone = "America/New_York"};
  const Period period = At(month);
  EXPECT_EQ(At(month, period.begin).begin, period.begin);
  EXPECT_EQ(At(month, period.end - 1).begin, period.begin);
  EXPECT_EQ(At(month, period.end).begin, period.end);
  EXPECT_EQ(At(month, period.begin - 1).end, period.begin);
  EXPECT_DOUBLE_EQ(period.Passed(period.end - 1), 1);
}

}  // namespace
}  // namespace sightline::slo
