#include "forward/handover.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <future>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/fault.h"
#include "base/log.h"

namespace sightline::forward {
namespace {

using journal::BlockKind;
using journal::FrameKind;
using otlp::Signal;

constexpr int64_t kRetryNanosMin = 20'000'000;
constexpr int64_t kRetryNanosMax = 1'000'000'000;  // the disk is our own: nobody is overrun
constexpr int64_t kDiscardNanos = 500'000'000;     // of requests that are only marked as done
constexpr std::chrono::nanoseconds kBlockedPoll{100'000'000};

}  // namespace

Handover::Handover(const CountsOptions& counts, const QueueOptions& queue, const Context& context, Outputs outputs)
    : options_(counts),
      request_bytes_max_(queue.request_bytes_max),
      age_nanos_max_(queue.age_nanos_max),
      context_(context),
      outputs_(std::move(outputs)),
      counter_(counts.enabled, options_.series_max, options_.dimensions),
      unreadable_(context.metrics.GetCounter("sightline.forward.handover.unreadable_frames", "{frame}",
                                             "Frames of the journal that do not read back: what was kept or counted of "
                                             "them is lost.")),
      errors_(context.metrics.GetCounter("sightline.forward.handover.errors", "{error}",
                                         "Writes of the handover that failed, as there is no room; tried again.")),
      backoff_(kRetryNanosMin, kRetryNanosMax) {
  context_.metrics.SetGauge("sightline.forward.handover.queue", "{frame}",
                            "Frames of decisions that are not yet in the outbox.", {}, [this] {
                              const std::lock_guard lock(mutex_);
                              return static_cast<double>(decided_.size() + moving_);
                            });
}

Handover::~Handover() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  backoff_.Stop();
  if (thread_.joinable()) thread_.join();
  context_.metrics.Unregister("sightline.forward.handover.queue");
}

std::unordered_set<uint64_t> Handover::Recover() {
  const journal::Unfinished& unfinished = context_.journal.unfinished();
  next_block_ = unfinished.block_max + 1;
  const journal::Unfinished& in_outbox = context_.outbox.unfinished();
  const std::unordered_set<uint64_t> in_no_batch(in_outbox.frames.begin(), in_outbox.frames.end());
  std::unordered_map<uint64_t, Progress> handed_over;
  for (const journal::Manifest& block : unfinished.blocks) handed_over[block.block] = {};
  for (const auto& made : in_outbox.handed_over) {
    next_block_ = std::max(next_block_, made.block + 1);  // whatever became of the journal
    const auto open = handed_over.find(made.block);
    if (open == handed_over.end()) continue;
    Progress& progress = open->second;
    const bool is_counts = made.kind == FrameKind::kCounts;
    (is_counts ? progress.counts : progress.items) = made.frame;
    (is_counts ? progress.counts_wait : progress.items_wait) = in_no_batch.contains(made.frame);
  }
  std::unordered_set<uint64_t> held_back;
  for (const journal::Manifest& block : unfinished.blocks) {
    const Progress& progress = handed_over[block.block];
    if (progress.items_wait) held_back.insert(*progress.items);
    if (progress.counts_wait) held_back.insert(*progress.counts);
    if (block.kind == BlockKind::kItems) moving_ += context_.journal.FramesIn(block).size();
    resumed_.push_back({block, progress});
  }
  const std::unordered_set<uint64_t> waiting(unfinished.frames.begin(), unfinished.frames.end());
  const auto waiting_frames = [&](Signal signal, BlockKind kind) {
    std::vector<uint64_t> frames =
        context_.journal.FramesIn({.block = 0, .signal = signal, .kind = kind, .frames = {{1, UINT64_MAX}}});
    std::erase_if(frames, [&](uint64_t number) { return !waiting.contains(number); });
    return frames;
  };
  for (const Signal signal : otlp::kSignals) {
    std::vector<uint64_t>& items = recovered_items_[static_cast<size_t>(signal)];
    items = waiting_frames(signal, BlockKind::kItems);
    moving_ += items.size();
  }
  recovered_requests_ = waiting_frames(Signal::kTraces, BlockKind::kSpanMetrics);
  return held_back;
}

