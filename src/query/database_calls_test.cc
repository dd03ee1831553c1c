// What a service asks of databases, on the real engine.
#include "query/database_calls.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;
using ::testing::IsEmpty;

constexpr int64_t kMinute = 60'000'000'000;

class DatabaseCallsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "attribute_sets"});
  }
  // `attributes` as SQL of a map of texts.
  void Add(const std::string& system, const std::string& attributes, int millis, int weight = 1,
           const char* status = "Unset", const char* service = "shop", const char* operation = "",
           const char* collection = "") {
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, SpanKind, StatusCode, "
        "Duration, AdjustedCount, `a.db.system.name`, `a.db.operation.name`, `a.db.collection.name`, SpanAttributes, "
        "SpanAttributeTypes) SELECT {0}, "
        "fromUnixTimestamp64Nano(toInt64({1})), unhex(repeat('01', 16)), unhex('{0:016x}'), '{2}', 'query', 'Client', "
        "'{3}', {4}, {5}, '{6}', '{8}', '{9}', {7} AS m, repeat('s', length(m))",
        ++spans_, begin_ + spans_, service, status, millis * 1'000'000, weight, system, attributes, operation,
        collection));
  }
  // "system/database calls errors p50 in ms: statement"
  std::vector<std::string> Read(uint32_t limit = 50) {
    const auto read = DatabaseCallReader(source_).Read(
        {.service = "shop", .from_unix_nanos = begin_, .to_unix_nanos = begin_ + kMinute, .limit = limit});
    EXPECT_TRUE(read) << read.error().message;
    std::vector<std::string> lines;
    if (!read) return lines;
    is_estimate_ = read->is_estimate;
    shapes_ = read->calls_in_all;
    for (const DatabaseCall& call : read->calls) {
      lines.push_back(fmt::format("{}/{} {} {} {:.0f}: {}", call.system, call.database, call.calls, call.errors,
                                  call.p50_nanos / 1e6, call.statement));
    }
    return lines;
  }

  const int64_t begin_ = (Clock::System().UnixNanos() / kMinute - 10) * kMinute;
  int spans_ = 0;
  bool is_estimate_ = false;
  uint64_t shapes_ = 0;
  ItemSource source_{*testing::kEngine->clickhouse(), otlp::DefaultHotAttributes(), "sightline"};
};

TEST_F(DatabaseCallsTest, StatementsThatDifferInValuesAreOneShape) {
  for (int i = 0; i < 3; ++i) {
    Add("postgresql",
        fmt::format("map('db.namespace', 'shop', 'db.statement', 'SELECT * FROM carts WHERE id = {} AND "
                    "name = \\'x{}\\'')",
                    17 * i, i),
        100, 1, i == 0 ? "Error" : "Unset");
  }
  Add("postgresql", "map('db.namespace', 'shop', 'db.query.text', 'SELECT 1')", 1);
  Add("mysql", "map('db.query.text', 'SELECT 1')", 2);
  Add("postgresql", "map('db.query.text', 'SELECT 2')", 1, 1, "Unset", "web");
  const auto lines = Read();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0],
              ::testing::StartsWith("postgresql/shop 3 1 100: SELECT * FROM carts WHERE id = ? AND name = ?"));
  EXPECT_EQ(lines[1], "mysql/ 1 0 2: SELECT ?");
  EXPECT_EQ(lines[2], "postgresql/shop 1 0 1: SELECT ?");
  EXPECT_FALSE(is_estimate_);
}

TEST_F(DatabaseCallsTest, NoValueOfALongStatementIsShown) {
  std::string insert = "INSERT INTO carts VALUES ";
  while (insert.size() < 5000) insert += "(1, \\'secret " + std::string(90, 'x') + "\\'), ";
  Add("postgresql", "map('db.query.text', '" + insert + "(2, \\'secret\\')')", 1);
  const auto lines = Read();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].find("secret"), std::string::npos) << lines[0];
}

TEST_F(DatabaseCallsTest, WithoutAStatementTheyAreKnownByWhatThereIs) {
  Add("redis", "map('db.query.summary', 'GET session')", 4);
  Add("mongodb", "map('x', 'y')", 3, 5, "Unset", "shop", "find", "carts");
  Add("redis", "map('x', 'y')", 1);
  EXPECT_THAT(Read(), ElementsAre("mongodb/ 5 0 3: find carts", "redis/ 1 0 4: GET session", "redis/ 1 0 1: query"));
  EXPECT_TRUE(is_estimate_) << "one span stands for five";
  EXPECT_EQ(Read(1).size(), 1u);
  EXPECT_EQ(shapes_, 3u);
}

TEST_F(DatabaseCallsTest, WhatCannotBeAnsweredIsRefused) {
  EXPECT_THAT(Read(), IsEmpty());
  EXPECT_FALSE(DatabaseCallReader(source_).Read({.from_unix_nanos = 1, .to_unix_nanos = 2, .limit = 0}));
  EXPECT_FALSE(DatabaseCallReader(source_).Read({.from_unix_nanos = 1, .to_unix_nanos = 2, .limit = 1001}));
  EXPECT_FALSE(DatabaseCallReader(source_).Read({.from_unix_nanos = 2, .to_unix_nanos = 2}));
}

}  // namespace
}  // namespace sightline::query
