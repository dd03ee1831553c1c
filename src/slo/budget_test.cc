// Against cases that were calculated by hand, from the formulas and the table of the SRE workbook.
#include "slo/budget.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sightline::slo {
namespace {

constexpr int64_t kThirtyDays = 30 * kDayMinutes;

Tally Bad(double bad, double total) {
  return {total - bad, total};
}

TEST(BurnRate, IsTheErrorRatioInBudgets) {
  EXPECT_NEAR(BurnRateOf(Bad(1, 10), 0.999), 100, 1e-9) << "one failure of ten at 99.9 %";
  EXPECT_NEAR(BurnRateOf(Bad(5, 1000), 0.995), 1, 1e-9) << "exactly what may be bad";
  EXPECT_NEAR(BurnRateOf(Bad(144, 10'000), 0.999), 14.4, 1e-9);
  EXPECT_DOUBLE_EQ(BurnRateOf(Bad(0, 10), 0.999), 0);
  EXPECT_DOUBLE_EQ(BurnRateOf({}, 0.999), 0) << "without events";
}

// Budget used in a window is burn x window / period.
TEST(BurnRate, UsesTheSharesOfTheBudgetThatTheWorkbookSays) {
  const struct {
    double burn_rate, window_hours, budget_used;
  } cases[] = {{14.4, 1, 0.02}, {6, 6, 0.05}, {3, 24, 0.10}, {1, 72, 0.10}};
  constexpr double kObjective = 0.999, kPeriodHours = 720, kEventsAnHour = 10'000;
  for (const auto& [burn_rate, hours, used] : cases) {
    // A period with no failure but in those hours.
    const double bad = kEventsAnHour * hours * burn_rate * (1 - kObjective);
    EXPECT_NEAR(BurnRateOf(Bad(bad, kEventsAnHour * hours), kObjective), burn_rate, 1e-9);
    EXPECT_NEAR(BudgetRemaining(Bad(bad, kEventsAnHour * kPeriodHours), kObjective), 1 - used, 1e-9) << burn_rate;
  }
}

TEST(Budget, OfARollingPeriodIsAShareOfItsEvents) {
  EXPECT_NEAR(AllowedBad(Bad(0, 2000), 0.995), 10, 1e-9);
  EXPECT_NEAR(BudgetRemaining(Bad(1, 2000), 0.995), 0.9, 1e-9);
  EXPECT_NEAR(BudgetRemaining(Bad(25, 2000), 0.995), -1.5, 1e-9) << "more than there was";
}

TEST(Budget, OfACalendarPeriodCountsOnAsManyEventsAsSoFar) {
  // A tenth of the month with 1,000 events: 10,000 are expected, of which 100 may be bad at 99 %.
  EXPECT_NEAR(AllowedBad(Bad(10, 1000), 0.99, 0.1), 100, 1e-9);
  EXPECT_NEAR(BudgetRemaining(Bad(10, 1000), 0.99, 0.1), 0.9, 1e-9) << "a burn of 1 for a tenth of it";
  EXPECT_NEAR(BudgetRemaining(Bad(10, 1000), 0.99, 1), 0, 1e-9);
}

std::optional<int64_t> Exhaustion(double rate, const Tally& counted, const std::function<double(int64_t)>& bad_since) {
  return MinutesToExhaustion({.objective = 0.999, .period_minutes = kThirtyDays, .rolls = true, .counted = counted},
                             rate, bad_since);
}

TEST(Exhaustion, TakesAPeriodDividedByTheRateWhereNothingWasSpent) {
  const auto none = [](int64_t) { return 0.0; };
  const Tally untouched = Bad(0, 1e6);
  EXPECT_EQ(Exhaustion(0, untouched, none), std::nullopt);
  EXPECT_EQ(Exhaustion(0.9, untouched, none), std::nullopt) << "slower than the budget comes back";
  // 30 days / 14.4 = 50 hours.
  const auto fast = Exhaustion(14.4, untouched, none);
  ASSERT_TRUE(fast);
  EXPECT_NEAR(static_cast<double>(*fast), 50 * 60, 60);
  // 30 days / 1000 = 43.2 minutes.
  EXPECT_EQ(Exhaustion(1000, untouched, none), 44);
  EXPECT_EQ(Exhaustion(1, Bad(1000, 1e6), [](int64_t) { return 1000.0; }), 0) << "it is used up already";
}

TEST(Exhaustion, CountsOnWhatFallsOutOfARollingPeriod) {
  // Half of the budget was spent: 29 days ago, or just now. At a rate of 2 the rest lasts 7.5 days, or gets its half
  // back after a day and lasts 15.
  const Tally half = Bad(500, 1e6);
  const auto long_ago = [](int64_t minutes) { return minutes > 29 * kDayMinutes ? 500.0 : 0.0; };
  const auto just_now = [](int64_t minutes) { return minutes > 0 ? 500.0 : 0.0; };
  const auto old_one = Exhaustion(2, half, long_ago), new_one = Exhaustion(2, half, just_now);
  ASSERT_TRUE(old_one && new_one);
  EXPECT_NEAR(static_cast<double>(*old_one), 15 * kDayMinutes, kHourMinutes);
  EXPECT_NEAR(static_cast<double>(*new_one), 7.5 * kDayMinutes, kHourMinutes);
}

TEST(Exhaustion, OfACalendarPeriodIsNotLookedForBehindItsEnd) {
  // 10 of 30 days passed with a burn of 0.6: 20 % of the budget of 30 days.
  const BudgetOutlook outlook{.objective = 0.99,
                              .period_minutes = kThirtyDays,
                              .passed_minutes = kThirtyDays / 3,
                              .rolls = false,
                              .counted = Bad(60, 10'000)};
  EXPECT_EQ(MinutesToExhaustion(outlook, 1, {}), std::nullopt) << "24 days at that rate, and 20 are left";
  // 80 % of the budget at a rate of 2: 12 days.
  EXPECT_EQ(MinutesToExhaustion(outlook, 2, {}), 12 * kDayMinutes);
}

}  // namespace
}  // namespace sightline::slo
