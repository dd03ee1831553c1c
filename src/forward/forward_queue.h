// Journalled frames of one stream -> a backend: collect, manifest, send, done. What waits is in the journal only.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "forward/exporter.h"
#include "forward/outgoing.h"
#include "journal/journal.h"
#include "otlp/signal.h"

namespace sightline::forward {

struct QueueOptions {
  uint64_t request_bytes_max = 2 << 20;   // of a request to the backend; gRPC servers take 4 MiB by default
  int64_t age_nanos_max = 200'000'000;    // of the oldest frame that waits for others
  int64_t retry_nanos_min = 500'000'000;  // before the first repetition; doubles
  int64_t retry_nanos_max = 30'000'000'000;
};

struct QueueContext {
  journal::Journal& journal;
  MetricsRegistry& metrics;
  const Clock& clock;
  std::atomic<uint64_t>& next_block;
};

journal::Manifest MakeManifest(uint64_t block, otlp::Signal signal, journal::BlockKind kind,
                               std::vector<uint64_t> frames);

// One thread sends batches in order of age, one at a time: a manifest, the requests, and when all are answered a done
// mark. A batch is tried until it is taken or refused for good. Without an exporter batches are done at once.
// Thread: its own; Push, Drain and the gauges from any.
class ForwardQueue {
 public:
  struct Frame {
    uint64_t number = 0;
    uint32_t bytes = 0, items = 0;  // 0: not known
  };

  ForwardQueue(otlp::Signal signal, journal::BlockKind kind, const QueueOptions& options, const QueueContext& context,
               std::unique_ptr<Exporter> exporter);
  ~ForwardQueue();  // stops without sending what waits: the journal has it

  // Before Start: blocks of the last run, which may have been sent.
  void Resume(journal::Manifest block) { resumed_.push_back(std::move(block)); }
  void Start();

  void Push(Frame frame);

  // Sends what waits without regard to age. False if it is not all answered by `deadline_monotonic_nanos`, or as soon
  // as the backend is found to be away.
  bool Drain(int64_t deadline_monotonic_nanos);

 private:
  // Frames that are delivered and done together.
  struct Batch {
    std::vector<uint64_t> frames;
    std::vector<OutgoingRequest> requests;
    uint64_t bytes = 0;
  };
  void Run();
  std::vector<Frame> TakeFrames();  // waits; empty when stopping
  void Resume();
  void Process(const std::vector<Frame>& frames);
  std::vector<OutgoingRequest> Read(const Frame& frame);
  void Deliver(Batch batch);
  void Deliver(const journal::Manifest& manifest, std::vector<OutgoingRequest> requests);
  bool SendUntilAnswered(const OutgoingRequest& request);
  void Settle(const OutgoingRequest& request, const Answer& answer);
  bool WriteUntilDone(const char* step, const std::function<Result<void>()>& write);
  int64_t NextWait(int64_t& wait, std::optional<int64_t> asked);
  bool Sleep(int64_t nanos);
  double LagSeconds();

  const otlp::Signal signal_;
  const journal::BlockKind kind_;
  const QueueOptions options_;
  QueueContext context_;
  const std::unique_ptr<Exporter> exporter_;
  std::minstd_rand random_{std::random_device{}()};
  std::deque<journal::Manifest> resumed_;
  struct Counters {
    Counter &requests, &items, &rejected, &refused, &unreadable;
  };
  const Counters counters_;

  std::mutex mutex_;
  std::condition_variable wake_, drained_;
  struct Queued {
    Frame frame;
    int64_t queued_monotonic_nanos = 0;
  };
  std::deque<Queued> queue_;  // guarded by mutex_, as all below
  uint64_t queued_bytes_ = 0;
  int64_t working_since_nanos_ = 0;  // when the oldest frame of the batch under way was queued; 0 if none is
  bool draining_ = false;
  bool is_away_ = false;  // the last try had no success

  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace sightline::forward
