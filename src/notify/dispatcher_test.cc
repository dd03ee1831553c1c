#include "notify/dispatcher.h"

#include <gtest/gtest.h>

namespace sightline::notify {
namespace {

TEST(RetryWait, DoublesUpToItsEndAndIsHalfByChance) {
  constexpr int64_t kSecond = 1'000'000'000;
  const DispatchOptions options{.retry_first_nanos = 4 * kSecond, .retry_max_nanos = 60 * kSecond};
  EXPECT_EQ(RetryWaitNanos(options, 1, 0), 2 * kSecond);
  EXPECT_EQ(RetryWaitNanos(options, 1, 1), 4 * kSecond);
  EXPECT_EQ(RetryWaitNanos(options, 3, 0.5), 12 * kSecond);
  EXPECT_EQ(RetryWaitNanos(options, 5, 1), 60 * kSecond);
  EXPECT_EQ(RetryWaitNanos(options, 1000, 1), 60 * kSecond) << "and does not overflow";
}

}  // namespace
}  // namespace sightline::notify
