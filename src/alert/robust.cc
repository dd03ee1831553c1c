#include "alert/robust.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

namespace sightline::alert {
namespace {

// Of the normal distribution, of one side: so many deviations hold that share.
constexpr double kTailShare = 0.95, kDeviationsOfTail = 1.96;
// What is no surprise is within so many deviations.
constexpr double kUsualDeviations = 2.5;

}  // namespace

double Quantile(std::span<double> values, double q) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double position = q * static_cast<double>(values.size() - 1);
  const auto low = static_cast<size_t>(position);
  const auto at = values.begin() + static_cast<ptrdiff_t>(low);
  std::nth_element(values.begin(), at, values.end());
  const double fraction = position - static_cast<double>(low);
  if (fraction == 0) return *at;
  return *at + fraction * (*std::min_element(at + 1, values.end()) - *at);
}

double Median(std::span<double> values) {
  return Quantile(values, 0.5);
}

double Agreed(std::span<double> samples) {
  if (samples.size() < 2) return 0;
  if (samples.size() > 2) return Median(samples);
  if ((samples[0] > 0) != (samples[1] > 0)) return 0;
  return std::abs(samples[0]) < std::abs(samples[1]) ? samples[0] : samples[1];
}

Spread SpreadOf(std::span<const double> deviations) {
  std::vector<double> above, below;
  for (const double deviation : deviations) {
    if (deviation >= 0) above.push_back(deviation);
    if (deviation <= 0) below.push_back(-deviation);
  }
  Spread spread;
  if (!above.empty()) spread.above = kSigmaOfMad * Median(above);
  if (!below.empty()) spread.below = kSigmaOfMad * Median(below);
  return spread;
}

Spread SpreadOfOccasions(std::span<const double> deviations) {
  const auto of_side = [&](double sign) {
    std::vector<double> occasions;
    double farthest = 0;
    for (const double deviation : deviations) {
      if (sign * deviation > 0) {
        farthest = std::max(farthest, sign * deviation);
      } else if (farthest > 0) {
        occasions.push_back(std::exchange(farthest, 0));
      }
    }
    if (occasions.size() < kOccasions) return 0.0;
    std::ranges::nth_element(occasions, occasions.begin() + kOccasions - 1, std::greater());
    return occasions[kOccasions - 1] / kUsualDeviations;
  };
  return {of_side(1), of_side(-1)};
}

double TailFactor(std::span<double> absolute_in_deviations) {
  if (absolute_in_deviations.empty()) return 1;
  return std::clamp(Quantile(absolute_in_deviations, kTailShare) / kDeviationsOfTail, 1.0, kTailMax);
}

void TrailingMedian::Add(double value) {
  if (ring_.size() < length_) {
    ring_.push_back(value);
  } else {
    sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), ring_[oldest_]));
    ring_[oldest_] = value;
    oldest_ = (oldest_ + 1) % length_;
  }
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value), value);
}

double TrailingMedian::value() const {
  if (sorted_.empty()) return std::numeric_limits<double>::quiet_NaN();
  const size_t middle = sorted_.size() / 2;
  return sorted_.size() % 2 ? sorted_[middle] : (sorted_[middle - 1] + sorted_[middle]) / 2;
}

}  // namespace sightline::alert
