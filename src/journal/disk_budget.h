// Disk that several journals share.
#pragma once

#include <atomic>
#include <cstdint>

namespace sightline::journal {

// Each of them looks here before it appends, and says afterwards how much it takes. As they do so apart, the sum may
// pass the limit by one frame of each. Thread: any.
class DiskBudget {
 public:
  explicit DiskBudget(uint64_t bytes_max) : bytes_max_(bytes_max) {}

  void Change(uint64_t from, uint64_t to) { used_.fetch_add(to - from, std::memory_order_relaxed); }

  // What the others leave to one that takes `own` bytes now, these included.
  uint64_t LeftFor(uint64_t own) const {
    // `own` may be older than the sum, if that was lowered in between.
    const uint64_t used = used_.load(std::memory_order_relaxed);
    const uint64_t others = used > own ? used - own : 0;
    return others < bytes_max_ ? bytes_max_ - others : 0;
  }

 private:
  const uint64_t bytes_max_;
  std::atomic<uint64_t> used_ = 0;
};

}  // namespace sightline::journal
