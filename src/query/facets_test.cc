// Facets on the real engine.
#include "query/facets.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::EngineTest;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class FacetsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "logs", "attribute_sets"});
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES "
        "('a1', now(), ['service.name', 'host.cpus', 'deployment.environment'], ['shop', '4', 'test'], 'sis'), "
        "('a2', now(), ['service.name', 'deployment.environment.name'], ['web', 'test'], 'ss')");
  }

  // Spans of one trace with the old and with the new name of the method, in columns and in the map.
  void AddSpans() {
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, "
        "SpanKind, "
        "StatusCode, ResourceId, AdjustedCount, `a.http.method`, `a.http.request.method`, FilledColumns, "
        "SpanAttributes, "
        "SpanAttributeTypes) SELECT 1, fromUnixTimestamp64Nano(toInt64({})), unhex(repeat('01', 16)), unhex(id), "
        "unhex(parent), service, 'GET /', 'Server', status, resource, weight, old, new, 'a.http.method\\n"
        "a.http.request.method', attributes, types FROM VALUES('id String, parent String, service String, status "
        "String, "
        "resource String, weight Float64, old String, new String, attributes Map(String, String), types String', "
        "('0000000000000001', '0000000000000000', 'shop', 'Error', 'a1', 1, 'GET', '', map('cart.size', '3'), 'i'), "
        "('0000000000000002', '0000000000000001', 'shop', 'Unset', 'a1', 4, 'GET', 'POST', map('cart.size', '3', 'b', "
        "''), 'ie'), "
        "('0000000000000003', '0000000000000001', 'web', 'Unset', 'a2', 1, '', 'GET', map('cart.size', 'many'), 's'))",
        now_));
  }

  Result<FacetAnswer> Read(const std::string& text, std::vector<std::string> fields = {}) {
    auto query = ParseItemQuery(signal_, text, now_ - 1'000'000'000, now_ + 1'000'000'000);
    if (!query) return std::unexpected(query.error());
    ItemSource source(clickhouse(), otlp::DefaultHotAttributes(), "sightline");
    return FacetReader(source).Read({.query = *query, .fields = std::move(fields), .values_max = values_max_});
  }
  // "field: value count, value count"
  std::vector<std::string> Facets(const std::string& text, std::vector<std::string> fields = {}) {
    const auto answer = Read(text, std::move(fields));
    EXPECT_TRUE(answer) << answer.error().message;
    std::vector<std::string> lines;
    if (!answer) return lines;
    for (const auto& facet : answer->facets) {
      std::string line = facet.field + ":";
      for (const auto& value : facet.values) line += fmt::format(" {} {}", value.literal, value.items);
      lines.push_back(line);
    }
    return lines;
  }

  const int64_t now_ = Clock::System().UnixNanos();
  otlp::Signal signal_ = otlp::Signal::kTraces;
  uint32_t values_max_ = 10;
};

TEST_F(FacetsTest, WhatMattersThenWhatIsFrequentByWeight) {
  AddSpans();
  EXPECT_THAT(Facets(""),
              ElementsAre("resource.service.name: \"shop\" 5 \"web\" 1", "span:name: \"GET /\" 6",
                          "span:kind: server 6", "span:status: unset 5 error 1",
                          "span.http.request.method: \"POST\" 4 \"GET\" 2", "span.cart.size: 3 5 \"many\" 1",
                          "resource.deployment.environment.name: \"test\" 6", "resource.host.cpus: 4 5"));
}

TEST_F(FacetsTest, OfTheSpansThatMatch) {
  AddSpans();
  EXPECT_THAT(Facets("{ status = error }", {"resource.service.name", ".cart.size", "span.none"}),
              ElementsAre("resource.service.name: \"shop\" 1", ".cart.size: 3 1", "span.none:"));
  EXPECT_THAT(Facets("{ duration > 1h }"), IsEmpty());
}

