// TraceQL's metrics on the real engine.
#include "query/span_series.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/clock.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kMinuteNanos = 60 * kSecondNanos;

class SpanSeriesTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "attribute_sets"});
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES "
        "('a1', now(), ['service.name', 'host.name'], ['shop', 'a'], 'ss'), "
        "('a2', now(), ['service.name'], ['web'], 's')");
    // service, second, milliseconds, status, weight, cart.size (type, value), resource
    Add("shop", 0, 100, "Unset", 1, "i", "3", "a1");
    Add("shop", 10, 300, "Error", 1, "i", "5", "a1");
    Add("shop", 70, 500, "Unset", 4, "d", "2.5", "a1");
    Add("web", 65, 40, "Unset", 1, "s", "many", "a2");
  }

  void Add(const char* service, int second, int milliseconds, const char* status, int weight, const char* type,
           const char* size, const char* resource) {
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, SpanKind, StatusCode, "
        "Duration, ResourceId, `a.http.route`, SpanAttributes, SpanAttributeTypes, AdjustedCount) VALUES (1, "
        "fromUnixTimestamp64Nano(toInt64({})), unhex('01'), unhex('01'), '{}', 'GET /', 'Server', '{}', {}, '{}', '/', "
        "map('cart.size', '{}'), '{}', {})",
        begin_ + second * kSecondNanos, service, status, milliseconds * 1'000'000LL, resource, size, type, weight));
  }

  // A root with a child of that status and weight.
  void AddTrace(int id, int second, const char* status, int weight = 1) {
    const auto add = [&](int span, int parent, const char* name, const char* span_status) {
      Execute(fmt::format(
          "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, "
          "SpanKind, "
          "StatusCode, Duration, ResourceId, AdjustedCount) VALUES (2, fromUnixTimestamp64Nano(toInt64({})), "
          "unhex('{:032x}'), unhex('{:016x}'), unhex('{:016x}'), 'shop', '{}', 'Server', '{}', {}, 'a1', {})",
          begin_ + second * kSecondNanos, id, 1000 * id + span, parent == 0 ? 0 : 1000 * id + parent, name, span_status,
          (id + 1) * 1'000'000LL, weight));
    };
    add(1, 0, "root", "Unset");
    add(2, 1, "child", status);
  }

  Result<SpanSeriesAnswer> Ask(const std::string& text) {
    auto query = SpanSeriesQuery::Parse(text);
    if (!query) return std::unexpected(query.error());
    return reader_.Read({.query = *query,
                         .from_unix_nanos = begin_,
                         .to_unix_nanos = begin_ + 120 * kSecondNanos,
                         .step_seconds = 60,
                         .limit = limit_});
  }
  // "name=value: number number"; "-" where there is none.
  std::vector<std::string> Series(const std::string& text) {
    const auto answer = Ask(text);
    EXPECT_TRUE(answer) << text << ": " << answer.error().message;
    std::vector<std::string> lines;
    if (!answer) return lines;
    for (const auto& series : answer->series) {
      std::string line;
      for (const auto& [name, value] : series.labels) line += fmt::format("{}={} ", name, value);
      for (const double value : series.values) line += std::isnan(value) ? " -" : fmt::format(" {:.4g}", value);
      lines.push_back(line);
    }
    return lines;
  }
  std::string ErrorOf(const std::string& text) {
    const auto answer = Ask(text);
    EXPECT_FALSE(answer) << text;
    if (answer) return "";
    EXPECT_EQ(answer.error().code, Code::kInvalidArgument) << answer.error().message;
    return answer.error().message;
  }

  // Recent: older spans are past their retention.
  const int64_t begin_ = (Clock::System().UnixNanos() / kMinuteNanos - 10) * kMinuteNanos;
  uint32_t limit_ = kSpanSeriesMax;
  ItemSource source_{*testing::kEngine->clickhouse(), otlp::DefaultHotAttributes(), "sightline"};
  SpanSeriesReader reader_{source_};
};

