// Tail sampling of a running program: shards with a thread each, fed by the receiving threads, whose decisions go into
// the journal and then to whoever stores or forwards what is kept.
// Data: journalled requests with undecided spans -> decided frames in the journal -> DecidedSink.
// docs/adr/007-tail-sampling.md says why each span is decided once, whatever ends the program.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "journal/journal.h"
#include "otlp/scan.h"
#include "sample/dropped_traces.h"
#include "sample/shard.h"

namespace sightline::sample {

// The kept spans of one decided frame. The frame stays in the journal until a block that holds it is done; it must come
// into one even if no span is kept.
struct DecidedSpans {
  uint64_t frame = 0;  // the journal's number of the decided frame
  int64_t received_unix_nanos = 0;
  std::string request;  // ExportTraceServiceRequest
  std::shared_ptr<const Verdicts> verdicts;
  std::string graph;
  MemoryBudget::Reservation reservation;
};

class DecidedSink {
 public:
  virtual ~DecidedSink() = default;
  // Called by the shards' threads. Must not wait.
  virtual void Take(DecidedSpans spans) = 0;
};

struct SamplerOptions {
  uint64_t memory_bytes_max = 256 << 20;    // of undecided spans and of the decision cache
  uint32_t shards = 1;
  uint64_t decided_bytes_max = 4 << 20;  // of kept spans in one decided frame, but for a trace that has more
  DroppedTraces* dropped_traces = nullptr;  // remembers what was sampled out; must outlive the sampler
};

// Thread: any.
class Sampler {
 public:
  // All references must outlive it. What earlier runs left undecided waits anew when this returns: every frame of
  // `unfinished.undecided` is read, and what decided frames say of its spans is obeyed. The sink must be ready.
  static Result<std::unique_ptr<Sampler>> Start(const SamplerOptions& options,
                                                std::shared_ptr<const PolicySet> policies, journal::Journal& journal,
                                                DecidedSink& sink, MemoryBudget& budget, MetricsRegistry& metrics,
                                                const Clock& clock);
  // Stops without deciding what waits: the journal has it.
  ~Sampler();

  // Takes the spans of a frame that is in the journal with `undecided_spans`. `scan` has heads. The reservation is
  // given back when all shards have taken their spans in.
  void Add(uint64_t frame, std::string_view bytes, const otlp::Scan& scan, MemoryBudget::Reservation reservation);

  // Whether more may come: false while the index is well above its limit, because decisions cannot be written.
  bool HasRoom() const;

  // For what comes and for what waits: the latter is read again from the journal.
  void SetPolicies(std::shared_ptr<const PolicySet> policies);
  std::shared_ptr<const PolicySet> policies() const;

  // Ends the deciding: what was handed over is taken in and what is decided is written, or (with
  // drop_pending_traces_on_shutdown) dropped. False if that did not end in time; the next start goes on.
  bool Drain(int64_t deadline_monotonic_nanos);
  // Until nothing waits for a decision, which is soon only if the policies wait for nothing.
  bool WaitUntilAllDecided(int64_t deadline_monotonic_nanos);

  struct Status {
    uint64_t undecided_spans = 0, undecided_traces = 0, memory_bytes = 0;
  };
  Status status() const;
  uint64_t queued_spans() const;  // handed over and not yet taken in

 private:
  struct Worker;
  class Restored;

  Sampler(const SamplerOptions& options, std::shared_ptr<const PolicySet> policies, journal::Journal& journal,
          DecidedSink& sink, MemoryBudget& budget, MetricsRegistry& metrics, const Clock& clock);
  Result<void> Restore();
  void AddSpans(uint64_t frame, std::string_view bytes, const otlp::Scan& scan, MemoryBudget::Reservation reservation,
                const Restored* restored);
  void MatchAgain(const FrameHold& hold, const PolicySet& policies, const std::function<void(ArrivedSpan&&)>& visit);
  void Run(Worker& worker);
  void Work(Worker& worker, std::vector<SpanBatch> batches, bool draining);
  bool Decide(Worker& worker, const Shard::Now& now);
  bool Flush(Worker& worker, bool draining);
  Result<uint64_t> Append(std::string_view bytes, int64_t received_unix_nanos);
  void Release(const PendingDecisions& decisions);
  uint32_t ShardOf(uint64_t trace_hash) const;
  bool WaitFor(int64_t deadline_monotonic_nanos, const std::function<bool()>& is_done);
  Shard::Now Now() const { return {clock_.MonotonicNanos(), clock_.UnixNanos()}; }

  const SamplerOptions options_;
  journal::Journal& journal_;
  DecidedSink& sink_;
  MemoryBudget& budget_;
  MetricsRegistry& metrics_;
  const Clock& clock_;
  SamplingCounters counters_;
  GraphNames graph_names_;
  Counter& unreadable_spans_;
  Counter& append_errors_;

  mutable std::mutex policies_mutex_;
  std::shared_ptr<const PolicySet> policies_;  // guarded by policies_mutex_
  std::atomic<uint64_t> policies_version_ = 1;

  std::atomic<uint64_t> hold_bytes_ = 0;
  std::atomic<bool> draining_ = false, stopping_ = false;
  std::mutex progress_mutex_;
  std::condition_variable progress_;  // a worker has done something that somebody may wait for
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace sightline::sample
