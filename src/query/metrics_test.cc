// Metrics as series, on the real engine; expectations are computed by hand.
#include "query/metrics.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/metric_cardinality.h"
#include "query/testing/metric_store.h"

namespace sightline::query {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::IsNan;
using ::testing::Pair;
using namespace testing;  // of this folder's tests

class MetricsTest : public testing::MetricStoreTest {};

TEST_F(MetricsTest, RateLooksBackForTheFirstStepAndDividesDifferencesAmongSteps) {
  // A point at -30, 30, 90, ...: each difference is half in one step, half in the next.
  const uint64_t id = Add({});
  Insert(id, {{-30, 100}, {30, 160}, {90, 280}, {150, 340}, {210, 400}});
  EXPECT_THAT(Only(Ask(180)), Are(Values{30 / 60.0 + 60 / 60.0, 60 / 60.0 + 30 / 60.0, 1}));
  EXPECT_THAT(Only(Ask(180, 60, Aggregation::kIncrease)), Are(Values{90, 90, 60}));
  const SeriesAnswer answer = Get(Ask(180));
  EXPECT_EQ(answer.aggregation, Aggregation::kRate);
  EXPECT_EQ(answer.result_unit, "1/s");
  EXPECT_EQ(answer.from_unix_nanos, start_);
  EXPECT_EQ(answer.to_unix_nanos, start_ + 180 * kSecond);
  EXPECT_GT(answer.scanned.rows_read, 0u);
}

TEST_F(MetricsTest, StepsShorterThanTheIntervalOfExportsAllHaveTheRate) {
  const uint64_t id = Add({});
  Insert(id, {{-60, 0}, {0, 60}, {60, 180}, {120, 240}});
  EXPECT_THAT(Only(Ask(120, 30)), Are(Values{2, 2, 1, 1}));
}

TEST_F(MetricsTest, AFallOfTheValueIsAReset) {
  const uint64_t id = Add({});
  Insert(id, {{0, 1000}, {10, 1010}, {20, 3}, {30, 13}, {40, 2}, {60, 8}, {120, 10}});
  // 10 up, 3 since the reset, 10 up, 2 since the next, 6 up.
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kIncrease)), Are(Values{10 + 3 + 10 + 2 + 6, 2}));
}

TEST_F(MetricsTest, AFallOfASumThatMayFallIsAChange) {
  const uint64_t id = Add({.monotonic = false});
  Insert(id, {{0, 1000}, {10, 1010}, {20, 3}, {60, 13}});
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kIncrease)), Are(Values{13 - 1000}));
}

TEST_F(MetricsTest, ANewStartIsAResetEvenIfTheValueIsHigher) {
  const uint64_t id = Add({});
  Insert(id, {{-10, 5, -100}, {0, 10, -100}, {30, 20, -100}, {60, 40, 40}, {120, 50, 40}});
  // Up to 30: 10. From 40 on all 40 of the new process.
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kIncrease)), Are(Values{10 + 40, 10}));
}

TEST_F(MetricsTest, AStartThatIsComputedAnewEachTimeIsNoReset) {
  const uint64_t id = Add({});
  Insert(id, {{0, 1000, -5000}, {60, 1060, -5000}, {120, 1120, -5000}});
  Execute(
      fmt::format("INSERT INTO sightline.metric_points (SeriesId, Timestamp, StartTimestamp, Value, Block) VALUES "
                  "({}, {}, fromUnixTimestamp64Nano({}), 1180, 1)",
                  id, Time(180), start_ - 5000 * kSecond + 900'000));
  EXPECT_THAT(Only(Ask(180, 60, Aggregation::kIncrease)), Are(Values{60, 60, 60}));
}

TEST_F(MetricsTest, ProcessesThatShareAStreamAreApartByTheirStarts) {
  // Two workers of one server send the same attributes.
  const uint64_t id = Add({});
  Insert(id, {{0, 1000, -900}, {5, 50, -800}, {60, 1060, -900}, {65, 110, -800}, {120, 1120, -900}, {125, 170, -800}});
  // The second one's first 5 seconds are unknown.
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kIncrease)), Are(Values{60 + 55, 60 + 60}));
}

