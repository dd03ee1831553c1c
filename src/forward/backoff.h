// Pauses between tries, which a stop ends.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>

namespace sightline::forward {

// Thread: Next and Sleep on one; the rest from any.
class Backoff {
 public:
  Backoff(int64_t nanos_min, int64_t nanos_max) : nanos_min_(nanos_min), nanos_max_(nanos_max), wait_(nanos_min) {}

  void Reset() { wait_ = nanos_min_; }

  // Exponential with jitter: gateways that lost one backend at the same time should not all return at the same time.
  // What the other side asks for is the least.
  int64_t Next(std::optional<int64_t> asked = std::nullopt) {
    const int64_t base = asked ? *asked : wait_ / 2;
    const int64_t jitter = std::uniform_int_distribution<int64_t>(0, asked ? nanos_min_ : wait_)(random_);
    wait_ = std::min(2 * wait_, nanos_max_);
    return base + jitter;
  }

  // False: stopped.
  bool Sleep(int64_t nanos) {
    std::unique_lock lock(mutex_);
    stop_.wait_for(lock, std::chrono::nanoseconds(nanos), [this] { return stopped_.load(); });
    return !stopped_;
  }

  void Stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    stop_.notify_all();
  }
  bool stopped() const { return stopped_; }

 private:
  const int64_t nanos_min_, nanos_max_;
  int64_t wait_;
  std::minstd_rand random_{std::random_device{}()};
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::condition_variable stop_;
};

}  // namespace sightline::forward
