// What a tracer provider's options say, as tracers and spans use them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "common/arena.h"
#include "otel/tracer_provider.h"

namespace otel::internal {

// Immutable.
struct TracePipeline {
  TracerProviderOptions options;
  size_t value_length_max = Arena::kNoLimit;
};

// Neither it nor its pipelines are ever freed, as tracers and spans of any thread may use them without counting; a
// pipeline that was shut down holds no more than its options and processors without exporters.
// Thread: any.
class TracerProviderState {
 public:
  // Never destroyed.
  static TracerProviderState* New();

  // Null before Start and after Shutdown.
  const TracePipeline* pipeline() const { return pipeline_.load(std::memory_order_acquire); }

  void Start(TracerProviderOptions options);
  bool ForceFlush(Deadline deadline);
  bool Shutdown(Deadline deadline);

 private:
  TracerProviderState() = default;

  std::atomic<const TracePipeline*> pipeline_ = nullptr;
  std::mutex mutex_;
  std::vector<std::unique_ptr<const TracePipeline>> all_;  // guarded by mutex_
};

}  // namespace otel::internal
