#include "common/random.h"

#include <sys/random.h>

#include "common/clock.h"
#include "common/fork.h"

namespace otel::internal {
namespace {

// https://prng.di.unimi.it/splitmix64.c, by Sebastiano Vigna (public domain).
uint64_t SplitMix(uint64_t& x) {
  uint64_t z = (x += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

constinit thread_local RandomState random_state;

void SeedRandom() {
  // Only this thread is left in the child.
  static const auto& at_fork = *new ForkHandler([] { random_state.seeded = false; });
  (void)at_fork;
  auto& words = random_state.words;
  const bool from_system = getrandom(words.data(), sizeof(words), GRND_NONBLOCK) == sizeof(words);
  if (!from_system || words == std::array<uint64_t, 4>{}) {  // early at boot: times and addresses must do
    uint64_t x = static_cast<uint64_t>(NowNanos()) ^ std::bit_cast<uintptr_t>(&random_state);
    for (uint64_t& word : words) word = SplitMix(x);
  }
  random_state.seeded = true;
}

}  // namespace otel::internal
