// Frames with undecided spans: they stay until they are released, whatever else is done with them, and are held again
// after a restart. Decided frames, and pieces of frames.
#include <gmock/gmock.h>

#include <random>

#include "journal/testing/journal_fixture.h"

namespace sightline::journal {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class HoldTest : public JournalFixture {
 protected:
  uint64_t MustAppendFrame(FrameHeader header, std::string_view bytes) {
    const auto number = journal_->Append(header, bytes, [](const Result<void>& result) { EXPECT_TRUE(result); });
    EXPECT_TRUE(number) << number.error().message;
    return number.value_or(0);
  }
  uint64_t MustAppendUndecided(std::string_view bytes) { return MustAppendFrame({.undecided_spans = true}, bytes); }
  uint64_t MustAppendDecided(std::string_view bytes) { return MustAppendFrame({.kind = FrameKind::kDecided}, bytes); }

  void FinishKind(uint64_t block, BlockKind kind, std::vector<Manifest::Range> frames) {
    ASSERT_TRUE(journal_->AppendManifest({.block = block, .kind = kind, .frames = std::move(frames)}));
    ASSERT_TRUE(journal_->AppendDone(block));
  }
  void Release(std::vector<uint64_t> frames) { journal_->Release(frames); }
};

TEST_F(HoldTest, MarksOfAFrameReadBack) {
  Open();
  MustAppendFrame({.undecided_spans = true, .received_unix_nanos = 5, .refused = {1, 2}}, "undecided");
  MustAppendDecided("decided");
  for (int run = 0; run < 2; ++run) {
    const auto undecided = journal_->ReadFrame(1), decided = journal_->ReadFrame(2);
    ASSERT_TRUE(undecided && decided);
    EXPECT_TRUE(undecided->header.undecided_spans);
    EXPECT_EQ(undecided->header.kind, FrameKind::kRequest);
    EXPECT_THAT(undecided->header.refused, ElementsAre(1, 2));
    EXPECT_FALSE(decided->header.undecided_spans);
    EXPECT_EQ(decided->header.kind, FrameKind::kDecided);
    Open();
  }
}

TEST_F(HoldTest, BlocksOfBothKindsShareARangeAndNoFrame) {
  Open();
  MustAppend("1");
  MustAppendUndecided("2");
  MustAppendDecided("3");
  MustAppendUndecided("4");
  const Manifest items{.block = 1, .kind = BlockKind::kItems, .frames = {{1, 4}}};
  const Manifest metrics{.block = 2, .kind = BlockKind::kSpanMetrics, .frames = {{1, 4}}};
  ASSERT_TRUE(journal_->AppendManifest(items));
  ASSERT_TRUE(journal_->AppendManifest(metrics));
  for (int run = 0; run < 2; ++run) {
    EXPECT_THAT(journal_->FramesIn(items), ElementsAre(1, 3));
    EXPECT_THAT(journal_->FramesIn(metrics), ElementsAre(2, 4));
    Open();
    ASSERT_THAT(journal_->unfinished().blocks, SizeIs(2));
    EXPECT_EQ(journal_->unfinished().blocks[1].kind, BlockKind::kSpanMetrics);
    EXPECT_THAT(journal_->unfinished().frames, IsEmpty());
  }
}

TEST_F(HoldTest, SegmentGoesWhenItsBlocksAreDoneAndItsFramesAreReleasedInEitherOrder) {
  options_.segment_bytes_max = 4096;
  for (const bool release_first : {false, true}) {
    options_.directory = root_ + (release_first ? "/released" : "/done");
    Open();
    const uint64_t first = MustAppendUndecided(std::string(3000, 'x'));
    const uint64_t second = MustAppendUndecided(std::string(3000, 'x'));
    MustAppendUndecided(std::string(3000, 'x'));
    ASSERT_THAT(Segments(), SizeIs(3));
    EXPECT_EQ(journal_->OldestHeldUntil(), std::nullopt);
    if (release_first) Release({second, first});
    if (!release_first) FinishKind(first, BlockKind::kSpanMetrics, {{first, second}});
    EXPECT_EQ(journal_->OldestHeldUntil(), release_first ? std::nullopt : std::optional(first));
    EXPECT_THAT(Segments(), SizeIs(3));
    if (!release_first) Release({second, first});
    if (release_first) FinishKind(first, BlockKind::kSpanMetrics, {{first, second}});
    EXPECT_THAT(Segments(), SizeIs(1));
    EXPECT_EQ(Metric("sightline.journal.frames.unfinished"), 1);
    FinishKind(first + 10, BlockKind::kSpanMetrics, {{first, second + 1}});
    Release({second + 1, second + 1, first, 12345});
    EXPECT_EQ(Metric("sightline.journal.frames.unfinished"), 0);
  }
}

TEST_F(HoldTest, RestartHoldsAgainAndStillFindsTheDecisions) {
  options_.segment_bytes_max = 4096;
  Open();
  MustAppendUndecided(std::string(3000, 'x'));
  MustAppendUndecided(std::string(3000, 'x'));
  MustAppendDecided(std::string(3000, 'd'));
  FinishKind(1, BlockKind::kSpanMetrics, {{1, 2}});
  FinishKind(2, BlockKind::kItems, {{3, 3}});
  MustAppendUndecided(std::string(3000, 'l'));
  Release({1});
  Open();
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(4));
  EXPECT_THAT(journal_->unfinished().undecided, ElementsAre(2, 4));
  ASSERT_THAT(journal_->unfinished().decided, ElementsAre(3));
  EXPECT_EQ(Read(3), std::string(3000, 'd'));
  Release({2});
  EXPECT_EQ(Read(3), "NOT_FOUND");
  Open();
  EXPECT_THAT(journal_->unfinished().undecided, ElementsAre(4));
}

