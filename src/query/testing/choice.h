// Seeded choices of tests that generate what they ask and what is stored.
#pragma once

#include <cstdint>
#include <iterator>
#include <random>

namespace sightline::query::testing {

// Thread: of its owner.
class Choice {
 public:
  explicit Choice(uint64_t seed) : random_(seed) {}
  size_t Below(size_t bound) { return random_() % bound; }
  bool OneIn(size_t chances) { return Below(chances) == 0; }
  template <typename List>
  auto Of(const List& list) {
    return *(std::begin(list) + Below(std::size(list)));
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace sightline::query::testing
