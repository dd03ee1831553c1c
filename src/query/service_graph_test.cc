// The service graph from its edges, on the real engine.
#include "query/service_graph.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/clock.h"
#include "otlp/service_graph_edges.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using testing::EngineTest;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000'000, kHour = 3600 * kSecond;
constexpr uint64_t kMilli = 1'000'000;

class ServiceGraphTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Execute("TRUNCATE TABLE sightline.service_graph_edges");
    start_ = Clock::System().UnixNanos() / kHour * kHour - 10 * kHour;
  }

  // Both sides of calls from web to pay, or of the client alone.
  void Call(std::string_view server, int64_t after_start, uint64_t millis, bool failed = false,
            bool has_server = true) {
    otlp::ServiceGraphEdges::Side side{
        .client = "web",
        .server = server,
        .connection = has_server ? otlp::Connection::kRequest : otlp::Connection::kDatabase,
        .failed = failed,
        .is_client_side = true,
        .start_second = static_cast<uint32_t>((start_ + after_start) / kSecond),
        .duration_nanos = millis * kMilli};
    edges_.Add(side);
    if (!has_server) return;
    side.is_client_side = side.is_call = false;
    side.duration_nanos /= 2;
    edges_.Add(side);
  }

  void Insert() {
    std::vector<otlp::TableBlock> blocks;
    edges_.Finish(++block_, blocks);
    std::vector<std::string> columns;
    const otlp::ServiceGraphEdgesTable table;
    for (const auto& column : table.columns()) columns.push_back(column.name);
    for (const otlp::TableBlock& block : blocks) {
      const auto done = clickhouse().InsertNative("sightline." + std::string(block.table), columns, block.native, "");
      ASSERT_TRUE(done) << done.error().message;
    }
  }

  ServiceGraph Read(int64_t from_after, int64_t to_after, std::optional<std::string> service = {},
                    uint32_t limit = 10) {
    ServiceGraphReader reader(clickhouse());
    auto graph = reader.Read({.service = std::move(service),
                              .from_unix_nanos = start_ + from_after,
                              .to_unix_nanos = start_ + to_after,
                              .now_unix_nanos = Clock::System().UnixNanos(),
                              .limit = limit});
    EXPECT_TRUE(graph) << graph.error().message;
    return graph ? *std::move(graph) : ServiceGraph();
  }

  otlp::ServiceGraphEdges edges_;
  int64_t start_ = 0;
  uint64_t block_ = 0;
};

TEST_F(ServiceGraphTest, AnEdgeHasItsCallsErrorsAndDurationsOfBothSides) {
  for (int i = 0; i < 90; ++i) Call("pay", i * kSecond, 10, i % 9 == 0);
  Insert();
  for (int i = 0; i < 10; ++i) Call("pay", i * kSecond, 1000);
  Call("postgresql/shop", 5 * kSecond, 3, false, false);
  Insert();
  const ServiceGraph graph = Read(0, 120 * kSecond);
  ASSERT_THAT(graph.edges, SizeIs(2));
  const GraphEdge& pay = graph.edges[0];
  EXPECT_EQ(pay.client, "web");
  EXPECT_EQ(pay.server, "pay");
  EXPECT_EQ(pay.connection_type, "");
  EXPECT_EQ(pay.calls, 100);
  EXPECT_EQ(pay.errors, 10);
  EXPECT_DOUBLE_EQ(pay.calls_per_second, 100.0 / 120);
  EXPECT_EQ(pay.client_side.spans, 100);
  EXPECT_NEAR(pay.client_side.p50_nanos, 10.0 * kMilli, 1.0 * kMilli);
  EXPECT_NEAR(pay.client_side.p90_nanos, 10.0 * kMilli, 1.0 * kMilli);
  EXPECT_NEAR(pay.client_side.p95_nanos, 1000.0 * kMilli, 100.0 * kMilli);
  EXPECT_EQ(pay.client_side.max_nanos, 1000 * kMilli);
  EXPECT_EQ(pay.server_side.max_nanos, 500 * kMilli);
  const GraphEdge& database = graph.edges[1];
  EXPECT_EQ(database.server, "postgresql/shop");
  EXPECT_EQ(database.connection_type, "database");
  EXPECT_EQ(database.calls, 1);
  EXPECT_EQ(database.server_side.spans, 0);
  EXPECT_FALSE(graph.next);
}

