#include "common/clock.h"

namespace otel::internal {

constinit std::atomic<int64_t> WallOffset::offset_ = 0;
constinit std::atomic<int64_t> WallOffset::valid_until_ = INT64_MIN;

int64_t WallOffset::Measure() {
  // Between two reads of the steady clock; the closest pair of a few, as the thread may lose its core between them.
  constexpr int kTries = 3;
  int64_t best_gap = INT64_MAX, offset = 0, steady = SteadyNanos();
  for (int i = 0; i < kTries; ++i) {
    const int64_t wall = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
    const int64_t after = SteadyNanos();
    if (after - steady < best_gap) {
      best_gap = after - steady;
      offset = wall - (steady + best_gap / 2);
    }
    steady = after;
  }
  offset_.store(offset, std::memory_order_relaxed);
  valid_until_.store(steady + kValidNanos, std::memory_order_release);
  return offset;
}

}  // namespace otel::internal
