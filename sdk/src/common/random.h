// Random numbers for identifiers and jitter: fast, and a generator for each thread. Not for secrets.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace otel::internal {

struct RandomState {
  std::array<uint64_t, 4> words = {};
  bool seeded = false;
};
// No destructor, so that it can be used in those of other thread-local and static objects.
extern constinit thread_local RandomState random_state;
void SeedRandom();

// Of this thread. Seeded by the system, anew in the child of a fork.
// https://prng.di.unimi.it/xoshiro256plusplus.c, by David Blackman and Sebastiano Vigna (public domain).
inline uint64_t RandomNumber() {
  if (!random_state.seeded) [[unlikely]]
    SeedRandom();
  auto& words = random_state.words;
  const uint64_t result = std::rotl(words[0] + words[3], 23) + words[0];
  const uint64_t t = words[1] << 17;
  words[2] ^= words[0];
  words[3] ^= words[1];
  words[1] ^= words[2];
  words[0] ^= words[3];
  words[2] ^= t;
  words[3] = std::rotl(words[3], 45);
  return result;
}

}  // namespace otel::internal
