#include "base/fault.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>
#include <vector>

namespace sightline {
namespace {

class FaultTest : public testing::Test {
 protected:
  ~FaultTest() override { SetFaultsForTest(""); }
};
using FaultDeathTest = FaultTest;

std::vector<bool> Passes(std::string_view name, int n) {
  std::vector<bool> out;
  for (int i = 0; i < n; ++i) out.push_back(FaultPoint(name));
  return out;
}

TEST_F(FaultTest, UnarmedPointsPass) {
  SetFaultsForTest("");
  EXPECT_EQ(Passes("journal.frame", 3), (std::vector<bool>{false, false, false}));
}

TEST_F(FaultTest, ErrorFailsExactlyTheNamedPasses) {
  SetFaultsForTest("a=error:2-3;b=error:1;c=error:3-;d=error");
  EXPECT_EQ(Passes("a", 4), (std::vector<bool>{false, true, true, false}));
  EXPECT_EQ(Passes("b", 2), (std::vector<bool>{true, false}));
  EXPECT_EQ(Passes("c", 4), (std::vector<bool>{false, false, true, true}));
  EXPECT_EQ(Passes("d", 2), (std::vector<bool>{true, true}));
  EXPECT_EQ(Passes("other", 2), (std::vector<bool>{false, false}));
}

TEST_F(FaultTest, PassesFromManyThreadsAreCountedOnce) {
  SetFaultsForTest("a=error:100-199");
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) failed += FaultPoint("a");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 100);
}

TEST_F(FaultDeathTest, KillEndsTheProcessOnTheNamedPass) {
  EXPECT_EXIT(
      {
        SetFaultsForTest("a=kill:3");
        FaultPoint("a");
        FaultPoint("a");
        FaultPoint("b");
        std::fputs("two passes\n", stderr);
        FaultPoint("a");
        std::fputs("still alive\n", stderr);
      },
      testing::KilledBySignal(SIGKILL), "two passes\n$");
}

TEST_F(FaultDeathTest, ReadsTheEnvironmentVariableOnce) {
  // A fresh process, as the variable is read at the first pass only.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  ::setenv("SIGHTLINE_TEST_FAULT", "from.environment=kill", 1);
  EXPECT_EXIT(FaultPoint("from.environment"), testing::KilledBySignal(SIGKILL), "");
  ::unsetenv("SIGHTLINE_TEST_FAULT");
}

TEST_F(FaultDeathTest, UnreadableTextEndsTheProcess) {
  for (const char* text : {"a", "=kill", "a=explode", "a=kill:0", "a=kill:1-2", "a=error:5-4", "a=error:x", ";"}) {
    EXPECT_DEATH(SetFaultsForTest(text), "SIGHTLINE_TEST_FAULT: cannot read") << text;
  }
}

}  // namespace
}  // namespace sightline
