#include "store/block_writer.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "base/log.h"
#include "store/admitted_series.h"

namespace sightline::store {
namespace {

constexpr int64_t kRetryNanosMin = 100'000'000;
constexpr int64_t kRetryNanosMax = 5'000'000'000;
constexpr int kRefusedAttemptsMax = 3;
constexpr std::chrono::seconds kIdleTime{2};  // less than what cli/ waits with its trim of the heap

}  // namespace

BlockWriter::BlockWriter(const Stream& stream, WriterOptions options, WriterContext context)
    : stream_(stream),
      options_(std::move(options)),
      context_(context),
      builder_(stream.CreateBuilder(options_.builder)) {
  context_.metrics.SetGauge("sightline.store.lag", "s", "Age of the oldest accepted request that is not yet stored.",
                            {{"signal", std::string(stream_.name())}}, [this] { return LagSeconds(); });
  thread_ = std::thread([this] { Run(); });
}

BlockWriter::~BlockWriter() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
  context_.metrics.Unregister("sightline.store.lag", {{"signal", std::string(stream_.name())}});
}

void BlockWriter::Push(PendingFrame frame) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    frame.queued_monotonic_nanos = context_.clock.MonotonicNanos();
    queued_items_ += frame.scan.items_accepted;
    queued_bytes_ += frame.bytes.size();
    queue_.push_back(std::move(frame));
    // The thread sleeps until the age limit of the first frame; only a full block is a reason to wake it before.
    wake = queue_.size() == 1 || queued_items_ >= options_.block_rows_max || queued_bytes_ >= options_.block_bytes_max;
  }
  if (wake) wake_.notify_one();
}

bool BlockWriter::Drain(int64_t deadline_monotonic_nanos) {
  std::unique_lock lock(mutex_);
  draining_ = true;
  wake_.notify_all();
  const auto is_empty = [this] { return queue_.empty() && writing_since_nanos_ == 0; };
  while (!is_empty()) {
    const int64_t left = deadline_monotonic_nanos - context_.clock.MonotonicNanos();
    if (left <= 0) break;
    drained_.wait_for(lock, std::chrono::nanoseconds(left));
  }
  draining_ = false;
  return is_empty();
}

bool BlockWriter::BlockIsDue(int64_t now) const {
  if (queue_.empty()) return false;
  return draining_ || queued_items_ >= options_.block_rows_max || queued_bytes_ >= options_.block_bytes_max ||
         now - queue_.front().queued_monotonic_nanos >= options_.block_age_nanos_max;
}

// When none come for a while, the builder gives its memory back: of a large block it is tens of megabytes.
void BlockWriter::WaitForFrames(std::unique_lock<std::mutex>& lock) {
  const auto is_awake = [this] { return stopping_ || !queue_.empty(); };
  if (wake_.wait_for(lock, kIdleTime, is_awake)) return;
  lock.unlock();
  builder_->ReleaseMemory();
  lock.lock();
  wake_.wait(lock, is_awake);
}

std::vector<PendingFrame> BlockWriter::TakeBlock() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const int64_t now = context_.clock.MonotonicNanos();
    if (BlockIsDue(now)) break;
    if (queue_.empty()) {
      WaitForFrames(lock);
    } else {
      const int64_t due = queue_.front().queued_monotonic_nanos + options_.block_age_nanos_max;
      wake_.wait_for(lock, std::chrono::nanoseconds(due - now));
    }
  }
  std::vector<PendingFrame> frames;
  if (stopping_) return frames;
  uint64_t rows = 0, bytes = 0;
  while (!queue_.empty() && rows < options_.block_rows_max && bytes < options_.block_bytes_max) {
    PendingFrame& frame = queue_.front();
    rows += frame.scan.items_accepted;
    bytes += frame.bytes.size();
    frames.push_back(std::move(frame));
    queue_.pop_front();
  }
  queued_items_ -= rows;
  queued_bytes_ -= bytes;
  writing_since_nanos_ = frames.front().queued_monotonic_nanos;
  return frames;
}