TEST_F(FacetsTest, OfAQueryThatNeedsTheWholeTrace) {
  AddSpans();
  EXPECT_THAT(Facets("{ status = error } > { }", {"resource.service.name", "status"}),
              ElementsAre("resource.service.name: \"shop\" 4 \"web\" 1", "span:status: unset 5"));
  EXPECT_THAT(Facets("{ } | count() > 3", {"status"}), ElementsAre("span:status:"));
}

// More than a statement can name.
TEST_F(FacetsTest, OfAWholeTraceWithVeryManySpans) {
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, SpanKind, "
      "StatusCode, ResourceId) SELECT 1, fromUnixTimestamp64Nano(toInt64({}) + number), unhex(repeat('01', 16)), "
      "unhex(leftPad(hex(number + 1), 16, '0')), if(number = 0, unhex('0000000000000000'), "
      "unhex('0000000000000001')), if(number % 5 = 0, 'shop', 'web'), 'GET /', 'Server', if(number = 0, 'Error', "
      "'Unset'), 'a1' FROM numbers(12001)",
      now_));
  const auto answer = Read("{ status = error } > { }", {"resource.service.name"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_NEAR(answer->items, 12'000, 1);
  EXPECT_NEAR(answer->one_in, 3, 0.01);
  ASSERT_EQ(answer->facets.at(0).values.size(), 2u);
  EXPECT_NEAR(answer->facets[0].values[0].items, 9'600, 100);
  EXPECT_NEAR(answer->facets[0].values[1].items, 2'400, 100);
}

TEST_F(FacetsTest, OldNamesAreNewNames) {
  AddSpans();
  EXPECT_THAT(Facets("{ .http.method = `GET` }", {"span.http.method"}),
              ElementsAre("span.http.request.method: \"POST\" 4 \"GET\" 2"));
}

TEST_F(FacetsTest, OfLogs) {
  signal_ = otlp::Signal::kLogs;
  Execute(fmt::format(
      "INSERT INTO sightline.logs (Block, Timestamp, ServiceName, SeverityNumber, SeverityText, Body, ResourceId, "
      "LogAttributes, LogAttributeTypes) SELECT 1, fromUnixTimestamp64Nano(toInt64({})), 'shop', severity, '', 'text', "
      "'a1', map('user', 'ann'), 's' FROM VALUES('severity UInt8', 17, 9, 9, 0)",
      now_));
  EXPECT_THAT(
      Facets("{ severity != fatal }"),
      ElementsAre("severity: info 2 error 1 unset 1", "resource.service.name: \"shop\" 4", "log.user: \"ann\" 4",
                  "resource.deployment.environment.name: \"test\" 4", "resource.host.cpus: 4 4"));
  EXPECT_THAT(Facets("{ severity >= error }", {"log.user"}), ElementsAre("log.user: \"ann\" 1"));
}

TEST_F(FacetsTest, AFieldThatTheQueryAsksForShowsItsOtherValuesToo) {
  AddSpans();
  const std::vector<std::string> fields = {"status", "resource.service.name", "span.cart.size"};
  EXPECT_THAT(Facets("{ status = error && span.cart.size = 3 }", fields),
              ElementsAre("span:status: unset 4 error 1", "resource.service.name: \"shop\" 1", "span.cart.size: 3 1"));
  EXPECT_THAT(Facets("{ .cart.size = 3 && (resource.service.name = `shop` || resource.service.name = `x`) }", fields),
              ElementsAre("span:status: unset 4 error 1", "resource.service.name: \"shop\" 5", "span.cart.size: 3 5"));
  EXPECT_THAT(Facets("{ status = unset } | { span.cart.size != 3 || span.cart.size = 3 }", fields),
              ElementsAre("span:status: unset 4 error 1", "resource.service.name: \"shop\" 4",
                          "span.cart.size: 3 4 \"many\" 1"));
  // A condition on two fields is no field's own, nor is one on other spans of the trace.
  EXPECT_THAT(Facets("{ status = error || span.cart.size = `many` }", {"status"}),
              ElementsAre("span:status: error 1 unset 1"));
  EXPECT_THAT(Facets("{ status = error } > { status = unset }", {"status"}), ElementsAre("span:status: unset 5"));
  EXPECT_THAT(Facets("{ span.http.method = `POST` }", {"span.http.request.method"}),
              ElementsAre("span.http.request.method: \"POST\" 4 \"GET\" 2"));
}

TEST_F(FacetsTest, OfBodiesOfJson) {
  signal_ = otlp::Signal::kLogs;
  Execute(fmt::format(
      "INSERT INTO sightline.logs (Block, Timestamp, ServiceName, SeverityNumber, Body, BodyType, ResourceId) SELECT "
      "1, "
      "fromUnixTimestamp64Nano(toInt64({})), 'shop', 9, body, 's', 'a1' FROM VALUES('body String', "
      "('{{\"http\":{{\"status\":500}},\"log.level\":\"warn\",\"ok\":true}}'), ('{{\"http\":{{\"status\":200}},"
      "\"log.level\":\"info\",\"tags\":[\"a\"]}}'), ('{{\"http\":{{\"status\":200,\"none\":null}}}}'), ('{{no json'), "
      "('text'))",
      now_));
  EXPECT_THAT(Facets(""), ElementsAre("severity: info 5", "resource.service.name: \"shop\" 5",
                                      "body.http.status: 200 2 500 1", "body.\"log.level\": \"info\" 1 \"warn\" 1",
                                      "body.ok: true 1", "body.tags: \"[\\\"a\\\"]\" 1",
                                      "resource.deployment.environment.name: \"test\" 5", "resource.host.cpus: 4 5"));
  EXPECT_THAT(
      Facets("{ body.http.status = 200 && body.\"log.level\" = `info` }", {"body.http.status", "body.log.level"}),
      ElementsAre("body.http.status: 200 1", "body.log.level: \"info\" 1"));
  EXPECT_THAT(Facets("{ body.http.status = 200 } status", {"body.http.status", "severity", "body.http"}),
              ElementsAre("body.http.status: 200 2 500 1", "severity: info 2", "body.http:"));
}

TEST_F(FacetsTest, OfManySpansASampleIsScaledUp) {
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, SpanKind, StatusCode, "
      "ResourceId) SELECT 1, fromUnixTimestamp64Nano(toInt64({})), sipHash128(number), unhex('0000000000000001'), "
      "concat('s', toString(number % 4)), toString(number), 'Server', 'Unset', 'a1' FROM numbers(2000000)",
      now_));
  values_max_ = 4;
  const auto answer = Read("", {"resource.service.name", "name"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_GT(answer->one_in, 1);
  EXPECT_NEAR(answer->items, 2e6, 2e5);
  ASSERT_EQ(answer->facets[0].values.size(), 4u);
  for (const auto& value : answer->facets[0].values) EXPECT_NEAR(value.items, 5e5, 5e4);
  EXPECT_FALSE(answer->facets[0].is_cut);
  EXPECT_TRUE(answer->facets[1].is_cut);
  EXPECT_LT(answer->scanned.rows_read, 8'000'000u);
  // What is rare is counted as it is.
  const auto rare = Read("{ name = `4711` }", {"resource.service.name"});
  ASSERT_TRUE(rare);
  EXPECT_EQ(rare->one_in, 1);
  EXPECT_EQ(rare->items, 1);
}

TEST_F(FacetsTest, WhatCannotBeCountedIsRefused) {
  for (const char* field : {"duration", "nosuch", "name = 1", "event.x"}) {
    const auto answer = Read("", {field});
    ASSERT_FALSE(answer) << field;
    EXPECT_EQ(answer.error().code, Code::kInvalidArgument);
  }
  EXPECT_FALSE(Read("{ } | rate()"));
  values_max_ = 0;
  EXPECT_FALSE(Read(""));
}

}  // namespace
}  // namespace sightline::query
