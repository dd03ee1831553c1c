// The time of spans and records: one read of the steady clock, placed in wall time by an offset that all share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "otel/exporter.h"

namespace otel::internal {

inline int64_t SteadyNanos() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// What is added to the steady clock to get the wall clock. It is measured anew every second, so that the wall clock's
// steps are followed. Who measures a duration asks once and keeps it: then no step falls into the duration.
// Thread: any.
class WallOffset {
 public:
  static int64_t At(int64_t steady_nanos) {
    if (steady_nanos < valid_until_.load(std::memory_order_acquire)) [[likely]] {
      return offset_.load(std::memory_order_relaxed);
    }
    return Measure();
  }

 private:
  static constexpr int64_t kValidNanos = 1'000'000'000;

  static int64_t Measure();

  static constinit std::atomic<int64_t> offset_;
  static constinit std::atomic<int64_t> valid_until_;
};

inline UnixNanos NowNanos() {
  const int64_t steady = SteadyNanos();
  return steady + WallOffset::At(steady);
}

}  // namespace otel::internal
