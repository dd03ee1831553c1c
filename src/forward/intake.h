// The way of an accepted request through a gateway: journal, tail sampling, the queues to the backend; and its replay
// after a crash.
// Data: receive::Export -> journal frame (then the client is answered) -> sampler, for spans -> ForwardQueue.
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

#include "base/clock.h"
#include "base/error.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "forward/counts_queue.h"
#include "forward/exporter.h"
#include "forward/forward_queue.h"
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

// Thread: Accept from any; the rest from the thread that owns it.
class Intake final : public receive::Sink, private sample::DecidedSink {
 public:
  // What the last run left is in its queues when this returns: it is sent from now on, oldest first. All references
  // must outlive it.
  static Result<std::unique_ptr<Intake>> Start(IntakeOptions options, journal::Journal& journal, MemoryBudget& budget,
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
  Intake(IntakeOptions options, journal::Journal& journal, MemoryBudget& budget, MetricsRegistry& metrics,
         const Clock& clock);
  Result<void> OpenQueues();
  Result<std::unique_ptr<Exporter>> CreateExporter() const;
  void Recover();
  Result<void> StartSampler();
  Result<void> KeepWhatIsUndecided();
  void PushAccepted(uint64_t number, receive::Export request);
  void Take(sample::DecidedSpans spans) override;
  ForwardQueue& QueueOf(otlp::Signal signal) { return *queues_[static_cast<size_t>(signal)]; }
  void WatchDisk();
  void CheckDisk();

  const IntakeOptions options_;
  journal::Journal& journal_;
  MemoryBudget& budget_;
  MetricsRegistry& metrics_;
  const Clock& clock_;
  std::atomic<uint64_t> next_block_ = 1;
  std::unique_ptr<CountsQueue> counts_;                  // of requests whose spans wait for decisions
  std::array<std::unique_ptr<ForwardQueue>, 3> queues_;  // by otlp::Signal
  std::unique_ptr<sample::Sampler> sampler_;

  // Requests that the journal has not answered yet. Thread: any.
  class UnderWay {
   public:
    void Enter();
    void Leave();
    bool Wait(std::optional<std::chrono::nanoseconds> timeout);  // until there is none; false: time is over

   private:
    std::mutex mutex_;
    std::condition_variable none_;
    uint64_t count_ = 0;  // guarded by mutex_
  };
  UnderWay under_way_;
  std::atomic<uint64_t> accepted_bytes_ = 0;

  std::atomic<bool> disk_is_low_ = false;
  std::mutex watch_mutex_;
  std::condition_variable watch_wake_;
  bool stopping_ = false;  // guarded by watch_mutex_
  std::thread disk_watch_;
};

}  // namespace sightline::forward
