#include "base/clock.h"

#include <gtest/gtest.h>

#include <chrono>

namespace sightline {
namespace {

TEST(SystemClock, WallTimeIsUnixTimeInNanoseconds) {
  const int64_t expected =
      std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(static_cast<double>(Clock::System().UnixNanos()), static_cast<double>(expected), 5e9);
}

TEST(SystemClock, MonotonicTimeNeverGoesBack) {
  int64_t last = Clock::System().MonotonicNanos();
  for (int i = 0; i < 1000; ++i) {
    const int64_t now = Clock::System().MonotonicNanos();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(FakeClock, MovesOnlyByHand) {
  FakeClock clock(1'000);
  EXPECT_EQ(clock.UnixNanos(), 1'000);
  clock.Advance(500);
  EXPECT_EQ(clock.UnixNanos(), 1'500);
  EXPECT_EQ(clock.MonotonicNanos(), 1'500);
}

}  // namespace
}  // namespace sightline