void Handover::Start() {
  thread_ = std::thread([this] { Run(); });
}

void Handover::AddDecided(ForwardQueue::Frame frame) {
  const std::lock_guard lock(mutex_);
  decided_.push_back({frame, context_.clock.MonotonicNanos()});
  decided_bytes_ += frame.bytes;
  if (decided_.size() == 1 || decided_bytes_ >= request_bytes_max_) wake_.notify_one();
}

void Handover::AddRequest(uint64_t frame, std::string_view request, const otlp::Scan& scan) {
  const uint64_t bytes = counter_.Add(frame, request, scan);
  if (bytes < options_.bytes_max || bytes - request.size() >= options_.bytes_max) return;
  const std::lock_guard lock(mutex_);
  wake_.notify_one();
}

bool Handover::Drain(int64_t deadline_monotonic_nanos) {
  std::unique_lock lock(mutex_);
  const uint64_t wanted = drains_wanted_ = drains_ + 2;  // one may be under way, with less in it
  wake_.notify_all();
  while (drains_ < wanted && !blocked_) {
    const int64_t left = deadline_monotonic_nanos - context_.clock.MonotonicNanos();
    if (left <= 0) break;
    drained_.wait_for(lock, std::min(std::chrono::nanoseconds(left), kBlockedPoll));
  }
  return drains_ >= wanted;
}

Handover::Taken Handover::Wait() {
  const int64_t interval = options_.enabled ? options_.interval_nanos : kDiscardNanos;
  std::unique_lock lock(mutex_);
  moving_ = 0;
  Taken taken;
  while (!stopping_) {
    const int64_t now = context_.clock.MonotonicNanos();
    int64_t left = counts_since_nanos_ + interval - now;
    taken.all = drains_ < drains_wanted_;
    taken.counts = taken.all || left <= 0 || counter_.bytes() >= options_.bytes_max;
    bool decided_are_due = taken.all || decided_bytes_ >= request_bytes_max_;
    if (!decided_.empty()) {
      const int64_t until_due = decided_.front().queued_monotonic_nanos + age_nanos_max_ - now;
      decided_are_due |= until_due <= 0;
      left = std::min(left, until_due);
    }
    if (decided_are_due) {
      for (const Queued& queued : decided_) taken.decided.push_back(queued.frame.number);
      moving_ = decided_.size();
      decided_.clear();
      decided_bytes_ = 0;
    }
    if (!taken.decided.empty() || taken.counts) return taken;
    wake_.wait_for(lock, std::chrono::nanoseconds(left));
  }
  return taken;
}

void Handover::Run() {
  counts_since_nanos_ = context_.clock.MonotonicNanos();
  if (!FinishLastRun()) return;
  for (;;) {
    const Taken taken = Wait();
    if (backoff_.stopped()) return;
    if (!taken.decided.empty() && !MoveItems(Signal::kTraces, taken.decided)) return;
    if (taken.counts && !MoveCounts()) return;
    if (!taken.all) continue;
    const std::lock_guard lock(mutex_);
    ++drains_;
    drained_.notify_all();
  }
}

// Blocks first: their frames are the oldest. False: stopped.
bool Handover::FinishLastRun() {
  // What a killed run wrote is read back, and yet may not be on the disk: it must be when its block is done.
  if (!resumed_.empty() && !Repeat("sync the outbox", [&] { return context_.outbox.Sync(); })) return false;
  for (const auto& [block, progress] : std::exchange(resumed_, {})) {
    progress_ = progress;
    Made made = Make(block);
    UseWhatIsInTheOutbox(made);
    if (!Repeat("finish a block of the last run", [&] { return Finish(block, made); })) return false;
  }
  for (const Signal signal : otlp::kSignals) {
    const auto frames = std::exchange(recovered_items_[static_cast<size_t>(signal)], {});
    if (!frames.empty() && !MoveItems(signal, frames)) return false;
  }
  for (const uint64_t frame : std::exchange(recovered_requests_, {})) {
    if (backoff_.stopped()) return false;
    Recount(frame, [&](std::string_view request, const otlp::Scan& scan) { counter_.Add(frame, request, scan); });
  }
  return true;
}

