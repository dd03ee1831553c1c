// Groups of log records on the real engine.
#include "query/log_groups.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "query/log_series.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;

constexpr int64_t kMinute = 60'000'000'000;

class LogGroupsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Execute("TRUNCATE TABLE sightline.logs");
    Execute("TRUNCATE TABLE sightline.attribute_sets");
    Execute(fmt::format(
        "INSERT INTO sightline.logs (Block, Timestamp, ServiceName, SeverityNumber, Body, BodyType, LogAttributes, "
        "LogAttributeTypes) SELECT 1, fromUnixTimestamp64Nano(toInt64({} + minute * {})), service, severity, body, "
        "'s', "
        "map('user', user), 's' FROM VALUES('minute Int64, service String, severity UInt8, body String, user String', "
        "(0, 'shop', 9, '{{\"http\":{{\"status\":200}}}}', 'ann'), (1, 'shop', 17, '{{\"http\":{{\"status\":500}}}}', "
        "'ann'), "
        "(1, 'shop', 21, '{{\"http\":{{\"status\":500}}}}', 'bob'), (3, 'web', 9, 'text', 'ann'))",
        begin_, kMinute));
  }

  Result<LogGroupList> Read(std::vector<std::string> by, const std::string& text = "", uint32_t limit = 50) {
    auto query = ParseItemQuery(otlp::Signal::kLogs, text, begin_, begin_ + 4 * kMinute);
    if (!query) return std::unexpected(query.error());
    ItemSource source(clickhouse(), {}, "sightline");
    return LogGroupReader(source).Read({.query = *query, .by = std::move(by), .limit = limit, .steps = 4});
  }
  // "literals: records errors [sparkline]"
  std::vector<std::string> Groups(std::vector<std::string> by, const std::string& text = "") {
    const auto list = Read(std::move(by), text);
    EXPECT_TRUE(list) << list.error().message;
    std::vector<std::string> lines;
    if (!list) return lines;
    for (const auto& group : list->groups) {
      lines.push_back(
          fmt::format("{}: {} {} {}", fmt::join(group.literals, ", "), group.records, group.errors, group.sparkline));
    }
    return lines;
  }

  const int64_t begin_ = Clock::System().UnixNanos() / kMinute * kMinute - 10 * kMinute;
};

TEST_F(LogGroupsTest, ByFieldsOfRecordsAndOfTheirBodies) {
  EXPECT_THAT(Groups({"resource.service.name"}),
              ElementsAre("\"shop\": 3 2 [1, 2, 0, 0]", "\"web\": 1 0 [0, 0, 0, 1]"));
  EXPECT_THAT(Groups({"body.http.status"}),
              ElementsAre("500: 2 2 [0, 2, 0, 0]", "nil: 1 0 [0, 0, 0, 1]", "200: 1 0 [1, 0, 0, 0]"));
  EXPECT_THAT(Groups({"log.user", "severity"}, "{ body.http.status != nil }"),
              ElementsAre("\"ann\", error: 1 1 [0, 1, 0, 0]", "\"ann\", info: 1 0 [1, 0, 0, 0]",
                          "\"bob\", fatal: 1 1 [0, 1, 0, 0]"));
}

TEST_F(LogGroupsTest, AsSeriesOfExactWindows) {
  ItemSource source(clickhouse(), {}, "sightline");
  const auto series = [&](std::vector<std::string> by, int64_t from, int64_t step_minutes) {
    auto query = ParseItemQuery(otlp::Signal::kLogs, "{ severity >= info }", from, from + 2 * step_minutes * kMinute);
    const auto answer = ReadLogSeries(
        source,
        {.query = *query, .by = std::move(by), .step_seconds = 60 * step_minutes, .origin_unix_nanos = from});
    EXPECT_TRUE(answer) << answer.error().message;
    std::vector<std::string> lines;
    for (const auto& one : answer->series) {
      std::string line;
      for (const auto& [field, value] : one.labels) line += fmt::format("{}={} ", field, value);
      lines.push_back(fmt::format("{}{}", line, one.values));
    }
    return lines;
  };
  EXPECT_THAT(series({}, begin_, 1), ElementsAre("[1, 2]"));
  EXPECT_THAT(series({}, begin_ + 1, 1), ElementsAre("[2, 0]"));
  EXPECT_THAT(series({}, begin_ + 10 * kMinute, 1), ElementsAre("[0, 0]"));
  EXPECT_THAT(series({"resource.service.name"}, begin_, 2),
              ElementsAre("resource.service.name=\"shop\" [3, 0]", "resource.service.name=\"web\" [0, 1]"));
  EXPECT_THAT(series({"log.user"}, begin_ + 10 * kMinute, 2), ElementsAre());
}

TEST_F(LogGroupsTest, SaysHowManyThereAre) {
  const auto list = Read({"body.http.status"}, "", 1);
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->groups.size(), 1u);
  EXPECT_EQ(list->groups_in_all, 3u);
  EXPECT_EQ(list->records, 4);
  EXPECT_EQ(list->groups[0].last_unix_nanos, begin_ + kMinute);
  for (const auto& by : {std::vector<std::string>{}, {"body"}, {"nosuch"}, {"a", "b", "c", "d", "e", "f"}}) {
    const auto refused = Read(by);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  }
}

}  // namespace
}  // namespace sightline::query
