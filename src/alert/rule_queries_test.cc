// What rules ask, on the real engine.
#include "alert/rule_queries.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include "alert/backtest.h"
#include "alert/due.h"
#include "alert/rule_enricher.h"
#include "base/clock.h"
#include "query/testing/engine.h"

namespace sightline::alert {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kMinute = 60 * kSecond;

class RuleQueriesTest : public query::testing::EngineTest {
 protected:
  // `count` spans, one each ten milliseconds.
  void AddSpans(int64_t from, int count, const std::string& service, const std::string& status,
                const std::string& route) {
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, SpanKind, StatusCode, "
        "Duration, `a.http.route`, AdjustedCount) SELECT 1, fromUnixTimestamp64Nano(toInt64({}) + number * 10000000), "
        "sipHash128({} + number), substring(sipHash128({} + number), 1, 8), '{}', 'GET', 'Server', '{}', 1000000, "
        "'{}', 1 FROM numbers({})",
        from, from, from, service, status, route, count));
  }
  void AddLogs(int64_t from, int count, const std::string& service, int severity) {
    Execute(fmt::format(
        "INSERT INTO sightline.logs (Block, Timestamp, ServiceName, SeverityNumber, Body, BodyType, LogAttributes, "
        "LogAttributeTypes) SELECT 1, fromUnixTimestamp64Nano(toInt64({}) + number), '{}', {}, 'text', 's', map(), '' "
        "FROM numbers({})",
        from, service, severity, count));
  }
  static RuleDocument Rule(const std::string& queries, const std::string& more = "") {
    auto rule =
        ReadRule(R"({"schema": 1, "name": "x", "window": "1m", "interval": "20s", "delay": "0s", "queries": [)" +
                 queries + R"(], "condition": {"kind": "threshold", "op": "above", "critical": 4})" + more + "}");
    EXPECT_TRUE(rule) << rule.error().message;
    return *rule;
  }
  static std::string Spans(const std::string& query) {
    return R"({"name": "A", "source": "traceql", "query": ")" + query + "\"}";
  }
  // "labels: values"
  std::vector<std::string> Ask(const RuleDocument& rule, int64_t from, int minutes = 1) {
    const auto groups = queries_.Ask(rule, {from, from + minutes * kMinute, 60}, from);
    EXPECT_TRUE(groups) << groups.error().message;
    std::vector<std::string> lines;
    if (!groups) return lines;
    for (const Group& group : groups->groups) {
      std::string line;
      for (const auto& [key, value] : group.labels) line += key + "=" + value + " ";
      for (const double value : group.values) line += fmt::format("{:.4g} ", value);
      lines.push_back(line.empty() ? line : line.substr(0, line.size() - 1));
    }
    std::ranges::sort(lines);
    return lines;
  }

  // Not at a whole minute; recent, as older spans are past their retention.
  const int64_t begin_ = Clock::System().UnixNanos() / kMinute * kMinute - 30 * kMinute + 7 * kSecond;
  RuleQueries queries_{*query::testing::kEngine->clickhouse(), {}};
};

TEST_F(RuleQueriesTest, LookAtExactlyTheirWindow) {
  AddSpans(begin_, 1, "shop", "Error", "/");
  AddSpans(begin_ + kMinute, 1, "shop", "Error", "/");
  AddSpans(begin_ + kMinute - 1, 1, "shop", "Error", "/");
  AddSpans(begin_ - 1, 1, "shop", "Error", "/");
  const RuleDocument rule = Rule(Spans("{ } | count_over_time()"));
  EXPECT_THAT(Ask(rule, begin_), ElementsAre("2"));
  EXPECT_THAT(Ask(rule, begin_ + 1), ElementsAre("2"));
  EXPECT_THAT(Ask(rule, begin_ + 10 * kMinute), ElementsAre("0"));
  EXPECT_THAT(Ask(rule, begin_, 2), ElementsAre("2 1"));
}

TEST_F(RuleQueriesTest, OneStepIsAsManyStepsSay) {
  AddSpans(begin_, 30, "shop", "Error", "/a");
  AddSpans(begin_ + 5, 20, "web", "Unset", "/b");
  AddLogs(begin_, 5, "shop", 17);
  const std::string queries[] = {
      Spans("{ } | count_over_time() by (resource.service.name, span.http.route)"),
      Spans("{ status = error } | rate() by (name)"),
      Spans("{ name = `none` } | rate() by (name)"),
      Spans("{ name = `none` } | rate()"),
      R"({"name": "A", "source": "logs", "group_by": ["resource.service.name"]})",
      R"({"name": "A", "source": "logs"})",
      R"({"name": "A", "source": "logs", "query": "{ severity >= fatal }"})",
  };
  for (const std::string& query : queries) {
    const RuleDocument rule = Rule(query);
    auto many = Ask(rule, begin_, 2);
    for (std::string& line : many) line.resize(line.rfind(' '));
    EXPECT_EQ(Ask(rule, begin_), many) << query;
  }
}

