#include "common/random.h"

#include <sys/random.h>

#include <array>
#include <bit>

#include "common/clock.h"
#include "common/fork.h"

namespace otel::internal {
namespace {

using State = std::array<uint64_t, 4>;

// No destructor, so that it can be used in those of other thread-local and static objects.
constinit thread_local State state = {};
constinit thread_local bool seeded = false;

// https://prng.di.unimi.it/splitmix64.c, by Sebastiano Vigna (public domain).
uint64_t SplitMix(uint64_t& x) {
  uint64_t z = (x += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

[[gnu::noinline]] void Seed() {
  // Only this thread is left in the child.
  static const auto& at_fork = *new ForkHandler([] { seeded = false; });
  (void)at_fork;
  const bool from_system = getrandom(state.data(), sizeof(state), GRND_NONBLOCK) == sizeof(state);
  if (!from_system || state == State{}) {  // early at boot: times and addresses must do
    uint64_t x = static_cast<uint64_t>(NowNanos()) ^ std::bit_cast<uintptr_t>(&state);
    for (uint64_t& part : state) part = SplitMix(x);
  }
  seeded = true;
}

}  // namespace

// https://prng.di.unimi.it/xoshiro256plusplus.c, by David Blackman and Sebastiano Vigna (public domain).
uint64_t RandomNumber() {
  if (!seeded) [[unlikely]]
    Seed();
  const uint64_t result = std::rotl(state[0] + state[3], 23) + state[0];
  const uint64_t t = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= t;
  state[3] = std::rotl(state[3], 45);
  return result;
}

}  // namespace otel::internal
