// Seeded randomness whose results are the same with every compiler and library, which std's distributions don't
// promise: documents, weights and traffic are made with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace demo {

// 64 well mixed bits of 64 others (splitmix64's last steps).
uint64_t Mix(uint64_t bits);

// FNV-1a, mixed.
uint64_t HashText(std::string_view text);

// xoshiro256++ (Blackman, Vigna). Copyable.
// Thread: one.
class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t Next();
  double Uniform();            // [0, 1)
  size_t Below(size_t limit);  // [0, limit); limit > 0
  bool Chance(double probability) { return Uniform() < probability; }
  double Exponential(double mean);
  double Normal();  // mean 0, deviation 1
  double LogNormal(double median, double sigma);
  size_t Weighted(std::span<const double> weights);  // an index; at least one weight is > 0

  template <typename Container>
  const auto& Pick(const Container& container) {
    return container[Below(container.size())];
  }

 private:
  uint64_t state_[4];
};

}  // namespace demo
