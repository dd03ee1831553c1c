#include "journal/journal.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <future>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "journal/segment.h"
#include "journal/testing/journal_fixture.h"
#include "journal/testing/small_disk.h"

namespace sightline::journal {
namespace {

using otlp::Signal;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using JournalTest = JournalFixture;

TEST_F(JournalTest, FramesReadBackAsWritten) {
  Open();
  const std::string big(300'000, 'b');
  const FrameHeader header{.signal = Signal::kLogs, .received_unix_nanos = -5, .refused = {0, 1, 128, 4294967295}};
  int done = 0;
  const auto first = journal_->Append(header, big, [&](const Result<void>& result) { done += result.has_value(); });
  ASSERT_TRUE(first);
  EXPECT_EQ(done, 1);
  EXPECT_EQ(*first, 1U);
  EXPECT_EQ(MustAppend(""), 2U);
  for (int run = 0; run < 2; ++run) {
    const auto frame = journal_->ReadFrame(1);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->header.signal, Signal::kLogs);
    EXPECT_EQ(frame->header.received_unix_nanos, -5);
    EXPECT_THAT(frame->header.refused, ElementsAre(0, 1, 128, 4294967295));
    EXPECT_EQ(frame->bytes, big);
    EXPECT_EQ(Read(2), "");
    EXPECT_EQ(Read(3), "NOT_FOUND");
    Open();
  }
}

TEST_F(JournalTest, DirectoryIsPrivate) {
  Open();
  struct stat status{};
  ASSERT_EQ(stat(options_.directory.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700U);
}

TEST_F(JournalTest, SecondOpenerIsTurnedAway) {
  Open();
  MustAppend("kept");
  const auto second = Journal::Open(options_, metrics_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(second.error().message, HasSubstr("in use"));
  Open();
  EXPECT_EQ(Read(1), "kept");
}

TEST_F(JournalTest, OpenTellsWhatIsUnfinished) {
  Open();
  MustAppend("1");
  MustAppend("2", Signal::kLogs);
  MustAppend("3");
  MustAppend("4");
  MustAppend("5");
  Finish(7, {{1, 1}});
  ASSERT_TRUE(journal_->AppendManifest({.block = 9, .signal = Signal::kTraces, .frames = {{2, 3}, {5, 5}}}));
  Open();
  const Unfinished& unfinished = journal_->unfinished();
  ASSERT_THAT(unfinished.blocks, SizeIs(1));
  EXPECT_EQ(unfinished.blocks[0].block, 9U);
  EXPECT_THAT(journal_->FramesIn(unfinished.blocks[0]), ElementsAre(3, 5));
  EXPECT_THAT(unfinished.frames, ElementsAre(2, 4));
  EXPECT_EQ(unfinished.block_max, 9U);
  EXPECT_EQ(unfinished.torn_bytes, 0U);
  ASSERT_TRUE(journal_->AppendDone(9));
  Open();
  EXPECT_THAT(journal_->unfinished().blocks, IsEmpty());
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(2, 4));
}

TEST_F(JournalTest, NumbersAreNotReusedWhenAllSegmentsButTheNewestAreGone) {
  options_.segment_bytes_max = 4096;
  Open();
  for (uint64_t i = 1; i <= 50; ++i) {
    EXPECT_EQ(MustAppend(std::string(1000, 'x')), i);
    Finish(100 + i, {{i, i}});
  }
  EXPECT_THAT(Segments(), SizeIs(1));
  Open();
  EXPECT_EQ(MustAppend("next"), 51U);
  EXPECT_EQ(journal_->unfinished().block_max, 150U);
}

TEST_F(JournalTest, SegmentsAreDeletedOldestFirstOnceAllIsDone) {
  options_.segment_bytes_max = 4096;
  Open();
  for (int i = 0; i < 9; ++i) MustAppend(std::string(1900, 'x'));  // two in a segment
  ASSERT_THAT(Segments(), SizeIs(5));
  const uint64_t full = journal_->bytes_on_disk();
  Finish(1, {{3, 8}});  // all but the first segment and the newest
  EXPECT_THAT(Segments(), SizeIs(5));
  EXPECT_EQ(Read(3), "NOT_FOUND");
  EXPECT_EQ(Read(2), std::string(1900, 'x'));
  Finish(2, {{1, 1}});
  EXPECT_THAT(Segments(), SizeIs(5));
  Finish(3, {{2, 2}});
  EXPECT_THAT(Segments(), ElementsAre("00000000000000000005.journal"));
  EXPECT_LT(journal_->bytes_on_disk(), full / 3);
  EXPECT_EQ(Metric("sightline.journal.bytes"), static_cast<double>(journal_->bytes_on_disk()));
  EXPECT_EQ(Metric("sightline.journal.segments"), 1);
  EXPECT_EQ(Metric("sightline.journal.frames.unfinished"), 1);
  EXPECT_EQ(Metric("sightline.journal.frames.appended"), 9);
}

// The manifest of an open block is what says that its rows may be in the store already.
TEST_F(JournalTest, SegmentWithTheManifestOfAnOpenBlockStays) {
  options_.segment_bytes_max = 4096;
  Open();
  MustAppend(std::string(3000, 'x'));
  ASSERT_TRUE(journal_->AppendManifest({.block = 1, .frames = {}}));
  Finish(2, {{1, 1}});
  MustAppend(std::string(3000, 'x'));
  Finish(3, {{2, 2}});
  EXPECT_THAT(Segments(), SizeIs(2));
  Open();
  EXPECT_THAT(journal_->unfinished().blocks, SizeIs(1));
  ASSERT_TRUE(journal_->AppendDone(1));
  EXPECT_THAT(Segments(), SizeIs(1));
}

TEST_F(JournalTest, FinishedSegmentsOfACrashedDeletionGoAtOpen) {
  options_.segment_bytes_max = 4096;
  Open();
  MustAppend(std::string(3000, 'x'));
  MustAppend(std::string(3000, 'x'));
  SetFaultsForTest("journal.delete.begin=error");
  Finish(1, {{1, 2}});
  EXPECT_THAT(Segments(), SizeIs(2));
  EXPECT_EQ(Metric("sightline.journal.errors", "delete_segment"), 1);
  SetFaultsForTest("");
  Open();
  EXPECT_THAT(Segments(), SizeIs(1));
  EXPECT_EQ(MustAppend("next"), 3U);
}

TEST_F(JournalTest, ManifestsThatCannotBeTrueAreRefused) {
  Open();
  for (int i = 0; i < 5; ++i) MustAppend("x");
  const Manifest good{.block = 1, .frames = {{2, 3}}};
  ASSERT_TRUE(journal_->AppendManifest(good));
  EXPECT_TRUE(journal_->AppendManifest(good)) << "the same again is a repeated call";
  const struct {
    Manifest manifest;
    Code code;
  } cases[] = {
      {{.block = 1, .frames = {{4, 4}}}, Code::kAlreadyExists},
      {{.block = 2, .frames = {{3, 4}}}, Code::kFailedPrecondition},
      {{.block = 2, .frames = {{5, 4}}}, Code::kInvalidArgument},
      {{.block = 2, .frames = {{4, 5}, {5, 5}}}, Code::kInvalidArgument},
      {{.block = 2, .frames = {{0, 1}}}, Code::kInvalidArgument},
  };
  for (const auto& c : cases) {
    const auto result = journal_->AppendManifest(c.manifest);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, c.code) << result.error().message;
  }
  EXPECT_EQ(journal_->AppendDone(2).error().code, Code::kNotFound);
  Open();
  EXPECT_THAT(journal_->unfinished().blocks, SizeIs(1));
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, 4, 5));
}

