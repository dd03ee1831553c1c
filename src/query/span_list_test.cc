// Lists of spans on the real engine.
#include "query/span_list.h"

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

constexpr int64_t kHourNanos = 3'600'000'000'000;

class SpanListTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "attribute_sets"});
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('a1', now(), ['service.name', "
        "'host.name'], ['shop', 'h'], 'ss')");
    // Traces of two spans; the second one fails in every third trace.
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, "
        "SpanKind, "
        "StatusCode, Duration, ResourceId, SpanAttributes, SpanAttributeTypes) SELECT 1, "
        "fromUnixTimestamp64Nano(toInt64({} + "
        "number * 1000000)), toFixedString(leftPad(toString(intDiv(number, 2)), 16, '0'), 16), "
        "toFixedString(leftPad(toString(number), 8, '0'), 8), if(number % 2 = 1, toFixedString(leftPad(toString(number "
        "- "
        "1), 8, '0'), 8), toFixedString('', 8)), 'shop', if(number % 2 = 0, 'root', 'child'), 'Server', if(number % 6 "
        "= 1, "
        "'Error', 'Unset'), number * 7919 % 30 * 1000000, 'a1', map('n', toString(number)), 'i' FROM numbers(30)",
        begin_));
  }

  // All pages; "name n".
  std::vector<std::string> List(const std::string& text, uint32_t limit, TraceSort sort = TraceSort::kNewest) {
    SpanListSearch search{.select = {"span.n", "resource.host.name"}, .sort = sort, .limit = limit};
    std::vector<std::string> lines;
    do {
      search.query = *ParseItemQuery(otlp::Signal::kTraces, text, begin_, begin_ + kHourNanos);
      const auto page = reader_.Read(search);
      EXPECT_TRUE(page) << page.error().message;
      if (!page) return lines;
      for (const auto& span : page->spans) {
        EXPECT_EQ(span.literals.at(1), "\"h\"");
        lines.push_back(span.span.name + " " + span.literals.at(0));
      }
      search.cursor = page->next;
      // What comes later is on no further page.
      if (search.cursor) {
        Execute(fmt::format(
            "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName) VALUES (2, "
            "fromUnixTimestamp64Nano(toInt64({})), unhex(repeat('01', 16)), unhex(repeat('01', 8)), 'late')",
            begin_));
      }
    } while (search.cursor);
    return lines;
  }

  const int64_t begin_ = Clock::System().UnixNanos() - kHourNanos / 2;
  ItemSource source_{*testing::kEngine->clickhouse(), otlp::DefaultHotAttributes(), "sightline"};
  TraceReader traces_{*testing::kEngine->clickhouse()};
  SpanListReader reader_{source_, traces_};
};

TEST_F(SpanListTest, PagesInOrderOfTime) {
  const auto spans = List("", 4);
  ASSERT_EQ(spans.size(), 30u);
  for (int i = 0; i < 30; ++i) EXPECT_EQ(spans[i], fmt::format("{} {}", i % 2 == 0 ? "child" : "root", 29 - i));
}

TEST_F(SpanListTest, PagesInOrderOfDuration) {
  const auto spans = List("{ name = `child` }", 4, TraceSort::kSlowest);
  ASSERT_EQ(spans.size(), 15u);
  int last = 30;
  for (const auto& span : spans) {
    const int n = std::stoi(span.substr(6));
    EXPECT_LE(n * 7919 % 30, last);
    last = n * 7919 % 30;
  }
}

TEST_F(SpanListTest, OfWholeTracesTraceByTrace) {
  EXPECT_THAT(List("{ } > { status = error }", 2),
              ElementsAre("child 25", "child 19", "child 13", "child 7", "child 1"));
  EXPECT_THAT(List("{ status = error } < { }", 3), ElementsAre("root 24", "root 18", "root 12", "root 6", "root 0"));
  EXPECT_THAT(List("{ } | count() > 2", 2), IsEmpty());
}

TEST_F(SpanListTest, ColumnsOfTheQueryComeBehind) {
  SpanListSearch search{
      .query = *ParseItemQuery(otlp::Signal::kTraces, "{ } | select(name, .n, duration)", begin_, begin_ + kHourNanos),
      .select = {"kind", "name"},
      .limit = 1};
  const auto page = reader_.Read(search);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_THAT(page->fields, ElementsAre("span:kind", "span:name", ".n"));
  EXPECT_THAT(page->spans.at(0).literals, ElementsAre("server", "\"child\"", "29"));
  search.select = {"rootName"};
  EXPECT_FALSE(reader_.Read(search));
  search.select = {};
  search.limit = 0;
  EXPECT_FALSE(reader_.Read(search));
}

}  // namespace
}  // namespace sightline::query