TEST_F(MetricsTest, TheFirstPointCountsWhereItsStartIsKnown) {
  const uint64_t born = Add({.attributes = "{'k': 'born'}"});
  Insert(born, {{90, 30, 60}, {120, 60, 60}});
  const uint64_t late = Add({.attributes = "{'k': 'late'}"});  // appears long after its process started
  Insert(late, {{120, 6, 0 - 60}, {180, 12, 0 - 60}});
  const uint64_t old = Add({.attributes = "{'k': 'old'}"});  // what it was before nobody knows
  Insert(old, {{90, 1'000'000, -7200}, {120, 1'000'030, -7200}});
  const uint64_t unknown = Add({.attributes = "{'k': 'unknown'}"});
  Insert(unknown, {{90, 1'000'000}, {120, 1'000'015}});
  const uint64_t same = Add({.attributes = "{'k': 'zero length'}"});  // starts at its time: a base line
  Insert(same, {{90, 1'000'000, 90}, {120, 1'000'005, 90}});
  SeriesRequest request = Ask(180, 60, Aggregation::kIncrease);
  request.group_by = {"k"};
  const SeriesAnswer answer = Get(request);
  ASSERT_EQ(answer.series.size(), 5u);
  EXPECT_THAT(answer.series[0].labels, ElementsAre(Pair("k", "born")));
  EXPECT_THAT(answer.series[0].values, Are(Values{kNan, 60, kNan}));
  EXPECT_THAT(answer.series[1].labels, ElementsAre(Pair("k", "old")));
  EXPECT_THAT(answer.series[1].values, Are(Values{kNan, 30, kNan}));
  EXPECT_THAT(answer.series[2].labels, ElementsAre(Pair("k", "unknown")));
  EXPECT_THAT(answer.series[2].values, Are(Values{kNan, 15, kNan}));
  EXPECT_THAT(answer.series[3].labels, ElementsAre(Pair("k", "late")));
  EXPECT_THAT(answer.series[3].values, Are(Values{kNan, 6, 6}));
  EXPECT_THAT(answer.series[4].labels, ElementsAre(Pair("k", "zero length")));
  EXPECT_THAT(answer.series[4].values, Are(Values{kNan, 5, kNan}));
}

TEST_F(MetricsTest, GapsAreNullAndTheirDifferenceCountsOnlyWithinAStep) {
  const uint64_t id = Add({});
  std::vector<Point> points;
  for (int64_t t = 0; t <= 120; t += 10) points.push_back({t, static_cast<double>(t)});
  for (int64_t t = 600; t <= 720; t += 10) points.push_back({t, static_cast<double>(t)});
  Insert(id, points);
  const Values rates = Only(Ask(720));
  EXPECT_THAT(rates, Are(Values{1, 1, kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan, 1, 1}));
  EXPECT_THAT(Only(Ask(720, 720, Aggregation::kIncrease)), Are(Values{720})) << "it did count on";
}

TEST_F(MetricsTest, OutOfOrderArrivalAndDuplicatesChangeNothing) {
  const uint64_t id = Add({});
  Insert(id, {{60, 60}, {20, 20}, {60, 60}});
  Insert(id, {{40, 40}, {0, 0}, {20, 20}, {20, 19}});
  Execute("OPTIMIZE TABLE sightline.metric_points FINAL");
  Insert(id, {{10, 10}, {80, 80}, {120, 120}, {100, 100}, {0, 0}});
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kIncrease)), Are(Values{60, 60}));
  EXPECT_THAT(Only(Ask(120, 20, Aggregation::kIncrease)), Are(Values{20, 20, 20, 20, 20, 20}));
}

TEST_F(MetricsTest, PointsWithoutAValueAndNoNumbersAreLeftOut) {
  const uint64_t id = Add({});
  Insert(id, {{0, 0}, {20, 0, 0, 1}, {30, kNan}, {40, kInfinity}, {60, 60}, {120, 120}});
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kIncrease)), Are(Values{60, 60}));
}

TEST_F(MetricsTest, RatesGoOnTowardsNowUntilTheNextPointIsDue) {
  const uint64_t id = Add({.attributes = "{'k': 'a'}"}), other = Add({.attributes = "{'k': 'b'}"});
  Insert(id, {{-60, 0}, {0, 60}, {60, 120}});
  Insert(other, {{-20, 0}, {40, 60}, {100, 120}});
  // Now is 110: the first stream's next point is due at 120.
  EXPECT_THAT(Only(Ask(110, 30)), Are(Values{2, 2, 2, 2}));
  EXPECT_THAT(Only(Ask(110, 30, Aggregation::kIncrease)), Are(Values{60, 60, 30, 10})) << "counts are not guessed";
  // Long after that it has ended.
  EXPECT_THAT(Only(Ask(600, 60))[1], DoubleNear(40 / 60.0, 1e-9));
  EXPECT_TRUE(std::isnan(Only(Ask(600, 60))[2]));
}

TEST_F(MetricsTest, DeltasAreSummedAndDividedAmongSteps) {
  const uint64_t id = Add({.temporality = 1});
  Insert(id, {{30, 60, -30}, {90, 12, 30}, {90, 12, 30}, {100, 5, 90}, {110, 7, 100}, {170, 100, 110}, {175, 3}});
  EXPECT_THAT(Only(Ask(180, 60, Aggregation::kIncrease)),
              Are(Values{30 + 6, 6 + 5 + 7 + 100 / 6.0, 100 * 5 / 6.0 + 3}));
  EXPECT_THAT(Only(Ask(180, 60, Aggregation::kSum)), Are(Values{36, 18 + 100 / 6.0, 100 * 5 / 6.0 + 3}));
  EXPECT_EQ(Refused(Ask(180, 60, Aggregation::kLast)).code, Code::kInvalidArgument);
}

