#include "metrics/exponential_buckets.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace otel::internal {
namespace {

constexpr int kFractionBits = 52;
constexpr int32_t kExponentBias = 1023;
constexpr uint64_t kFractionMask = (uint64_t{1} << kFractionBits) - 1;

}  // namespace

int32_t ExponentialIndex(double value, int32_t scale) {
  const auto bits = std::bit_cast<uint64_t>(value);
  int32_t exponent = static_cast<int32_t>(bits >> kFractionBits) - kExponentBias;
  uint64_t fraction = bits & kFractionMask;
  if (exponent == -kExponentBias) {  // subnormal: its highest bit becomes the one before the point
    const int shift = std::countl_zero(fraction) - (63 - kFractionBits);
    fraction = (fraction << shift) & kFractionMask;
    exponent = 1 - kExponentBias - shift;
  }
  if (scale <= 0) return (fraction == 0 ? exponent - 1 : exponent) >> -scale;
  const int32_t per_octave = int32_t{1} << scale;
  const int32_t octave = exponent * per_octave;
  if (fraction == 0) return octave - 1;
  // Only the logarithm of the fraction is inexact, so values of any size are equally right.
  const auto significand = std::bit_cast<double>(fraction | uint64_t{kExponentBias} << kFractionBits);
  const auto within = static_cast<int32_t>(std::ceil(std::log2(significand) * per_octave)) - 1;
  return octave + std::clamp(within, 0, per_octave - 1);
}

void ExponentialCounts::Add(int64_t index, uint64_t count) {
  if (counts_.empty()) {
    counts_.resize(4);
    first_ = last_ = index;
  } else if (index < first_ || index > last_) {
    const int64_t first = std::min(first_, index), last = std::max(last_, index);
    const auto width = static_cast<size_t>(last - first + 1);
    if (width > counts_.size()) Rebuild(std::max(width, 2 * counts_.size()), 0);
    first_ = first;
    last_ = last;
  }
  counts_[Place(index)] += count;
}

void ExponentialCounts::Downscale(int32_t times) {
  if (!empty()) Rebuild(counts_.size(), times);
}

void ExponentialCounts::Rebuild(size_t size, int32_t shift) {
  ExponentialCounts rebuilt;
  rebuilt.counts_.resize(size);
  rebuilt.first_ = first_ >> shift;
  rebuilt.last_ = last_ >> shift;
  for (int64_t index = first_; index <= last_; ++index) rebuilt.counts_[rebuilt.Place(index >> shift)] += at(index);
  *this = std::move(rebuilt);
}

ExponentialBuckets ExponentialCounts::Dense() const {
  ExponentialBuckets dense;
  if (empty()) return dense;
  dense.offset = static_cast<int32_t>(first_);
  dense.counts.reserve(static_cast<size_t>(last_ - first_ + 1));
  for (int64_t index = first_; index <= last_; ++index) dense.counts.push_back(at(index));
  return dense;
}

int32_t HalvingsToFit(int64_t first, int64_t last, int64_t size) {
  int32_t halvings = 0;
  while ((last >> halvings) - (first >> halvings) >= size) ++halvings;
  return halvings;
}

void ExponentialScaled::Downscale(int32_t times) {
  if (times == 0) return;
  positive.Downscale(times);
  negative.Downscale(times);
  scale -= times;
}

void ExponentialScaled::Add(bool is_negative, int64_t index, int32_t max_size) {
  ExponentialCounts& counts = is_negative ? negative : positive;
  if (!counts.empty() && (index < counts.first() || index > counts.last())) {
    const int32_t halvings = HalvingsToFit(std::min(index, counts.first()), std::max(index, counts.last()), max_size);
    Downscale(halvings);
    index >>= halvings;
  }
  counts.Add(index, 1);
}

void ExponentialScaled::Merge(const ExponentialScaled& other, int32_t max_size) {
  zero_count += other.zero_count;
  int32_t target = std::min(scale, other.scale);
  const auto fit = [&](const ExponentialCounts& mine, const ExponentialCounts& others) {
    if (mine.empty() || others.empty()) return;
    const int32_t shift = scale - target, others_shift = other.scale - target;
    target -= HalvingsToFit(std::min(mine.first() >> shift, others.first() >> others_shift),
                            std::max(mine.last() >> shift, others.last() >> others_shift), max_size);
  };
  fit(positive, other.positive);
  fit(negative, other.negative);
  Downscale(scale - target);
  const auto add = [&](ExponentialCounts& mine, const ExponentialCounts& others) {
    if (others.empty()) return;
    for (int64_t index = others.first(); index <= others.last(); ++index) {
      if (const uint64_t count = others.at(index)) mine.Add(index >> (other.scale - target), count);
    }
  };
  add(positive, other.positive);
  add(negative, other.negative);
}

}  // namespace otel::internal
