#include "query/tail.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;

class TailTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans"});
  }

  // One span in each of so many blocks.
  void Insert(int first, int blocks) {
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName) SELECT number, now64(9), "
        "sipHash128(number), substring(hex(number + 1000000), 1, 8), 'work' FROM numbers({}, {})",
        first, blocks));
  }
  SpanTail Look(const std::optional<TailPosition>& after) {
    auto tail = reader_.ReadSpans({.limit = 10, .after = after});
    EXPECT_TRUE(tail) << tail.error().message;
    return tail ? *std::move(tail) : SpanTail();
  }

  ItemSource source_{*testing::kEngine->clickhouse(), otlp::DefaultHotAttributes(), "sightline"};
  TailReader reader_{source_};
};

// An hour of blocks is more than a statement could name.
TEST_F(TailTest, WhoWasAwayForLongGetsAllThatCameSince) {
  Insert(1, 1);
  const SpanTail begin = Look(std::nullopt);
  EXPECT_EQ(begin.stored, 0U);
  Insert(2, 10'000);
  const SpanTail later = Look(begin.position);
  EXPECT_EQ(later.stored, 10'000U);
  EXPECT_EQ(later.matched, 10'000U);
  EXPECT_EQ(later.spans.size(), 10U);
  EXPECT_EQ(later.position.block, 10'001U);
  EXPECT_EQ(Look(later.position).stored, 0U);
}

}  // namespace
}  // namespace sightline::query
