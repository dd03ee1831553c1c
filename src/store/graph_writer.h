// The service graph where every span is kept: matches the spans of blocks that were stored, and writes the edges as
// blocks of their own. Data: stored blocks' frames -> Note -> CallMatcher -> every few seconds a block of edges.
//
// Exactly once: each block of edges says from which blocks of spans it was made (otlp::GraphStep), in the insert that
// its edges are in. So the store itself knows what is counted, and a start goes on from its last step: it does that one
// again, as an insert is atomic for one day only and some days may be missing, and then what came behind it, from the
// spans in the store. What a step counts follows from its numbers, from those of the steps before it and from those
// spans, which do not change.
// docs/adr/008-service-graph.md has the reasons.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "sample/call_matcher.h"
#include "store/block_inserter.h"
#include "store/block_plan.h"
#include "store/clickhouse.h"
#include "store/stored_graph_spans.h"

namespace sightline::store {

struct GraphOptions {
  std::string database = "sightline";
  int64_t wait_nanos = 10'000'000'000;  // for a span's other side: SDKs send every 5 s, each at a time of its own
  int64_t step_nanos = 5'000'000'000;   // between blocks of edges
  size_t waiting_spans_max = 500'000;   // in the matcher: beyond it the oldest no longer wait
  size_t queued_spans_max = 500'000;    // on the way to it: beyond it they are read from the store instead
  int64_t refused_wait_nanos = 60'000'000'000;  // before calls that ClickHouse refuses are made anew and tried again
  int64_t future_nanos_max = otlp::TimeRules{}.future_nanos_max;
};

// Thread: its own; Begin from the one that owns it, Note and Add from the writer of spans.
class GraphWriter {
 public:
  // All must outlive it. Nothing happens before Begin.
  GraphWriter(GraphOptions options, ClickHouse& clickhouse, std::atomic<uint64_t>& next_block, MetricsRegistry& metrics,
              const Clock& clock);
  ~GraphWriter();  // stops where it is: the next start goes on
  GraphWriter(const GraphWriter&) = delete;
  GraphWriter& operator=(const GraphWriter&) = delete;

  // All blocks so far are in the store, later ones come through Add. `more_to_come` false: spans are sampled from now
  // on, and counted by the sampler; only what is left of before is finished.
  void Begin(bool more_to_come);

  using Spans = std::vector<sample::CallMatcher::Span>;
  // Of frames that are about to become a block; empty before Begin. Their scans need heads.
  Spans Note(const std::vector<PendingFrame>& frames);
  // A block that is stored now. Numbers rise.
  void Add(uint64_t block, Spans spans);

 private:
  struct Block {
    uint64_t number = 0;
    Spans spans;
    int64_t stored_monotonic_nanos = 0;
  };
  struct Step {
    uint64_t block = 0;
    otlp::GraphStep step;
  };

  void Run();
  Result<void> DoNext(std::unique_lock<std::mutex>& lock);
  void WaitForWork(std::unique_lock<std::mutex>& lock);
  void WaitToRetry(std::unique_lock<std::mutex>& lock, int64_t nanos);
  Result<void> TakeBlock(const Block& block);
  uint64_t DueBlock();
  Result<void> WriteStep(uint64_t expire_to);
  Result<void> InsertUntilStored(uint64_t block, const std::vector<otlp::TableBlock>& tables, bool may_exist);
  bool IsStopping();

  Result<void> CatchUp(uint64_t end);
  Result<std::vector<Step>> ReadSteps();
  Result<void> BeginAt(uint64_t block);
  Result<void> Redo(const std::vector<Step>& steps, const StoredGraphSpans& stored);
  Result<void> ReadOn(const StoredGraphSpans& stored, uint64_t end);

  const GraphOptions options_;
  ClickHouse& clickhouse_;
  BlockInserter inserter_;
  std::atomic<uint64_t>& next_block_;
  const Clock& clock_;
  Counter &calls_, &unpaired_spans_, &early_spans_, &errors_;

  // Of the thread; Note has only the names.
  sample::GraphNames names_;
  sample::GraphEdges edges_{names_};
  sample::GraphCounts counts_;
  sample::CallCounter counter_{edges_, counts_};
  sample::CallMatcher matcher_;
  otlp::GraphStep last_;                                   // that is written
  uint64_t matched_to_ = 0;                                // the last block that the matcher has
  std::deque<std::pair<uint64_t, int64_t>> stored_times_;  // of blocks that are not expired: number, monotonic nanos
  int64_t next_step_nanos_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Block> queue_;  // guarded by mutex_, as all below
  size_t queued_spans_ = 0;
  uint64_t behind_to_ = 0;  // blocks up to it are to be read from the store; 0 before Begin
  bool stopping_ = false;
  // Set before the thread starts, and no more.
  bool more_to_come_ = false;
  uint64_t first_block_ = 0;  // of its own: where the graph begins if the store has none
  std::thread thread_;
};

}  // namespace sightline::store