TEST_F(JournalTest, OverBudgetFramesAreRefusedUntilBlocksAreDone) {
  options_.journal_bytes_max = 40'000;
  Open();
  uint64_t last = 0;
  Result<uint64_t> refused = 0;
  while ((refused = Append(std::string(2000, 'x')))) last = *refused;
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("40000"));
  EXPECT_LE(journal_->bytes_on_disk(), 40'000U);
  EXPECT_GE(last, 18U);
  EXPECT_EQ(Metric("sightline.journal.errors", "append_frame"), 1);
  Finish(1, {{1, last}});
  EXPECT_EQ(MustAppend(std::string(2000, 'x')), last + 1) << "a refused frame takes no number";
}

// The limit on a file's size fails writes in the middle of a record, as a full disk does.
TEST_F(JournalTest, TornAppendIsCutBackAndAnsweredUnavailable) {
  Open();
  MustAppend("before");
  const uint64_t size = ReadFile(PathOf(Segments()[0])).size();
  signal(SIGXFSZ, SIG_IGN);
  rlimit old_limit{};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  rlimit tight = old_limit;
  tight.rlim_cur = size + 500;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto torn = Append(std::string(1000, 'x'));
  const uint64_t size_after = ReadFile(PathOf(Segments()[0])).size();
  setrlimit(RLIMIT_FSIZE, &old_limit);
  ASSERT_FALSE(torn);
  EXPECT_EQ(torn.error().code, Code::kUnavailable);
  EXPECT_EQ(size_after, size);
  EXPECT_EQ(MustAppend("after"), 2U);
  Open();
  EXPECT_EQ(journal_->unfinished().torn_bytes, 0U);
  EXPECT_EQ(Read(1), "before");
  EXPECT_EQ(Read(2), "after");
}

