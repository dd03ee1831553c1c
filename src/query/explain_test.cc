// Explanations on the real engine: what was planted is found, and nothing where there is nothing.
#include "query/explain.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/clock.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using testing::EngineTest;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int64_t kHourNanos = 3'600'000'000'000;

class ExplainTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Execute("TRUNCATE TABLE sightline.attribute_sets");
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) SELECT concat('a', toString(number)), "
        "now(), ['service.name', 'host.name', 'service.version'], [concat('s', toString(number % 3)), concat('h', "
        "toString(number)), if(number = 4, 'bad', 'good')], 'sss' FROM numbers(6)");
  }

  // Half an hour of traces of 1 to 8 spans. Attributes are by trace (tenant, resource), by span (shard, size, route),
  // or unique; `coin` is by span, `trace_coin` by trace, and neither has to do with anything. Where `failing` holds, of
  // (t, s, h): numbers of trace and span, and a random one of the span, the span has an error and takes ten times as
  // long.
  void AddSpans(int seed, int traces, const std::string& failing = "0") {
    Execute("TRUNCATE TABLE sightline.spans");
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, "
        "SpanKind, "
        "StatusCode, Duration, ResourceId, AdjustedCount, `a.http.route`, `a.model.version`, SpanAttributes, "
        "SpanAttributeTypes) SELECT 1, fromUnixTimestamp64Nano(toInt64({} + t * {})), sipHash128(t, {}), "
        "substring(sipHash128(t, s, {}), 1, 8), '', concat('s', toString(u % 3)), ['get', 'put', 'post', 'predict'][1 "
        "+ h "
        "% 4], ['Server', 'Client'][1 + h % 2], if(failed, 'Error', 'Unset'), (1000 + h % 9000) * if(failed, 10000, "
        "1000), "
        "concat('a', toString(u % 6)), if(failed, 1, 1 + h % 5), concat('/', toString(intDiv(h, 7) % 20)), if(h % 4 = "
        "3, "
        "if(intDiv(h, 16) % 2 = 1, 'v2', 'v1'), ''), map('tenant', toString(intDiv(u, 11) % 15), 'shard', "
        "toString(intDiv(h, 13) % 40), 'size', toString(intDiv(h, 17) % 100000), 'session', hex(u), 'coin', "
        "if(intDiv(h, 1000) % 5 = 0, 'true', 'false'), 'trace_coin', if(intDiv(u, 1000) % 5 = 0, 'true', 'false')), "
        "'siisbb' "
        "FROM (SELECT t, s, h, u, ({}) AS failed FROM (SELECT number AS t, arrayJoin(range(1 + cityHash64(number, {}) "
        "% 8)) "
        "AS s, cityHash64(t, s, {}, 1) % 4294967296 AS h, cityHash64(t, {}, 2) % 4294967296 AS u FROM numbers({})))",
        begin_, kHourNanos / 2 / traces, seed, seed, failing, seed, seed, seed, traces));
  }

  ExplainSearch Search(const std::string& condition, const std::string& text = "") {
    return {.query = *ParseItemQuery(otlp::Signal::kTraces, text, begin_, begin_ + kHourNanos),
            .selection = {.condition = condition}};
  }
  Explanation Explain(const ExplainSearch& search) {
    auto explanation = Explainer(source_).Explain(search);
    EXPECT_TRUE(explanation) << explanation.error().message;
    return explanation ? *std::move(explanation) : Explanation();
  }
  static ExplainedAttribute Of(const std::string& field, const Explanation& explanation) {
    const auto found = std::ranges::find(explanation.attributes, field, &ExplainedAttribute::field);
    return found == explanation.attributes.end() ? ExplainedAttribute() : *found;
  }
  static std::string Describe(const Explanation& explanation) {
    std::string text;
    for (const auto& attribute : explanation.attributes) {
      text += fmt::format("{}{} ({:.2f}): {}\n", attribute.of_trace ? "trace: " : "", attribute.field, attribute.score,
                          attribute.condition);
    }
    return text;
  }

  const int64_t begin_ = Clock::System().UnixNanos() - kHourNanos;
  ItemSource source_{*testing::kEngine->clickhouse(), otlp::DefaultHotAttributes(), "sightline"};
};

