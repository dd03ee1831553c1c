// A lock of one byte for a few instructions under it: cheaper than a mutex where it is almost never contended.
#pragma once

#include <sched.h>

#include <atomic>

namespace otel::internal {

// Nothing that may block is done under it.
class SpinLock {
 public:
  void lock() noexcept {
    int looks = 0;
    while (locked_.exchange(true, std::memory_order_acquire)) {
      while (locked_.load(std::memory_order_relaxed)) {
        if (++looks > kLooksBeforeYield) sched_yield();  // its holder may wait for this core
      }
    }
  }
  bool try_lock() noexcept { return !locked_.exchange(true, std::memory_order_acquire); }
  void unlock() noexcept { locked_.store(false, std::memory_order_release); }

 private:
  static constexpr int kLooksBeforeYield = 100;

  std::atomic<bool> locked_ = false;
};

}  // namespace otel::internal