TEST_F(SpanSeriesTest, AWindowCanBeOneStepExactly) {
  const auto count = [&](int from, int to) {
    const int64_t begin = begin_ + from * kSecondNanos;
    const auto answer = reader_.Read({.query = *SpanSeriesQuery::Parse("{ } | count_over_time()"),
                                      .from_unix_nanos = begin,
                                      .to_unix_nanos = begin_ + to * kSecondNanos,
                                      .step_seconds = to - from,
                                      .origin_unix_nanos = begin});
    EXPECT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->from_unix_nanos, begin);
    EXPECT_TRUE(answer->counts);
    EXPECT_EQ(answer->series.at(0).values.size(), 1u);
    return answer->series.at(0).values.at(0);
  };
  EXPECT_EQ(count(5, 65), 1);
  EXPECT_EQ(count(10, 70), 2);  // with its begin, without its end
  EXPECT_EQ(count(11, 71), 5);
  EXPECT_EQ(count(71, 72), 0);
}

TEST_F(SpanSeriesTest, WhatOneSideOnlyCountsCanBeZeroOnTheOther) {
  const auto query = SpanSeriesQuery::Parse(
      "({ status = error } | rate() by (resource.service.name)) / ({ } | rate() by (resource.service.name))");
  ASSERT_TRUE(query) << query.error().message;
  SpanSeriesSearch search{.query = *query,
                          .from_unix_nanos = begin_,
                          .to_unix_nanos = begin_ + 120 * kSecondNanos,
                          .step_seconds = 120,
                          .origin_unix_nanos = begin_};
  const auto without = reader_.Read(search);
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_EQ(without->series.size(), 1u);
  search.counts_none = true;
  const auto with = reader_.Read(search);
  ASSERT_TRUE(with) << with.error().message;
  ASSERT_EQ(with->series.size(), 2u);
  EXPECT_DOUBLE_EQ(with->series[0].values.at(0), 1.0 / 6);
  EXPECT_THAT(with->series[1].labels, ElementsAre(std::pair("resource.service.name", "\"web\"")));
  EXPECT_EQ(with->series[1].values.at(0), 0);
  EXPECT_FALSE(with->counts) << "a share of nothing is not 0";
}

TEST_F(SpanSeriesTest, CountsEverySpanWithItsWeight) {
  EXPECT_THAT(Series("{ } | count_over_time()"), ElementsAre(" 2 5"));
  EXPECT_THAT(Series("{ } | rate()"), ElementsAre(" 0.03333 0.08333"));
  EXPECT_THAT(Series("{ status = error } | count_over_time()"), ElementsAre(" 1 0"));
  EXPECT_THAT(Series("{ name = `nothing` } | count_over_time()"), ElementsAre(" 0 0"));
}

TEST_F(SpanSeriesTest, GroupsByAttributesAndIntrinsics) {
  EXPECT_THAT(Series("{ } | count_over_time() by (resource.service.name)"),
              ElementsAre("resource.service.name=\"shop\"  2 4", "resource.service.name=\"web\"  0 1"));
  EXPECT_THAT(Series("{ } | count_over_time() by (resource.host.name, status)"),
              UnorderedElementsAre("resource.host.name=\"a\" span:status=unset  1 4",
                                   "resource.host.name=\"a\" span:status=error  1 0",
                                   "resource.host.name=nil span:status=unset  0 1"));
  EXPECT_THAT(Series("{ } | count_over_time() by (.cart.size)"),
              UnorderedElementsAre(".cart.size=2.5  0 4", ".cart.size=3  1 0", ".cart.size=5  1 0",
                                   ".cart.size=\"many\"  0 1"));
  EXPECT_THAT(Series("{ } | count_over_time() by (span.http.route)"), ElementsAre("span.http.route=\"/\"  2 5"));
}

TEST_F(SpanSeriesTest, NumbersOfDurationsAndAttributes) {
  EXPECT_THAT(Series("{ } | min_over_time(duration)"), ElementsAre(" 0.1 0.04"));
  EXPECT_THAT(Series("{ } | max_over_time(duration)"), ElementsAre(" 0.3 0.5"));
  EXPECT_THAT(Series("{ } | avg_over_time(span.cart.size)"), ElementsAre(" 4 2.5"));
  EXPECT_THAT(Series("{ } | sum_over_time(span.cart.size)"), ElementsAre(" 8 10"));
  EXPECT_THAT(Series("{ } | sum_over_time(span.no.such)"), IsEmpty());
  EXPECT_THAT(Series("{ } | histogram_over_time(duration)"),
              UnorderedElementsAre("__bucket=0.5  1 4", "__bucket=0.125  1 0", "__bucket=0.0625  0 1"));
}