// A frame of the outbox is not larger than a request to the backend, but for frames that are.
bool Handover::MoveItems(Signal signal, const std::vector<uint64_t>& frames) {
  std::vector<uint64_t> block;
  std::optional<Made> made(NoCounts());
  const auto move = [&] {
    const Made moved = *std::move(made);
    made.emplace(NoCounts());
    return Move(MakeManifest(next_block_++, signal, BlockKind::kItems, std::exchange(block, {})), moved);
  };
  for (const uint64_t frame : frames) {
    Made more = ReadItems(frame);
    const bool fits = made->items.bytes.size() + more.items.bytes.size() <= request_bytes_max_;
    if (!block.empty() && !fits && !move()) return false;
    block.push_back(frame);
    made->items.bytes.append(more.items.bytes);
    made->items.items += more.items.items;
    made->counts.Merge(more.counts);
  }
  return move();
}

bool Handover::MoveCounts() {
  counts_since_nanos_ = context_.clock.MonotonicNanos();
  RequestCounter::Counted counted = counter_.Take();
  if (!counted.frames.empty()) {
    const Made made(std::move(counted.counts));
    const auto manifest =
        MakeManifest(next_block_++, Signal::kTraces, BlockKind::kSpanMetrics, std::move(counted.frames));
    if (!Move(manifest, made)) return false;
  }
  outputs_.counts_are_complete();
  return true;
}

bool Handover::Move(const journal::Manifest& manifest, const Made& made) {
  progress_ = {};
  if (!Repeat("write the manifest", [&] { return context_.journal.AppendManifest(manifest); })) return false;
  FaultPoint("handover.manifest.end");
  return Repeat("write to the outbox", [&] { return Finish(manifest, made); });
}

Result<void> Handover::Finish(const journal::Manifest& manifest, const Made& made) {
  journal::FrameHeader header{
      .signal = manifest.signal, .from_block = manifest.block, .received_unix_nanos = context_.clock.UnixNanos()};
  if (!made.counts.empty() && !progress_.counts) {
    header.kind = FrameKind::kCounts;
    const auto number = AppendToOutbox(header, made.counts.Encode());
    if (!number) return std::unexpected(number.error());
    progress_.counts = *number;
    progress_.counts_wait = true;
  }
  FaultPoint("handover.counts.end");
  if (!made.items.bytes.empty() && !progress_.items) {
    header.kind = FrameKind::kRequest;
    const auto number = AppendToOutbox(header, made.items.bytes);
    if (!number) return std::unexpected(number.error());
    progress_.items = *number;
    progress_.items_wait = true;
  }
  FaultPoint("handover.items.end");
  if (!progress_.is_done) SIGHTLINE_TRY(context_.journal.AppendDone(manifest.block));
  progress_.is_done = true;
  SIGHTLINE_TRY(context_.journal.Sync());
  FaultPoint("handover.done.end");
  if (progress_.counts_wait) outputs_.counts(*progress_.counts, made.counts);
  if (progress_.items_wait) {
    outputs_.items(manifest.signal, {.number = *progress_.items,
                                     .bytes = static_cast<uint32_t>(made.items.bytes.size()),
                                     .items = static_cast<uint32_t>(made.items.items)});
  }
  return {};
}

Result<uint64_t> Handover::AppendToOutbox(const journal::FrameHeader& header, std::string_view bytes) {
  std::promise<Result<void>> durable;
  Result<uint64_t> number =
      context_.outbox.Append(header, bytes, [&](Result<void> result) { durable.set_value(std::move(result)); });
  if (!number) return number;
  const Result<void> result = durable.get_future().get();
  if (!result) return std::unexpected(result.error());
  return number;
}