TEST_F(MetricsTest, DeltasReachIntoTheRangeFromBehindIt) {
  const uint64_t id = Add({.temporality = 1});
  Insert(id, {{30, 60, -30}, {90, 60, 30}});
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kIncrease)), Are(Values{60}));
}

TEST_F(MetricsTest, DeltaAndCumulativeStreamsOfOneNameAddUp) {
  Insert(Add({.temporality = 1}), {{60, 60, 0 + 1}, {120, 60, 60}});
  Insert(Add({.temporality = 2, .service = "api"}), {{0, 7}, {60, 127}, {120, 247}});
  EXPECT_THAT(Only(Ask(120)), Are(Values{3, 3}));
  EXPECT_NE(Refused(Ask(120, 60, Aggregation::kSum)).message.find("rate or increase"), std::string::npos);
}

TEST_F(MetricsTest, GaugesHaveAverageBoundsLastAndSumOfTheirStreams) {
  const uint64_t a =
      Add({.type = "gauge", .unit = "By", .temporality = 0, .monotonic = false, .attributes = "{'k': 'a'}"});
  const uint64_t b =
      Add({.type = "gauge", .unit = "By", .temporality = 0, .monotonic = false, .attributes = "{'k': 'b'}"});
  Insert(a, {{0, 10}, {20, 20}, {40, 60}, {60, 1}, {80, kNan}, {80, 2, 0, 1}});
  Insert(b, {{10, 100}, {70, 7}});
  EXPECT_THAT(Only(Ask(120)), Are(Values{(30 + 100) / 2.0, (1 + 7) / 2.0})) << "streams weigh the same";
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kMin)), Are(Values{10, 1}));
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kMax)), Are(Values{100, 7}));
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kSum)), Are(Values{160, 8}));
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kLast)), Are(Values{60, 7}));
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kCount)), Are(Values{2, 2}));
  EXPECT_EQ(Get(Ask(120)).result_unit, "By");
  EXPECT_EQ(Get(Ask(120, 60, Aggregation::kCount)).result_unit, "1");
  EXPECT_EQ(Refused(Ask(120, 60, Aggregation::kRate)).code, Code::kInvalidArgument);
  EXPECT_EQ(Refused(Ask(120, 60, Aggregation::kP95)).code, Code::kInvalidArgument);
}

TEST_F(MetricsTest, AGaugeStandsForThreeIntervalsAndUntilItIsSaidToHaveNoValue) {
  const uint64_t id = Add({.type = "gauge", .temporality = 0, .attributes = "{'k': 'silent'}"});
  Insert(id, {{-60, 1}, {0, 2}, {60, 3}});
  const uint64_t ended = Add({.type = "gauge", .temporality = 0, .attributes = "{'k': 'ended'}"});
  Insert(ended, {{-90, 5}, {-30, 6}, {70, 0, 0, 1}});
  SeriesRequest request = Ask(330, 30);
  request.group_by = {"k"};
  const SeriesAnswer answer = Get(request);
  ASSERT_EQ(answer.series.size(), 2u);
  EXPECT_THAT(answer.series[0].labels, ElementsAre(Pair("k", "ended")));
  EXPECT_THAT(answer.series[0].values, Are(Values{6, 6, kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan, kNan}));
  // 3 came at 60 and stands until 240.
  EXPECT_THAT(answer.series[1].values, Are(Values{2, 2, 3, 3, 3, 3, 3, 3, kNan, kNan, kNan}));
}

TEST_F(MetricsTest, ASumThatMayFallIsTheSumOfItsStreamsLastValues) {
  Insert(Add({.unit = "{request}", .monotonic = false, .attributes = "{'k': 'a'}"}), {{0, 5}, {60, 3}});
  Insert(Add({.unit = "{request}", .monotonic = false, .attributes = "{'k': 'b'}"}), {{30, 100}, {90, 200}});
  const SeriesAnswer answer = Get(Ask(120));
  EXPECT_EQ(answer.aggregation, Aggregation::kSum);
  EXPECT_EQ(answer.result_unit, "{request}");
  ASSERT_EQ(answer.series.size(), 1u);
  EXPECT_THAT(answer.series[0].values, Are(Values{105, 203}));
}

