// One block of the journal to a backend: manifest, requests, done mark; each step repeated until it is done.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "forward/backoff.h"
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
  journal::Journal& outbox;
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

  // False: stopped before the done mark; the next start finds the manifest without it, and sends again.
  bool Run(const journal::Manifest& manifest, const std::vector<OutgoingRequest>& requests);

  void Stop() { backoff_.Stop(); }
  bool stopping() const { return backoff_.stopped(); }
  bool is_away() const;  // for a while no try has had success

 private:
  bool SendUntilAnswered(const OutgoingRequest& request);
  void Settle(const OutgoingRequest& request, const Answer& answer);
  bool WriteUntilDone(const char* step, const std::function<Result<void>()>& write);

  const otlp::Signal signal_;
  QueueContext context_;
  const std::unique_ptr<Exporter> exporter_;
  struct Counters {
    Counter &requests, &items, &rejected, &refused;
  };
  const Counters counters_;
  std::atomic<int64_t> away_since_nanos_ = 0;  // monotonic; 0: the last try had success
  Backoff backoff_;
};

}  // namespace sightline::forward
