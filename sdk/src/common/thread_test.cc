// What each thread has for itself, and what becomes of it in the child of a fork.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "common/fork.h"
#include "common/random.h"
#include "common/spin_lock.h"
#include "common/thread_slot.h"

namespace otel::internal {
namespace {

// The exit status of a child that runs it.
template <typename Function>
int InChild(Function function) {
  const pid_t child = fork();
  if (child == 0) _exit(function());
  int status = -1;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(ThreadSlot, IsOfOneThreadWhileItLives) {
  std::mutex mutex;
  std::multiset<uint32_t> slots = {ThreadSlot()};
  std::atomic<size_t> ready = 0;
  constexpr size_t kThreads = kThreadSlots + 10;
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const uint32_t slot = ThreadSlot();
      EXPECT_EQ(ThreadSlot(), slot);
      {
        const std::lock_guard lock(mutex);
        slots.insert(slot);
      }
      for (++ready; ready < kThreads;) std::this_thread::yield();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(std::set(slots.begin(), slots.end()).size(), kThreadSlots);  // the others share
  EXPECT_LT(*slots.rbegin(), kThreadSlots);
}

TEST(ThreadSlot, IsUsedAgainWhenItsThreadHasEnded) {
  std::set<uint32_t> slots;
  for (size_t i = 0; i < 2 * kThreadSlots; ++i) std::thread([&] { slots.insert(ThreadSlot()); }).join();
  EXPECT_EQ(slots.size(), 1);
}

TEST(SpinLock, LetsOneThreadInAtATime) {
  SpinLock lock;
  int count = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10'000; ++j) {
        const std::lock_guard guard(lock);
        ++count;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count, 40'000);
}

TEST(Random, DiffersBetweenThreadsAndAfterAFork) {
  const uint64_t here = RandomNumber();
  uint64_t there = 0;
  std::thread([&] { there = RandomNumber(); }).join();
  EXPECT_NE(here, there);

  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(InChild([&] {
              const uint64_t number = RandomNumber();
              return write(ends[1], &number, sizeof(number)) == sizeof(number) ? 0 : 1;
            }),
            0);
  uint64_t in_child = 0;
  ASSERT_EQ(read(ends[0], &in_child, sizeof(in_child)), sizeof(in_child));
  EXPECT_NE(in_child, RandomNumber());
  close(ends[0]);
  close(ends[1]);
}

TEST(ForkHandler, RunsInTheChildWhileItLives) {
  int runs = 0;
  {
    const ForkHandler handler([&] { ++runs; });
    EXPECT_EQ(InChild([&] { return runs; }), 1);
    EXPECT_EQ(InChild([&] { return InChild([&] { return runs; }); }), 2);  // of the child's child
  }
  EXPECT_EQ(InChild([&] { return runs; }), 0);
  EXPECT_EQ(runs, 0);
}

TEST(Clock, IsTheWallClock) {
  const auto wall = [] {
    return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
  };
  const int64_t before = wall();
  const UnixNanos now = NowNanos();
  const int64_t after = wall();
  constexpr int64_t kTolerance = 10'000'000;  // how much an adjusted clock may have moved since the last measurement
  EXPECT_GE(now, before - kTolerance);
  EXPECT_LE(now, after + kTolerance);
}

}  // namespace
}  // namespace otel::internal