TEST_F(MetricsTest, CumulativeHistogramsAreDifferencedByStreamBeforeTheyAreMerged) {
  const uint64_t a = Add({.type = "histogram", .unit = "ms", .attributes = "{'k': 'a'}"});
  const uint64_t b = Add({.type = "histogram", .unit = "ms", .attributes = "{'k': 'b'}"});
  InsertHistogram(a, 0, 0, {10, 20, 40}, {100, 0, 0, 0}, 500);
  InsertHistogram(a, 30, 0, {10, 20, 40}, {105, 10, 2, 3}, 700);
  InsertHistogram(a, 60, 0, {10, 20, 40}, {110, 20, 5, 5}, 900);
  InsertHistogram(b, 0, 0, {10, 20, 40}, {7, 7, 7, 7}, 100);
  InsertHistogram(b, 60, 0, {10, 20, 40}, {1, 2, 5, 5}, 300);  // begins anew
  // a: 10, 20, 5, 5; b: 1, 2, 5, 5. Together 11, 22, 10, 10 of 53.
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kP50)), Are(Values{10 + 10 * (26.5 - 11) / 22}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kP75)), Are(Values{20 + 20 * (39.75 - 33) / 10}));
  EXPECT_THAT(Only(Ask(60)), Are(Values{40})) << "p95 by default";
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kRate)), Are(Values{53 / 60.0}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kCount)), Are(Values{53}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kSum)), Are(Values{400 + 300}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kAvg)), Are(Values{700 / 53.0}));
  EXPECT_EQ(Get(Ask(60, 60, Aggregation::kRate)).result_unit, "1/s");
  EXPECT_EQ(Get(Ask(60, 60, Aggregation::kAvg)).result_unit, "ms");
  EXPECT_EQ(Refused(Ask(60, 60, Aggregation::kMax)).code, Code::kInvalidArgument);
}

TEST_F(MetricsTest, DeltaHistogramsAddUpAndNoRecordedValueIsLeftOut) {
  const uint64_t id = Add({.type = "histogram", .temporality = 1});
  InsertHistogram(id, 30, 1, {10, 20}, {4, 0, 0}, 20);
  InsertHistogram(id, 60, 30, {10, 20}, {0, 4, 0}, 60);
  InsertHistogram(id, 60, 30, {10, 20}, {0, 4, 0}, 60);
  InsertHistogram(id, 45, 30, {10, 20}, {1000, 0, 0}, 60, 1);
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kP50)), Are(Values{10}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kP75)), Are(Values{15}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kAvg)), Are(Values{10}));
}

TEST_F(MetricsTest, AStepInWhichNothingWasMeasuredHasTheSum0AndNoAverage) {
  const uint64_t id = Add({.type = "histogram"});
  InsertHistogram(id, 0, 0, {10}, {1, 0}, 5);
  InsertHistogram(id, 60, 0, {10}, {3, 0}, 15);
  InsertHistogram(id, 120, 0, {10}, {3, 0}, 15);
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kSum)), Are(Values{10, 0}));
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kCount)), Are(Values{2, 0}));
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kAvg)), Are(Values{5, kNan}));
  EXPECT_THAT(Only(Ask(120, 60, Aggregation::kP50)), Are(Values{5, kNan}));
}

TEST_F(MetricsTest, LongDeltaHistogramsAreReadPieceByPiece) {
  const uint64_t id = Add({.type = "histogram", .temporality = 1});
  // 10,000 points of a tenth of a second, each sent twice: nine of ten hold one value in (0,10], the tenth one in
  // (10,20].
  Execute(
      fmt::format("INSERT INTO sightline.metric_histograms (SeriesId, Timestamp, StartTimestamp, Count, BucketCounts, "
                  "ExplicitBounds, Block) SELECT {}, fromUnixTimestamp64Nano({} + (n + 1) * 100000000), "
                  "fromUnixTimestamp64Nano({} + n * 100000000), 1, if(n % 10 = 0, [0, 1, 0], [1, 0, 0]), [10, 20], 1 "
                  "FROM (SELECT intDiv(number, 2) AS n FROM numbers(20000))",
                  id, start_, start_));
  EXPECT_THAT(Only(Ask(1200, 1200, Aggregation::kP50)), Are(Values{10 * 5000 / 9000.0}));
  EXPECT_THAT(Only(Ask(1200, 1200, Aggregation::kP95)), Are(Values{10 + 10 * 500 / 1000.0}));
  EXPECT_THAT(Only(Ask(1200, 1200, Aggregation::kCount)), Are(Values{10'000}));
}

TEST_F(MetricsTest, AHistogramWithChangedBoundsCountsFromItsNewStartOnly) {
  const uint64_t id = Add({.type = "histogram"});
  InsertHistogram(id, 0, -60, {10, 20}, {1, 1, 0}, 10);
  InsertHistogram(id, 30, -60, {10, 20}, {1, 9, 0}, 90);  // 0, 8, 0
  InsertHistogram(id, 60, 35, {10, 15}, {0, 2, 0}, 26);   // a new process: 2 in (10,15]
  // (10,15]: 4 + 2, (15,20]: 4.
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kP50)), Are(Values{10 + 5 * 5 / 6.0}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kP90)), Are(Values{15 + 5 * 3 / 4.0}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kCount)), Are(Values{10}));
}

