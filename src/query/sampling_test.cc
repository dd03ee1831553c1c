// What policies kept, held against what was counted before sampling, on the real engine.
#include "query/sampling.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "otlp/span_metrics.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;
using ::testing::Pair;

constexpr int64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;

class SamplingTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    for (const char* table : {"spans", "kept_span_rollups", "span_metric_rollups", "metric_series", "metric_points"}) {
      Execute(fmt::format("TRUNCATE TABLE sightline.{}", table));
    }
    // A whole hour not long ago, so that nothing runs into the retention.
    start_ = Clock::System().UnixNanos() / kHour * kHour - 10 * kHour;
  }

  // `traces` of `spans_each` spans, a second apart; trace ids are told apart by `first`.
  struct Kept {
    std::string service, policy;
    uint64_t first = 0, traces = 1, spans_each = 1;
    double adjusted_count = 1;
    int64_t after_start = 0;
  };
  void Insert(const Kept& kept) {
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, SamplingPolicy, "
        "AdjustedCount) SELECT {}, fromUnixTimestamp64Nano({} + intDiv(number, {}) * 1000000), "
        "sipHash128({} + intDiv(number, {})), substring(hex(number + 1000000), 1, 8), '{}', 'work', '{}', {} "
        "FROM numbers({})",
        ++block_, start_ + kept.after_start, kept.spans_each, kept.first, kept.spans_each, kept.service, kept.policy,
        kept.adjusted_count, kept.traces * kept.spans_each));
    SumUp();
  }
  // The spans of the last block, as its writer adds them up.
  void SumUp() {
    Execute(fmt::format(
        "INSERT INTO sightline.kept_span_rollups (Block, Seconds, Time, ServiceName, SamplingPolicy, Spans, StandFor, "
        "Traces) SELECT 0, arrayJoin([60, 3600]) AS Resolution, toDateTime(intDiv(toUnixTimestamp(Timestamp), "
        "Resolution) * Resolution) AS Start, ServiceName, SamplingPolicy, count(), sum(AdjustedCount), "
        "uniqCombinedState(14)(xxh3(TraceId)) FROM sightline.spans WHERE Block = {} GROUP BY Resolution, Start, "
        "ServiceName, SamplingPolicy",
        block_));
  }
  void Seen(std::string_view service, int calls, int64_t after_start = 0) {
    otlp::SpanMetrics metrics;
    for (int i = 0; i < calls; ++i) {
      metrics.Add({.service_name = service,
                   .span_name = "work",
                   .kind = 2,
                   .entry = true,
                   .start_unix_nanos = start_ + after_start,
                   .duration_nanos = 1000});
    }
    std::vector<otlp::TableBlock> blocks;
    metrics.Finish(++block_, blocks);
    std::vector<std::string> columns;
    const otlp::SpanMetricsTable table;  // named: GCC 12 ends a temporary before the loop through it
    for (const auto& column : table.columns()) columns.push_back(column.name);
    for (const otlp::TableBlock& block : blocks) {
      const auto done = clickhouse().InsertNative("sightline." + std::string(block.table), columns, block.native, "");
      ASSERT_TRUE(done) << done.error().message;
    }
  }
  // One of the program's own metrics: cumulative values every 10 s, or of a gauge.
  void InsertOwn(const std::string& name, const std::string& labels, const std::vector<double>& values,
                 bool is_gauge = false) {
    const uint64_t id = ++series_;
    Execute(fmt::format(
        "INSERT INTO sightline.metric_series (SeriesId, Seen, MetricName, MetricType, AggregationTemporality, "
        "IsMonotonic, ServiceName, Attributes) VALUES ({}, {}, '{}', '{}', {}, {}, 'sightline', {})",
        id, start_ / kSecond, name, is_gauge ? "gauge" : "sum", is_gauge ? 0 : 2, !is_gauge, labels));
    for (size_t i = 0; i < values.size(); ++i) {
      Execute(
          fmt::format("INSERT INTO sightline.metric_points (SeriesId, Timestamp, StartTimestamp, Value, Block) VALUES "
                      "({}, fromUnixTimestamp64Nano({}), fromUnixTimestamp64Nano({}), {}, 1)",
                      id, start_ + (static_cast<int64_t>(i) * 10 + 5) * kSecond, start_ - kHour, values[i]));
    }
  }

  SamplingTotals Totals(int64_t from, int64_t to) {
    auto totals = reader_.GetTotals(start_ + from, start_ + to, Clock::System().UnixNanos());
    EXPECT_TRUE(totals) << totals.error().message;
    return totals ? *std::move(totals) : SamplingTotals();
  }
  SamplingHistory History(int64_t from, int64_t to, int64_t step_seconds) {
    auto history = reader_.GetHistory(start_ + from, start_ + to, step_seconds);
    EXPECT_TRUE(history) << history.error().message;
    return history ? *std::move(history) : SamplingHistory();
  }

  int64_t start_ = 0;
  uint64_t block_ = 0, series_ = 0;
  MetricReader metrics_{clickhouse()};
  SamplingReader reader_{clickhouse(), metrics_};
};

