// Statistics that a few wild values do not move. NaN is no value: callers leave it out.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace sightline::alert {

// Of the normal distribution: the standard deviation over the median of absolute deviations, and the standard error of
// a median over that of a mean.
inline constexpr double kSigmaOfMad = 1.4826;
inline constexpr double kErrorOfMedian = 1.2533;

// `values` are put in another order. NaN of none. q in 0..1.
double Quantile(std::span<double> values, double q);
double Median(std::span<double> values);

// What samples of the same thing agree about. Three or more: their median. Of two, of which either may be wrong: the
// one nearer to 0, and 0 if they disagree about the sign. A single one says nothing: 0.
double Agreed(std::span<double> samples);

// How far values lie above and below 0, each as the standard deviation of a normal distribution that lies so.
struct Spread {
  double above = 0, below = 0;
};
Spread SpreadOf(std::span<const double> deviations);
// Of values that are mostly 0, for which that is 0: as far as they were on kOccasions separate occasions, and so is
// no surprise; however long a single one was. `deviations` in the order of time.
inline constexpr size_t kOccasions = 4;
Spread SpreadOfOccasions(std::span<const double> deviations);

// How much farther the tail of a side reaches than that of a normal distribution of the same spread; 1 to kTailMax, as
// outliers must not widen what finds them.
inline constexpr double kTailMax = 2;
double TailFactor(std::span<double> absolute_in_deviations);

// The median of the newest `length` values. Add costs a binary search and a move of at most `length` values.
class TrailingMedian {
 public:
  explicit TrailingMedian(size_t length) : length_(length) {}
  void Add(double value);
  size_t size() const { return sorted_.size(); }
  double value() const;  // NaN: of none
  size_t bytes() const { return (ring_.capacity() + sorted_.capacity()) * sizeof(double); }

 private:
  size_t length_;
  size_t oldest_ = 0;  // in ring_, once it is full
  std::vector<double> ring_, sorted_;
};

}  // namespace sightline::alert
