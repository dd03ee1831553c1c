#include "alert/anomaly.h"

#include <gmock/gmock.h>

#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <random>

namespace sightline::alert {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kStep = 300, kDay = 86'400;
constexpr size_t kOfDay = 288, kOfHour = 12;
constexpr int64_t kMonday = 1'789'948'800;

// Values by step from a Monday's midnight (UTC) on; `scatter` of normal noise.
std::vector<double> Values(size_t days, double scatter, const std::function<double(size_t)>& expected,
                           uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(days * kOfDay);
  for (size_t i = 0; i < values.size(); ++i) values[i] = expected(i) + scatter * normal(random);
  return values;
}
double Daily(size_t i) {
  return 1000 + 400 * std::sin(2 * std::numbers::pi * static_cast<double>(i % kOfDay) / static_cast<double>(kOfDay));
}
double Weekly(size_t i) {
  return Daily(i) * (i / kOfDay % 7 >= 5 ? 0.5 : 1);
}

AnomalyModel Fit(const std::vector<double>& values, const AnomalyOptions& options = {}) {
  return AnomalyModel::Fit({kMonday, kStep, values}, options);
}
int64_t At(size_t i) {
  return kMonday + static_cast<int64_t>(i) * kStep;
}

TEST(Anomaly, SaysNothingWithTooLittleHistory) {
  for (const size_t count : {size_t{0}, size_t{1}, kHistoryValuesMin - 1}) {
    std::vector<double> values(4000, kNone);
    for (size_t i = 0; i < count; ++i) values[i * 100] = static_cast<double>(i);
    AnomalyModel model = Fit(values);
    EXPECT_EQ(model.basis(), Basis::kNotEnough) << count;
    model.Learn(At(4000), 1);
    const Judgement judgement = model.Judge(At(4000), 1e9);
    EXPECT_TRUE(std::isnan(judgement.expected) && std::isnan(judgement.lower) && std::isnan(judgement.upper));
    EXPECT_TRUE(std::isnan(judgement.score));
    EXPECT_FALSE(judgement.is_anomaly);
  }
  EXPECT_EQ(Fit(Values(1, 1, Daily)).basis(), Basis::kLevel);
  EXPECT_EQ(AnomalyModel::Fit({kMonday, 0, {}}, {}).basis(), Basis::kNotEnough);
}

TEST(Anomaly, FallsBackToWhatTheHistoryBears) {
  for (const auto& [days, basis] : {std::pair<size_t, Basis>{1, Basis::kLevel},
                                    {2, Basis::kDay},
                                    {13, Basis::kDay},
                                    {14, Basis::kWeek},
                                    {28, Basis::kWeek}}) {
    EXPECT_EQ(Fit(Values(days, 20, Weekly)).basis(), basis) << days;
  }
  // Two weeks, of which one is missing.
  std::vector<double> values = Values(14, 20, Weekly);
  std::fill_n(values.begin() + 2 * kOfDay, 6 * kOfDay, kNone);
  EXPECT_EQ(Fit(values).basis(), Basis::kDay);
  // Office hours only: no two values of most hours of the day.
  values = Values(14, 20, Daily);
  for (size_t i = 0; i < values.size(); ++i) {
    if (i % kOfDay < 9 * kOfHour || i % kOfDay >= 17 * kOfHour) values[i] = kNone;
  }
  EXPECT_EQ(Fit(values).basis(), Basis::kLevel);
  EXPECT_EQ(BasisName(Basis::kNotEnough), "not_enough_history");
  EXPECT_EQ(BasisName(Basis::kLevel), "level");
  EXPECT_EQ(BasisName(Basis::kDay), "hour_of_day");
  EXPECT_EQ(BasisName(Basis::kWeek), "day_of_week");
}

TEST(Anomaly, ExpectsTheSeasonOfDayAndWeek) {
  AnomalyModel model = Fit(Values(14, 20, Weekly));
  for (size_t i = 14 * kOfDay; i < 21 * kOfDay; ++i) {
    // The jump at midnight is known to the slot, but not to a deviation.
    if (i % kOfDay > kOfHour && i % kOfDay < kOfDay - kOfHour) {
      ASSERT_NEAR(model.Judge(At(i), kNone).expected, Weekly(i), 3 * 20) << i;
    }
    model.Learn(At(i), Weekly(i));
  }
  // A day's value at night is an anomaly, although it is usual by day; a weekend's on a Wednesday too.
  EXPECT_GT(model.Judge(At(21 * kOfDay + 18 * kOfHour), 1400).score, 8);
  EXPECT_LT(model.Judge(At(23 * kOfDay + 6 * kOfHour), 700).score, -8);
  EXPECT_NEAR(model.Judge(At(26 * kOfDay + 6 * kOfHour), 700).score, 0, 3);
}

TEST(Anomaly, KeepsAJobOfFiveMinutesSharp) {
  const auto with_job = [](size_t i) { return Daily(i) + (i % kOfDay == 38 ? 800 : 0); };
  const AnomalyModel model = Fit(Values(14, 20, with_job));
  EXPECT_NEAR(model.Judge(At(14 * kOfDay + 38), kNone).expected, with_job(38), 40);
  EXPECT_NEAR(model.Judge(At(14 * kOfDay + 39), kNone).expected, Daily(39), 40);
  EXPECT_LT(model.Judge(At(14 * kOfDay + 38), Daily(38)).score, -8) << "the job has not run";
}

TEST(Anomaly, TakesHoursOfTheTimeZoneThatIsGiven) {
  // A weekend that begins at UTC+9's midnight is one, whatever the zone is said to be; the phase of it is the zone's.
  const int64_t offset = 9 * 3600;
  const auto there = [&](size_t i) { return Weekly(i + static_cast<size_t>(offset / kStep)); };
  const AnomalyModel model = Fit(Values(14, 20, there), {.utc_offset_seconds = offset});
  for (size_t day = 14; day < 21; ++day) {
    const size_t noon = day * kOfDay + 3 * kOfHour;  // there
    EXPECT_NEAR(model.Judge(At(noon), kNone).expected, there(noon), 80) << day;
  }
}

TEST(Anomaly, IsNotBentByOutliersIncidentsAndGaps) {
  std::vector<double> values = Values(14, 20, Weekly);
  std::mt19937_64 random(2);
  for (size_t i = 0; i < values.size(); ++i) {
    if (random() % 50 == 0) values[i] = 50'000;
    if (random() % 10 == 0) values[i] = kNone;
  }
  std::fill_n(values.begin() + 4 * kOfDay + 100, 40, 0.0);
  std::fill_n(values.begin() + 8 * kOfDay, kOfDay, kNone);
  const AnomalyModel model = Fit(values);
  EXPECT_EQ(model.basis(), Basis::kWeek);
  for (size_t day = 14; day < 21; ++day) {
    for (const size_t hour : {3, 8, 14, 20}) {
      const size_t i = day * kOfDay + hour * kOfHour;
      EXPECT_NEAR(model.Judge(At(i), kNone).expected, Weekly(i), 60) << day << " " << hour;
      EXPECT_LT(model.Judge(At(i), kNone).upper, Weekly(i) + 250) << day << " " << hour;
    }
  }
}

TEST(Anomaly, ReportsAShiftAndAdaptsWithinSixHours) {
  AnomalyModel model = Fit(Values(14, 20, Daily));
  const size_t begin = 14 * kOfDay;
  const std::vector<double> after = Values(15, 20, [](size_t i) { return Daily(i) + 600; }, 3);
  size_t anomalies = 0;
  for (size_t i = begin; i < begin + kOfDay; ++i) {
    const bool is_anomaly = model.Judge(At(i), after[i]).is_anomaly;
    anomalies += is_anomaly;
    if (i < begin + 5 * kOfHour) EXPECT_TRUE(is_anomaly) << i - begin;
    if (i > begin + 7 * kOfHour) EXPECT_LT(std::abs(model.Judge(At(i), after[i]).score), 6) << i - begin;
    model.Learn(At(i), after[i]);
  }
  EXPECT_LT(anomalies, 8 * kOfHour);
  // Back again is a shift too.
  EXPECT_TRUE(model.Judge(At(begin + kOfDay), Daily(0)).is_anomaly);
}

TEST(Anomaly, AShiftInTheHistoryIsNoTrendAndNoSeason) {
  for (const size_t at : {4, 7, 10, 13}) {
    const auto shifted = [&](size_t i) { return Daily(i) + (i < at * kOfDay ? 0 : 800); };
    const AnomalyModel model = Fit(Values(14, 20, shifted));
    for (size_t i = 14 * kOfDay; i < 16 * kOfDay; i += kOfHour) {
      EXPECT_NEAR(model.Judge(At(i), kNone).expected, Daily(i) + 800, 120) << at << " " << i;
    }
  }
}

TEST(Anomaly, FollowsATrend) {
  const auto growing = [](size_t i) { return Daily(i) + 0.5 * static_cast<double>(i); };  // 144 a day
  AnomalyModel model = Fit(Values(14, 20, growing));
  const std::vector<double> after = Values(21, 20, growing, 4);
  size_t anomalies = 0;
  for (size_t i = 14 * kOfDay; i < 21 * kOfDay; ++i) {
    anomalies += std::abs(model.Judge(At(i), after[i]).score) > 4;
    model.Learn(At(i), after[i]);
  }
  EXPECT_LT(anomalies, 10u) << "of 2016";
}

TEST(Anomaly, BandIsWiderWhereValuesScatterMore) {
  std::mt19937_64 random(5);
  std::normal_distribution<double> normal;
  std::vector<double> values(14 * kOfDay);
  const auto is_day = [](size_t i) { return i % kOfDay >= 8 * kOfHour && i % kOfDay < 20 * kOfHour; };
  for (size_t i = 0; i < values.size(); ++i) values[i] = 1000 + (is_day(i) ? 100 : 10) * normal(random);
  const AnomalyModel model = Fit(values);
  const auto width = [&](size_t hour) {
    const Judgement judgement = model.Judge(At(14 * kOfDay + hour * kOfHour), kNone);
    return judgement.upper - judgement.lower;
  };
  EXPECT_NEAR(width(14) / 600, 1, 0.2);
  EXPECT_NEAR(width(3) / 60, 1, 0.25);
}

TEST(Anomaly, SensitivityWidensAndDirectionChooses) {
  const std::vector<double> values = Values(14, 20, Daily);
  double width = 0;
  for (const double sensitivity : {1.0, 3.0, 6.0}) {
    const Judgement judgement = Fit(values, {.sensitivity = sensitivity}).Judge(At(14 * kOfDay), kNone);
    EXPECT_GT(judgement.upper - judgement.lower, width + 30);
    width = judgement.upper - judgement.lower;
  }
  const auto is_anomaly = [&](Op direction, double value) {
    return Fit(values, {.direction = direction}).Judge(At(14 * kOfDay), value).is_anomaly;
  };
  EXPECT_TRUE(is_anomaly(Op::kOutside, 1200) && is_anomaly(Op::kOutside, 800));
  EXPECT_TRUE(is_anomaly(Op::kAbove, 1200));
  EXPECT_FALSE(is_anomaly(Op::kAbove, 800));
  EXPECT_TRUE(is_anomaly(Op::kBelow, 800));
  EXPECT_FALSE(is_anomaly(Op::kBelow, 1200));
}

TEST(Anomaly, ScoreIsTheSensitivityAtWhichTheBandEnds) {
  for (const double event : {0.0, 1.0, 1 / 300.0}) {
    for (const double scatter : {0.0, 0.01, 20.0}) {
      std::vector<double> values = Values(14, scatter, Daily);
      const AnomalyOptions options = {.sensitivity = 4.2, .event = event};
      const AnomalyModel model = Fit(values, options);
      const Judgement judgement = model.Judge(At(14 * kOfDay), kNone);
      EXPECT_NEAR(model.Judge(At(14 * kOfDay), judgement.upper).score, 4.2, 1e-3) << event << " " << scatter;
      EXPECT_NEAR(model.Judge(At(14 * kOfDay), judgement.lower).score, -4.2, 1e-3) << event << " " << scatter;
    }
  }
}

TEST(Anomaly, QuietCountsFireByFarMoreThanChance) {
  std::mt19937_64 random(6);
  std::vector<double> values(14 * kOfDay);
  for (double& value : values) value = std::poisson_distribution<int>(0.02)(random);
  for (const bool are_rates : {false, true}) {
    const double event = are_rates ? 1 / 300.0 : 1;
    std::vector<double> scaled = values;
    for (double& value : scaled) value *= event;
    const AnomalyModel model = Fit(scaled, {.event = event, .is_non_negative = true});
    for (const int count : {0, 1, 2, 3, 4})
      EXPECT_FALSE(model.Judge(At(14 * kOfDay), count * event).is_anomaly) << count;
    EXPECT_TRUE(model.Judge(At(14 * kOfDay), 8 * event).is_anomaly);
    EXPECT_EQ(model.Judge(At(14 * kOfDay), 0).lower, 0);
  }
  // Not even counts that were all 0, of which no scatter is known.
  const AnomalyModel model = Fit(std::vector<double>(14 * kOfDay), {.event = 1});
  EXPECT_FALSE(model.Judge(At(14 * kOfDay), 3).is_anomaly);
  EXPECT_TRUE(model.Judge(At(14 * kOfDay), 10).is_anomaly);
}

TEST(Anomaly, ConstantSeriesFireWhenTheyChange) {
  const AnomalyModel model = Fit(std::vector<double>(14 * kOfDay, 64));
  const Judgement same = model.Judge(At(14 * kOfDay), 64);
  EXPECT_EQ(same.expected, 64);
  EXPECT_EQ(same.score, 0);
  EXPECT_FALSE(same.is_anomaly);
  EXPECT_FALSE(model.Judge(At(14 * kOfDay), 64.01).is_anomaly) << "rounding";
  EXPECT_TRUE(model.Judge(At(14 * kOfDay), 65).is_anomaly);
  EXPECT_TRUE(std::isfinite(Fit(std::vector<double>(400)).Judge(At(400), 1).score));

  // What was there on several occasions is no surprise.
  std::vector<double> values(14 * kOfDay, 64);
  for (const size_t day : {1, 3, 4, 6, 9}) values[day * kOfDay + day * 17] = 65;
  EXPECT_FALSE(Fit(values).Judge(At(14 * kOfDay), 65).is_anomaly);
  EXPECT_TRUE(Fit(values).Judge(At(14 * kOfDay), 63).is_anomaly);
}

TEST(Anomaly, ValuesThatCannotBeNegativeHaveNoBandBelowZero) {
  std::mt19937_64 random(7);
  std::vector<double> values(14 * kOfDay);
  for (double& value : values) value = std::abs(std::normal_distribution<double>(0, 5)(random));
  const Judgement judgement = Fit(values, {.is_non_negative = true}).Judge(At(14 * kOfDay), 0);
  EXPECT_EQ(judgement.lower, 0);
  EXPECT_FALSE(judgement.is_anomaly);
}

TEST(Anomaly, LearnsEachStepOnceAndNoneThatOverlaps) {
  const std::vector<double> values = Values(14, 20, Daily);
  AnomalyModel once = Fit(values), often = Fit(values);
  const std::vector<double> after = Values(15, 20, Daily, 8);
  for (size_t i = 14 * kOfDay; i < 15 * kOfDay; ++i) {
    once.Learn(At(i), after[i]);
    // As a rule with a window of 5 minutes does that is evaluated each minute.
    for (int64_t minute = 0; minute < 5; ++minute) often.Learn(At(i) + minute * 60, minute ? 1e6 : after[i]);
    often.Learn(At(i) - 10 * kDay, 1e6);
    often.Learn(At(i + 1), kNone);
  }
  EXPECT_EQ(once.Judge(At(15 * kOfDay), 1000).score, often.Judge(At(15 * kOfDay), 1000).score);
}

TEST(Anomaly, StepsOfAnyLengthAreJudged) {
  for (const int64_t step : {10, 60, 420, 3600, 21'600, 86'400}) {
    const auto count = static_cast<size_t>(std::max<int64_t>(14 * kDay / step, 60));
    std::vector<double> values(std::min<size_t>(count, 20'000));
    std::mt19937_64 random(9);
    std::normal_distribution<double> normal;
    const auto expected = [&](size_t i) {
      const double phase = static_cast<double>(static_cast<int64_t>(i) * step % kDay) / static_cast<double>(kDay);
      return 1000 + (step < kDay ? 300 * std::sin(2 * std::numbers::pi * phase) : 0);
    };
    for (size_t i = 0; i < values.size(); ++i) values[i] = expected(i) + 10 * normal(random);
    AnomalyModel model = AnomalyModel::Fit({kMonday, step, values}, {.sensitivity = 5});
    const int64_t next = kMonday + static_cast<int64_t>(values.size()) * step;
    const double usual = expected(values.size());
    EXPECT_FALSE(model.Judge(next, usual).is_anomaly) << step;
    EXPECT_TRUE(model.Judge(next, usual + 300).is_anomaly) << step;
    EXPECT_TRUE(model.Judge(next, usual - 300).is_anomaly) << step;
  }
}

}  // namespace
}  // namespace sightline::alert