TEST_F(RuleQueriesTest, WhatOneQueryCountsAndAnotherDoesNotIsZeroInFormulas) {
  AddLogs(begin_, 2, "shop", 17);
  AddLogs(begin_, 8, "shop", 9);
  AddLogs(begin_, 5, "web", 9);
  const RuleDocument rule = Rule(
      R"({"name": "A", "source": "logs", "query": "{ severity >= error }", "group_by": ["resource.service.name"]},
         {"name": "B", "source": "logs", "group_by": ["resource.service.name"]})",
      R"(, "formulas": [{"name": "F", "expression": "A / B"}])");
  EXPECT_THAT(Ask(rule, begin_), ElementsAre("service.name=shop 0.2", "service.name=web 0"));
}

TEST_F(RuleQueriesTest, SqlIsCheckedAndAsksItsWindow) {
  AddSpans(begin_, 3, "shop", "Error", "/a");
  AddSpans(begin_ + kMinute, 5, "web", "Error", "/a");
  const RuleDocument rule = Rule(
      R"({"name": "A", "source": "sql", "query": "SELECT ServiceName, count() AS value FROM otel_traces WHERE Timestamp >= $from AND Timestamp < $to GROUP BY ServiceName"})");
  EXPECT_TRUE(queries_.Check(rule));
  EXPECT_THAT(Ask(rule, begin_), ElementsAre("ServiceName=shop 3"));
  EXPECT_THAT(Ask(rule, begin_, 2), ElementsAre("ServiceName=shop 3 nan", "ServiceName=web nan 5"));
  const auto refused = queries_.Check(Rule(R"({"name": "A", "source": "sql", "query": "SELECT * FROM system.users"})"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, ::testing::StartsWith("queries[0].query: "));
}

TEST_F(RuleQueriesTest, ABacktestLooksAtEachDueTimeByShiftedGrids) {
  AddSpans(begin_, 5, "shop", "Error", "/a");
  const RuleDocument rule = Rule(Spans("{ } | count_over_time()"));
  const auto backtest =
      RunBacktest(queries_, nullptr, rule, begin_ - 5 * kMinute, begin_ + 5 * kMinute, begin_ + 30 * kMinute);
  ASSERT_TRUE(backtest) << backtest.error().message;
  EXPECT_EQ(backtest->step_seconds, 20);
  EXPECT_EQ(backtest->interval_seconds, 20);
  ASSERT_THAT(backtest->series, SizeIs(1));
  const BacktestSeries& series = backtest->series[0];
  EXPECT_THAT(series.values, SizeIs(30));
  double seen = 0;
  for (size_t i = 0; i < series.values.size(); ++i) {
    const int64_t at = backtest->from_unix_nanos + static_cast<int64_t>(i) * 20 * kSecond;
    EXPECT_EQ(at, DueAtOrBefore(rule, at));
    EXPECT_EQ(Ask(rule, at - kMinute), std::vector{fmt::format("{:.4g}", series.values[i])}) << i;
    seen += series.values[i];
  }
  EXPECT_GT(seen, 0);
  ASSERT_THAT(series.firing, SizeIs(1));
  EXPECT_EQ(series.firing[0].to_unix_nanos - series.firing[0].from_unix_nanos, kMinute);
  EXPECT_EQ(backtest->times_fired, 1u);
  EXPECT_EQ(backtest->notifications, 2u);
  EXPECT_EQ(backtest->seconds_firing, 60);
}

TEST_F(RuleQueriesTest, ABacktestOfALongRangeIsCoarserAndSaysSo) {
  const RuleDocument rule = Rule(Spans("{ } | count_over_time()"));
  const auto backtest = RunBacktest(queries_, nullptr, rule, begin_ - 24 * 60 * kMinute, begin_, begin_);
  ASSERT_TRUE(backtest) << backtest.error().message;
  EXPECT_EQ(backtest->step_seconds, 60);  // 4,320 due times are more than 2,000
  EXPECT_EQ(backtest->interval_seconds, 20);
}

TEST_F(RuleQueriesTest, AnAlertIsEnrichedByWhatIsDifferentAndByTraces) {
  AddSpans(begin_, 200, "shop", "Error", "/bad");
  AddSpans(begin_ + 1, 400, "shop", "Unset", "/good");
  AddSpans(begin_ + 2, 400, "web", "Unset", "/bad");
  char directory[] = "/tmp/sightline-enricher-test-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  auto database = state::Database::Open(std::string(directory) + "/state.sqlite");
  ASSERT_TRUE(database) << database.error().message;
  RuleStore rules(**database);
  RuleFiles files("");
  const auto rule = rules.Create(Rule(Spans("{ status = error } | count_over_time() by (resource.service.name)")));
  ASSERT_TRUE(rule) << rule.error().message;
  RuleEnricher enricher(rules, files, clickhouse(), {});
  notify::AlertEvent event{.rule_id = rule->id, .labels = {{"service.name", "shop"}}};
  event.starts_unix_nanos = event.at_unix_nanos = begin_ + kMinute;
  const auto enrichment = enricher.Enrich(event, 30);
  ASSERT_TRUE(enrichment);
  EXPECT_THAT(enrichment->differences, Contains(Field(&notify::Difference::value, "\"/bad\"")));
  EXPECT_THAT(enrichment->trace_ids, SizeIs(kSampleTracesMax));
  event.state = notify::EventState::kResolved;
  EXPECT_FALSE(enricher.Enrich(event, 30));
  event.state = notify::EventState::kFiring;
  event.rule_id = "12345";
  EXPECT_FALSE(enricher.Enrich(event, 30));
  std::filesystem::remove_all(directory);
}

}  // namespace
}  // namespace sightline::alert