Handover::Made Handover::Make(const journal::Manifest& manifest) {
  Made made(NoCounts());
  for (const uint64_t frame : context_.journal.FramesIn(manifest)) {
    if (manifest.kind == BlockKind::kSpanMetrics) {
      Recount(frame, [&](std::string_view request, const otlp::Scan& scan) { made.counts.calls.Add(request, scan); });
      continue;
    }
    Made more = ReadItems(frame);
    made.items.bytes.append(more.items.bytes);
    made.items.items += more.items.items;
    made.counts.Merge(more.counts);
  }
  return made;
}

// It is what is sent, whatever the block would become now: by another configuration, or as a frame does not read back.
void Handover::UseWhatIsInTheOutbox(Made& made) {
  if (progress_.items) made.items = {};  // its size is not known
  if (!progress_.counts) return;
  const Result<journal::Journal::Frame> frame = context_.outbox.ReadFrame(*progress_.counts);
  SpanCounts counts = NoCounts();
  if (!frame || !counts.Merge(frame->bytes)) return;
  made.counts.Clear();
  made.counts.Merge(counts);
}

// What is accepted or kept of a frame, with the marks of kept spans; what its traces add to the service graph, and
// exemplars of what is counted of spans.
Handover::Made Handover::ReadItems(uint64_t frame) {
  Made made(NoCounts());
  const Result<journal::Journal::Frame> read = context_.journal.ReadFrame(frame);
  Result<OutgoingFrame> outgoing = read ? ReadOutgoing(*read, 0, request_bytes_max_) : std::unexpected(read.error());
  if (!outgoing) {
    unreadable_.Add(1);
    Log(LogLevel::kError, "a frame does not read back from the journal: what it held is lost",
        {{"frame", frame}, {"error", outgoing.error().message}});
    return made;
  }
  for (const OutgoingRequest& request : outgoing->requests) {
    made.items.bytes.append(request.bytes);
    made.items.items += request.items;
    if (options_.enabled && read->header.signal == Signal::kTraces) NoteExemplars(request, made.counts.calls);
  }
  if (options_.enabled) made.counts.graph.Merge(outgoing->graph);
  return made;
}

// Kept spans are read here for the first time since they were decided: elsewhere nobody knows what became of them.
void Handover::NoteExemplars(const OutgoingRequest& kept, CallCounts& calls) {
  const Result<otlp::Scan> scan = otlp::Rescan(Signal::kTraces, kept.bytes, {}, otlp::SpanHeads::kNote);
  if (scan) calls.AddExemplars(kept.bytes, *scan);  // else the backend will say what is wrong with it
}

// Calls `count` once; without spans if they are not counted or cannot be read.
void Handover::Recount(uint64_t number, const std::function<void(std::string_view request, const otlp::Scan&)>& count) {
  if (!options_.enabled) return count({}, {});
  const Result<journal::Journal::Frame> frame = context_.journal.ReadFrame(number);
  Result<otlp::Scan> scan = Fail(Code::kDataLoss, "it was not read");
  if (frame) scan = otlp::Rescan(Signal::kTraces, frame->bytes, frame->header.refused, otlp::SpanHeads::kNote);
  if (scan) return count(frame->bytes, *scan);
  unreadable_.Add(1);
  Log(LogLevel::kError, "calls of a frame are not counted: it does not read back from the journal",
      {{"frame", number}, {"error", frame ? scan.error().message : frame.error().message}});
  count({}, {});
}

// False: the program stops; the journal has what was not handed over.
bool Handover::Repeat(const char* step, const std::function<Result<void>()>& write) {
  backoff_.Reset();
  for (uint64_t tries = 1;; ++tries) {
    const Result<void> written = write();
    blocked_ = !written;
    if (written) return true;
    errors_.Add(1);
    if (std::has_single_bit(tries)) {
      Log(LogLevel::kWarning, "nothing is handed over to the outbox; will retry",
          {{"step", step}, {"tries", tries}, {"error", written.error().message}});
    }
    if (!backoff_.Sleep(backoff_.Next())) return false;
  }
}

}  // namespace sightline::forward
