// Whether two samples differ more than chance allows. Counts may be effective ones (not whole): they are rounded.
#pragma once

#include <cstdint>
#include <vector>

namespace sightline::query {

// `hits` of `size` items.
struct Proportion {
  double hits = 0, size = 0;
  double share() const { return size > 0 ? hits / size : 0; }
};

// Two-sided p-value that both have the same share: Fisher's exact test where few are expected in a cell, else the
// chi-square test with Yates' correction.
double DifferenceOfShares(const Proportion& a, const Proportion& b);
// How far the shares are apart at least, with 99.9 % confidence: the near end of Newcombe's interval from Wilson
// bounds; 0 where the interval has 0.
double LeastDifference(const Proportion& a, const Proportion& b);

// A number, and how much of two samples has it.
struct WeightedNumber {
  double value = 0, a = 0, b = 0;
};
// Two-sided p-value that neither sample tends to have greater numbers: Mann and Whitney's test with ties, by the normal
// approximation, for samples that are worth `size_a` and `size_b` independent numbers. Ascending by value.
double DifferenceOfNumbers(const std::vector<WeightedNumber>& numbers, double size_a, double size_b);

// Which p-values stand out from all of them when a share of `rate` of those that do may do so by chance (Benjamini and
// Hochberg): those up to the number returned; below 0: none.
double SignificanceLimit(std::vector<double> p_values, double rate);

}  // namespace sightline::query
