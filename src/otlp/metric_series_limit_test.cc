#include "otlp/metric_series_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <xxhash.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "otlp/testing/blocks.h"

namespace sightline::otlp {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int32_t kDay = 20'000;

uint64_t HashOf(const std::string& text) {
  return XXH3_64bits(text.data(), text.size());
}

TEST(DistinctCount, IsWithinAFewPercentAndCountsEachValueOnce) {
  for (const int values : {1, 5, 100, 2000, 50'000}) {
    DistinctCount count;
    for (int i = 0; i < 3 * values; ++i) count.Add(HashOf("value " + std::to_string(i % values)));
    EXPECT_NEAR(count.Estimate(), values, 0.1 * values) << values;  // three standard errors
  }
  EXPECT_EQ(DistinctCount().Estimate(), 0);
}

TEST(MetricSeriesLimit, AdmitsTheFirstOfADayAndKnowsThemAgain) {
  MetricSeriesLimit limit(3);
  const uint64_t metric = MetricSeriesLimit::KeyOf("shop", "orders"),
                 other = MetricSeriesLimit::KeyOf("cart", "orders");
  for (const uint64_t series : {1, 2, 3, 2, 1}) EXPECT_TRUE(limit.Admit(metric, series, kDay).has_own_rows);
  EXPECT_FALSE(limit.Admit(metric, 4, kDay).has_own_rows);
  EXPECT_TRUE(limit.Admit(other, 5, kDay).has_own_rows) << "of another service";
  EXPECT_FALSE(limit.Admit(metric, 4, kDay - 1).has_own_rows) << "late, from the day before";
  EXPECT_TRUE(limit.Admit(metric, 4, kDay + 1).has_own_rows);
}

TEST(MetricSeriesLimit, KeysDoNotRunIntoEachOther) {
  EXPECT_NE(MetricSeriesLimit::KeyOf("ab", "c"), MetricSeriesLimit::KeyOf("a", "bc"));
}

TEST(MetricSeriesLimit, ForgetsAllWhenFull) {
  MetricSeriesLimit limit(2, 4);
  const uint64_t metric = MetricSeriesLimit::KeyOf("shop", "orders");
  for (const uint64_t series : {1, 2}) EXPECT_TRUE(limit.Admit(metric, series, kDay).has_own_rows);
  EXPECT_FALSE(limit.Admit(metric, 3, kDay).has_own_rows);
  for (const uint64_t series : {11, 12, 13}) {
    EXPECT_TRUE(limit.Admit(MetricSeriesLimit::KeyOf("shop", std::to_string(series)), series, kDay).has_own_rows);
  }
  EXPECT_TRUE(limit.Admit(metric, 3, kDay).has_own_rows);
}

TEST(MetricSeriesLimit, NamesTheAttributeOnceADay) {
  MetricSeriesLimit limit(10);
  const uint64_t metric = MetricSeriesLimit::KeyOf("shop", "orders");
  int watched = 0;
  for (uint64_t series = 0; series < 12; ++series) {
    const auto standing = limit.Admit(metric, series, kDay);
    EXPECT_EQ(standing.has_own_rows, series < 10);
    if (!standing.is_watched) continue;
    ++watched;
    limit.Watch(metric, {{"point.route", series % 2}, {"point.user.id", HashOf(std::to_string(series))}});
    if (!standing.has_own_rows) EXPECT_EQ(limit.LimitedBy("shop", "orders"), "point.user.id");
  }
  EXPECT_EQ(watched, 4) << "the last fifth and the first beyond";
  auto news = limit.Take();
  ASSERT_EQ(news.metrics.size(), 1u);
  EXPECT_EQ(news.metrics[0].service, "shop");
  EXPECT_EQ(news.metrics[0].metric, "orders");
  EXPECT_EQ(news.metrics[0].attribute, "point.user.id");
  EXPECT_EQ(news.metrics[0].values, 4u);
  EXPECT_EQ(limit.LimitedBy("shop", "orders"), "point.user.id");
  EXPECT_THAT(limit.Take().metrics, IsEmpty());
}

TEST(MetricSeriesLimit, GoesOnWhereAnEarlierRunStopped) {
  MetricSeriesLimit limit(3);
  const uint64_t metric = MetricSeriesLimit::KeyOf("shop", "orders");
  for (const uint64_t series : {1, 2, 3}) limit.Restore(metric, series, kDay, "");
  limit.Restore(metric, 99, kDay, "point.user.id");
  EXPECT_TRUE(limit.Admit(metric, 2, kDay).has_own_rows);
  EXPECT_FALSE(limit.Admit(metric, 4, kDay).has_own_rows);
  EXPECT_EQ(limit.LimitedBy("shop", "orders"), "point.user.id");
  EXPECT_THAT(limit.Take().metrics, IsEmpty()) << "it was told by the earlier run";
}

// -- as the builder asks it

Pb PointOf(const std::string& user, int64_t value = 1) {
  return NumberPoint(value)
      .Message(field::number_data_point::kAttributes, Attribute("route", StringValue("/cart")))
      .Message(field::number_data_point::kAttributes, Attribute("user.id", StringValue(user)));
}

std::string RequestOf(int first, int end, const Pb& resource = Resource("shop")) {
  std::vector<Pb> metrics;
  for (int user = first; user < end; ++user) {
    metrics.push_back(Metric(field::metric::kSum, {PointOf("u" + std::to_string(user), user)}));
  }
  return Request(metrics, resource);
}

class LimitedSeries : public ::testing::Test {
 protected:
  explicit LimitedSeries(uint32_t series_max = 10) : limit_(std::make_shared<MetricSeriesLimit>(series_max)) {}

  BlockBuilder::Options Options() const { return {.series_limit = limit_}; }

  // Of each row of `points`.
  static std::vector<uint64_t> Ids(const NativeBlock& points) {
    std::vector<uint64_t> ids;
    for (uint64_t row = 0; row < points.rows; ++row) ids.push_back(points.At("SeriesId", row).number);
    return ids;
  }

  std::shared_ptr<MetricSeriesLimit> limit_;
};

TEST_F(LimitedSeries, BecomeOneThatKeepsResourceScopeAndType) {
  BuilderFixture fixture(Signal::kMetrics, Options());
  fixture.Add(RequestOf(0, 30));
  const Blocks blocks = fixture.Finish();
  const NativeBlock& series = Only(blocks, "metric_series");
  const NativeBlock& points = Only(blocks, "metric_points");
  ASSERT_EQ(points.rows, 30u) << "no point is lost";
  ASSERT_EQ(series.rows, 11u);
  EXPECT_EQ(series.At("Attributes", 9).Entry("user.id"), "u9");
  EXPECT_EQ(series.At("LimitedBy", 9).text, "");
  EXPECT_THAT(series.At("Attributes", 10).Texts(), ElementsAre("otel.metric.overflow", "true"));
  EXPECT_EQ(series.At("AttributeTypes", 10).text, "b");
  EXPECT_EQ(series.At("LimitedBy", 10).text, "point.user.id");
  for (const char* same : {"MetricName", "MetricType", "Unit", "ServiceName", "ResourceId", "ScopeName"}) {
    EXPECT_EQ(series.At(same, 10).text, series.At(same, 0).text) << same;
  }
  const std::vector<uint64_t> ids = Ids(points);
  EXPECT_EQ(std::set(ids.begin(), ids.begin() + 10).size(), 10u);
  EXPECT_EQ(std::set(ids.begin() + 10, ids.end()), std::set{series.At("SeriesId", 10).number});
  EXPECT_EQ(limit_->Take().overflowed_points, 20u);

  fixture.Add(RequestOf(5, 15));
  EXPECT_EQ(Ids(Only(fixture.Finish(2), "metric_points"))[5], ids[10]);
  EXPECT_EQ(limit_->Take().overflowed_points, 5u);
}

TEST_F(LimitedSeries, LeaveOtherServicesAlone) {
  BuilderFixture fixture(Signal::kMetrics, Options());
  fixture.Add(RequestOf(0, 30));
  fixture.Add(RequestOf(0, 10, Resource("cart")));
  EXPECT_EQ(Only(fixture.Finish(), "metric_series").rows, 11u + 10u);
}

TEST_F(LimitedSeries, AreDecidedTheSameWhenWrittenAgain) {
  BuilderFixture fixture(Signal::kMetrics, Options());
  fixture.Add(RequestOf(0, 30));
  const auto first = Ids(Only(fixture.Finish(), "metric_points"));
  fixture.builder().ForgetWrittenSets();
  fixture.Add(RequestOf(0, 30));
  const Blocks again = fixture.Finish(2);
  EXPECT_EQ(Ids(Only(again, "metric_points")), first);
  EXPECT_EQ(Only(again, "metric_series").rows, 11u) << "the overflow's too";
  // By a builder of its own, as after a crash.
  BuilderFixture replay(Signal::kMetrics, Options());
  replay.Add(RequestOf(0, 30));
  EXPECT_EQ(Ids(Only(replay.Finish(3), "metric_points")), first);
}

TEST_F(LimitedSeries, AreNotCountedTwiceWhenABlockIsDividedAndBuiltAgain) {
  BuilderFixture fixture(Signal::kMetrics, Options());
  fixture.Add(RequestOf(0, 30));
  fixture.Finish(kNoBlock);
  fixture.Add(RequestOf(0, 30));
  fixture.Finish(1);
  EXPECT_EQ(limit_->Take().overflowed_points, 20u);
}

TEST_F(LimitedSeries, AreOneOfTheServiceWhereResourcesAreTooMany) {
  BuilderFixture fixture(Signal::kMetrics, Options());
  for (int instance = 0; instance < 200; ++instance) {
    fixture.Add(RequestOf(
        0, 1,
        Resource("shop").Message(field::resource::kAttributes, Attribute("service.instance.id", IntValue(instance)))));
  }
  const NativeBlock series = Only(fixture.Finish(), "metric_series");
  EXPECT_EQ(series.rows, 10u + 100u + 1u);
  EXPECT_EQ(series.At("LimitedBy", 10).text, "resource.service.instance.id");
  EXPECT_NE(series.At("ResourceId", 109).text, "");
  EXPECT_EQ(series.At("ResourceId", 110).text, "");
  EXPECT_EQ(series.At("ServiceName", 110).text, "shop");
}

TEST_F(LimitedSeries, AreNotThoseThatAnSdkHasPutTogether) {
  const Pb sdk =
      NumberPoint(1).Message(field::number_data_point::kAttributes, Attribute("otel.metric.overflow", BoolValue(true)));
  BuilderFixture fixture(Signal::kMetrics, Options());
  fixture.Add(Request({Metric(field::metric::kSum, {sdk})}));
  fixture.Add(RequestOf(0, 10));
  const NativeBlock series = Only(fixture.Finish(), "metric_series");
  ASSERT_EQ(series.rows, 11u);
  EXPECT_EQ(series.At("LimitedBy", 0).text, "");
  EXPECT_NE(series.At("LimitedBy", 10).text, "");
  EXPECT_EQ(series.At("Attributes", 0).Texts(), series.At("Attributes", 10).Texts());
  EXPECT_NE(series.At("SeriesId", 0).number, series.At("SeriesId", 10).number);
}

TEST_F(LimitedSeries, MayHaveRowsOfTheirOwnOnTheNextDay) {
  BuilderFixture fixture(Signal::kMetrics, Options());
  fixture.Add(RequestOf(0, 30));
  fixture.Finish();
  fixture.Add(RequestOf(20, 30), kReceived + kDayNanos);
  const NativeBlock series = Only(fixture.Finish(2), "metric_series");
  ASSERT_EQ(series.rows, 10u);
  EXPECT_EQ(series.At("Attributes", 0).Entry("user.id"), "u20");
}

}  // namespace
}  // namespace sightline::otlp