// Five seeds each.
class ExplainNothingTest : public ExplainTest, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Seeds, ExplainNothingTest, ::testing::Values(0, 5, 10, 15));

TEST_P(ExplainNothingTest, WhereASelectionIsLikeTheRest) {
  for (int seed = GetParam() + 1; seed <= GetParam() + 5; ++seed) {
    AddSpans(seed, 1200);
    EXPECT_EQ(Describe(Explain(Search("{ span.coin = true }"))), "") << seed;
    EXPECT_EQ(Describe(Explain(Search("{ span.trace_coin = true }"))), "") << seed;
    ExplainSearch of_time = Search("");
    of_time.selection.from_unix_nanos = begin_ + kHourNanos / 8;
    of_time.selection.to_unix_nanos = begin_ + kHourNanos / 6;
    EXPECT_EQ(Describe(Explain(of_time)), "") << seed;
  }
}

TEST_F(ExplainTest, AFailingVersionAndWhatGoesWithIt) {
  AddSpans(1, 2500, "h % 4 = 3 AND intDiv(h, 16) % 2 = 1 AND intDiv(h, 97) % 2 = 0");
  const Explanation found = Explain(Search("{ status = error }"));
  const ExplainedAttribute version = Of("span.model.version", found);
  ASSERT_FALSE(version.values.empty()) << Describe(found);
  EXPECT_EQ(version.condition, "span.model.version = \"v2\"");
  const ExplainedValue& v2 = version.values[0];
  EXPECT_EQ(v2.literal, "\"v2\"");
  EXPECT_EQ(v2.selection, 1);
  EXPECT_LT(v2.baseline, 0.1);
  EXPECT_LT(v2.p_value, 1e-9);
  // Its duration, its name and kind; not what has nothing to do with it.
  EXPECT_THAT(Describe(found), HasSubstr("span:duration"));
  EXPECT_THAT(Describe(found), HasSubstr("span:name = \"predict\""));
  EXPECT_THAT(Describe(found), ::testing::Not(HasSubstr("tenant")));
  EXPECT_THAT(Describe(found), ::testing::Not(HasSubstr("status")));
  EXPECT_GT(found.comparisons, 50u);
}

TEST_F(ExplainTest, ABoxOfTimeAndDurationOfABadHost) {
  AddSpans(2, 2500, "u % 6 = 4 AND t > 1000 AND t < 1300");
  ExplainSearch search = Search("");
  search.selection = {.from_unix_nanos = begin_ + 950 * (kHourNanos / 5000),
                      .to_unix_nanos = begin_ + 1350 * (kHourNanos / 5000),
                      .min_duration_nanos = 10'000'000};
  const Explanation found = Explain(search);
  EXPECT_GT(found.selection.spans, 100);
  EXPECT_THAT(Describe(found), HasSubstr("resource.service.version = \"bad\""));
  EXPECT_THAT(Describe(found), HasSubstr("resource.host.name = \"h4\""));
  EXPECT_THAT(Describe(found), HasSubstr("status = error"));
  EXPECT_THAT(Describe(found), ::testing::Not(HasSubstr("duration")));
}

TEST_F(ExplainTest, WhatAnotherSpanOfTheTraceHas) {
  // The first spans of traces fail where the trace has a span of model v2.
  AddSpans(3, 2500);
  Execute(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, StatusCode, ResourceId) "
      "SELECT 2, min(Timestamp), TraceId, substring(hex(TraceId), 1, 8), 's0', 'entry', if(countIf(`a.model.version` = "
      "'v2') "
      "> 0, 'Error', 'Unset'), 'a0' FROM sightline.spans GROUP BY TraceId");
  const Explanation found = Explain(Search("{ status = error }", "{ name = `entry` }"));
  ASSERT_FALSE(found.attributes.empty());
  EXPECT_TRUE(found.attributes[0].of_trace) << Describe(found);
  EXPECT_EQ(found.attributes[0].condition, "{ span.model.version = \"v2\" }");
  EXPECT_EQ(found.attributes[0].values[0].selection, 1);
  EXPECT_EQ(found.attributes[0].values[0].baseline, 0);
}

