// A child process is ended at every step of the journal, and the parent looks at what it left.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <future>
#include <set>

#include "journal/testing/journal_fixture.h"

namespace sightline::journal {
namespace {

struct CrashCase {
  Durability durability;
  const char* point;
  int pass;
};

// What the child was told, byte by byte through a pipe: what it wrote there survives it.
struct Told {
  char what = 0;  // 'f': the frame was answered; 'b': the block is in the store (its manifest stands, no done yet)
  uint64_t number = 0;
};

class JournalCrashTest : public JournalFixture, public testing::WithParamInterface<CrashCase> {
 protected:
  static constexpr int kFrames = 40;

  static std::string BytesOf(uint64_t number) { return std::to_string(number) + std::string(number * 37 % 900, 'x'); }

  // Appends frames and packs each four into a block until it is killed. Runs in the child.
  template <typename Say>
  void Work(const Say& say) {
    auto journal = Journal::Open(options_, metrics_);
    if (!journal) _exit(4);
    uint64_t first = 0;
    for (int i = 1; i <= kFrames; ++i) {
      std::promise<bool> answered;
      const auto number = (*journal)->Append({}, BytesOf(static_cast<uint64_t>(i)),
                                             [&](const Result<void>& result) { answered.set_value(bool(result)); });
      if (!number || !answered.get_future().get()) _exit(5);
      say('f', *number);
      if (first == 0) first = *number;
      if (i % 4 != 0) continue;
      const uint64_t block = *number / 4;
      if (!(*journal)->AppendManifest({.block = block, .frames = {{first, *number}}})) _exit(6);
      say('b', block);
      if (!(*journal)->AppendDone(block)) _exit(7);
      first = 0;
    }
  }

  // Runs `work(say)` in a child until the fault kills it; told_ is then what it said.
  template <typename WorkInChild>
  void ForkUntilKilled(const std::string& fault, const WorkInChild& work) {
    int ends[2];
    SIGHTLINE_CHECK(pipe(ends) == 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      SetFaultsForTest(fault);
      work([tell = ends[1]](char what, uint64_t number) {
        const Told told{what, number};
        if (write(tell, &told, sizeof(told)) != sizeof(told)) _exit(3);
      });
      _exit(0);
    }
    close(ends[1]);
    for (Told one; read(ends[0], &one, sizeof(one)) == sizeof(one);) told_.push_back(one);
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        << "the child ended by itself: " << WEXITSTATUS(status);
  }