class SmallDiskTest : public JournalFixture {
 protected:
  void FillItAndMakeRoomAgain();
};

TEST_F(SmallDiskTest, MarksAreStillWrittenWhenItIsFullAndMakeRoomAgain) {
  const std::string mount_point = root_ + "/small";
  std::filesystem::create_directory(mount_point);
  options_.directory = mount_point + "/journal";
  options_.segment_bytes_max = 256 << 10;
  if (!RunOnSmallDisk(mount_point, "size=2m", [this] { FillItAndMakeRoomAgain(); })) {
    GTEST_SKIP() << "neither may this user mount, nor have a user namespace";
  }
}

void SmallDiskTest::FillItAndMakeRoomAgain() {
  Open();
  uint64_t last = 0;
  Result<uint64_t> refused = 0;
  for (const size_t size : {100'000, 1000, 1}) {
    while ((refused = Append(std::string(size, 'x')))) last = *refused;
    EXPECT_EQ(refused.error().code, Code::kUnavailable);
  }
  for (uint64_t frame = 1; frame <= last; ++frame) Finish(frame, {{frame, frame}});
  EXPECT_THAT(Segments(), SizeIs(1));
  EXPECT_EQ(MustAppend(std::string(100'000, 'x')), last + 1);
  Open();
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(last + 1));
  EXPECT_EQ(journal_->unfinished().torn_bytes, 0U);
  journal_.reset();
}

TEST_F(JournalTest, FailedAppendLeavesNothing) {
  Open();
  const struct {
    const char* fault;
  } cases[] = {{"journal.frame.begin=error:2"}, {"journal.frame.end=error:2"}};
  for (const auto& c : cases) {
    SetFaultsForTest(c.fault);
    const uint64_t first = MustAppend("first");
    EXPECT_EQ(Append("second").error().code, Code::kUnavailable) << c.fault;
    EXPECT_EQ(MustAppend("third"), first + 1) << c.fault;
    Open();
    EXPECT_EQ(Read(first), "first");
    EXPECT_EQ(Read(first + 1), "third");
    EXPECT_EQ(Read(first + 2), "NOT_FOUND");
  }
}

TEST_F(JournalTest, FailedMarksChangeNothing) {
  Open();
  MustAppend("1");
  const Manifest manifest{.block = 1, .frames = {{1, 1}}};
  for (const char* fault : {"journal.manifest.begin=error", "journal.manifest.end=error"}) {
    SetFaultsForTest(fault);
    EXPECT_EQ(journal_->AppendManifest(manifest).error().code, Code::kUnavailable) << fault;
    SetFaultsForTest("");
    Open();
    EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1)) << fault;
  }
  ASSERT_TRUE(journal_->AppendManifest(manifest));
  for (const char* fault : {"journal.done.begin=error", "journal.done.end=error"}) {
    SetFaultsForTest(fault);
    EXPECT_EQ(journal_->AppendDone(1).error().code, Code::kUnavailable) << fault;
    SetFaultsForTest("");
    Open();
    EXPECT_THAT(journal_->unfinished().blocks, SizeIs(1)) << fault;
  }
  EXPECT_TRUE(journal_->AppendDone(1));
}

class JournalDiskTest : public JournalFixture {
 protected:
  JournalDiskTest() { options_.durability = Durability::kDisk; }

  // Appends and waits for the answer.
  Result<uint64_t> AppendAndWait(std::string_view bytes) {
    std::promise<Result<void>> answered;
    const auto number =
        journal_->Append({}, bytes, [&](Result<void> result) { answered.set_value(std::move(result)); });
    if (!number) return number;
    if (auto result = answered.get_future().get(); !result) return std::unexpected(result.error());
    return number;
  }
};

TEST_F(JournalDiskTest, FramesAreAnsweredAfterTheirSync) {
  Open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(AppendAndWait("x"));
  EXPECT_EQ(Metric("sightline.journal.syncs"), 3);
  ASSERT_TRUE(journal_->AppendManifest({.block = 1, .frames = {{1, 2}}}));
  EXPECT_EQ(Metric("sightline.journal.syncs"), 4) << "a manifest is on disk before the insert that it announces";
  ASSERT_TRUE(journal_->AppendDone(1));
  Open();
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(3));
}

