// Counts spans while requests are received. Data: journalled requests with undecided spans -> SpanCounts, and which
// frames they are of.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

#include "forward/span_counts.h"
#include "otlp/scan.h"

namespace sightline::forward {

// Thread: any.
class RequestCounter {
 public:
  // Not enabled: only frames are noted.
  // `dimensions` must outlive it.
  RequestCounter(bool enabled, uint32_t series_max, const std::vector<otlp::Dimension>& dimensions);

  // `scan` has heads. Returns the bytes of all requests since Take, this one included.
  uint64_t Add(uint64_t frame, std::string_view request, const otlp::Scan& scan);
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

  struct Counted {
    SpanCounts counts;
    std::vector<uint64_t> frames;
  };
  Counted Take();  // and begins anew

 private:
  // Receiving threads take whichever is free.
  struct Slot {
    explicit Slot(SpanCounts none) : counted{std::move(none), {}} {}
    std::mutex mutex;
    Counted counted;  // guarded by mutex
  };

  const bool enabled_;
  const uint32_t series_max_;
  const std::vector<otlp::Dimension>& dimensions_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::atomic<uint64_t> bytes_ = 0;
};

}  // namespace sightline::forward
