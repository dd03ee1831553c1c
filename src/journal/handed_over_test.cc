// Two journals, of which one takes over what the other has finished: frames say which block they were made of, and both
// share a disk budget.
#include <gmock/gmock.h>

#include <future>

#include "journal/testing/journal_fixture.h"

namespace sightline::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class HandedOverTest : public JournalFixture {
 protected:
  Result<uint64_t> AppendOf(FrameKind kind, uint64_t block, std::string_view bytes = "bytes") {
    const auto number = journal_->Append({.kind = kind, .from_block = block}, bytes,
                                         [](const Result<void>& result) { EXPECT_TRUE(result); });
    EXPECT_TRUE(journal_->Sync());
    return number;
  }
  std::vector<std::pair<uint64_t, FrameKind>> HandedOver() {
    std::vector<std::pair<uint64_t, FrameKind>> found;
    for (const auto& made : journal_->unfinished().handed_over) found.emplace_back(made.block, made.kind);
    return found;
  }
};

TEST_F(HandedOverTest, AFrameSaysOfWhichBlockItWasMadeUntilItsSegmentGoes) {
  options_.segment_bytes_max = 4 << 10;
  Open();
  ASSERT_TRUE(AppendOf(FrameKind::kRequest, 7));
  MustAppend("a client's");
  ASSERT_TRUE(AppendOf(FrameKind::kCounts, 1'000'000));
  EXPECT_THAT(HandedOver(), IsEmpty()) << "it tells what was there at the start";
  Open();
  EXPECT_THAT(HandedOver(), ElementsAre(std::pair(7, FrameKind::kRequest), std::pair(1'000'000, FrameKind::kCounts)));
  EXPECT_EQ(journal_->ReadFrame(1)->header.from_block, 7U);
  EXPECT_EQ(journal_->ReadFrame(2)->header.from_block, 0U);
  EXPECT_EQ(journal_->ReadFrame(3)->header.kind, FrameKind::kCounts);
  // Done, and with a segment behind it.
  Finish(1, {{1, 2}});
  ASSERT_TRUE(journal_->AppendManifest({.block = 2, .kind = BlockKind::kSpanMetrics, .frames = {{3, 3}}}));
  ASSERT_TRUE(journal_->AppendDone(2));
  Open();
  EXPECT_EQ(HandedOver().size(), 2U);
  MustAppend(std::string(4000, 'x'));
  Finish(3, {{4, 4}});
  Open();
  EXPECT_THAT(HandedOver(), IsEmpty());
}

TEST_F(HandedOverTest, CountsStandInBlocksOfSpanMetricsOnly) {
  Open();
  MustAppend("request");
  ASSERT_TRUE(AppendOf(FrameKind::kCounts, 1));
  const Manifest items{.block = 1, .kind = BlockKind::kItems, .frames = {{1, 2}}};
  const Manifest counts{.block = 2, .kind = BlockKind::kSpanMetrics, .frames = {{1, 2}}};
  for (int run = 0; run < 2; ++run) {
    EXPECT_THAT(journal_->FramesIn(items), ElementsAre(1));
    EXPECT_THAT(journal_->FramesIn(counts), ElementsAre(2));
    EXPECT_THAT(journal_->unfinished().undecided, IsEmpty());
    Open();
  }
}

TEST_F(HandedOverTest, AFrameThatWasWithdrawnWasNotHandedOver) {
  options_.durability = Durability::kDisk;
  Open();
  std::promise<Result<void>> durable;
  SetFaultsForTest("journal.sync=error:1");
  ASSERT_TRUE(
      journal_->Append({.from_block = 5}, "lost", [&](Result<void> result) { durable.set_value(std::move(result)); }));
  EXPECT_FALSE(durable.get_future().get());
  SetFaultsForTest("");
  ASSERT_TRUE(AppendOf(FrameKind::kRequest, 6));
  Open();
  EXPECT_THAT(HandedOver(), ElementsAre(std::pair(6, FrameKind::kRequest)));
}

TEST_F(HandedOverTest, JournalsShareADiskBudget) {
  DiskBudget budget(100'000);
  options_.journal_bytes_max = 75'000;
  options_.segment_bytes_max = 5'000;
  options_.shared_budget = &budget;
  options_.name = "one";
  Open();
  Options other_options = options_;
  other_options.directory += "2";
  other_options.name = "two";
  auto other = Journal::Open(other_options, metrics_);
  ASSERT_TRUE(other);
  uint64_t frames = 0;
  while (Append(std::string(1000, 'x'))) ++frames;
  EXPECT_GT(frames, 68U);
  EXPECT_LT(frames, 75U);
  EXPECT_NEAR(static_cast<double>((*other)->bytes_max()), 100'000 - static_cast<double>(journal_->bytes_on_disk()), 1);
  uint64_t of_other = 0;
  const auto append_to_other = [&](uint64_t from_block) {
    return (*other)->Append({.from_block = from_block}, std::string(1000, 'x'), [](const Result<void>&) {}).has_value();
  };
  while (append_to_other(0)) ++of_other;
  EXPECT_GT(of_other, 20U);
  EXPECT_LT(frames + of_other, 100U);
  EXPECT_TRUE(append_to_other(1)) << "what no client waits for may pass the limit by an eighth";
  // Whoever goes leaves all of it to the other.
  journal_.reset();
  EXPECT_EQ((*other)->bytes_max(), 75'000U);
}

}  // namespace
}  // namespace sightline::journal