void BlockWriter::Run() {
  for (;;) {
    std::vector<PendingFrame> frames = TakeBlock();
    if (frames.empty()) return;
    WriteFrames(std::move(frames));
    std::lock_guard lock(mutex_);
    writing_since_nanos_ = 0;
    if (queue_.empty()) drained_.notify_all();
    if (stopping_) return;
  }
}

// Where the columns of the frames would need too much memory (items of thousands of days: each has columns of its own),
// they become several blocks. A request is not divided.
void BlockWriter::WriteFrames(std::vector<PendingFrame> frames) {
  const uint64_t bytes_max = frames.size() == 1 ? UINT64_MAX : options_.block_column_bytes_max;
  if (AppendFrames(stream_, frames, *builder_, bytes_max)) {
    WriteBlock(context_.next_block.fetch_add(1), std::move(frames));
    return;
  }
  builder_->Finish(otlp::kNoBlock);
  builder_->ForgetWrittenSets();
  const auto middle = frames.begin() + static_cast<ptrdiff_t>(frames.size() / 2);
  std::vector<PendingFrame> second(std::make_move_iterator(middle), std::make_move_iterator(frames.end()));
  frames.erase(middle, frames.end());
  WriteFrames(std::move(frames));
  WriteFrames(std::move(second));
}

// The builder holds the rows of `frames`.
void BlockWriter::WriteBlock(uint64_t block, std::vector<PendingFrame> frames) {
  const journal::Manifest manifest = MakeManifest(block, stream_, frames);
  const std::vector<otlp::TableBlock> tables = builder_->Finish(block);
  PublishRepairs();
  if (stream_.signal == otlp::Signal::kMetrics && options_.builder.series_limit != nullptr) {
    ReportSeriesLimit(*options_.builder.series_limit, context_.metrics);
  }
  GraphWriter::Spans calls = context_.graph != nullptr ? context_.graph->Note(frames) : GraphWriter::Spans();
  // The columns hold everything now; the reservations stay until the block is stored, because the columns are about as
  // large.
  std::vector<MemoryBudget::Reservation> reservations;
  reservations.reserve(frames.size());
  for (PendingFrame& frame : frames) reservations.push_back(std::move(frame.reservation));
  frames.clear();

  const Outcome named = Persist("write the manifest", [&](bool) { return context_.journal.AppendManifest(manifest); });
  if (named != Outcome::kDone) return;
  const Outcome inserted =
      Persist("insert", [&](bool is_retry) { return context_.inserter.Insert(block, tables, is_retry); });
  if (inserted != Outcome::kDone) builder_->ForgetWrittenSets();
  if (inserted == Outcome::kStopped) return;
  if (inserted == Outcome::kRefused && !SetAside(manifest, tables)) return;
  if (Persist("mark done", [&](bool) { return context_.journal.AppendDone(block); }) != Outcome::kDone) return;
  if (inserted == Outcome::kRefused) return;
  if (context_.graph != nullptr) context_.graph->Add(block, std::move(calls));
  context_.metrics
      .GetCounter("sightline.store.blocks", "{block}", "Blocks written.", {{"signal", std::string(stream_.name())}})
      .Add(1);
}

// Tries until it works: what was accepted must be stored, and while it waits the memory budget pushes back at the door.
// kStopped: the program ends, and the next start goes on. kRefused: ClickHouse says again and again that the block
// itself is wrong, which must not stop the blocks behind it.
BlockWriter::Outcome BlockWriter::Persist(const char* step, const std::function<Result<void>(bool is_retry)>& action) {
  int64_t wait = kRetryNanosMin;
  int refused = 0;
  for (bool is_retry = false;; is_retry = true) {
    const Result<void> result = action(is_retry);
    if (result) return Outcome::kDone;
    context_.metrics
        .GetCounter("sightline.store.errors", "{error}", "Failed steps of writing a block; each is tried again.",
                    {{"signal", std::string(stream_.name())}})
        .Add(1);
    Log(LogLevel::kWarning, "a block could not be written; will retry",
        {{"step", step}, {"signal", stream_.name()}, {"error", result.error().message}});
    if (result.error().code == Code::kInvalidArgument && ++refused == kRefusedAttemptsMax) return Outcome::kRefused;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, std::chrono::nanoseconds(wait), [this] { return stopping_; });
    if (stopping_) return Outcome::kStopped;
    wait = std::min(2 * wait, kRetryNanosMax);
  }
}