TEST_F(SpanSeriesTest, QuantilesFollowTheWeights) {
  const auto answer = Ask("{ } | quantile_over_time(duration, 0.01, .9) by (resource.service.name)");
  ASSERT_TRUE(answer) << answer.error().message;
  ASSERT_EQ(answer->series.size(), 4u);
  EXPECT_THAT(answer->series[1].labels,
              ElementsAre(std::pair("resource.service.name", "\"shop\""), std::pair("p", "0.9")));
  EXPECT_NEAR(answer->series[0].values[0], 0.1, 0.003);
  EXPECT_NEAR(answer->series[1].values[1], 0.5, 0.003);
}

TEST_F(SpanSeriesTest, ArithmeticAndStages) {
  EXPECT_THAT(Series("({ status = error } | count_over_time()) / ({ } | count_over_time())"), ElementsAre(" 0.5 0"));
  EXPECT_THAT(Series("({ } | count_over_time()) * 100"), ElementsAre(" 200 500"));
  EXPECT_THAT(Series("{ } | count_over_time() by (resource.service.name) | topk(1)"),
              ElementsAre("resource.service.name=\"shop\"  2 4"));
  EXPECT_THAT(Series("{ } | count_over_time() by (resource.service.name) | bottomk(1)"),
              UnorderedElementsAre("resource.service.name=\"web\"  0 1"));
  EXPECT_THAT(Series("{ } | count_over_time() > 3"), ElementsAre(" - 5"));
}

TEST_F(SpanSeriesTest, AnAnswerSaysThatItIsCut) {
  limit_ = 1;
  const auto answer = Ask("{ } | rate() by (resource.service.name)");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->series.size(), 1u);
  EXPECT_TRUE(answer->is_cut);
}

TEST_F(SpanSeriesTest, SpansThatOnlyTheirWholeTraceTells) {
  AddTrace(1, 5, "Error");
  AddTrace(2, 15, "Unset");
  AddTrace(3, 75, "Error", 3);
  EXPECT_THAT(Series("{ name = `root` } > { name = `child` } | count_over_time()"), ElementsAre(" 2 3"));
  EXPECT_THAT(
      Series("{ status = error } && { name = `root` } | count_over_time() by (name, status)"),
      UnorderedElementsAre("span:name=\"root\" span:status=unset  1 3", "span:name=\"child\" span:status=error  1 3"));
  EXPECT_THAT(Series("{ name = `root` } > { status = error } | max_over_time(duration)"), ElementsAre(" 0.002 0.004"));
  EXPECT_THAT(Series("({ name = `root` } > { status = error } | count_over_time()) / ({ name = `child` } | "
                     "count_over_time())"),
              ElementsAre(" 0.5 1"));
  EXPECT_THAT(Series("{ name = `root` } > { name = `nothing` } | count_over_time()"), ElementsAre(" 0 0"));
  const auto answer = Ask("{ name = `root` } > { name = `child` } | rate()");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->one_in, 1);
}

// More traces than are judged: the figures are those of a sample, scaled up, and the answer says so.
TEST_F(SpanSeriesTest, OfVeryManyTracesASampleIsJudged) {
  constexpr int kTraces = 6000;
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, SpanKind, "
      "StatusCode, Duration, ResourceId) SELECT 3, fromUnixTimestamp64Nano(toInt64({0}) + (number % 120) * "
      "1000000000), "
      "reinterpretAsFixedString(toUInt128(cityHash64(intDiv(number, 2))) + 1), reinterpretAsFixedString(number + 1), "
      "reinterpretAsFixedString(if(number % 2 = 1, number, toUInt64(0))), 'shop', if(number % 2 = 1, 'leaf', 'top'), "
      "'Server', 'Unset', 1000, 'a1' FROM numbers({1})",
      begin_, 2 * kTraces));
  const auto answer = Ask("{ name = `top` } > { name = `leaf` } | count_over_time()");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_GT(answer->one_in, 3);
  ASSERT_EQ(answer->series.size(), 1u);
  EXPECT_NEAR(answer->series[0].values[0] + answer->series[0].values[1], kTraces, kTraces * 0.1);
}