TEST_F(MetricsTest, HistogramsWithoutSumOrBucketsHaveNoAverageOrQuantile) {
  const uint64_t id = Add({.type = "histogram", .temporality = 1});
  InsertHistogram(id, 30, 1, {}, {}, 0, 0, 0);
  Execute("ALTER TABLE sightline.metric_histograms UPDATE Count = 5 WHERE 1 SETTINGS mutations_sync = 1");
  EXPECT_EQ(Get(Ask(60, 60, Aggregation::kAvg)).series_total, 0u);
  EXPECT_EQ(Get(Ask(60, 60, Aggregation::kP95)).series_total, 0u);
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kCount)), Are(Values{5}));
}

TEST_F(MetricsTest, ExponentialHistogramsOfDifferentScalesMergeAtTheSmaller) {
  const uint64_t a = Add({.type = "exponential_histogram", .attributes = "{'k': 'a'}"});
  const uint64_t b = Add({.type = "exponential_histogram", .temporality = 1, .attributes = "{'k': 'b'}"});
  InsertExponential(a, 0, 0, 2, 0, {1, 1, 1, 1});      // all in (1,2]
  InsertExponential(a, 60, 0, 1, 0, {4, 4, 0, 2}, 2);  // scaled down since: 2, 2 in (1,2]; 2 in (2,4]; 2 zeros
  InsertExponential(b, 60, 30, 0, 1, {2, 8});          // 2 in (2,4], 8 in (4,8]
  // Zeros 2, (1,2] 4, (2,4] 4, (4,8] 8, of 18.
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kP50)), Are(Values{2 * std::pow(2, 3 / 4.0)}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kP75)), Are(Values{4 * std::pow(2, 3.5 / 8)}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kCount)), Are(Values{18}));
}

TEST_F(MetricsTest, SummariesHaveRatesAveragesAndTheQuantilesTheyCarry) {
  for (const char* name : {"a", "b"}) {
    const uint64_t id =
        Add({.type = "summary", .unit = "s", .temporality = 0, .attributes = fmt::format("{{'k': '{}'}}", name)});
    for (int64_t time : {0, 60}) {
      Execute(
          fmt::format("INSERT INTO sightline.metric_summaries (SeriesId, Timestamp, Count, Sum, "
                      "`ValueAtQuantiles.Quantile`, `ValueAtQuantiles.Value`, Block) VALUES ({}, {}, {}, {}, [0.5, "
                      "0.95], [1, {}], 1)",
                      id, Time(time), 10 + time, 100 + 2 * time, *name == 'a' ? 3 : 4));
    }
  }
  EXPECT_THAT(Only(Ask(60)), Are(Values{2})) << "rate by default";
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kAvg)), Are(Values{2}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kP95)), Are(Values{4})) << "the highest: they cannot be merged";
  EXPECT_EQ(Get(Ask(60, 60, Aggregation::kP99)).series_total, 0u);
  EXPECT_EQ(Get(Ask(60, 60, Aggregation::kP99)).series.size(), 0u);
}

TEST_F(MetricsTest, GroupsByPointsElseResourceElseWithoutTheLabel) {
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('r1', now(), ['host', 'k'], "
      "['h1', 'of the resource'], 'ss')");
  Insert(Add({.type = "gauge", .resource = "r1", .attributes = "{'k': 'a'}"}), {{0, 1}});
  Insert(Add({.type = "gauge", .resource = "r1"}), {{0, 2}});
  Insert(Add({.type = "gauge", .service = "", .attributes = "{'k': ''}"}), {{0, 3}});
  SeriesRequest request = Ask(60);
  request.group_by = {"k", "host", "service.name"};
  SeriesAnswer answer = Get(request);
  ASSERT_EQ(answer.series.size(), 3u);
  EXPECT_THAT(answer.series[0].labels, ElementsAre(Pair("k", "")));
  EXPECT_THAT(answer.series[1].labels,
              ElementsAre(Pair("k", "of the resource"), Pair("host", "h1"), Pair("service.name", "web")));
  EXPECT_THAT(answer.series[2].labels, ElementsAre(Pair("k", "a"), Pair("host", "h1"), Pair("service.name", "web")));
  request.limit = 1;
  answer = Get(request);
  EXPECT_EQ(answer.series.size(), 1u);
  EXPECT_EQ(answer.series_total, 3u);
  EXPECT_THAT(answer.series[0].values, Are(Values{3}));
  request.attributes = {{"host", "h1"}, {"k", "a"}};
  EXPECT_EQ(Get(request).series_total, 1u);
  request.attributes = {{"k", "a", true}};
  EXPECT_EQ(Refused(request).code, Code::kNotFound);
  request.attributes = {};
  request.service = "";
  answer = Get(request);
  ASSERT_EQ(answer.series_total, 1u) << "the stream that names no service";
  EXPECT_THAT(answer.series[0].labels, ElementsAre(Pair("k", "")));
}

