// The buckets of base-2 exponential histograms: which one a value falls into, and counts that keep to a maximum of
// buckets by giving up resolution. https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "metrics/cache_line.h"
#include "otel/metric_data.h"

namespace otel::internal {

// The index i with base^i < value <= base^(i + 1), where base = 2^(2^-scale). For finite values above 0. Exact for
// scales up to 0 and for powers of two, otherwise off by one at most where the value lies within a rounding error of a
// boundary.
int32_t ExponentialIndex(double value, int32_t scale);

// Counts by index, of one sign.
class ExponentialCounts {
 public:
  bool empty() const { return counts_.empty(); }
  int64_t first() const { return first_; }
  int64_t last() const { return last_; }

  void Add(int64_t index, uint64_t count);
  uint64_t at(int64_t index) const { return counts_[Place(index)]; }
  // Halves the resolution so many times: each 2^times buckets become one.
  void Downscale(int32_t times);
  ExponentialBuckets Dense() const;

 private:
  // A ring: each index within [first, last] has the place of its own that its remainder gives.
  size_t Place(int64_t index) const {
    const auto size = static_cast<int64_t>(counts_.size());
    const int64_t remainder = index % size;
    return static_cast<size_t>(remainder < 0 ? remainder + size : remainder);
  }
  void Rebuild(size_t size, int32_t shift);

  std::vector<uint64_t, LineAllocator<uint64_t>> counts_;
  int64_t first_ = 0, last_ = 0;
};

// How often the resolution must be halved until indexes from first to last are at most `size` buckets.
int32_t HalvingsToFit(int64_t first, int64_t last, int64_t size);

// Both signs, with one scale: always the largest one with which neither sign needs more than max_size buckets.
struct ExponentialScaled {
  int32_t scale = 0;
  uint64_t zero_count = 0;
  ExponentialCounts positive, negative;

  // One value more, with the index of its magnitude at the present scale.
  void Add(bool is_negative, int64_t index, int32_t max_size);
  void Merge(const ExponentialScaled& other, int32_t max_size);

 private:
  void Downscale(int32_t times);
};

}  // namespace otel::internal