TEST_F(SpanSeriesTest, CompareCountsTheValuesOfBothSides) {
  const auto lines = Series("{ } | compare({ status = error })");
  for (const char* line :
       {"__meta_type=\"selection\" span.cart.size=5  1 0", "__meta_type=\"selection_total\" span.cart.size=nil  1 0",
        "__meta_type=\"baseline\" span.cart.size=2.5  0 4", "__meta_type=\"baseline\" span.cart.size=\"many\"  0 1",
        "__meta_type=\"baseline_total\" span.cart.size=nil  1 5",
        "__meta_type=\"baseline\" resource.service.name=\"web\"  0 1",
        "__meta_type=\"selection\" resource.service.name=\"shop\"  1 0",
        "__meta_type=\"baseline\" resource.host.name=\"a\"  1 4", "__meta_type=\"selection\" span:status=error  1 0",
        "__meta_type=\"baseline\" span.http.route=\"/\"  1 5"}) {
    EXPECT_THAT(lines, ::testing::Contains(line));
  }
  EXPECT_THAT(lines, ::testing::Not(::testing::Contains(HasSubstr("duration"))));
}

TEST_F(SpanSeriesTest, CompareKeepsTheMostFrequentValuesAndASelectionOfTime) {
  const auto top = Series("{ } | compare({ status = error }, 1)");
  EXPECT_THAT(top, ::testing::Contains("__meta_type=\"baseline\" span.cart.size=2.5  0 4"));
  EXPECT_THAT(top, ::testing::Not(::testing::Contains("__meta_type=\"baseline\" span.cart.size=\"many\"  0 1")));
  EXPECT_THAT(top, ::testing::Contains("__meta_type=\"baseline_total\" span.cart.size=nil  1 5"));
  const auto second_minute = Series(
      fmt::format("{{ }} | compare({{ }}, 10, {}, {})", begin_ + 60 * kSecondNanos, begin_ + 120 * kSecondNanos));
  EXPECT_THAT(second_minute, ::testing::Contains("__meta_type=\"selection_total\" span.cart.size=nil  0 5"));
  EXPECT_THAT(second_minute, ::testing::Contains("__meta_type=\"baseline_total\" span.cart.size=nil  2 0"));
  EXPECT_THAT(ErrorOf("{ } | compare({ status = error }, 1000)"), HasSubstr("compare()"));
  EXPECT_THAT(ErrorOf("{ } | compare({ .a + 1 > .b })"), HasSubstr("single spans"));
}

TEST_F(SpanSeriesTest, CompareOverManyStepsIsCutBeforeItTakesMuchMemory) {
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName, SpanAttributes, "
      "SpanAttributeTypes) SELECT 2, fromUnixTimestamp64Nano(toInt64({})), sipHash128(number), unhex('01'), "
      "toString(number), map('a', toString(number), 'b', toString(number), 'c', toString(number), 'd', "
      "toString(number), 'e', toString(number)), 'sssss' FROM numbers(500)",
      begin_));
  const auto query = SpanSeriesQuery::Parse("{ } | compare({ status = error }, 100)");
  ASSERT_TRUE(query) << query.error().message;
  const auto answer = reader_.Read(
      {.query = *query, .from_unix_nanos = begin_, .to_unix_nanos = begin_ + 11'000 * kSecondNanos, .step_seconds = 1});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(answer->is_cut);
  EXPECT_GT(answer->series.size(), 100U);
  EXPECT_LE(answer->series.size() * 11'000, kSeriesValuesMax);
}

TEST_F(SpanSeriesTest, CompareOfWholeTraces) {
  AddTrace(1, 5, "Error");
  AddTrace(2, 65, "Unset", 2);
  const auto lines = Series("{ name = `root` } > { } | compare({ status = error })");
  EXPECT_THAT(lines, ::testing::Contains("__meta_type=\"selection\" span:name=\"child\"  1 0"));
  EXPECT_THAT(lines, ::testing::Contains("__meta_type=\"baseline\" span:name=\"child\"  0 2"));
}

TEST_F(SpanSeriesTest, WhatIsNotCalculatedIsRefusedByName) {
  EXPECT_THAT(ErrorOf("{ } | rate() by (rootName)"), HasSubstr("is not calculated"));
  EXPECT_THAT(ErrorOf("{ } | rate() by (parent.x)"), HasSubstr("is not calculated"));
  EXPECT_THAT(ErrorOf("{ status = error }"), HasSubstr("finds spans"));
  EXPECT_THAT(ErrorOf("{ } | rat()"), HasSubstr("column"));
  std::string sum = "({ } | rate())";
  for (int i = 0; i < 10; ++i) sum += " + ({ } | rate())";
  EXPECT_THAT(ErrorOf(sum), HasSubstr("at most 10 pipelines"));
}

}  // namespace
}  // namespace sightline::query