TEST_F(HoldTest, DecidedFramesAreForgottenOnceNobodyNeedsThem) {
  options_.segment_bytes_max = 4096;
  Open();
  MustAppendUndecided(std::string(3000, 'x'));
  MustAppendDecided(std::string(3000, 'd'));
  FinishKind(2, BlockKind::kItems, {{2, 2}});
  MustAppend(std::string(3000, 'x'));
  Open();
  EXPECT_EQ(Read(2), std::string(3000, 'd'));
  journal_->ForgetDecided();
  EXPECT_EQ(Read(2), "NOT_FOUND");
  EXPECT_EQ(Read(1), std::string(3000, 'x'));
}

TEST_F(HoldTest, DecidedFramesHaveRoomWhereRequestsHaveNone) {
  options_.journal_bytes_max = 40'000;
  options_.segment_bytes_max = 8'192;
  Open();
  Result<uint64_t> refused;
  do refused = journal_->Append({.undecided_spans = true}, std::string(3000, 'x'), [](const Result<void>&) {});
  while (refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_TRUE(journal_->Append({.kind = FrameKind::kDecided}, std::string(3000, 'd'), [](const Result<void>&) {}));
  Result<uint64_t> decided;
  do decided = journal_->Append({.kind = FrameKind::kDecided}, std::string(1000, 'd'), [](const Result<void>&) {});
  while (decided);
  EXPECT_LE(journal_->bytes_on_disk(), 45'000U);
}

TEST_F(HoldTest, SegmentsOfVersionOneAreReadAndNoLongerWritten) {
  Open();
  MustAppend("one", otlp::Signal::kLogs);
  MustAppend("two");
  journal_.reset();
  const std::string path = PathOf(Segments().at(0));
  std::string bytes = ReadFile(path);
  SegmentHeader header = *DecodeSegmentHeader(bytes);
  header.version = 1;
  WriteFile(path, bytes.replace(0, kSegmentHeaderBytes, EncodeSegmentHeader(header)));
  Open();
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, 2));
  EXPECT_EQ(Read(1), "one");
  EXPECT_EQ(MustAppendUndecided("three"), 3U);
  ASSERT_THAT(Segments(), SizeIs(2));
  EXPECT_EQ(ReadFile(path), bytes);
  Open();
  EXPECT_THAT(journal_->unfinished().undecided, ElementsAre(3));
}

TEST_F(HoldTest, SlicesAreTheBytesOfTheFrame) {
  Open();
  std::mt19937 random(7);
  std::string bytes(200'000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  std::vector<uint32_t> refused(40'000);  // a head that is too long to be remembered
  for (uint32_t i = 0; i < refused.size(); ++i) refused[i] = 3 * i;
  MustAppendFrame({.undecided_spans = true, .refused = {7}}, bytes);
  MustAppendFrame({.undecided_spans = true, .refused = refused}, bytes);
  for (int run = 0; run < 200; ++run) {
    std::vector<Journal::Slice> slices;
    std::string expected = "kept";
    for (uint32_t at = 0; at < bytes.size();) {
      const uint32_t size = std::min<uint32_t>(random() % 900, static_cast<uint32_t>(bytes.size()) - at);
      slices.push_back({at, size});
      expected += bytes.substr(at, size);
      at += size + (run % 3 == 0 ? 0 : random() % (run % 3 == 1 ? 100 : 30'000));
    }
    std::string out = "kept";
    ASSERT_TRUE(journal_->ReadSlices(1 + run % 2, slices, out));
    ASSERT_EQ(out, expected);
  }
  std::string out = "kept";
  EXPECT_FALSE(journal_->ReadSlices(3, std::vector<Journal::Slice>{{0, 1}}, out));
  EXPECT_FALSE(journal_->ReadSlices(1, std::vector<Journal::Slice>{{0, 1}, {500'000'000, 10}}, out));
  EXPECT_FALSE(journal_->ReadSlices(2, std::vector<Journal::Slice>{{199'999, 2}}, out));
  EXPECT_EQ(out, "kept");
}

}  // namespace
}  // namespace sightline::journal