TEST_F(ExplainTest, OneTimeAgainstAnother) {
  AddSpans(4, 2500, "t >= 1250 AND intDiv(h, 7) % 20 < 5");
  ExplainSearch search = Search("");
  search.query.from_unix_nanos = begin_ + kHourNanos / 4;
  search.baseline_from_unix_nanos = begin_;
  search.baseline_to_unix_nanos = begin_ + kHourNanos / 4;
  const Explanation found = Explain(search);
  EXPECT_EQ(found.attributes.at(0).field, "span:status") << Describe(found);
  EXPECT_EQ(found.attributes.at(0).condition, "span:status = error");
}

TEST_F(ExplainTest, SmallSelectionsAndNumbers) {
  AddSpans(5, 2500);
  Execute(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName, StatusCode, ResourceId, Duration, "
      "SpanAttributes, SpanAttributeTypes) SELECT 2, (SELECT max(Timestamp) FROM sightline.spans), sipHash128(number), "
      "substring(hex(number), 1, 8), 'get', 'Error', 'a1', 5000000, map('shard', '41', 'size', toString(200000 + "
      "number)), "
      "'ii' FROM numbers(12)");
  const Explanation found = Explain(Search("{ status = error }"));
  EXPECT_EQ(found.selection.spans, 12);
  EXPECT_EQ(found.selection.independent, 12);
  EXPECT_THAT(Describe(found), HasSubstr("span.size >= 200000\n"));
  const ExplainedAttribute size = Of("span.size", found);
  EXPECT_GE(size.bins.size(), 6u);
  EXPECT_NEAR(size.selection_median, 200'005, 2);
  double selection = 0, baseline = 0;
  for (const auto& bin : size.bins) {
    selection += bin.selection;
    baseline += bin.baseline;
  }
  EXPECT_NEAR(selection, 1, 1e-9);
  EXPECT_NEAR(baseline, 1, 1e-9);
}

// A value that is too long to be compared is there all the same.
TEST_F(ExplainTest, LongValuesAreNotAbsent) {
  Execute("TRUNCATE TABLE sightline.spans");
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName, StatusCode, ResourceId, "
      "SpanAttributes, SpanAttributeTypes) SELECT 1, fromUnixTimestamp64Nano(toInt64({}) + number), "
      "sipHash128(number), substring(hex(number), 1, 8), 'get', if(number % 4 = 0, 'Error', 'Unset'), 'a1', "
      "map('text', if(number % 4 = 0, concat(toString(number), repeat('x', 1000)), 'short')), 's' FROM "
      "numbers(800)",
      begin_));
  const Explanation found = Explain(Search("{ status = error }"));
  const ExplainedAttribute text = Of("span.text", found);
  EXPECT_EQ(text.selection, 1) << Describe(found);
  EXPECT_EQ(text.baseline, 1);
  ASSERT_EQ(text.values.size(), 1u);
  EXPECT_EQ(text.values[0].literal, "\"short\"");
  EXPECT_EQ(text.values[0].baseline, 1);
}

TEST_F(ExplainTest, ManySpansAreSampled) {
  AddSpans(6, 60'000, "h % 4 = 3 AND intDiv(h, 16) % 2 = 1");
  const Explanation found = Explain(Search("{ status = error }"));
  EXPECT_GT(found.baseline.one_in, 1);
  EXPECT_NEAR(found.baseline.spans, 260'000.0 * 3 * 7 / 8, 2e5);
  EXPECT_EQ(Of("span.model.version", found).condition, "span.model.version = \"v2\"") << Describe(found);
}

TEST_F(ExplainTest, WhatCannotBeExplainedIsRefused) {
  EXPECT_FALSE(Explainer(source_).Explain(Search("")));
  EXPECT_FALSE(Explainer(source_).Explain(Search("{ rootName = `x` }")));
  EXPECT_FALSE(Explainer(source_).Explain(Search("{ nonsense }")));
  AddSpans(7, 10);
  EXPECT_THAT(Explain(Search("{ status = ok }")).attributes, IsEmpty());
}

}  // namespace
}  // namespace sightline::query
