#include "cli/idle_trimmer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace sightline::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kInterval{5};

// Counts how often the trimmer looks, so that a test can wait for it to look again.
class IdleTrimmerTest : public ::testing::Test {
 protected:
  uint64_t Activity() {
    ++looks_;
    return busy_ ? ++activity_ : activity_.load();
  }

  // False when the trimmer does not look so often before the deadline.
  bool WaitForLooks(uint64_t more) {
    const uint64_t enough = looks_ + more;
    const auto deadline = steady_clock::now() + std::chrono::seconds(30);
    while (looks_ < enough) {
      if (steady_clock::now() > deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }

  std::atomic<uint64_t> looks_ = 0, activity_ = 0, trims_ = 0;
  std::atomic<bool> busy_ = false;
  IdleTrimmer trimmer_{kInterval, [this] { return Activity(); }, [this] { ++trims_; }};
};

TEST_F(IdleTrimmerTest, TrimsOnceAfterTheStartAndOnceAfterEachBurst) {
  ASSERT_TRUE(WaitForLooks(5));
  EXPECT_EQ(trims_, 1u);
  for (uint64_t burst = 1; burst <= 3; ++burst) {
    ++activity_;
    ASSERT_TRUE(WaitForLooks(5));
    EXPECT_EQ(trims_, 1 + burst);
  }
}

TEST_F(IdleTrimmerTest, WaitsForTheEndOfABurst) {
  busy_ = true;
  ASSERT_TRUE(WaitForLooks(2));  // one may have begun before
  const uint64_t before = trims_;
  ASSERT_TRUE(WaitForLooks(5));
  EXPECT_EQ(trims_, before);
  busy_ = false;
  ASSERT_TRUE(WaitForLooks(5));
  EXPECT_EQ(trims_, before + 1);
}

}  // namespace
}  // namespace sightline::cli
