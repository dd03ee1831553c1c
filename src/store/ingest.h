// The way of an accepted request from the receiver into the store, and its replay after a crash.
// Data: receive::Export -> journal frame (then the client is answered) -> BlockWriter of its stream -> ClickHouse; with
// tail sampling spans go to the sampler and to span metrics instead, and come back as the kept spans of decided frames.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "journal/admission.h"
#include "journal/journal.h"
#include "receive/sink.h"
#include "sample/sampler.h"
#include "store/block_inserter.h"
#include "store/block_writer.h"
#include "store/clickhouse.h"
#include "store/graph_writer.h"
#include "store/journal_frames.h"
#include "store/refused_blocks.h"

namespace sightline::store {

struct IngestOptions {
  std::string database = "sightline";
  std::string data_directory;  // whose file system must keep disk_free_bytes_min free
  WriterOptions writer;
  std::array<int64_t, 3> retention_nanos{};           // by otlp::Signal; 0: forever
  uint64_t disk_free_bytes_min = 1ULL << 30;          // below it nothing is accepted
  uint64_t refused_bytes_max = 1ULL << 30;            // of blocks that ClickHouse refuses, in data_directory/refused
  std::shared_ptr<const sample::PolicySet> policies;  // of tail sampling; null: every span is kept
  sample::SamplerOptions sampler;
  GraphOptions graph;  // of its own: the database, and future_nanos_max, are taken from the others
};

// Thread: Accept from any; the rest from the thread that owns it.
class Ingest final : public receive::Sink, private sample::DecidedSink {
 public:
  // Finishes what a crash left in the journal (all of it is stored when this returns), then is ready to accept. All
  // references must outlive it.
  static Result<std::unique_ptr<Ingest>> Start(IngestOptions options, journal::Journal& journal, ClickHouse& clickhouse,
                                               MemoryBudget& budget, MetricsRegistry& metrics, const Clock& clock);
  ~Ingest() override;

  void Accept(receive::Export request, std::function<void(Result<void>)> done) override;
  int64_t OldestKept(otlp::Signal signal, int64_t now_unix_nanos) const override;

  // For the sampler, else for the service graph.
  otlp::SpanHeads span_heads() const override { return otlp::SpanHeads::kNote; }
  sample::Sampler* sampler() { return sampler_.get(); }  // null: every span is kept

  // Call after the receivers have stopped. Traces that wait for a decision stay in the journal. False if something is
  // still only in the journal (the next start stores it).
  bool Drain(int64_t timeout_nanos);

  struct SignalStatus {
    uint64_t accepted_items = 0;           // since start
    int64_t last_received_unix_nanos = 0;  // 0: nothing yet
  };
  SignalStatus status(otlp::Signal signal) const;
  uint64_t accepted_bytes() const { return accepted_bytes_.load(std::memory_order_relaxed); }  // since start

 private:
  Ingest(IngestOptions options, journal::Journal& journal, ClickHouse& clickhouse, MemoryBudget& budget,
         MetricsRegistry& metrics, const Clock& clock);
  void PushAccepted(otlp::Signal signal, PendingFrame frame);
  Result<void> Recover();
  Result<void> RecoverBlock(const journal::Manifest& manifest);
  Result<ReadBackFrame> ReadBackToStore(uint64_t number);
  Result<void> RequeueFrames();
  Result<void> StartSampler();
  Result<void> KeepWhatIsUndecided();
  BlockWriter& WriterOf(const Stream& stream);
  void Take(sample::DecidedSpans spans) override;
  bool DrainWriters(int64_t deadline_monotonic_nanos);

  const IngestOptions options_;
  journal::Journal& journal_;
  MemoryBudget& budget_;
  MetricsRegistry& metrics_;
  const Clock& clock_;
  BlockInserter inserter_;
  const otlp::PredictionNames prediction_names_;
  std::unique_ptr<RefusedBlocks> refused_;
  std::atomic<uint64_t> next_block_ = 1;
  std::unique_ptr<GraphWriter> graph_;                   // gone after the writers
  std::array<std::unique_ptr<BlockWriter>, 3> writers_;  // by otlp::Signal
  std::unique_ptr<BlockWriter> span_metrics_writer_;     // of spans that wait for decisions
  std::unique_ptr<sample::Sampler> sampler_;

  struct Arrival {
    std::atomic<uint64_t> items = 0;
    std::atomic<int64_t> last_unix_nanos = 0;
  };
  std::array<Arrival, 3> arrivals_;
  std::atomic<uint64_t> accepted_bytes_ = 0;

  std::unique_ptr<journal::Admission> admission_;  // last: while it waits for answers, all else must be there
};

}  // namespace sightline::store
