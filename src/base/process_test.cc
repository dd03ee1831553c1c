#include "base/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "base/clock.h"

namespace sightline {
namespace {

TEST(ReadMemoryUse, SeesTouchedAnonymousMemory) {
  constexpr size_t kBytes = 64 << 20;
  const MemoryUse before = ReadMemoryUse();
  ASSERT_GT(before.rss_bytes, before.anonymous_bytes);
  void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, kBytes);
  const MemoryUse after = ReadMemoryUse();
  EXPECT_GT(after.anonymous_bytes, before.anonymous_bytes + kBytes * 9 / 10);
  EXPECT_GT(after.rss_bytes, before.rss_bytes + kBytes * 9 / 10);
  ::munmap(memory, kBytes);
}

TEST(ReleaseCode, GivesCodeBackThatComesAgainWhenItRuns) {
  const MemoryUse before = ReadMemoryUse();
  EXPECT_GT(ReleaseCode(100 << 10), 0u);
  const MemoryUse after = ReadMemoryUse();  // runs code that was given back
  EXPECT_LT(after.rss_bytes - after.anonymous_bytes, before.rss_bytes - before.anonymous_bytes);
  EXPECT_EQ(ReleaseCode(uint64_t{1} << 40), 0u) << "nothing is that large";
}

TEST(CpuSeconds, GrowsWithWork) {
  const double before = CpuSeconds();
  const int64_t deadline = Clock::System().MonotonicNanos() + 30'000'000'000;
  while (CpuSeconds() < before + 0.02) ASSERT_LT(Clock::System().MonotonicNanos(), deadline);
}

TEST(FreeDiskBytes, TellsRoomAndNamesAMissingPath) {
  const Result<uint64_t> room = FreeDiskBytes("/tmp");
  ASSERT_TRUE(room.has_value());
  EXPECT_GT(*room, 0u);
  const Result<uint64_t> missing = FreeDiskBytes("/nowhere/at/all");
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message, testing::HasSubstr("/nowhere/at/all: No such file"));
}

TEST(RaiseFdLimit, ReachesTheHardLimit) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low = {before.rlim_max < 64 ? before.rlim_max : 64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  EXPECT_EQ(RaiseFdLimit(), uint64_t{before.rlim_max});
  rlimit after{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

TEST(ShutdownSignal, TimesOutWhenNothingComes) {
  ShutdownSignal shutdown;
  EXPECT_FALSE(shutdown.Wait(0));
  const int64_t start = Clock::System().MonotonicNanos();
  EXPECT_FALSE(shutdown.Wait(20));
  EXPECT_GE(Clock::System().MonotonicNanos() - start, 20'000'000);
  EXPECT_EQ(shutdown.reason(), "");
}

TEST(ShutdownSignal, SeesSigtermAndStaysEnded) {
  ShutdownSignal shutdown;
  ::kill(::getpid(), SIGTERM);
  EXPECT_TRUE(shutdown.Wait(10'000));
  EXPECT_EQ(shutdown.reason(), "SIGTERM");
  EXPECT_TRUE(shutdown.Wait(0));
}

TEST(ShutdownSignal, SeesSigintThatCameToAnotherThread) {
  ShutdownSignal shutdown;
  std::thread sender([] { ::kill(::getpid(), SIGINT); });
  EXPECT_TRUE(shutdown.Wait(10'000));
  EXPECT_EQ(shutdown.reason(), "SIGINT");
  sender.join();
}

TEST(ShutdownSignal, RequestEndsAWaitUnderWay) {
  ShutdownSignal shutdown;
  std::thread requester([&] { shutdown.Request(); });
  EXPECT_TRUE(shutdown.Wait(-1));
  EXPECT_EQ(shutdown.reason(), "");
  requester.join();
}

TEST(ShutdownSignal, SignalThatNobodyWaitedForDoesNotKillLater) {
  {
    ShutdownSignal shutdown;
    ::kill(::getpid(), SIGTERM);
  }
  sigset_t pending;
  ASSERT_EQ(::sigpending(&pending), 0);
  EXPECT_EQ(::sigismember(&pending, SIGTERM), 0);
}

TEST(ShutdownSignal, WritingToAClosedSocketIsAnError) {
  ShutdownSignal shutdown;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  ::close(ends[1]);
  EXPECT_EQ(::write(ends[0], "x", 1), -1);
  EXPECT_EQ(errno, EPIPE);
  ::close(ends[0]);
}

TEST(ShutdownSignalDeathTest, SecondSignalKillsWhenLetThrough) {
  EXPECT_EXIT(
      {
        ShutdownSignal shutdown;
        ::kill(::getpid(), SIGTERM);
        if (!shutdown.Wait(10'000)) std::abort();
        shutdown.LetNextSignalKill();
        ::kill(::getpid(), SIGTERM);
        ::pause();
      },
      testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace sightline
