// Floors under what docs/anomalies.md says of the quality on labelled series; bench/anomaly_quality_main.cc makes its
// tables.
#include <gmock/gmock.h>

#include <cstddef>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "alert/testing/labelled_series.h"

namespace sightline::alert {
namespace {

constexpr size_t kOfEachFamily = 4, kRefitSteps = 12 * kStepsOfHour;

std::map<std::string, Quality> QualitiesAt(double sensitivity) {
  // Scores do not depend on it.
  static const auto scored = [] {
    std::vector<std::pair<LabelledSeries, Scores>> all;
    for (LabelledSeries& series : MakeLabelledSeries(7, kOfEachFamily)) {
      Scores scores = ModelScores(series, kRefitSteps);
      all.emplace_back(std::move(series), std::move(scores));
    }
    return all;
  }();
  std::map<std::string, Quality> qualities;
  for (const auto& [series, scores] : scored) {
    const Quality quality = QualityOf(series, scores, sensitivity);
    for (const std::string& family : {series.family, std::string("all")}) {
      Quality& sum = qualities[family];
      sum.points += quality.points, sum.events += quality.events, sum.judged_steps += quality.judged_steps;
    }
  }
  return qualities;
}

TEST(AnomalyQuality, OfAllFamiliesIsNotBelowItsFloors) {
  const Quality at_four = QualitiesAt(4)["all"], at_five = QualitiesAt(5)["all"];
  EXPECT_GE(at_four.events.recall(), 0.86);
  EXPECT_GE(at_four.points.precision(), 0.55);
  EXPECT_GE(at_five.events.recall(), 0.78);
  EXPECT_GE(at_five.events.precision(), 0.76);
  // Of a series in a week.
  constexpr double kWeek = 7 * kStepsOfDay;
  EXPECT_LE(static_cast<double>(at_five.events.wrong) * kWeek / static_cast<double>(at_five.judged_steps), 0.8);
}

TEST(AnomalyQuality, OfSeriesWithSeasonsOrCountsIsHigh) {
  auto at_five = QualitiesAt(5);
  for (const char* family : {"season", "jobs", "heteroscedastic", "trend", "counts", "flat", "wander"}) {
    EXPECT_GE(at_five[family].events.f1(), 0.85) << family;
  }
  EXPECT_EQ(at_five["rare_counts"].events.wrong, 0u);
}

// The measures themselves.
TEST(AnomalyQuality, CountsEventsOnceAndRunsOfFalseAlarmsToo) {
  LabelledSeries series;
  series.values.assign(100, 0);
  series.judged_from = 10;
  series.is_unscored.resize(100);
  series.events = {{20, 24, "incident"}, {50, 51, "spike"}};
  Scores scores(90);
  const auto alarm = [&](size_t at) { scores[at - 10] = -9; };
  for (const size_t at : {22, 23, 25}) alarm(at);      // found; the last one is tolerated
  for (const size_t at : {70, 71, 74, 80}) alarm(at);  // two false alarms: 70 to 74, and 80
  scores[95 - 10] = std::numeric_limits<double>::quiet_NaN();
  const Quality quality = QualityOf(series, scores, 3);
  EXPECT_EQ(quality.events.right, 1u);
  EXPECT_EQ(quality.events.missed, 1u);
  EXPECT_EQ(quality.events.wrong, 2u);
  EXPECT_EQ(quality.points.right, 2u);
  EXPECT_EQ(quality.points.missed, 3u);
  EXPECT_EQ(quality.points.wrong, 4u);
  EXPECT_EQ(quality.judged_steps, 90u);
  EXPECT_DOUBLE_EQ(quality.events.precision(), 1.0 / 3);
  EXPECT_EQ(QualityOf(series, scores, 10).points.wrong, 0u);
}

}  // namespace
}  // namespace sightline::alert
