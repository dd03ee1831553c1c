#include "query/metric_buckets.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>

namespace sightline::query {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// Beyond these a bucket of any double is one alone, or all are one.
constexpr int kScaleMin = -11, kScaleMax = 40;

double Sum(const std::vector<double>& counts) {
  return std::accumulate(counts.begin(), counts.end(), 0.0);
}

// `part` (0 to 1) of the way from `low` to `high`, both of the same sign and not 0, by the logarithm.
double Geometric(double low, double high, double part) {
  return low * std::pow(high / low, part);
}

// The same counts in finer buckets: `bounds` holds all of those of `buckets`.
std::vector<double> Split(const ExplicitBuckets& buckets, const std::vector<double>& bounds) {
  std::vector<double> counts(bounds.size() + 1);
  counts.back() = buckets.counts.back();
  size_t at = 0;
  for (size_t i = 0; i < buckets.bounds.size(); ++i) {
    const double high = buckets.bounds[i];
    const size_t end = static_cast<size_t>(std::ranges::lower_bound(bounds, high) - bounds.begin());
    // The first bucket begins at 0, or is all at its bound.
    const double low = i > 0 ? buckets.bounds[i - 1] : high > 0 ? 0 : high;
    for (; at < end; ++at) {
      const double from = std::max(low, at > 0 ? bounds[at - 1] : low);
      if (bounds[at] > from && high > low) counts[at] += buckets.counts[i] * (bounds[at] - from) / (high - low);
    }
    const double from = std::max(low, end > 0 ? bounds[end - 1] : low);
    counts[end] += high > low ? buckets.counts[i] * (high - from) / (high - low) : buckets.counts[i];
    at = end + 1;
  }
  return counts;
}

void AddCounts(std::vector<double>& counts, const std::vector<double>& other, double weight) {
  for (size_t i = 0; i < counts.size(); ++i) counts[i] += weight * other[i];
}

// `b` with the scale and the zero bucket of both.
ExponentialBuckets Fitted(const ExponentialBuckets& b, const ExponentialBuckets& other) {
  ExponentialBuckets fitted = b;
  fitted.DownscaleTo(other.scale);
  fitted.WidenZeroTo(other.zero_threshold);
  fitted.positive.DropZeros();
  fitted.negative.DropZeros();
  return fitted;
}

// A count that was there is less now, or gone. Neither side has zeros at its ends.
bool SideFell(const ExponentialBuckets::Side& before, const ExponentialBuckets::Side& now) {
  if (before.counts.empty()) return false;
  const int64_t shift = before.offset - now.offset;
  if (shift < 0 || shift + static_cast<int64_t>(before.counts.size()) > static_cast<int64_t>(now.counts.size()))
    return true;
  for (size_t i = 0; i < before.counts.size(); ++i) {
    if (now.counts[static_cast<size_t>(shift) + i] < before.counts[i]) return true;
  }
  return false;
}

double Total(const ExponentialBuckets& b) {
  return b.zero_count + Sum(b.positive.counts) + Sum(b.negative.counts);
}

}  // namespace

void ExplicitBuckets::Add(const ExplicitBuckets& other, double weight) {
  if (other.counts.empty()) return;
  if (counts.empty()) {
    bounds = other.bounds;
    counts.resize(other.counts.size());
  }
  if (bounds == other.bounds) return AddCounts(counts, other.counts, weight);
  std::vector<double> all;
  std::ranges::set_union(bounds, other.bounds, std::back_inserter(all));
  counts = Split(*this, all);
  AddCounts(counts, Split(other, all), weight);
  bounds = std::move(all);
}

double ExplicitBuckets::Quantile(double quantile) const {
  const double total = Sum(counts);
  if (bounds.empty() || !(total > 0)) return kNone;
  const double rank = quantile * total;
  double before = 0;
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (counts[i] > 0 && before + counts[i] >= rank) {
      const double high = bounds[i];
      if (i == 0 && high <= 0) return high;
      const double low = i > 0 ? bounds[i - 1] : 0;
      return low + (high - low) * std::max(0.0, rank - before) / counts[i];
    }
    before += counts[i];
  }
  return bounds.back();
}

Relation Relate(const ExplicitBuckets& before, const ExplicitBuckets& now, bool /*falls_reset*/) {
  if (before.bounds != now.bounds || before.counts.size() != now.counts.size()) return Relation::kUnrelated;
  for (size_t i = 0; i < now.counts.size(); ++i) {
    if (now.counts[i] < before.counts[i]) return Relation::kReset;
  }
  return Relation::kGoesOn;
}

ExplicitBuckets Minus(const ExplicitBuckets& now, const ExplicitBuckets& before) {
  ExplicitBuckets difference = now;
  AddCounts(difference.counts, before.counts, -1);
  return difference;
}

bool Larger(const ExplicitBuckets& a, const ExplicitBuckets& b) {
  return Sum(a.counts) > Sum(b.counts);
}

void ExponentialBuckets::Side::DropZeros() {
  const auto is_set = [](double count) { return count != 0; };
  const auto first = std::ranges::find_if(counts, is_set);
  offset += first - counts.begin();
  counts.erase(counts.begin(), first);
  while (!counts.empty() && counts.back() == 0) counts.pop_back();
}

void ExponentialBuckets::Side::Downscale(int by) {
  if (by <= 0 || counts.empty()) return;
  const int shift = std::min(by, 62);
  const int64_t first = offset >> shift;  // rounds down, as bucket i holds up to b^(i+1)
  std::vector<double> coarse(
      static_cast<size_t>(((offset + static_cast<int64_t>(counts.size()) - 1) >> shift) - first + 1));
  for (size_t i = 0; i < counts.size(); ++i) {
    coarse[static_cast<size_t>(((offset + static_cast<int64_t>(i)) >> shift) - first)] += counts[i];
  }
  offset = first;
  counts = std::move(coarse);
}

