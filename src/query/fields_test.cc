// Names and values for completion, on the real engine.
#include "query/fields.h"

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
using ::testing::Not;

class FieldsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    const int64_t now = Clock::System().UnixNanos();
    search_.from_unix_nanos = now - 3'600'000'000'000;
    search_.to_unix_nanos = now + 60'000'000'000;
    Clear({"spans", "logs", "attribute_sets"});
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES "
        "('r1', now(), ['service.name', 'host.cpus'], ['shop', '4'], 'si')");
    Execute(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, SpanKind, StatusCode, "
        "ResourceId, `a.http.route`, FilledColumns, SpanAttributes, SpanAttributeTypes) VALUES "
        "(1, now64(9), unhex('01'), unhex('01'), 'shop', 'GET /', 'Server', 'Error', 'r1', '/', 'a.http.route', "
        "map('cart.size', '3', 'a key', 'x'), 'is'), "
        "(1, now64(9), unhex('01'), unhex('02'), 'shop', 'GET /', 'Server', 'Unset', 'r1', '/cart', 'a.http.route', "
        "map('cart.size', '3'), 'i'), "
        "(1, now64(9), unhex('01'), unhex('03'), 'web', 'load', 'Client', 'Unset', 'r1', '/', 'a.http.route', "
        "map('cart.size', 'many'), 's')");
  }

  std::vector<std::string> Names(const std::string& text) {
    search_.text = text;
    const auto found = reader_.Names(search_);
    EXPECT_TRUE(found) << found.error().message;
    std::vector<std::string> names;
    if (found) {
      for (const auto& name : found->names) names.push_back(fmt::format("{} {}", name.field, name.items));
    }
    return names;
  }
  std::vector<std::string> Values(const std::string& field, const std::string& text = "") {
    search_.text = text;
    const auto found = reader_.Values(field, search_);
    EXPECT_TRUE(found) << found.error().message;
    std::vector<std::string> values;
    if (found) {
      for (const auto& value : found->values) values.push_back(fmt::format("{} {}", value.literal, value.items));
    }
    return values;
  }

  FieldSearch search_;
  FieldReader reader_{*testing::kEngine->clickhouse(), otlp::DefaultHotAttributes(), "sightline"};
};

TEST_F(FieldsTest, NamesOfAttributesByScopeMostFrequentFirst) {
  EXPECT_THAT(Names("cart"), ElementsAre("span.cart.size 3"));
  EXPECT_THAT(Names("A KEY"), ElementsAre("span.\"a key\" 1"));
  EXPECT_THAT(Names("http.route"), ElementsAre("span.http.route 3"));
  EXPECT_THAT(Names("resource."), ElementsAre("resource.host.cpus 1", "resource.service.name 1"));
  EXPECT_THAT(Names(""), Contains("span.cart.size 3"));
  EXPECT_THAT(Names("nothing has it"), ElementsAre());
  search_.limit = 1;
  EXPECT_EQ(Names("").size(), 1u);
}

TEST_F(FieldsTest, ValuesWithTheirTypes) {
  EXPECT_THAT(Values("span.cart.size"), ElementsAre("3 2", "\"many\" 1"));
  EXPECT_THAT(Values("span.http.route"), ElementsAre("\"/\" 2", "\"/cart\" 1"));
  EXPECT_THAT(Values(".http.route", "CART"), ElementsAre("\"/cart\" 1"));
  EXPECT_THAT(Values("resource.service.name"), ElementsAre("\"shop\" 2", "\"web\" 1"));
  EXPECT_THAT(Values("resource.host.cpus"), ElementsAre("4 1"));
  EXPECT_THAT(Values("name"), ElementsAre("\"GET /\" 2", "\"load\" 1"));
  EXPECT_THAT(Values("status"), ElementsAre("unset 2", "error 1"));
  EXPECT_THAT(Values("kind"), ElementsAre("server 2", "client 1"));
  EXPECT_THAT(Values("duration"), ElementsAre());
}

TEST_F(FieldsTest, WhatStandsInBodiesOfJson) {
  search_.signal = otlp::Signal::kLogs;
  Execute(
      "INSERT INTO sightline.logs (Block, Timestamp, ServiceName, Body, BodyType) SELECT 1, now64(9), 'shop', body, "
      "'s' "
      "FROM VALUES('body String', ('{\"http\":{\"status\":500,\"path\":\"/cart\"},\"log.level\":\"warn\"}'), "
      "(' {\"http\":{\"status\":200,\"path\":\"/\"}}'), ('{\"http\":{\"status\":200.0}}'), ('{\"http\":null}'), ('{no "
      "json'), "
      "('text'))");
  EXPECT_THAT(Names("body."), ElementsAre("body.http.status 3", "body.http.path 2", "body.\"log.level\" 1"));
  EXPECT_THAT(Names("STATUS"), ElementsAre("body.http.status 3"));
  EXPECT_THAT(Values("body.http.status"), ElementsAre("200 2", "500 1"));
  EXPECT_THAT(Values("body.http.path", "car"), ElementsAre("\"/cart\" 1"));
  EXPECT_THAT(Values("body.log.level"), ElementsAre("\"warn\" 1"));
  EXPECT_THAT(Values("body.http"), ElementsAre());
}

TEST_F(FieldsTest, WhatIsNoFieldIsRefused) {
  for (const char* text : {"", "name = 1", "{ }", "nosuch", "span.", "name } && { duration"}) {
    const auto found = reader_.Values(text, search_);
    ASSERT_FALSE(found) << text;
    EXPECT_EQ(found.error().code, Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace sightline::query