  std::vector<Told> told_;
};

TEST_P(JournalCrashTest, EveryAnsweredFrameIsFoundExactlyOnceOrInABlockThatIsStored) {
  const CrashCase& c = GetParam();
  options_.durability = c.durability;
  options_.segment_bytes_max = 4096;
  ForkUntilKilled(fmt::format("{}=kill:{}", c.point, c.pass), [this](const auto& say) { Work(say); });
  Open();
  const Unfinished& unfinished = journal_->unfinished();
  std::set<uint64_t> waiting(unfinished.frames.begin(), unfinished.frames.end());
  std::set<uint64_t> open_blocks;
  std::set<uint64_t> in_open_blocks;
  for (const auto& manifest : unfinished.blocks) {
    open_blocks.insert(manifest.block);
    const auto frames = journal_->FramesIn(manifest);
    EXPECT_EQ(frames.size(), 4U) << "the frames of a block that is not done are all there";
    in_open_blocks.insert(frames.begin(), frames.end());
  }
  std::set<uint64_t> stored;  // blocks whose insert the child could begin
  uint64_t block_max = 0;
  for (const Told& one : told_) {
    if (one.what == 'b') stored.insert(one.number);
    if (one.what == 'b') block_max = std::max(block_max, one.number);
  }
  uint64_t frame_max = 0;
  for (const Told& one : told_) {
    if (one.what != 'f') continue;
    frame_max = std::max(frame_max, one.number);
    const int places =
        static_cast<int>(waiting.contains(one.number)) + static_cast<int>(in_open_blocks.contains(one.number));
    const bool may_be_done = stored.contains((one.number + 3) / 4);
    EXPECT_LE(places, 1);
    EXPECT_TRUE(places == 1 || may_be_done) << "frame " << one.number << " is lost";
    if (places == 1) EXPECT_EQ(Read(one.number), BytesOf(one.number));
    // What has a manifest and no place is done: it must not come back.
    if (waiting.contains(one.number)) EXPECT_FALSE(may_be_done) << one.number;
  }
  EXPECT_GE(unfinished.block_max, block_max);
  // The journal goes on: what is unfinished is finished, numbers are new.
  for (const uint64_t block : open_blocks) ASSERT_TRUE(journal_->AppendDone(block));
  std::vector<Manifest::Range> rest;
  for (const uint64_t frame : waiting) rest.push_back({frame, frame});
  Finish(unfinished.block_max + 1, rest);
  const auto next = Append("next");
  ASSERT_TRUE(next);
  EXPECT_GT(*next, frame_max);
  Open();
  EXPECT_THAT(journal_->unfinished().frames, testing::ElementsAre(*next));
  EXPECT_THAT(journal_->unfinished().blocks, testing::IsEmpty());
}

std::vector<CrashCase> CrashCases() {
  std::vector<CrashCase> cases;
  for (const Durability durability : {Durability::kProcess, Durability::kDisk}) {
    for (const char* step : {"frame", "manifest", "done", "delete"}) {
      for (const char* side : {"begin", "end"}) {
        static std::set<std::string> names;
        const char* point = names.insert(fmt::format("journal.{}.{}", step, side)).first->c_str();
        for (const int pass : {1, 2}) cases.push_back({durability, point, pass});
      }
    }
    cases.push_back({durability, "journal.frame.end", 17});
    cases.push_back({durability, "journal.done.end", 9});
  }
  return cases;
}

using JournalDecidedCrashTest = JournalCrashTest;

// Before the decided frame is written the restart holds the request and knows no decision; behind it, it has both.
TEST_P(JournalDecidedCrashTest, ADecisionIsThereWholeOrNotAtAll) {
  const CrashCase& c = GetParam();
  options_.durability = c.durability;
  options_.segment_bytes_max = 4096;
  ForkUntilKilled(fmt::format("{}=kill:{}", c.point, c.pass), [this](const auto& say) {
    auto journal = Journal::Open(options_, metrics_);
    if (!journal) _exit(4);
    for (uint64_t i = 1; i <= 20; i += 2) {
      std::promise<bool> kept, decided;
      const auto request = (*journal)->Append({.undecided_spans = true}, BytesOf(i),
                                              [&](const Result<void>& result) { kept.set_value(bool(result)); });
      if (!request || !kept.get_future().get()) _exit(5);
      say('f', *request);
      if (!(*journal)->AppendManifest({.block = i, .kind = BlockKind::kSpanMetrics, .frames = {{i, i}}})) _exit(6);
      if (!(*journal)->AppendDone(i)) _exit(7);
      const auto frame = (*journal)->Append({.kind = FrameKind::kDecided}, BytesOf(i),
                                            [&](const Result<void>& result) { decided.set_value(bool(result)); });
      if (!frame || !decided.get_future().get()) _exit(8);
      (*journal)->Release(std::vector<uint64_t>{*request});
      say('d', *frame);
    }
  });
  Open();
  const Unfinished& unfinished = journal_->unfinished();
  const std::set<uint64_t> undecided(unfinished.undecided.begin(), unfinished.undecided.end());
  const std::set<uint64_t> decided(unfinished.decided.begin(), unfinished.decided.end());
  uint64_t last_decided = 0;
  for (const Told& one : told_) {
    if (one.what == 'd') last_decided = one.number;
    if (one.what == 'd') EXPECT_TRUE(decided.contains(one.number)) << "it is in no block, so it must be there";
  }
  for (const Told& one : told_) {
    if (one.what == 'f' && one.number > last_decided) EXPECT_TRUE(undecided.contains(one.number));
  }
  for (const uint64_t number : undecided) EXPECT_EQ(Read(number), BytesOf(number));
  for (const uint64_t number : decided) EXPECT_EQ(Read(number), BytesOf(number - 1));
}

INSTANTIATE_TEST_SUITE_P(Steps, JournalDecidedCrashTest,
                         testing::Values(CrashCase{Durability::kProcess, "journal.decided.begin", 1},
                                         CrashCase{Durability::kProcess, "journal.decided.begin", 9},
                                         CrashCase{Durability::kProcess, "journal.decided.end", 1},
                                         CrashCase{Durability::kProcess, "journal.decided.end", 9},
                                         CrashCase{Durability::kDisk, "journal.decided.end", 5},
                                         CrashCase{Durability::kProcess, "journal.done.begin", 4}),
                         [](const auto& info) { return fmt::format("{}", info.index); });

INSTANTIATE_TEST_SUITE_P(Steps, JournalCrashTest, testing::ValuesIn(CrashCases()), [](const auto& info) {
  std::string name = fmt::format("{}_{}_{}", info.param.durability == Durability::kDisk ? "disk" : "process",
                                 info.param.point + 8, info.param.pass);
  std::ranges::replace(name, '.', '_');
  return name;
});

}  // namespace
}  // namespace sightline::journal