TEST_F(MetricsTest, TypesAndUnitsThatDoNotFitTogetherAreRefused) {
  Insert(Add({.unit = "ms"}), {{0, 1}, {60, 1}});
  Insert(Add({.unit = "s", .service = "api"}), {{0, 1}, {60, 1}});
  Add({.type = "gauge", .service = "other"});
  Error error = Refused(Ask(60));
  EXPECT_EQ(error.code, Code::kInvalidArgument);
  EXPECT_NE(error.message.find("choose the type: gauge, sum"), std::string::npos) << error.message;
  SeriesRequest request = Ask(60);
  request.kind = MetricKind::kSum;
  error = Refused(request);
  EXPECT_NE(error.message.find("\"ms\" by \"web\", \"s\" by \"api\""), std::string::npos) << error.message;
  request.service = "api";
  EXPECT_EQ(Get(request).result_unit, "s/s");
  request.kind = MetricKind::kHistogram;
  EXPECT_EQ(Refused(request).code, Code::kNotFound);
  EXPECT_EQ(Refused(Ask(60, 60, "no' OR 1 --")).code, Code::kNotFound);
}

TEST_F(MetricsTest, NamesOfOneUnitGoTogether) {
  for (const char* unit : {"requests", "{request}", "1", ""}) Insert(Add({.type = "gauge", .unit = unit}), {{0, 1}});
  SeriesRequest request = Ask(60, 60, Aggregation::kSum);
  const SeriesAnswer answer = Get(request);
  EXPECT_EQ(answer.unit, "{request}");
  ASSERT_EQ(answer.series.size(), 1u);
  EXPECT_THAT(answer.series[0].values, Are(Values{4}));
  for (const char* unit : {"ms", "KiBy", "bytes", "{request}/s", "%"}) {
    Execute("TRUNCATE TABLE sightline.metric_series");
    Add({.type = "gauge", .unit = "1"});
    Add({.type = "gauge", .unit = unit});
    EXPECT_EQ(Refused(request).code, Code::kInvalidArgument) << unit;
  }
}

TEST_F(MetricsTest, AMetricWithoutPointsInTheRangeHasNoSeries) {
  Add({.type = "gauge", .unit = "By"}, -24 * 5);
  const SeriesAnswer answer = Get(Ask(60));
  EXPECT_EQ(answer.series_total, 0u);
  EXPECT_EQ(answer.kind, MetricKind::kGauge);
  EXPECT_EQ(answer.unit, "By");
}

TEST_F(MetricsTest, BoundsAreNamed) {
  Insert(Add({}), {{0, 1}, {60, 1}});
  SeriesRequest request = Ask(60);
  request.limit = 0;
  EXPECT_EQ(Refused(request).code, Code::kInvalidArgument);
  request.limit = kSeriesReadMax + 1;
  EXPECT_EQ(Refused(request).code, Code::kInvalidArgument);
  request = Ask(60);
  request.group_by = {"a", "b", "c", "d"};
  EXPECT_EQ(Refused(request).code, Code::kInvalidArgument);
  request.group_by = {"a", "a"};
  EXPECT_EQ(Refused(request).code, Code::kInvalidArgument);
  request = Ask(60);
  request.to_unix_nanos = request.from_unix_nanos;
  EXPECT_EQ(Refused(request).code, Code::kInvalidArgument);
  request = Ask(60, 0);
  EXPECT_EQ(Refused(request).code, Code::kInvalidArgument);
  request = Ask(kSeriesStepsMax + 1, 1);
  EXPECT_EQ(Refused(request).code, Code::kResourceExhausted);
  EXPECT_EQ(Get(Ask(kSeriesStepsMax, 1)).series[0].values.size(), kSeriesStepsMax);
  request = Ask(60);
  request.to_unix_nanos = INT64_MAX;
  EXPECT_EQ(Refused(request).code, Code::kResourceExhausted);
  request.from_unix_nanos = 0;
  request.step_seconds = 365 * 24 * 3600;
  EXPECT_EQ(Get(request).series_total, 1u) << "no overflow";
}