TEST_F(JournalDiskTest, FramesWhoseSyncFailedAreWithdrawn) {
  Open();
  ASSERT_TRUE(AppendAndWait("kept"));
  SetFaultsForTest("journal.sync=error:1");
  const auto failed = AppendAndWait("lost");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kUnavailable);
  SetFaultsForTest("");
  const auto after = AppendAndWait("after");
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_THAT(Segments(), SizeIs(2)) << "nothing more goes into a file whose sync failed";
  Open();
  EXPECT_THAT(journal_->unfinished().frames, ElementsAre(1, *after));
  Finish(1, {{1, *after}});
}

TEST_F(JournalDiskTest, AllThatWaitsIsAnsweredBeforeTheJournalCloses) {
  Open();
  std::atomic<int> answered = 0;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(journal_->Append({}, "x", [&](const Result<void>& result) { answered += result.has_value(); }));
  }
  journal_.reset();
  EXPECT_EQ(answered, 200);
  EXPECT_LE(Metric("sightline.journal.syncs"), 200);
}

TEST_F(JournalDiskTest, DoneMarksAreOnDiskBeforeTheirSegmentsGo) {
  options_.segment_bytes_max = 4096;
  Open();
  ASSERT_TRUE(AppendAndWait(std::string(3000, 'x')));
  ASSERT_TRUE(AppendAndWait(std::string(3000, 'x')));
  ASSERT_TRUE(journal_->AppendManifest({.block = 1, .frames = {{1, 1}}}));
  SetFaultsForTest("journal.sync=error");
  ASSERT_TRUE(journal_->AppendDone(1));
  EXPECT_THAT(Segments(), ElementsAre(SegmentName(1), SegmentName(2)));
  SetFaultsForTest("");
  ASSERT_TRUE(journal_->AppendManifest({.block = 2, .frames = {}}));
  ASSERT_TRUE(journal_->AppendDone(2));
  EXPECT_THAT(Segments(), ElementsAre(SegmentName(2), SegmentName(3))) << "a file whose sync failed takes no more";
}

