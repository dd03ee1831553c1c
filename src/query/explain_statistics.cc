#include "query/explain_statistics.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sightline::query {
namespace {

constexpr double kExpectedMin = 10;  // in each cell, for chi-square to hold
constexpr double kZ = 3.290527;      // 99.9 %

double LogChoose(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

// Of a 2x2 table with these margins the probability of `hits_a`, as a logarithm.
double LogHypergeometric(double hits_a, double size_a, double size_b, double hits) {
  return LogChoose(size_a, hits_a) + LogChoose(size_b, hits - hits_a) - LogChoose(size_a + size_b, hits);
}

// The probabilities of all tables that are no more likely than the one there is.
double FisherExact(double hits_a, double size_a, double hits_b, double size_b) {
  const double hits = hits_a + hits_b;
  const double observed = LogHypergeometric(hits_a, size_a, size_b, hits) + 1e-7;
  double p = 0;
  for (double k = std::max(0.0, hits - size_b); k <= std::min(hits, size_a); ++k) {
    const double log_p = LogHypergeometric(k, size_a, size_b, hits);
    if (log_p <= observed) p += std::exp(log_p);
  }
  return std::min(p, 1.0);
}

double ChiSquare(double hits_a, double size_a, double hits_b, double size_b) {
  const double all = size_a + size_b, hits = hits_a + hits_b;
  const double apart = std::abs(hits_a * (size_b - hits_b) - hits_b * (size_a - hits_a));
  const double corrected = std::max(apart - all / 2, 0.0);
  const double square = all * corrected * corrected / (size_a * size_b * hits * (all - hits));
  return std::erfc(std::sqrt(square / 2));
}

std::pair<double, double> WilsonBounds(const Proportion& of) {
  const double p = of.share(), n = of.size, z2 = kZ * kZ;
  const double centre = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n);
  return {std::max(0.0, centre - half), std::min(1.0, centre + half)};
}

}  // namespace

double DifferenceOfShares(const Proportion& a, const Proportion& b) {
  const double size_a = std::round(a.size), size_b = std::round(b.size);
  const double hits_a = std::min(std::round(a.hits), size_a), hits_b = std::min(std::round(b.hits), size_b);
  const double all = size_a + size_b, hits = hits_a + hits_b;
  if (size_a == 0 || size_b == 0 || hits == 0 || hits == all) return 1;
  const double least = std::min(size_a, size_b) * std::min(hits, all - hits) / all;
  if (least >= kExpectedMin) return ChiSquare(hits_a, size_a, hits_b, size_b);
  // What is rarer is summed over: the same test, and soon done.
  if (hits * 2 > all) return FisherExact(size_a - hits_a, size_a, size_b - hits_b, size_b);
  return FisherExact(hits_a, size_a, hits_b, size_b);
}

double LeastDifference(const Proportion& a, const Proportion& b) {
  if (a.size <= 0 || b.size <= 0) return 0;
  const Proportion& high = a.share() >= b.share() ? a : b;
  const Proportion& low = a.share() >= b.share() ? b : a;
  const double below = high.share() - WilsonBounds(high).first, above = WilsonBounds(low).second - low.share();
  return std::max(0.0, high.share() - low.share() - std::sqrt(below * below + above * above));
}

double DifferenceOfNumbers(const std::vector<WeightedNumber>& numbers, double size_a, double size_b) {
  double all_a = 0, all_b = 0;
  for (const auto& number : numbers) {
    all_a += number.a;
    all_b += number.b;
  }
  if (all_a <= 0 || all_b <= 0 || size_a < 1 || size_b < 1) return 1;
  // How often a number of `a` is greater than one of `b`, ties counting half.
  double greater = 0, below_b = 0, tied_cubes = 0;
  for (size_t i = 0; i < numbers.size();) {
    double of_a = 0, of_b = 0;
    const double value = numbers[i].value;
    for (; i < numbers.size() && numbers[i].value == value; ++i) {
      of_a += numbers[i].a / all_a;
      of_b += numbers[i].b / all_b;
    }
    greater += of_a * (below_b + of_b / 2);
    below_b += of_b;
    tied_cubes += std::pow((of_a * size_a + of_b * size_b) / (size_a + size_b), 3);
  }
  const double variance = (size_a + size_b + 1) / (12 * size_a * size_b) * std::max(1 - tied_cubes, 1e-9);
  return std::erfc(std::abs(greater - 0.5) / std::sqrt(2 * variance));
}

double SignificanceLimit(std::vector<double> p_values, double rate) {
  std::ranges::sort(p_values);
  double limit = -1;
  for (size_t i = 0; i < p_values.size(); ++i) {
    if (p_values[i] <= rate * static_cast<double>(i + 1) / static_cast<double>(p_values.size())) limit = p_values[i];
  }
  return limit;
}

}  // namespace sightline::query