TEST_F(MetricsTest, MoreStreamsOrCellsThanOneAnswerMayHoldAreRefused) {
  const auto add_many = [&](size_t first, size_t count) {
    Execute(
        fmt::format("INSERT INTO sightline.metric_series (SeriesId, Seen, MetricName, MetricType, Attributes) "
                    "SELECT number, {}, 'm', 'gauge', map('k', toString(number)) FROM numbers({}, {})",
                    start_ / kSecond, first, count));
  };
  add_many(1'000'000, 1000);
  SeriesRequest request = Ask(10'000, 1);
  request.group_by = {"k"};
  EXPECT_EQ(Refused(request).code, Code::kResourceExhausted);
  EXPECT_EQ(Get(Ask(10'000, 1)).series_total, 0u);
  add_many(2'000'000, kStreamsMax);
  EXPECT_EQ(Refused(Ask(60)).code, Code::kResourceExhausted);
}

TEST_F(MetricsTest, ListsByNameWithWhatIsKnownOfEach) {
  Add({.name = "b.requests", .unit = "{request}", .attributes = "{'route': '/', 'code': '200'}", .description = "old"});
  Add({.name = "b.requests",
       .unit = "{request}",
       .service = "api",
       .attributes = "{'method': 'GET'}",
       .description = "new"},
      1);
  Add({.name = "a.memory", .type = "gauge", .unit = "By", .temporality = 0, .monotonic = false});
  Add({.name = "b.requests", .temporality = 1});
  const auto page = reader_.List({});
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->metrics.size(), 3u);
  EXPECT_FALSE(page->next);
  EXPECT_GT(page->scanned.rows_read, 0u);
  const MetricInfo& memory = page->metrics[0];
  EXPECT_EQ(memory.key.name, "a.memory");
  EXPECT_EQ(memory.key.kind, MetricKind::kGauge);
  EXPECT_EQ(memory.key.temporality, Temporality::kUnspecified);
  EXPECT_EQ(page->metrics[1].key.unit, "1");
  EXPECT_EQ(page->metrics[1].key.temporality, Temporality::kDelta);
  const MetricInfo& requests = page->metrics[2];
  EXPECT_EQ(requests.key.unit, "{request}");
  EXPECT_TRUE(requests.key.monotonic);
  EXPECT_EQ(requests.description, "new");
  EXPECT_THAT(requests.services, ElementsAre("api", "web"));
  EXPECT_EQ(requests.series_count, 2u);
  EXPECT_THAT(requests.attribute_keys, ElementsAre("code", "method", "route"));
  EXPECT_EQ(requests.last_seen_unix_nanos, start_ + kHour);

  const auto names = [&](const MetricSearch& search) {
    std::vector<std::string> list;
    auto found = reader_.List(search);
    EXPECT_TRUE(found) << found.error().message;
    if (found) {
      for (const auto& metric : found->metrics) list.push_back(metric.key.name);
    }
    return list;
  };
  EXPECT_THAT(names({.text = "REQ"}), ElementsAre("b.requests", "b.requests"));
  EXPECT_THAT(names({.service = "api"}), ElementsAre("b.requests"));
  EXPECT_THAT(names({.text = "%"}), ElementsAre()) << "no pattern";
  Add({.name = "c.nameless", .service = ""});
  EXPECT_THAT(names({.service = ""}), ElementsAre("c.nameless"));
}

TEST_F(MetricsTest, PagesAreStableWhileMetricsCome) {
  for (const char* name : {"a", "c", "e"}) Add({.name = name});
  Add({.name = "c", .type = "gauge"});
  Add({.name = "c", .unit = "s"});
  Add({.name = "c", .temporality = 1});
  Add({.name = "c", .temporality = 7});  // no temporality that is defined
  std::vector<std::string> lines;
  MetricSearch search;
  search.limit = 1;
  for (int pages = 0; pages < 20; ++pages) {
    auto page = reader_.List(search);
    ASSERT_TRUE(page) << page.error().message;
    for (const auto& metric : page->metrics) {
      lines.push_back(fmt::format("{} {} {} {}", metric.key.name, MetricKindName(metric.key.kind), metric.key.unit,
                                  static_cast<int>(metric.key.temporality)));
    }
    if (!page->next) break;
    search.after = page->next;
    if (pages == 1) {
      Add({.name = "b"});  // before the cursor
      Add({.name = "d"});
    }
  }
  EXPECT_THAT(lines, ElementsAre("a sum 1 2", "c gauge 1 2", "c sum 1 0", "c sum 1 1", "c sum 1 2", "c sum s 2",
                                 "d sum 1 2", "e sum 1 2"));
  EXPECT_EQ(reader_.List({.limit = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(reader_.List({.limit = kMetricsMax + 1}).error().code, Code::kInvalidArgument);
}

// -- series beyond limits.metric_series_max

TEST_F(MetricsTest, DeltasOfAnOverflowAddUpThoughTheyAreOfOneTime) {
  Insert(Add({.temporality = 1, .attributes = "{'user': 'a'}"}), {{60, 5, 0}, {60, 5, 0}, {120, 7, 60}});
  const uint64_t overflow =
      Add({.temporality = 1, .attributes = "{'otel.metric.overflow': 'true'}", .limited_by = "point.user"});
  Insert(overflow, {{60, 10, 1}, {60, 10, 1}, {60, 3, 1}, {120, 4, 60}, {120, 4, 60}});
  const SeriesAnswer answer = Get(Ask(180, 60, Aggregation::kIncrease));
  ASSERT_EQ(answer.series.size(), 1u);
  // Of the stream with rows of its own a point that was sent twice counts once.
  EXPECT_NEAR(answer.series[0].values[0] + answer.series[0].values[1], 5 + 23 + 7 + 8, 1e-6);
  ASSERT_EQ(answer.limited.size(), 1u);
  EXPECT_EQ(answer.limited[0].service, "web");
  EXPECT_EQ(answer.limited[0].attribute, "user");
  EXPECT_FALSE(answer.limited[0].is_left_out);
}

TEST_F(MetricsTest, AnOverflowIsNoStreamToCompareOthersWith) {
  Insert(Add({.temporality = 1, .attributes = "{'user': 'a'}"}), {{30, 5}, {90, 7}});
  const uint64_t overflow =
      Add({.temporality = 1, .attributes = "{'otel.metric.overflow': 'true'}", .limited_by = "point.user"});
  Insert(overflow, {{30, 100}, {30, 100}});
  SeriesRequest request = Ask(120);
  request.over_time = Aggregation::kIncrease;
  request.over_series = Aggregation::kMax;
  EXPECT_THAT(Only(request), Are(Values{5, 7}));
  EXPECT_TRUE(Get(request).limited.at(0).is_left_out);
  request.over_series = Aggregation::kSum;
  EXPECT_THAT(Only(request), Are(Values{205, 7}));
}

TEST_F(MetricsTest, CumulativeStreamsAndGaugesOfAnOverflowAreLeftOutAndSaidSo) {
  for (const char* type : {"sum", "gauge"}) {
    const int temporality = std::string_view(type) == "sum" ? 2 : 0;
    Insert(Add({.name = type, .type = type, .temporality = temporality, .attributes = "{'user': 'a'}"}),
           {{0, 10}, {60, 20}, {120, 30}});
    const uint64_t overflow = Add({.name = type,
                                   .type = type,
                                   .temporality = temporality,
                                   .attributes = "{'otel.metric.overflow': 'true'}",
                                   .limited_by = "resource.host.name"});
    Insert(overflow, {{0, 500}, {0, 3}, {60, 7}, {60, 9000}, {120, 1}});
    SeriesRequest request = Ask(120, 60, type);
    const SeriesAnswer answer = Get(request);
    ASSERT_EQ(answer.series.size(), 1u) << type;
    for (const double value : answer.series[0].values) EXPECT_LE(value, 30) << type;
    ASSERT_EQ(answer.limited.size(), 1u) << type;
    EXPECT_EQ(answer.limited[0].attribute, "host.name");
    EXPECT_TRUE(answer.limited[0].of_resource);
    EXPECT_TRUE(answer.limited[0].is_left_out);
    request.service = "another";
    EXPECT_EQ(Refused(request).code, Code::kNotFound);
  }
}

TEST_F(MetricsTest, DeltaHistogramsOfAnOverflowAreMergedPointByPoint) {
  const uint64_t overflow = Add({.type = "histogram",
                                 .unit = "s",
                                 .temporality = 1,
                                 .attributes = "{'otel.metric.overflow': 'true'}",
                                 .limited_by = "unknown"});
  for (const double sum : {1, 2, 3}) InsertHistogram(overflow, 60, 1, {1, 2}, {4, 0, 0}, sum);
  InsertHistogram(overflow, 60, 1, {1, 2}, {0, 12, 0}, 18);
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kP50)), Are(Values{1}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kCount)), Are(Values{24}));
  EXPECT_THAT(Only(Ask(60, 60, Aggregation::kSum)), Are(Values{24}));
  EXPECT_EQ(Get(Ask(60)).limited.at(0).attribute, "") << "not known";
}

TEST_F(MetricsTest, ListAndCardinalityNameTheAttributeOfLimitedServices) {
  for (const char* user : {"a", "b", "c"}) Add({.attributes = fmt::format("{{'user': '{}'}}", user)}, 9);
  Add({.service = "cart"}, 9);
  Add({.attributes = "{'otel.metric.overflow': 'true'}", .limited_by = "point.user"}, 9);
  Add({.name = "long.ago"}, -20);
  Add({.name = "long.ago", .attributes = "{'otel.metric.overflow': 'true'}", .limited_by = "point.user"}, -20);
  const auto page = reader_.List({});
  ASSERT_TRUE(page) << page.error().message;
  ASSERT_EQ(page->metrics.size(), 2u);
  EXPECT_TRUE(page->metrics[0].limited.empty()) << "it is over";
  const MetricInfo& metric = page->metrics[1];
  EXPECT_EQ(metric.series_count, 4u);
  EXPECT_THAT(metric.attribute_keys, ElementsAre("user"));
  ASSERT_EQ(metric.limited.size(), 1u);
  EXPECT_EQ(metric.limited[0].service, "web");
  EXPECT_EQ(metric.limited[0].attribute, "user");
  EXPECT_EQ(metric.limited[0].series, 3u);
  EXPECT_TRUE(reader_.List({.service = "cart"})->metrics.at(0).limited.empty());

  const auto found = ReadMetricCardinality(clickhouse(), "sightline", "m", std::nullopt, start_, nullptr);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->series, 4u);
  ASSERT_EQ(found->attributes.size(), 1u);
  ASSERT_EQ(found->limited.size(), 1u);
  EXPECT_EQ(found->limited[0].attribute, "user");
}

}  // namespace
}  // namespace sightline::query
