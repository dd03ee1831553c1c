// Frames of one signal in the outbox -> a backend: collect, manifest, send, done. What waits is in the outbox only.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/metrics.h"
#include "forward/delivery.h"
#include "forward/outgoing.h"
#include "journal/journal.h"
#include "otlp/signal.h"

namespace sightline::forward {

// One thread sends batches in order of age, one at a time: a manifest, the requests, and when all are answered a done
// mark. A batch is tried until it is taken or refused for good. Without an exporter batches are done at once.
// Thread: its own; Push, Drain and the gauges from any.
class ForwardQueue {
 public:
  struct Frame {
    uint64_t number = 0;
    uint32_t bytes = 0, items = 0;  // 0: not known
  };

  ForwardQueue(otlp::Signal signal, const QueueOptions& options, const QueueContext& context,
               std::unique_ptr<Exporter> exporter);
  ~ForwardQueue();  // stops without sending what waits: the outbox has it

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
  OutgoingFrame Read(const Frame& frame);
  static void Append(uint64_t number, OutgoingFrame frame, Batch& batch);
  void Deliver(const journal::Manifest& manifest, Batch batch);
  double LagSeconds();

  const otlp::Signal signal_;
  const QueueOptions options_;
  QueueContext context_;
  Delivery delivery_;
  std::deque<journal::Manifest> resumed_;
  Counter& unreadable_;

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
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace sightline::forward
