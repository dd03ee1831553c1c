// Good and all requests from what is counted of spans, on the real engine.
#include "query/request_counts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/clock.h"
#include "otlp/span_metrics.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using testing::EngineTest;
using Call = otlp::SpanMetrics::Call;

constexpr int64_t kSecond = 1'000'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
constexpr uint64_t kMilli = 1'000'000;
constexpr uint8_t kServer = 2, kClient = 3, kOk = 0, kError = 2;

class RequestCountsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"span_metric_rollups"});
    start_ = Clock::System().UnixNanos() / kHour * kHour - 10 * kHour;
  }

  Call Request(int64_t after_start, std::string_view name = "GET /", uint8_t status = kOk, uint64_t millis = 10,
               double weight = 1) const {
    return {.service_name = "shop",
            .span_name = name,
            .kind = kServer,
            .status = status,
            .entry = true,
            .start_unix_nanos = start_ + after_start,
            .duration_nanos = millis * kMilli,
            .weight = weight};
  }

  void Insert(const std::vector<Call>& calls) {
    otlp::SpanMetrics metrics;
    for (const Call& call : calls) metrics.Add(call);
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

  RequestSearch FirstHour() const {
    return {.service = "shop", .operations = {}, .from_unix_nanos = start_, .to_unix_nanos = start_ + kHour};
  }
  std::vector<RequestCount> Count(const RequestSearch& search) {
    auto counts = reader_.Count(search);
    EXPECT_TRUE(counts) << counts.error().message;
    return counts ? *std::move(counts) : std::vector<RequestCount>();
  }

  int64_t start_ = 0;
  uint64_t block_ = 0;
  RequestCountReader reader_{clickhouse()};
};

TEST_F(RequestCountsTest, CountsEntrySpansOfAServiceByMinute) {
  Call inner = Request(0), client = Request(0), other = Request(0);
  inner.entry = false;
  client.kind = kClient;
  client.entry = false;
  other.service_name = "other";
  Insert({Request(0), Request(59 * kSecond, "GET /", kError), Request(kMinute), inner, client, other,
          Request(30 * kMinute, "GET /", kOk, 10, 2.5), Request(-kMinute), Request(kHour)});
  Insert({Request(1)});  // another block: rows of a minute are not one row yet
  const auto counts = Count(FirstHour());
  ASSERT_EQ(counts.size(), 3u);
  EXPECT_EQ(counts[0].unix_seconds, start_ / kSecond);
  EXPECT_EQ(counts[0].good, 2);
  EXPECT_EQ(counts[0].total, 3);
  EXPECT_EQ(counts[1].unix_seconds, start_ / kSecond + 60);
  EXPECT_EQ(counts[2].total, 2.5) << "for those that it stands for";
  RequestSearch by_hour = FirstHour();
  by_hour.by_hour = true;
  const auto hours = Count(by_hour);
  ASSERT_EQ(hours.size(), 1u);
  EXPECT_EQ(hours[0].total, 6.5);
}

TEST_F(RequestCountsTest, ABoundOnTheDurationIsWrongAboutItsOwnBucketOnly) {
  std::vector<Call> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(Request(0, "GET /", i < 10 ? kError : kOk, 100));
  for (int i = 0; i < 50; ++i) calls.push_back(Request(0, "GET /", kOk, 1000));
  Insert(calls);
  RequestSearch search = FirstHour();
  search.latency_under_nanos = 300 * int64_t{kMilli};
  EXPECT_EQ(Count(search).at(0).good, 100) << "those that failed quickly were quick";
  const auto [low, high] = LatencyBucket(search.latency_under_nanos);
  EXPECT_LE(low, 300.0 * kMilli);
  EXPECT_GT(high, 300.0 * kMilli);
  EXPECT_NEAR(high / low, std::exp2(1.0 / 8), 1e-9);
  // 310 ms lies in the bucket of 300 ms: good or not is estimated.
  calls.assign(80, Request(2 * kMinute, "GET /", kOk, 310));
  Insert(calls);
  const double good = Count(search).at(1).good;
  EXPECT_LT(310.0 * kMilli, high);
  EXPECT_GT(good, 0);
  EXPECT_LT(good, 80);
}

TEST_F(RequestCountsTest, NamedOperationsAreThoseAlone) {
  Insert({Request(0, "GET /"), Request(0, "it's \\ odd"), Request(0, "it's \\ odd", kError), Request(0, "POST /")});
  RequestSearch search = FirstHour();
  search.operations = {"it's \\ odd", "nobody"};
  EXPECT_EQ(Count(search).at(0).total, 2);
  EXPECT_EQ(Count(search).at(0).good, 1);
  const auto by_operation = reader_.CountByOperation(FirstHour());
  ASSERT_TRUE(by_operation) << by_operation.error().message;
  ASSERT_EQ(by_operation->size(), 3u);
  EXPECT_EQ(by_operation->at(0).name, "it's \\ odd");
  EXPECT_EQ(by_operation->at(0).good, 1);
  EXPECT_EQ(by_operation->at(1).name, "GET /") << "of equal ones by name";
}

}  // namespace
}  // namespace sightline::query