// The kernel reports a failed write-back once: whoever syncs next must not be told that all is well.
TEST_F(JournalFixture, SegmentWhoseSyncFailedIsNeverSyncedAgain) {
  std::filesystem::create_directory(options_.directory);
  const auto segment = *Segment::Create(options_.directory, {.durability = Durability::kDisk, .sequence = 1});
  ASSERT_TRUE(segment->Append(RecordType::kDone, EncodeNumber(1), {}, "begin", "end"));
  SetFaultsForTest("journal.sync=error:1");
  EXPECT_FALSE(segment->Sync());
  EXPECT_FALSE(segment->Sync());
  EXPECT_FALSE(segment->Append(RecordType::kDone, EncodeNumber(2), {}, "begin", "end"));
}

struct StressCase {
  Durability durability;
  int frames_per_thread;
};
class JournalStressTest : public JournalFixture, public testing::WithParamInterface<StressCase> {};

// Eight receivers append while a writer packs what was answered into blocks and marks them done; then a restart.
TEST_P(JournalStressTest, EachAnsweredFrameIsDoneOrUnfinishedExactlyOnce) {
  options_.durability = GetParam().durability;
  options_.segment_bytes_max = 16 << 10;
  Open();
  constexpr int kThreads = 8;
  const int per_thread = GetParam().frames_per_thread;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<uint64_t> answered;           // guarded by mutex
  std::map<uint64_t, std::string> written;  // guarded by mutex
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < per_thread; ++i) {
        const std::string bytes = fmt::format("{}/{}/", t, i) + std::string(random() % 800, 'x');
        // The number is known before the answer is used: the callback may run first.
        auto number = std::make_shared<std::promise<uint64_t>>();
        auto result = journal_->Append({}, bytes, [&, number](const Result<void>& ok) { EXPECT_TRUE(ok); });
        ASSERT_TRUE(result);
        const std::lock_guard lock(mutex);
        answered.push_back(*result);
        written[*result] = bytes;
        changed.notify_one();
      }
    });
  }
  std::set<uint64_t> done;
  std::set<uint64_t> open;
  uint64_t block = 0;
  const size_t total = static_cast<size_t>(kThreads) * per_thread;
  while (done.size() + open.size() < total * 9 / 10) {
    std::vector<uint64_t> frames;
    {
      std::unique_lock lock(mutex);
      changed.wait(lock, [&] { return !answered.empty(); });
      frames = std::exchange(answered, {});
    }
    std::ranges::sort(frames);
    Manifest manifest{.block = ++block};
    for (const uint64_t frame : frames) manifest.frames.push_back({frame, frame});
    EXPECT_EQ(journal_->FramesIn(manifest), frames);
    ASSERT_EQ(journal_->ReadFrame(frames.front()).value().number, frames.front());
    ASSERT_TRUE(journal_->AppendManifest(manifest));
    if (block % 10 == 0) {
      open.insert(frames.begin(), frames.end());
      continue;
    }
    ASSERT_TRUE(journal_->AppendDone(block));
    done.insert(frames.begin(), frames.end());
  }
  for (std::thread& thread : threads) thread.join();
  Open();
  std::set<uint64_t> unfinished(journal_->unfinished().frames.begin(), journal_->unfinished().frames.end());
  std::set<uint64_t> in_blocks;
  for (const auto& manifest : journal_->unfinished().blocks) {
    for (const uint64_t frame : journal_->FramesIn(manifest)) in_blocks.insert(frame);
  }
  EXPECT_EQ(in_blocks, open);
  EXPECT_EQ(unfinished.size() + in_blocks.size() + done.size(), total);
  for (const uint64_t frame : unfinished) {
    EXPECT_FALSE(done.contains(frame) || in_blocks.contains(frame));
    EXPECT_EQ(Read(frame), written[frame]);
  }
  for (const uint64_t frame : in_blocks) EXPECT_EQ(Read(frame), written[frame]);
}

INSTANTIATE_TEST_SUITE_P(Durabilities, JournalStressTest,
                         testing::Values(StressCase{Durability::kProcess, 500}, StressCase{Durability::kDisk, 60}),
                         [](const auto& info) {
                           return info.param.durability == Durability::kDisk ? "Disk" : "Process";
                         });

}  // namespace
}  // namespace sightline::journal
