#include "store/graph_writer.h"

#include <algorithm>
#include <chrono>

#include "base/log.h"
#include "otlp/attribute_sets.h"
#include "otlp/service_graph_edges.h"

namespace sightline::store {
namespace {

constexpr int64_t kRetryNanosMin = 100'000'000;
constexpr int64_t kRetryNanosMax = 5'000'000'000;
constexpr int kRefusedAttemptsMax = 3;
constexpr size_t kEdgeBytesMax = 16 << 20;  // of edges of spans that are read back, before they are written

}  // namespace

GraphWriter::GraphWriter(GraphOptions options, ClickHouse& clickhouse, std::atomic<uint64_t>& next_block,
                         MetricsRegistry& metrics, const Clock& clock)
    : options_(std::move(options)),
      clickhouse_(clickhouse),
      inserter_(clickhouse, options_.database, {}, metrics, "store.graph"),
      next_block_(next_block),
      clock_(clock),
      calls_(metrics.GetCounter("sightline.service_graph.calls", "{call}", "Calls counted in the service graph.")),
      unpaired_spans_(metrics.GetCounter("sightline.service_graph.unpaired_spans", "{span}",
                                         "Spans of one side of a call whose other side was not found.")),
      early_spans_(metrics.GetCounter(
          "sightline.service_graph.early_spans", "{span}",
          "Spans that waited less long for their other side because too many did, paired ones too.")),
      errors_(metrics.GetCounter("sightline.store.errors", "{error}",
                                 "Failed steps of writing a block; each is tried again.",
                                 {{"signal", "service_graph"}})) {}

GraphWriter::~GraphWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void GraphWriter::Begin(bool more_to_come) {
  const std::lock_guard lock(mutex_);
  first_block_ = behind_to_ = next_block_.fetch_add(1);
  more_to_come_ = more_to_come;
  thread_ = std::thread([this] { Run(); });
}

GraphWriter::Spans GraphWriter::Note(const std::vector<PendingFrame>& frames) {
  Spans spans;
  if (!more_to_come_) return spans;
  for (const PendingFrame& frame : frames) {
    SIGHTLINE_CHECK(frame.scan.heads.size() == frame.scan.items.size());
    sample::GraphNoter noter(names_, frame.received_unix_nanos, frame.received_unix_nanos + options_.future_nanos_max);
    for (size_t i = 0; i < frame.scan.items.size(); ++i) {
      const otlp::ItemRef& item = frame.scan.items[i];
      const auto span = noter.Note(frame.bytes, frame.scan, item, frame.scan.heads[i]);
      if (span) spans.push_back({item.trace_hash, *span});
    }
  }
  return spans;
}

void GraphWriter::Add(uint64_t block, Spans spans) {
  if (!more_to_come_) return;
  {
    const std::lock_guard lock(mutex_);
    queued_spans_ += spans.size();
    queue_.push_back({block, std::move(spans), clock_.MonotonicNanos()});
    if (queued_spans_ > options_.queued_spans_max) {
      behind_to_ = block;
      queue_.clear();
      queued_spans_ = 0;
    }
  }
  wake_.notify_all();
}

// Behind a failure it goes on from what the store says.
void GraphWriter::Run() {
  std::unique_lock lock(mutex_);
  int64_t wait = kRetryNanosMin;
  while (!stopping_) {
    const Result<void> done = DoNext(lock);
    if (stopping_) return;
    if (done) {
      wait = kRetryNanosMin;
      continue;
    }
    behind_to_ = std::max(behind_to_, matched_to_);
    matched_to_ = 0;
    errors_.Add(1);
    const bool is_refused = done.error().code == Code::kInvalidArgument;
    Log(is_refused ? LogLevel::kError : LogLevel::kWarning,
        is_refused ? "ClickHouse refuses calls of the service graph; will retry"
                   : "the service graph is behind; will retry",
        {{"error", done.error().message}});
    WaitToRetry(lock, is_refused ? options_.refused_wait_nanos : wait);
    wait = std::min(2 * wait, kRetryNanosMax);
  }
}

// Holds the lock only between what it does.
Result<void> GraphWriter::DoNext(std::unique_lock<std::mutex>& lock) {
  const auto unlocked = [&](const auto& action) {
    lock.unlock();
    Result<void> done = action();
    lock.lock();
    return done;
  };
  if (const uint64_t end = behind_to_; matched_to_ < end) return unlocked([&] { return CatchUp(end); });
  if (!queue_.empty()) {
    const Block block = std::move(queue_.front());
    queue_.pop_front();
    queued_spans_ -= block.spans.size();
    return unlocked([&] { return TakeBlock(block); });
  }
  if (clock_.MonotonicNanos() >= next_step_nanos_) SIGHTLINE_TRY(unlocked([&] { return WriteStep(DueBlock()); }));
  WaitForWork(lock);
  return {};
}

void GraphWriter::WaitToRetry(std::unique_lock<std::mutex>& lock, int64_t nanos) {
  wake_.wait_for(lock, std::chrono::nanoseconds(nanos), [this] { return stopping_; });
}

// Until there is a block, or a step is due that has something to say.
void GraphWriter::WaitForWork(std::unique_lock<std::mutex>& lock) {
  const auto is_awake = [this] { return stopping_ || !queue_.empty() || matched_to_ < behind_to_; };
  if (stored_times_.empty() && matched_to_ == last_.matched_to) return wake_.wait(lock, is_awake);
  const int64_t left = next_step_nanos_ - clock_.MonotonicNanos();
  wake_.wait_for(lock, std::chrono::nanoseconds(std::max<int64_t>(left, 0)), is_awake);
}

Result<void> GraphWriter::TakeBlock(const Block& block) {
  for (const sample::CallMatcher::Span& span : block.spans) matcher_.Add(block.number, span, &counter_);
  matched_to_ = block.number;
  stored_times_.emplace_back(block.number, block.stored_monotonic_nanos);
  const bool is_due = clock_.MonotonicNanos() >= next_step_nanos_;
  return is_due || matcher_.waiting() > options_.waiting_spans_max ? WriteStep(DueBlock()) : Result<void>();
}

// The last block whose spans have waited long enough, or that must go as too many wait.
uint64_t GraphWriter::DueBlock() {
  const int64_t waited_until = clock_.MonotonicNanos() - options_.wait_nanos;
  uint64_t due = last_.expired_to;
  for (const auto& [block, stored] : stored_times_) {
    if (stored > waited_until) break;
    due = block;
  }
  const size_t waiting = matcher_.waiting();
  if (waiting <= options_.waiting_spans_max) return due;
  // A quarter at once, so that the next block does not bring the next step.
  const size_t surplus = waiting - options_.waiting_spans_max / 4 * 3;
  const uint64_t early = matcher_.BlockOf(surplus);
  if (early > due) early_spans_.Add(surplus);
  return std::max(due, early);
}

// Expires last, when all blocks of the step are in: what it counts must not depend on how they came. Behind an error
// the step is written in part or not at all, and what it counted is forgotten here.
Result<void> GraphWriter::WriteStep(uint64_t expire_to) {
  next_step_nanos_ = clock_.MonotonicNanos() + options_.step_nanos;
  if (matched_to_ == last_.matched_to && expire_to == last_.expired_to) return {};
  matcher_.Expire(expire_to, counter_);
  while (!stored_times_.empty() && stored_times_.front().first <= expire_to) stored_times_.pop_front();
  const Step step{.block = next_block_.fetch_add(1),
                  .step = {.matched_after = last_.matched_to,
                           .matched_to = matched_to_,
                           .expired_after = last_.expired_to,
                           .expired_to = expire_to,
                           .day = otlp::DayOf(clock_.UnixNanos())}};
  std::vector<otlp::TableBlock> tables;
  edges_.Finish(step.block, tables, step.step);
  SIGHTLINE_TRY(InsertUntilStored(step.block, tables, false));
  last_ = step.step;
  calls_.Add(std::exchange(counts_.calls, 0));
  unpaired_spans_.Add(std::exchange(counts_.unpaired_spans, 0));
  return {};
}

// An error when the program stops, or when ClickHouse says again and again that the block itself is wrong. Then the
// next start or CatchUp does this step again, or makes it anew.
Result<void> GraphWriter::InsertUntilStored(uint64_t block, const std::vector<otlp::TableBlock>& tables,
                                            bool may_exist) {
  int64_t wait = kRetryNanosMin;
  for (int refused = 0;; may_exist = true) {
    Result<void> inserted = inserter_.Insert(block, tables, may_exist);
    if (inserted) return {};
    if (inserted.error().code == Code::kInvalidArgument && ++refused == kRefusedAttemptsMax) return inserted;
    errors_.Add(1);
    Log(LogLevel::kWarning, "a block of the service graph could not be written; will retry",
        {{"block", block}, {"error", inserted.error().message}});
    std::unique_lock lock(mutex_);
    WaitToRetry(lock, wait);
    if (stopping_) return Fail(Code::kCancelled, "stopped");
    wait = std::min(2 * wait, kRetryNanosMax);
  }
}

// From what the store says: the last step, and the spans since then up to block `end`.
Result<void> GraphWriter::CatchUp(uint64_t end) {
  matcher_ = {};
  edges_.Clear();
  counts_ = {};
  stored_times_.clear();
  const Result<std::vector<Step>> steps = ReadSteps();
  if (!steps) return std::unexpected(steps.error());
  if (steps->empty()) {
    SIGHTLINE_TRY(BeginAt(first_block_));
    if (end == first_block_) return {};
  }
  auto stored = StoredGraphSpans::Open(clickhouse_, options_.database, names_);
  if (!stored) return std::unexpected(stored.error());
  if (!steps->empty()) SIGHTLINE_TRY(Redo(*steps, *stored));
  SIGHTLINE_TRY(ReadOn(*stored, end));
  matched_to_ = end;
  stored_times_.emplace_back(end, clock_.MonotonicNanos());
  next_step_nanos_ = clock_.MonotonicNanos() + options_.step_nanos;
  return more_to_come_ ? Result<void>() : WriteStep(end);
}

// Spans of blocks before stay uncounted. Where it begins must be known before the first edge is there.
Result<void> GraphWriter::BeginAt(uint64_t block) {
  last_ = {.matched_after = block,
           .matched_to = block,
           .expired_after = block,
           .expired_to = block,
           .day = otlp::DayOf(clock_.UnixNanos())};
  matched_to_ = block;
  if (!more_to_come_) return {};
  std::vector<otlp::TableBlock> tables;
  edges_.Finish(block, tables, last_);
  return InsertUntilStored(block, tables, true);
}

// In their order: the last, behind those that added spans which it found waiting. None: the graph has not begun.
Result<std::vector<GraphWriter::Step>> GraphWriter::ReadSteps() {
  const auto read = [&](const std::string& where) -> Result<std::vector<Step>> {
    const auto rows = clickhouse_.Rows(fmt::format(
        "SELECT Block, MatchedAfter, MatchedTo, ExpiredAfter, ExpiredTo FROM {}.{} WHERE Seconds = 0 AND {}",
        options_.database, otlp::ServiceGraphEdgesTable::kName, where));
    if (!rows) return Wrap("read where the service graph ends", rows.error());
    std::vector<Step> steps;
    for (const std::vector<std::string>& row : *rows) {
      steps.push_back({.block = ToNumber(row.at(0)),
                       .step = {.matched_after = ToNumber(row.at(1)),
                                .matched_to = ToNumber(row.at(2)),
                                .expired_after = ToNumber(row.at(3)),
                                .expired_to = ToNumber(row.at(4))}});
    }
    return steps;
  };
  const auto last = read("Block > 0 AND MatchedTo > 0 ORDER BY Block DESC LIMIT 1");
  if (!last || last->empty()) return last;
  const Step& step = last->front();
  auto steps = read(fmt::format("Block > {0} AND Block < {1} AND MatchedTo > {0} ORDER BY Block LIMIT 1 BY Block",
                                step.step.expired_after, step.block));
  if (steps) steps->push_back(step);
  return steps;
}

// The last step once more: its inserts of some days may be missing. Leaves the matcher as it was behind it. Those
// before it are gone through, as what waited may have met its other side in a block that they expired; they are not
// counted.
Result<void> GraphWriter::Redo(const std::vector<Step>& steps, const StoredGraphSpans& stored) {
  matched_to_ = steps.front().step.expired_after;
  const auto read = [&](uint64_t to, sample::CallCounter* counter) -> Result<void> {
    SIGHTLINE_TRY(stored.ForEach(matched_to_, to, [&](uint64_t block, const sample::CallMatcher::Span& span) {
      if (block != std::exchange(matched_to_, block) && IsStopping()) return false;
      matcher_.Add(block, span, counter);
      return true;
    }));
    matched_to_ = to;
    return {};
  };
  for (const Step& step : steps) {
    edges_.Clear();  // of what the one before expired
    SIGHTLINE_TRY(read(step.step.matched_after, nullptr));
    SIGHTLINE_TRY(read(step.step.matched_to, step.block == steps.back().block ? &counter_ : nullptr));
    matcher_.Expire(step.step.expired_to, counter_);
  }
  const Step& last = steps.back();
  if (!edges_.edges().empty()) {
    std::vector<otlp::TableBlock> tables;
    edges_.Finish(last.block, tables, last.step);
    SIGHTLINE_TRY(InsertUntilStored(last.block, tables, true));
  }
  counts_ = {};  // they were counted by the last run
  last_ = last.step;
  return {};
}

// What was stored behind the last step.
Result<void> GraphWriter::ReadOn(const StoredGraphSpans& stored, uint64_t end) {
  Result<void> written;
  const Result<void> read =
      stored.ForEach(matched_to_, end, [&](uint64_t block, const sample::CallMatcher::Span& span) {
        const bool is_next = block != matched_to_;
        const bool is_much = matcher_.waiting() > options_.waiting_spans_max || edges_.edges().bytes() > kEdgeBytesMax;
        if (is_next && IsStopping()) return false;
        if (is_next && is_much) {
          written = WriteStep(DueBlock());  // all of the block before is in
          if (!written) return false;
        }
        matched_to_ = block;
        matcher_.Add(block, span, &counter_);
        return true;
      });
  if (!written) return written;
  return read;
}

bool GraphWriter::IsStopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

}  // namespace sightline::store
