// The handover over two real journals, from each state that a crash can leave.
#include "forward/handover.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>

#include "base/fault.h"
#include "otlp/testing/requests.h"
#include "sample/decided_frame.h"

namespace sightline::forward {
namespace {

using journal::BlockKind;
using journal::FrameKind;
using otlp::Signal;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAreArray;

constexpr uint32_t kSeriesMax = 100;
constexpr int64_t kMinuteNanos = 60'000'000'000;

std::string GraphOf(double calls) {
  otlp::ServiceGraphEdges edges;
  edges.Add({.client = "shop", .server = "pay", .weight = calls});
  return edges.Encode();
}

class HandoverTest : public ::testing::Test {
 protected:
  HandoverTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "handover_test_XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    Open();
  }
  ~HandoverTest() override {
    SetFaultsForTest("");
    handover_.reset();
    journal_.reset();
    outbox_.reset();
    std::filesystem::remove_all(root_);
  }

  void Open() {
    handover_.reset();
    journal_.reset();
    outbox_.reset();
    const auto open = [&](const char* name) {
      auto journal = journal::Journal::Open({.directory = root_ + "/" + name,
                                             .durability = journal::Durability::kDisk,
                                             .segment_bytes_max = 8 << 10,
                                             .name = name},
                                            metrics_);
      SIGHTLINE_CHECK(journal.has_value());
      return *std::move(journal);
    };
    journal_ = open("journal");
    outbox_ = open("outbox");
  }
  void StartHandover() {
    handover_ = std::make_unique<Handover>(
        CountsOptions{.interval_nanos = kMinuteNanos, .series_max = kSeriesMax},
        QueueOptions{.request_bytes_max = 2000, .age_nanos_max = 1'000'000},
        Handover::Context{*journal_, *outbox_, metrics_, Clock::System()},
        Handover::Outputs{.items = [this](Signal, const ForwardQueue::Frame& frame) { Output(frame.number, 0); },
                          .counts =
                              [this](uint64_t frame, const SpanCounts& counts) {
                                double calls = 0;
                                for (const auto& sum : counts.graph.Sums()) calls += sum.calls;
                                Output(frame, calls);
                              },
                          .counts_are_complete = [] {}});
    held_back_ = handover_->Recover();
    handover_->Start();
  }
  void Output(uint64_t frame, double calls) {
    const std::lock_guard lock(mutex_);
    outputs_.push_back(frame);
    output_calls_ += calls;
    output_.notify_all();
  }
  bool WaitForOutputs(size_t count) {
    std::unique_lock lock(mutex_);
    return output_.wait_for(lock, std::chrono::nanoseconds(kMinuteNanos), [&] { return outputs_.size() >= count; });
  }
  std::vector<uint64_t> Outputs() {
    const std::lock_guard lock(mutex_);
    return outputs_;
  }
  // Of writes to the outbox or the journal, of all handovers.
  void WaitForErrors(uint64_t count) {
    const Counter& errors = metrics_.GetCounter("sightline.forward.handover.errors", "{error}", "");
    const int64_t deadline = Clock::System().MonotonicNanos() + kMinuteNanos;
    while (errors.value() < count) {
      ASSERT_LT(Clock::System().MonotonicNanos(), deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  // Again while the handover does not know yet that a write that failed before has gone through.
  bool Drain() {
    const int64_t deadline = Clock::System().MonotonicNanos() + kMinuteNanos;
    while (!handover_->Drain(deadline)) {
      if (Clock::System().MonotonicNanos() >= deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  static uint64_t AppendTo(journal::Journal& journal, const journal::FrameHeader& header, std::string_view bytes) {
    const auto number = journal.Append(header, bytes, [](const Result<void>& result) { EXPECT_TRUE(result); });
    EXPECT_TRUE(number && journal.Sync());
    return number.value_or(0);
  }
  // A decided frame that keeps one span of its own.
  uint64_t AppendDecided(uint64_t span) {
    sample::DecidedFrame frame{
        .policies = {"all"}, .dropped = {}, .kept = {}, .sources = {{1, 2}}, .graph = GraphOf(1)};
    frame.kept.push_back({.trace_hash = span, .policy = 0, .adjusted_count = 1, .spans = 1});
    return AppendTo(*journal_, {.kind = FrameKind::kDecided},
                    sample::EncodeDecisions(frame) + otlp::testing::Request({otlp::testing::Span(span, span)}));
  }
  static std::string RequestOf(uint64_t span) { return otlp::testing::Request({otlp::testing::Span(span, span)}); }

  // What is in the outbox, from its first frame on.
  struct Contents {
    std::map<std::string, int> spans;  // by id
    double graph_calls = 0;
    std::string calls;  // encoded
    uint64_t frames = 0;
  };
  Contents Outbox() {
    Contents found;
    SpanCounts counts(kSeriesMax);
    for (uint64_t number = 1;; ++number) {
      const auto frame = outbox_->ReadFrame(number);
      if (!frame) break;
      ++found.frames;
      if (frame->header.kind == FrameKind::kCounts) {
        EXPECT_TRUE(counts.Merge(frame->bytes));
        continue;
      }
      const auto scan = otlp::Rescan(Signal::kTraces, frame->bytes, {});
      SIGHTLINE_CHECK(scan.has_value());
      for (const otlp::ItemRef& item : scan->items) {
        for (otlp::FieldReader fields(item.message.In(frame->bytes)); fields.Next();) {
          if (fields.tag() == otlp::field::span::kSpanId) ++found.spans[std::string(fields.bytes())];
        }
      }
    }
    for (const auto& sum : counts.graph.Sums()) found.graph_calls += sum.calls;
    found.calls = counts.calls.Encode();
    return found;
  }
  static std::map<std::string, int> EachOnce(uint64_t spans) {
    std::map<std::string, int> each;
    for (uint64_t n = 1; n <= spans; ++n) each[otlp::testing::Id(n, 8)] = 1;
    return each;
  }

  std::string root_;
  MetricsRegistry metrics_;
  std::unique_ptr<journal::Journal> journal_, outbox_;
  std::unique_ptr<Handover> handover_;
  std::unordered_set<uint64_t> held_back_;

  std::mutex mutex_;
  std::condition_variable output_;
  std::vector<uint64_t> outputs_;  // frames; guarded by mutex_
  double output_calls_ = 0;        // between services; guarded by mutex_
};

TEST_F(HandoverTest, WhatIsKeptGoesOverAndTheJournalIsFree) {
  StartHandover();
  for (uint64_t n = 1; n <= 100; ++n) handover_->AddDecided({.number = AppendDecided(n), .bytes = 100});
  ASSERT_TRUE(Drain());
  EXPECT_EQ(Outbox().spans, EachOnce(100));
  EXPECT_EQ(Outbox().graph_calls, 100);
  EXPECT_EQ(Outputs().size(), Outbox().frames);
  EXPECT_LT(journal_->bytes_on_disk(), 9000U) << "one segment";
  Open();
  EXPECT_THAT(journal_->unfinished().frames, IsEmpty());
  EXPECT_THAT(journal_->unfinished().blocks, IsEmpty());
}

TEST_F(HandoverTest, ExemplarsOfCountsAreOfKeptSpans) {
  StartHandover();
  // The other one waits for its decision.
  const std::string other = RequestOf(2);
  const auto scan = otlp::ScanRequest(Signal::kTraces, other, {}, {}, otlp::SpanHeads::kNote);
  ASSERT_TRUE(scan.has_value());
  handover_->AddRequest(AppendTo(*journal_, {.undecided_spans = true}, other), other, *scan);
  handover_->AddDecided({.number = AppendDecided(1), .bytes = 100});
  ASSERT_TRUE(Drain());
  CallCounts calls(kSeriesMax);
  ASSERT_TRUE(calls.Merge(Outbox().calls));
  std::vector<OutgoingRequest> requests;
  calls.Write({.start_unix_nanos = 1, .now_unix_nanos = 2}, "me", requests);
  ASSERT_EQ(requests.size(), 1U);
  EXPECT_THAT(requests[0].bytes, HasSubstr(otlp::testing::Id(1, 16)));
  EXPECT_THAT(requests[0].bytes, Not(HasSubstr(otlp::testing::Id(2, 16))));
}

TEST_F(HandoverTest, AFrameThatKeepsNothingLeavesNothing) {
  StartHandover();
  const sample::DecidedFrame dropped{.policies = {""}, .dropped = {{1, 0, 1}}, .kept = {}, .sources = {}, .graph = {}};
  handover_->AddDecided(
      {.number = AppendTo(*journal_, {.kind = FrameKind::kDecided}, sample::EncodeDecisions(dropped)), .bytes = 0});
  ASSERT_TRUE(Drain());
  EXPECT_EQ(Outbox().frames, 0U);
  Open();
  EXPECT_THAT(journal_->unfinished().frames, IsEmpty());
}

// What the outbox may have of a block whose done mark is missing.
struct State {
  bool counts = false, items = false;
};
class HandoverStateTest : public HandoverTest, public testing::WithParamInterface<State> {
 protected:
  // A block of two frames, what the outbox has of it (the frames are returned), and a frame that is in no block.
  std::vector<uint64_t> LeaveABlock() {
    constexpr uint64_t kBlock = 41;
    const std::vector<uint64_t> frames = {AppendDecided(1), AppendDecided(2)};
    EXPECT_TRUE(journal_->AppendManifest(MakeManifest(kBlock, Signal::kTraces, BlockKind::kItems, frames)));
    AppendDecided(3);
    std::vector<uint64_t> in_outbox;
    if (GetParam().counts) {
      SpanCounts counts(kSeriesMax);
      counts.graph.Merge(GraphOf(2));
      in_outbox.push_back(AppendTo(*outbox_, {.kind = FrameKind::kCounts, .from_block = kBlock}, counts.Encode()));
    }
    if (GetParam().items) in_outbox.push_back(AppendTo(*outbox_, {.from_block = kBlock}, RequestOf(1) + RequestOf(2)));
    return in_outbox;
  }
  void ExpectAllOnce() {
    EXPECT_EQ(Outbox().spans, EachOnce(3));
    EXPECT_EQ(Outbox().graph_calls, 3);
    EXPECT_THAT(Outputs(), UnorderedElementsAreArray({1, 2, 3, 4}));
    EXPECT_EQ(output_calls_, 3);
  }
};

INSTANTIATE_TEST_SUITE_P(States, HandoverStateTest,
                         testing::Values(State{}, State{.counts = true}, State{.items = true}, State{true, true}));

TEST_P(HandoverStateTest, ABlockThatACrashLeftIsHandedOverOnce) {
  const std::vector<uint64_t> in_outbox = LeaveABlock();
  for (int run = 0; run < 3; ++run) {
    SCOPED_TRACE(run);
    Open();
    StartHandover();
    EXPECT_THAT(held_back_, UnorderedElementsAreArray(run == 0 ? in_outbox : std::vector<uint64_t>()));
    ASSERT_TRUE(Drain());
    ExpectAllOnce();
  }
  EXPECT_THAT(journal_->unfinished().blocks, IsEmpty());
}

TEST_P(HandoverStateTest, AStartNeedsNoRoomInTheOutbox) {
  const std::vector<uint64_t> in_outbox = LeaveABlock();
  SetFaultsForTest("journal.frame.begin=error");
  for (uint64_t run = 1; run <= 2; ++run) {
    Open();
    StartHandover();
    const bool is_whole = GetParam().counts && GetParam().items;
    if (run == 1 || !is_whole) EXPECT_THAT(held_back_, UnorderedElementsAreArray(in_outbox));
    WaitForErrors(2 * run);
    EXPECT_THAT(Outputs(), UnorderedElementsAreArray(is_whole ? in_outbox : std::vector<uint64_t>()));
  }
  SetFaultsForTest("");
  ASSERT_TRUE(WaitForOutputs(4));
  ASSERT_TRUE(Drain());
  ExpectAllOnce();
}

TEST_P(HandoverStateTest, NothingIsSentBeforeTheBlockIsDone) {
  LeaveABlock();
  SetFaultsForTest("journal.done.begin=error");
  Open();
  StartHandover();
  WaitForErrors(2);
  EXPECT_THAT(Outputs(), IsEmpty());
  SetFaultsForTest("");
  ASSERT_TRUE(WaitForOutputs(4));
  ASSERT_TRUE(Drain());
  ExpectAllOnce();
}

TEST_F(HandoverTest, WhatIsInABatchOfTheOutboxIsLeftToItsQueue) {
  const uint64_t frame = AppendDecided(1);
  ASSERT_TRUE(journal_->AppendManifest(MakeManifest(5, Signal::kTraces, BlockKind::kItems, {frame})));
  const uint64_t items = AppendTo(*outbox_, {.from_block = 5}, RequestOf(1));
  ASSERT_TRUE(outbox_->AppendManifest(MakeManifest(1, Signal::kTraces, BlockKind::kItems, {items})));
  Open();
  StartHandover();
  EXPECT_THAT(held_back_, IsEmpty());
  ASSERT_TRUE(Drain());
  EXPECT_EQ(Outbox().spans, EachOnce(1));
  EXPECT_THAT(Outputs(), ElementsAre(2)) << "the counts";
}

TEST_F(HandoverTest, CountsOfRequestsGoOverOnceWhereverItStopped) {
  std::string all_calls;
  {
    CallCounts calls(kSeriesMax);
    for (uint64_t n = 1; n <= 3; ++n) {
      const std::string request = RequestOf(n);
      calls.Add(request, *otlp::ScanRequest(Signal::kTraces, request, {}, {}, otlp::SpanHeads::kNote));
    }
    all_calls = calls.Encode();
  }
  std::vector<uint64_t> frames;
  for (uint64_t n = 1; n <= 3; ++n) {
    frames.push_back(AppendTo(*journal_, {.undecided_spans = true}, RequestOf(n)));
  }
  frames.pop_back();
  ASSERT_TRUE(journal_->AppendManifest(MakeManifest(1, Signal::kTraces, BlockKind::kSpanMetrics, frames)));
  for (int run = 0; run < 3; ++run) {
    Open();
    StartHandover();
    ASSERT_TRUE(Drain());
    EXPECT_EQ(Outbox().calls, all_calls) << run;
  }
  EXPECT_EQ(Outbox().frames, 2U);
}

TEST_F(HandoverTest, AnOutboxThatTakesNothingIsWaitedFor) {
  StartHandover();
  SetFaultsForTest("journal.frame.begin=error:1-4");
  handover_->AddDecided({.number = AppendDecided(1), .bytes = 100});
  ASSERT_TRUE(WaitForOutputs(2));
  EXPECT_EQ(Outbox().spans, EachOnce(1));
  EXPECT_EQ(Outbox().graph_calls, 1);
}

}  // namespace
}  // namespace sightline::forward