TEST_F(ServiceGraphTest, HoursSayTheSameAsMinutes) {
  for (int i = 0; i < 100; ++i) Call("pay", i * 60 * kSecond, 10, i % 4 == 0);
  Insert();
  const ServiceGraph minutes = Read(0, 2 * kHour), hours = Read(-60 * kHour, 2 * kHour);
  ASSERT_THAT(minutes.edges, SizeIs(1));
  ASSERT_THAT(hours.edges, SizeIs(1));
  EXPECT_EQ(minutes.range.step_seconds, 60);
  EXPECT_EQ(hours.range.step_seconds, 3600);
  EXPECT_EQ(hours.edges[0].calls, minutes.edges[0].calls);
  EXPECT_EQ(hours.edges[0].errors, minutes.edges[0].errors);
  EXPECT_EQ(hours.edges[0].client_side.p95_nanos, minutes.edges[0].client_side.p95_nanos);
}

TEST_F(ServiceGraphTest, OnlyTheRangeAndTheServiceThatWereAskedFor) {
  Call("pay", 0, 1);
  Call("mail", 90 * kSecond, 1);
  Insert();
  EXPECT_THAT(Read(0, 60 * kSecond).edges, SizeIs(1));
  EXPECT_THAT(Read(0, 120 * kSecond).edges, SizeIs(2));
  EXPECT_THAT(Read(0, 120 * kSecond, "web").edges, SizeIs(2));
  EXPECT_THAT(Read(0, 120 * kSecond, "mail").edges, SizeIs(1));
  EXPECT_THAT(Read(0, 120 * kSecond, "nobody").edges, SizeIs(0));
  ServiceGraphReader reader(clickhouse());
  EXPECT_EQ(reader.Read({.from_unix_nanos = 1, .to_unix_nanos = 2, .limit = 0}).error().code, Code::kInvalidArgument);
}

// Edges past the first 1,000 come by name; each page is of the same time, and counts change between pages.
TEST_F(ServiceGraphTest, PagesHaveEachEdgeOnceWhileDataArrives) {
  constexpr int kEdges = 1100;
  for (int i = 0; i < kEdges; ++i) {
    for (int calls = 0; calls < 1 + (i == 700 ? 5 : 0); ++calls)
      Call(fmt::format("server {:04}", i), i % 60 * kSecond, 1);
  }
  Insert();
  ServiceGraphReader reader(clickhouse());
  GraphSearch search{.from_unix_nanos = start_,
                     .to_unix_nanos = start_ + 120 * kSecond,
                     .now_unix_nanos = Clock::System().UnixNanos(),
                     .limit = 300};
  std::map<std::string, int> seen;
  for (int page = 0; page < 10; ++page) {
    const auto graph = reader.Read(search);
    ASSERT_TRUE(graph) << graph.error().message;
    if (page == 0) EXPECT_EQ(graph->edges.front().server, "server 0700");
    for (const GraphEdge& edge : graph->edges) ++seen[edge.server];
    // What was shown is called more, and what was not: neither comes twice or never.
    for (int i = page; i < kEdges; i += 50) Call(fmt::format("server {:04}", i), kSecond, 1);
    Insert();
    if (!graph->next) break;
    search.cursor = graph->next;
    search.from_unix_nanos += 3600 * kSecond;  // as a later "last hour" would: the cursor's range counts
    search.to_unix_nanos += 3600 * kSecond;
  }
  EXPECT_THAT(seen, SizeIs(kEdges));
  EXPECT_THAT(seen, ::testing::Each(::testing::Field(&std::pair<const std::string, int>::second, 1)));
}

}  // namespace
}  // namespace sightline::query