// True when the block needs no further try: what ClickHouse takes of it is stored, the rest is in files. False: the
// journal keeps it, and the next start tries again.
bool BlockWriter::SetAside(const journal::Manifest& manifest, const std::vector<otlp::TableBlock>& tables) {
  PartialInsert insert;
  const Outcome tried = Persist("insert what is taken", [&](bool) -> Result<void> {
    Result<PartialInsert> result = context_.inserter.InsertWhatIsTaken(manifest.block, tables);
    if (!result) return std::unexpected(result.error());
    insert = *std::move(result);
    return {};
  });
  if (tried == Outcome::kDone && insert.refused.empty()) return true;
  Result<void> kept = Fail(Code::kFailedPrecondition, "ClickHouse does not say what it has of the block");
  if (tried == Outcome::kDone) {
    const Outcome written = Persist("set the block aside", [&](bool) -> Result<void> {
      kept = context_.refused.SetAside(manifest, insert);
      if (!kept && kept.error().code == Code::kUnavailable) return kept;  // a full disk, say: there may be room soon
      return {};
    });
    if (written != Outcome::kDone) return false;
  }
  if (kept) return true;
  Log(LogLevel::kError, "ClickHouse refuses a block, and it could not be set aside: the journal keeps it",
      {{"block", manifest.block}, {"signal", stream_.name()}, {"error", kept.error().message}});
  return false;
}

double BlockWriter::LagSeconds() {
  std::lock_guard lock(mutex_);
  int64_t since = writing_since_nanos_;
  if (since == 0 && !queue_.empty()) since = queue_.front().queued_monotonic_nanos;
  return since == 0 ? 0.0 : static_cast<double>(context_.clock.MonotonicNanos() - since) * 1e-9;
}

void BlockWriter::PublishRepairs() {
  const otlp::RepairCounts now = builder_->repairs();
  const auto publish = [&](const char* mark, uint64_t otlp::RepairCounts::* count) {
    const uint64_t added = now.*count - published_repairs_.*count;
    if (added == 0) return;
    context_.metrics
        .GetCounter("sightline.receive.repairs", "{item}", "Accepted items that were mended; docs/oddities.md.",
                    {{"signal", std::string(stream_.name())}, {"mark", mark}})
        .Add(added);
  };
  publish("utf8", &otlp::RepairCounts::invalid_utf8);
  publish("attributes_cut", &otlp::RepairCounts::attributes_cut);
  publish("value_cut", &otlp::RepairCounts::values_cut);
  publish("events_cut", &otlp::RepairCounts::events_cut);
  publish("links_cut", &otlp::RepairCounts::links_cut);
  publish("time_missing", &otlp::RepairCounts::time_missing);
  publish("time_clamped", &otlp::RepairCounts::time_clamped);
  publish("end_before_start", &otlp::RepairCounts::end_before_start);
  publish("id_dropped", &otlp::RepairCounts::ids_dropped);
  published_repairs_ = now;
  const uint64_t overflowed = builder_->overflowed_spans();
  if (overflowed == published_overflowed_) return;
  context_.metrics
      .GetCounter("sightline.span_metrics.overflowed_spans", "{span}",
                  "Spans counted together as there were too many series.", {{"signal", std::string(stream_.name())}})
      .Add(overflowed - published_overflowed_);
  published_overflowed_ = overflowed;
}

}  // namespace sightline::store
