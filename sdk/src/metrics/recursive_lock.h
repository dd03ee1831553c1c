// A lock that its holder may take again, and that the child of a fork may release: std::recursive_mutex knows its
// holder by a number that is another one there.
#pragma once

#include <atomic>
#include <mutex>
#include <new>
#include <thread>

namespace otel::internal {

class RecursiveLock {
 public:
  void lock() {
    const auto self = std::this_thread::get_id();
    if (holder_.load(std::memory_order_relaxed) != self) {
      mutex_.lock();
      holder_.store(self, std::memory_order_relaxed);
    }
    ++depth_;
  }
  void unlock() {
    if (--depth_ > 0) return;
    holder_.store(std::thread::id(), std::memory_order_relaxed);
    mutex_.unlock();
  }
  // In the child of a fork: of a thread that is not here it is free now.
  void ReleaseInChild() {
    if (holder_.load(std::memory_order_relaxed) != std::this_thread::get_id()) new (this) RecursiveLock;
  }

 private:
  std::mutex mutex_;
  std::atomic<std::thread::id> holder_;
  int depth_ = 0;  // of the holder
};

}  // namespace otel::internal
