// The way of an accepted request through a gateway: journal, tail sampling, the queues to the backend; and its replay
// after a crash.
// Data: receive::Export -> outbox frame (then the client is answered) -> ForwardQueue. With tail sampling spans go
// another way: journal frame (answer) -> sampler -> decided frame -> Handover -> outbox frame -> ForwardQueue.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_set>

#include "base/clock.h"
#include "base/error.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "forward/counts_queue.h"
#include "forward/exporter.h"
#include "forward/forward_queue.h"
#include "forward/handover.h"
#include "journal/admission.h"
#include "journal/journal.h"
#include "receive/sink.h"
#include "sample/sampler.h"

namespace sightline::forward {

struct IntakeOptions {
  std::string data_directory;  // whose file system must keep disk_free_bytes_min free
  uint64_t disk_free_bytes_min = 1ULL << 30;
  ExporterOptions exporter;
  QueueOptions queue;
  CountsOptions counts;  // of spans before tail sampling; without sampling the backend can count
  std::shared_ptr<const sample::PolicySet> policies;  // of tail sampling; null: every span is forwarded
  sample::SamplerOptions sampler;
};

// What waits for a decision is in the journal, what waits for the backend in the outbox, which is a journal too.
struct Journals {
  journal::Journal& journal;
  journal::Journal& outbox;
};

// Thread: Accept from any; the rest from the thread that owns it.
class Intake final : public receive::Sink, private sample::DecidedSink {
 public:
  // What the last run left is in its queues when this returns, or is for the handover to finish first: it is sent from
  // now on, oldest first. All references must outlive it.
  static Result<std::unique_ptr<Intake>> Start(IntakeOptions options, const Journals& journals, MemoryBudget& budget,
                                               MetricsRegistry& metrics, const Clock& clock);
  ~Intake() override;

  void Accept(receive::Export request, std::function<void(Result<void>)> done) override;
  int64_t OldestKept(otlp::Signal, int64_t) const override { return 0; }  // what is old is for the backend to refuse
  otlp::SpanHeads span_heads() const override {
    return sampler_ == nullptr ? otlp::SpanHeads::kSkip : otlp::SpanHeads::kNote;
  }
  sample::Sampler* sampler() { return sampler_.get(); }  // null: every span is forwarded

  // Call after the receivers have stopped. False if something is still only in the journal (the next start sends it):
  // traces that wait for a decision do not count.
  bool Drain(int64_t timeout_nanos);

  uint64_t accepted_bytes() const { return accepted_bytes_.load(std::memory_order_relaxed); }  // since start

 private:
  Intake(IntakeOptions options, const Journals& journals, MemoryBudget& budget, MetricsRegistry& metrics,
         const Clock& clock);
  Result<void> OpenQueues();
  Result<std::unique_ptr<Exporter>> CreateExporter() const;
  void TakeUpOutbox(const std::unordered_set<uint64_t>& held_back);
  Result<void> StartSampler();
  Result<void> KeepWhatIsUndecided();
  void PushAccepted(uint64_t number, receive::Export request);
  void Take(sample::DecidedSpans spans) override;
  ForwardQueue& QueueOf(otlp::Signal signal) { return *queues_[static_cast<size_t>(signal)]; }

  const IntakeOptions options_;
  journal::Journal& journal_;
  journal::Journal& outbox_;
  MemoryBudget& budget_;
  MetricsRegistry& metrics_;
  const Clock& clock_;
  std::atomic<uint64_t> next_block_ = 1;
  std::unique_ptr<CountsQueue> counts_;
  std::array<std::unique_ptr<ForwardQueue>, 3> queues_;  // by otlp::Signal
  std::unique_ptr<Handover> handover_;
  std::unique_ptr<sample::Sampler> sampler_;

  std::atomic<uint64_t> accepted_bytes_ = 0;

  std::unique_ptr<journal::Admission> admission_;  // last: while it waits for answers, all else must be there
};

}  // namespace sightline::forward
