// Sightline's own metrics, stored in itself under service.name=sightline: a snapshot of the registry as an OTLP metrics
// request that takes the same way as everybody's (scan, journal, store).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/memory_budget.h"
#include "base/metrics.h"
#include "receive/sink.h"

namespace sightline::serve {

// A serialized ExportMetricsServiceRequest. Counters become cumulative monotonic sums that start at `start_unix_nanos`.
std::string SelfMetricsRequest(const std::vector<MetricsRegistry::Sample>& samples, const std::string& version,
                               const std::string& instance_id, int64_t start_unix_nanos, int64_t now_unix_nanos);

// Thread: its own.
class SelfExporter {
 public:
  struct Options {
    int64_t interval_nanos = 10'000'000'000;  // 0: off
    std::string version;
    std::string instance_id;  // "host:pid" or the like; a restart is a new stream
  };
  SelfExporter(Options options, MetricsRegistry& metrics, receive::Sink& sink, MemoryBudget& budget,
               const Clock& clock);
  ~SelfExporter();

 private:
  void Run();
  void ExportOnce();

  const Options options_;
  MetricsRegistry& metrics_;
  receive::Sink& sink_;
  MemoryBudget& budget_;
  const Clock& clock_;
  const int64_t start_unix_nanos_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace sightline::serve