std::vector<std::pair<std::string, uint64_t>> SpansOf(const std::vector<KeptByPolicy>& policies) {
  std::vector<std::pair<std::string, uint64_t>> spans;
  for (const KeptByPolicy& policy : policies) spans.emplace_back(policy.policy, policy.kept.spans);
  return spans;
}

TEST_F(SamplingTest, KeptSpansStandForWhatWasSeen) {
  Insert({.service = "web", .policy = "errors", .first = 0, .traces = 10, .spans_each = 3});
  Insert(
      {.service = "web", .policy = "one-percent", .first = 100, .traces = 4, .spans_each = 2, .adjusted_count = 100});
  Insert({.service = "pay", .policy = "errors", .first = 0, .traces = 10});  // of the same traces
  Insert({.service = "pay", .policy = "", .first = 500, .traces = 2, .spans_each = 20});
  Seen("web", 840);
  Seen("pay", 50);
  Seen("all dropped", 7);
  const SamplingTotals totals = Totals(0, kMinute);
  EXPECT_EQ(totals.from_unix_nanos, start_);
  EXPECT_EQ(totals.to_unix_nanos, start_ + kMinute);
  EXPECT_EQ(totals.kept.spans, 88U);
  EXPECT_EQ(totals.kept.traces, 16U) << "a trace counts once, whatever services it has";
  EXPECT_EQ(totals.kept.stand_for, 30 + 800 + 10 + 40);
  EXPECT_EQ(totals.seen, 897);
  EXPECT_THAT(SpansOf(totals.policies), ElementsAre(Pair("", 40), Pair("errors", 40), Pair("one-percent", 8)));
  ASSERT_EQ(totals.services.size(), 3U);
  const KeptByService& web = totals.services[0];
  EXPECT_EQ(web.service, "web");
  EXPECT_EQ(web.seen, 840);
  EXPECT_EQ(web.kept.spans, 38U);
  EXPECT_EQ(web.kept.traces, 14U);
  EXPECT_EQ(web.kept.stand_for, 830);
  EXPECT_THAT(SpansOf(web.policies), ElementsAre(Pair("errors", 30), Pair("one-percent", 8)));
  EXPECT_EQ(totals.services[1].service, "pay");
  EXPECT_THAT(SpansOf(totals.services[1].policies), ElementsAre(Pair("", 40), Pair("errors", 10)));
  EXPECT_EQ(totals.services[2].service, "all dropped") << "what was seen and of which nothing is kept";
  EXPECT_EQ(totals.services[2].kept.spans, 0U);
  EXPECT_FALSE(totals.is_cut);
  EXPECT_GT(totals.bytes_per_span, 0);
  EXPECT_DOUBLE_EQ(web.kept.bytes_on_disk, 38 * totals.bytes_per_span);
  EXPECT_GT(totals.scanned.rows_read, 0U);
}