void ExponentialBuckets::Side::Add(const Side& other, double weight) {
  if (other.counts.empty()) return;
  if (counts.empty()) offset = other.offset;
  const int64_t first = std::min(offset, other.offset);
  const int64_t end =
      std::max(offset + static_cast<int64_t>(counts.size()), other.offset + static_cast<int64_t>(other.counts.size()));
  counts.insert(counts.begin(), static_cast<size_t>(offset - first), 0.0);
  counts.resize(static_cast<size_t>(end - first));
  offset = first;
  const auto shift = static_cast<size_t>(other.offset - first);
  for (size_t i = 0; i < other.counts.size(); ++i) counts[shift + i] += weight * other.counts[i];
}

void ExponentialBuckets::Tidy() {
  DownscaleTo(kScaleMax);
  scale = std::max(scale, kScaleMin);
  positive.DropZeros();
  negative.DropZeros();
}

void ExponentialBuckets::DownscaleTo(int wanted) {
  if (wanted >= scale) return;
  positive.Downscale(scale - wanted);
  negative.Downscale(scale - wanted);
  scale = wanted;
}

double ExponentialBuckets::Bound(int64_t index) const {
  return std::exp2(std::ldexp(static_cast<double>(index), -scale));
}

void ExponentialBuckets::WidenZeroTo(double threshold) {
  if (!(threshold > zero_threshold)) return;
  zero_threshold = threshold;
  for (Side* side : {&positive, &negative}) {
    size_t within = 0;  // a bucket that only begins below the threshold stays
    for (; within < side->counts.size(); ++within) {
      if (Bound(side->offset + static_cast<int64_t>(within) + 1) > threshold) break;
      zero_count += side->counts[within];
    }
    side->counts.erase(side->counts.begin(), side->counts.begin() + static_cast<std::ptrdiff_t>(within));
    side->offset += static_cast<int64_t>(within);
  }
}

void ExponentialBuckets::Add(const ExponentialBuckets& other, double weight) {
  ExponentialBuckets fitted = Fitted(other, *this);
  if (positive.counts.empty() && negative.counts.empty() && zero_count == 0) {
    fitted = other;  // there is nothing to fit to
    scale = other.scale;
    zero_threshold = other.zero_threshold;
  }
  // How far both must be brought down so that a side that holds both stays small enough.
  const auto fits = [&](const Side& side, const Side& added, int by) {
    if (added.counts.empty()) return true;
    int64_t first = added.offset, last = added.offset + static_cast<int64_t>(added.counts.size()) - 1;
    if (!side.counts.empty()) {
      first = std::min(first, side.offset);
      last = std::max(last, side.offset + static_cast<int64_t>(side.counts.size()) - 1);
    }
    return (last >> by) - (first >> by) < static_cast<int64_t>(kSideMax);
  };
  const int target = std::min(scale, fitted.scale);
  DownscaleTo(target);
  WidenZeroTo(fitted.zero_threshold);
  int by = 0;
  while (!fits(positive, fitted.positive, by) || !fits(negative, fitted.negative, by)) ++by;
  DownscaleTo(target - by);
  fitted.DownscaleTo(target - by);
  zero_count += weight * fitted.zero_count;
  positive.Add(fitted.positive, weight);
  negative.Add(fitted.negative, weight);
}

double ExponentialBuckets::Quantile(double quantile) const {
  const double total = Total(*this);
  if (!(total > 0)) return kNone;
  const double rank = quantile * total;
  double before = 0, last = kNone;
  // Where the rank lies in a bucket from `low` to `high`.
  const auto reached = [&](double count, double low, double high, bool even) {
    if (!(count > 0)) return false;
    const double part = std::clamp((rank - before) / count, 0.0, 1.0);
    last = even ? low + (high - low) * part : Geometric(low, high, part);
    before += count;
    return before >= rank;
  };
  for (size_t i = negative.counts.size(); i-- > 0;) {
    const int64_t index = negative.offset + static_cast<int64_t>(i);
    if (reached(negative.counts[i], -Bound(index + 1), -Bound(index), false)) return last;
  }
  const double zero_low = Sum(negative.counts) > 0 ? -zero_threshold : 0;
  const double zero_high = Sum(positive.counts) > 0 || zero_low == 0 ? zero_threshold : 0;
  if (reached(zero_count, zero_low, zero_high, true)) return last;
  for (size_t i = 0; i < positive.counts.size(); ++i) {
    const int64_t index = positive.offset + static_cast<int64_t>(i);
    if (reached(positive.counts[i], Bound(index), Bound(index + 1), false)) return last;
  }
  return last;
}

Relation Relate(const ExponentialBuckets& before, const ExponentialBuckets& now, bool /*falls_reset*/) {
  const ExponentialBuckets later = Fitted(now, before);
  const ExponentialBuckets earlier = Fitted(before, later);
  const bool fell = later.zero_count < earlier.zero_count || SideFell(earlier.positive, later.positive) ||
                    SideFell(earlier.negative, later.negative);
  return fell ? Relation::kReset : Relation::kGoesOn;
}

ExponentialBuckets Minus(const ExponentialBuckets& now, const ExponentialBuckets& before) {
  ExponentialBuckets difference = Fitted(now, before);
  const ExponentialBuckets fitted = Fitted(before, difference);
  difference.zero_count -= fitted.zero_count;
  difference.positive.Add(fitted.positive, -1);
  difference.negative.Add(fitted.negative, -1);
  return difference;
}

bool Larger(const ExponentialBuckets& a, const ExponentialBuckets& b) {
  return Total(a) > Total(b);
}

}  // namespace sightline::query
