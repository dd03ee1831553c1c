// Tables of groups and heatmaps on the real engine.
#include "query/span_groups.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/clock.h"
#include "query/span_heatmap.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;
using ::testing::IsEmpty;

constexpr int64_t kMinuteNanos = 60'000'000'000;

class SpanGroupsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "attribute_sets"});
    // Two traces; service, second, milliseconds, status, weight.
    Add("shop", 0, 100, "Error", 1);
    Add("shop", 30, 200, "Unset", 4);
    Add("web", 45, 1000, "Unset", 2);
    Add("web", 59, 1000, "Error", 1);
    Add("web", 59, 1000, "Error", 1);
  }

  void Add(const char* service, int second, int milliseconds, const char* status, int weight) {
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, SpanKind, StatusCode, "
        "Duration, AdjustedCount, SpanAttributes, SpanAttributeTypes) VALUES ({}, "
        "fromUnixTimestamp64Nano(toInt64({})), "
        "unhex(repeat('0{}', 16)), unhex('000000000000000{}'), '{}', 'GET', 'Server', '{}', {}, {}, map('n', '{}'), "
        "'i')",
        ++spans_, begin_ + second * 1'000'000'000LL, service[0] == 's' ? 1 : 2, spans_, service, status,
        milliseconds * 1'000'000LL, weight, second));
  }

  Result<ItemQuery> Query(const std::string& text) {
    return ParseItemQuery(otlp::Signal::kTraces, text, begin_, begin_ + kMinuteNanos);
  }
  // "literals spans errors p50 in ms: sparkline"
  std::vector<std::string> Groups(const std::string& text, std::vector<std::string> by) {
    search_.query = *Query(text);
    search_.by = std::move(by);
    const auto page = GroupReader(source_).Read(search_);
    EXPECT_TRUE(page) << page.error().message;
    std::vector<std::string> lines;
    if (!page) return lines;
    next_ = page->next;
    for (const auto& group : page->groups) {
      std::string line;
      for (const auto& literal : group.literals) line += literal + " ";
      line += fmt::format("{} {} {:.0f}:", group.spans, group.errors, group.p50_nanos / 1e7);
      for (const double spans : group.sparkline) line += fmt::format(" {}", spans);
      lines.push_back(line);
    }
    return lines;
  }

  const int64_t begin_ = (Clock::System().UnixNanos() / kMinuteNanos - 10) * kMinuteNanos;
  int spans_ = 0;
  GroupSearch search_{.sparkline_steps = 3};
  std::optional<GroupCursor> next_;
  ItemSource source_{*testing::kEngine->clickhouse(), otlp::DefaultHotAttributes(), "sightline"};
};

TEST_F(SpanGroupsTest, CountsWithWeightsInTheOrderAskedFor) {
  EXPECT_THAT(Groups("", {"resource.service.name"}), ElementsAre("\"shop\" 5 1 20: 1 4 0", "\"web\" 4 2 100: 0 0 4"));
  search_.sort = GroupSort::kErrors;
  EXPECT_THAT(Groups("", {"resource.service.name"}), ElementsAre("\"web\" 4 2 100: 0 0 4", "\"shop\" 5 1 20: 1 4 0"));
  search_.sort = GroupSort::kP99;
  EXPECT_THAT(Groups("{ status = error }", {"status", "name"}), ElementsAre("error \"GET\" 3 3 100: 1 0 2"));
  EXPECT_THAT(Groups("{ status = ok }", {"status"}), IsEmpty());
}

TEST_F(SpanGroupsTest, PagesAnswerFromWhatWasThereAtTheFirst) {
  search_.limit = 2;
  EXPECT_THAT(Groups("", {"span.n"}), ElementsAre("30 4 0 20: 0 4 0", "45 2 0 100: 0 0 2"));
  ASSERT_TRUE(next_);
  Add("web", 1, 1, "Unset", 100);
  search_.cursor = next_;
  EXPECT_THAT(Groups("", {"span.n"}), ElementsAre("59 2 2 100: 0 0 2", "0 1 1 10: 1 0 0"));
  EXPECT_FALSE(next_);
}

TEST_F(SpanGroupsTest, OfAQueryThatNeedsTheWholeTrace) {
  EXPECT_THAT(Groups("{ } | count() > 2", {"resource.service.name"}), ElementsAre("\"web\" 4 2 100: 0 0 4"));
}

TEST_F(SpanGroupsTest, WhatCannotBeGroupedIsRefused) {
  for (const char* by : {"duration", "rootName", "nosuch", "event.x"}) {
    search_.query = *Query("");
    search_.by = {by};
    const auto page = GroupReader(source_).Read(search_);
    ASSERT_FALSE(page) << by;
    EXPECT_EQ(page.error().code, Code::kInvalidArgument);
  }
  search_.by = {};
  EXPECT_FALSE(GroupReader(source_).Read(search_));
}

TEST_F(SpanGroupsTest, AHeatmapHasWeightsByTimeAndDuration) {
  const auto heatmap = HeatmapReader(source_).Read({.query = *Query(""), .columns = 2, .buckets_per_doubling = 4});
  ASSERT_TRUE(heatmap) << heatmap.error().message;
  EXPECT_EQ(heatmap->column_nanos, kMinuteNanos / 2);
  std::vector<std::string> cells;
  for (const auto& cell : heatmap->cells) {
    // Each bucket holds what is in it.
    const double begin = BucketBegin(cell.bucket, 4), end = BucketBegin(cell.bucket + 1, 4);
    const double duration = cell.column == 0 ? 100e6 : cell.spans == 4 && cell.errors == 0 ? 200e6 : 1000e6;
    EXPECT_LE(begin, duration);
    EXPECT_GT(end, duration);
    cells.push_back(fmt::format("{} {} {}", cell.column, cell.spans, cell.errors));
  }
  EXPECT_THAT(cells, ElementsAre("0 1 1", "1 4 0", "1 4 2"));
  EXPECT_EQ(heatmap->spans, 9);
  EXPECT_EQ(heatmap->errors, 3);
  EXPECT_FALSE(HeatmapReader(source_).Read({.query = *Query(""), .columns = 0}));
}

}  // namespace
}  // namespace sightline::query