TEST_F(SamplingTest, TheRangeIsWholeMinutesOfTheSpansStart) {
  for (const int64_t minute : {-1, 0, 1, 2}) {
    Insert({.service = "web",
            .policy = fmt::format("minute {}", minute),
            .first = static_cast<uint64_t>(10 + minute),
            .after_start = minute * kMinute + 59 * kSecond});
    Seen("web", 1, minute * kMinute + 59 * kSecond);
  }
  const SamplingTotals totals = Totals(30 * kSecond, kMinute + 1);
  EXPECT_EQ(totals.from_unix_nanos, start_);
  EXPECT_EQ(totals.to_unix_nanos, start_ + 2 * kMinute);
  EXPECT_THAT(SpansOf(totals.policies), ElementsAre(Pair("minute 0", 1), Pair("minute 1", 1)));
  EXPECT_EQ(totals.seen, 2) << "both sides of the comparison have the same range";
  EXPECT_EQ(Totals(0, kMinute).kept.spans, 1U);
  EXPECT_TRUE(Totals(10 * kMinute, 11 * kMinute).services.empty());
}

TEST_F(SamplingTest, AnEmptyRangeIsAnError) {
  EXPECT_EQ(reader_.GetTotals(5, 5, 10).error().code, Code::kInvalidArgument);
  EXPECT_EQ(reader_.GetTotals(6, 5, 10).error().code, Code::kInvalidArgument);
  EXPECT_EQ(reader_.GetTotals(-1, 5, 10).error().code, Code::kInvalidArgument);
}

TEST_F(SamplingTest, OfVeryManyServicesThoseMostSeenAreNamed) {
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SamplingPolicy) SELECT 1, "
      "fromUnixTimestamp64Nano({}), sipHash128(number), substring(hex(number + 1000000), 1, 8), concat('s', "
      "toString(number)), 'errors' FROM numbers({})",
      start_, kSamplingRowsMax + 5));
  block_ = 1;
  SumUp();
  Seen("s1003", 9);
  const SamplingTotals totals = Totals(0, kMinute);
  EXPECT_TRUE(totals.is_cut);
  ASSERT_EQ(totals.services.size(), kSamplingRowsMax);
  EXPECT_EQ(totals.services[0].service, "s1003");
  EXPECT_EQ(totals.kept.spans, kSamplingRowsMax + 5) << "the sums have all";
}

TEST_F(SamplingTest, HistoryHasCountersAsIncreasesAndGaugesAsHighest) {
  InsertOwn("sightline.sampling.traces", "map('decision', 'kept', 'policy', 'errors')", {0, 5, 10, 10, 10, 10, 10, 40});
  InsertOwn("sightline.sampling.traces", "map('decision', 'dropped', 'policy', '')", {0, 0, 0, 0, 0, 0, 0, 900});
  InsertOwn("sightline.sampling.early_decisions", "map('reason', 'memory')", {0, 1, 1, 1, 1, 1, 1, 3});
  InsertOwn("sightline.sampling.undecided_spans", "map()", {7, 99, 3, 3, 3, 3, 3, 12}, true);
  InsertOwn("other.metric", "map()", {0, 1});
  const SamplingHistory history = History(0, 2 * kMinute, 60);
  EXPECT_EQ(history.from_unix_nanos, start_);
  EXPECT_EQ(history.to_unix_nanos, start_ + 2 * kMinute);
  EXPECT_EQ(history.step_seconds, 60);
  const auto values_of = [&](std::string_view name, const std::string& label) {
    std::vector<double> values;
    for (const SamplingSeries& series : history.series) {
      const bool has_label = std::ranges::any_of(series.labels, [&](const auto& one) { return one.second == label; });
      if (series.name == name && (label.empty() || has_label)) values = series.values;
    }
    for (double& value : values) value = std::isnan(value) ? -1 : value;
    return values;
  };
  EXPECT_THAT(values_of("traces", "errors"), ElementsAre(10, 30));
  EXPECT_THAT(values_of("traces", "dropped"), ElementsAre(0, 900));
  EXPECT_THAT(values_of("early_decisions", "memory"), ElementsAre(1, 2));
  EXPECT_THAT(values_of("undecided_spans", ""), ElementsAre(99, 12));
  EXPECT_EQ(history.series.size(), 4U) << "metrics that there are none of have no series";
}

TEST_F(SamplingTest, WithoutOwnMetricsThereIsNoHistory) {
  const SamplingHistory history = History(61 * kSecond, 100 * kSecond, 60);
  EXPECT_TRUE(history.series.empty());
  EXPECT_EQ(history.from_unix_nanos, start_ + kMinute);
  EXPECT_EQ(history.to_unix_nanos, start_ + 2 * kMinute);
}

}  // namespace
}  // namespace sightline::query
