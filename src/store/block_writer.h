// Journalled frames of one stream -> blocks in the store: collect, plan, manifest, insert, done.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "journal/journal.h"
#include "otlp/block_builder.h"
#include "otlp/signal.h"
#include "store/block_inserter.h"
#include "store/block_plan.h"
#include "store/graph_writer.h"
#include "store/refused_blocks.h"

namespace sightline::store {

// What all writers share.
struct WriterContext {
  journal::Journal& journal;
  BlockInserter& inserter;
  RefusedBlocks& refused;
  MetricsRegistry& metrics;
  const Clock& clock;
  std::atomic<uint64_t>& next_block;
  GraphWriter* graph = nullptr;  // gets the spans of stored blocks
};

struct WriterOptions {
  otlp::BlockBuilder::Options builder;
  uint64_t block_rows_max = 50'000;
  uint64_t block_bytes_max = 25'000'000;        // of request bytes
  uint64_t block_column_bytes_max = 256 << 20;  // of columns: items of very many days need memory for each day
  int64_t block_age_nanos_max = 1'000'000'000;  // of the oldest frame that waits
};

// One thread collects frames and writes a block when rows, bytes or age reach their limit. What waits is bounded by the
// memory budget that the frames' reservations belong to; a store that does not take blocks therefore ends in push-back
// at the door. Thread: its own; Push, Drain and the gauges from any.
class BlockWriter {
 public:
  BlockWriter(const Stream& stream, WriterOptions options, WriterContext context);
  ~BlockWriter();  // stops without draining: the journal has what is left

  void Push(PendingFrame frame);

  // Writes what waits without regard to age; false if it is not all stored by `deadline_monotonic_nanos`.
  bool Drain(int64_t deadline_monotonic_nanos);

 private:
  void Run();
  std::vector<PendingFrame> TakeBlock();  // waits; empty when stopping
  void WaitForFrames(std::unique_lock<std::mutex>& lock);
  bool BlockIsDue(int64_t now) const;
  void WriteFrames(std::vector<PendingFrame> frames);
  void WriteBlock(uint64_t block, std::vector<PendingFrame> frames);
  enum class Outcome : uint8_t { kDone, kRefused, kStopped };
  Outcome Persist(const char* step, const std::function<Result<void>(bool is_retry)>& action);
  bool SetAside(const journal::Manifest& manifest, const std::vector<otlp::TableBlock>& tables);
  double LagSeconds();
  void PublishRepairs();

  const Stream stream_;
  const WriterOptions options_;
  WriterContext context_;
  std::unique_ptr<otlp::BlockBuilder> builder_;
  otlp::RepairCounts published_repairs_;
  uint64_t published_overflowed_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_, drained_;
  std::deque<PendingFrame> queue_;  // guarded by mutex_, as all below
  uint64_t queued_items_ = 0, queued_bytes_ = 0;
  int64_t writing_since_nanos_ = 0;  // when the oldest frame of the block being written was queued; 0 if none is
  bool draining_ = false, stopping_ = false;

  std::thread thread_;
};

}  // namespace sightline::store
