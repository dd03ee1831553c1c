// One block of the journal to a backend: manifest, requests, done mark; each step repeated until it is done.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
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

// Fault points: forward.{traces,metrics,logs}, each ".begin" and ".end" of a call to the backend.
// Thread: Run on one; Stop and is_away from any.
class Delivery {
 public:
  // Without an exporter nothing is sent.
  Delivery(otlp::Signal signal, const QueueOptions& options, const QueueContext& context,
           std::unique_ptr<Exporter> exporter);

  bool sends() const { return exporter_ != nullptr; }

  // False: stopped before the done mark; the next start finds the manifest without it, and sends again. `before_done`
  // is called when all requests are answered.
  bool Run(const journal::Manifest& manifest, const std::vector<OutgoingRequest>& requests,
           const std::function<void()>& before_done = {});

  void Stop();
  bool stopping() const { return stopping_; }
  bool is_away() const;  // for a while no try has had success

 private:
  bool SendUntilAnswered(const OutgoingRequest& request);
  void Settle(const OutgoingRequest& request, const Answer& answer);
  bool WriteUntilDone(const char* step, const std::function<Result<void>()>& write);
  int64_t NextWait(int64_t& wait, std::optional<int64_t> asked);
  bool Sleep(int64_t nanos);

  const otlp::Signal signal_;
  const QueueOptions options_;
  QueueContext context_;
  const std::unique_ptr<Exporter> exporter_;
  std::minstd_rand random_{std::random_device{}()};
  struct Counters {
    Counter &requests, &items, &rejected, &refused;
  };
  const Counters counters_;
  std::atomic<int64_t> away_since_nanos_ = 0;  // monotonic; 0: the last try had success
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable stop_;
};

}  // namespace sightline::forward
