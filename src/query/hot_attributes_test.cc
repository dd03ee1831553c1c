#include "query/hot_attributes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/clock.h"
#include "query/span_series.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;
using ::testing::IsEmpty;

constexpr int64_t kDayNanos = 86'400'000'000'000;

class HotAttributesTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "attribute_sets", "hot_keys_in_maps"});
  }

  // Keys that may be in maps, of three.
  std::vector<std::string> InMaps(int64_t from, int64_t to) {
    Question question(clickhouse(), "sightline", nullptr);
    auto hot = HotAttributesIn(question, {{"http.route"}, {"user.id"}, {"db.system"}}, from, to);
    EXPECT_TRUE(hot) << hot.error().message;
    std::vector<std::string> keys;
    for (const auto& one : *hot) {
      if (one.may_be_in_map) keys.push_back(one.key);
    }
    return keys;
  }
};

TEST_F(HotAttributesTest, AreInMapsOnTheDaysThatAreToldOf) {
  EXPECT_THAT(InMaps(0, 100 * kDayNanos), IsEmpty());
  Execute(
      "INSERT INTO sightline.hot_keys_in_maps VALUES ('http.route', 3, 5), ('other', 0, 9), ('user.id', -2147483648, "
      "2147483647)");
  EXPECT_THAT(InMaps(5 * kDayNanos, 5 * kDayNanos + 1), ElementsAre("http.route", "user.id"));
  EXPECT_THAT(InMaps(6 * kDayNanos, 7 * kDayNanos), ElementsAre("user.id"));
  EXPECT_THAT(InMaps(2 * kDayNanos, 3 * kDayNanos), ElementsAre("user.id"));
  EXPECT_THAT(InMaps(2 * kDayNanos, 3 * kDayNanos + 1), ElementsAre("http.route", "user.id"));
  EXPECT_THAT(InMaps(INT64_MIN, -1), ElementsAre("user.id"));
  Execute("INSERT INTO sightline.hot_keys_in_maps VALUES ('*', 7, 7)");
  EXPECT_THAT(InMaps(7 * kDayNanos, 8 * kDayNanos), ElementsAre("http.route", "user.id", "db.system"));
}

TEST_F(HotAttributesTest, AreFoundInMapsWhereTheyAre) {
  const int64_t day = Clock::System().UnixNanos() / kDayNanos, begin = day * kDayNanos;  // an old one would expire
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, `a.http.route`, SpanAttributes, "
      "SpanAttributeTypes) VALUES "
      "(1, fromUnixTimestamp64Nano(toInt64({0})), unhex('01'), unhex('01'), '/', map(), ''), "
      "(1, fromUnixTimestamp64Nano(toInt64({0})), unhex('01'), unhex('02'), '', map('http.route', '7'), 'i')",
      begin + 1));
  ItemSource source(clickhouse(), otlp::DefaultHotAttributes(), "sightline");
  SpanSeriesReader reader(source);
  const auto groups = [&] {
    std::vector<std::string> routes;
    auto query = SpanSeriesQuery::Parse("{ span.http.route != nil } | count_over_time() by (span.http.route)");
    EXPECT_TRUE(query) << query.error().message;
    auto answer = reader.Read({.query = *query,
                               .from_unix_nanos = begin,
                               .to_unix_nanos = begin + 60'000'000'000,
                               .step_seconds = 60,
                               .limit = 10});
    EXPECT_TRUE(answer) << answer.error().message;
    for (const auto& series : answer->series) routes.push_back(series.labels.at(0).second);
    std::ranges::sort(routes);
    return routes;
  };
  Execute(fmt::format("INSERT INTO sightline.hot_keys_in_maps VALUES ('http.route', {0}, {0})", day));
  EXPECT_THAT(groups(), ElementsAre("\"/\"", "7"));
  // A day without such a span: the maps are not read.
  Clear({"hot_keys_in_maps"});
  EXPECT_THAT(groups(), ElementsAre("\"/\""));
}

}  // namespace
}  // namespace sightline::query
