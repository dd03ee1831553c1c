#include "common/report.h"

#include <gmock/gmock.h>

#include <thread>
#include <vector>

#include "otel/errors.h"

namespace otel::internal {
namespace {

using testing::ElementsAre;

TEST(ErrorCounts, LetAFewThroughInAWhileAndCountAll) {
  ErrorCounts counts;
  ErrorCounts::Clock::time_point now(1000 * ErrorCounts::kInterval);
  for (int i = 0; i < ErrorCounts::kMessagesPerInterval; ++i) EXPECT_EQ(counts.Add("a", 2, now), 2);
  EXPECT_EQ(counts.Add("a", 5, now), 0);
  EXPECT_EQ(counts.Add("a", 1, now), 0);
  EXPECT_EQ(counts.Add("b", 1, now), 1);  // another component has its own
  now += ErrorCounts::kInterval;
  EXPECT_EQ(counts.Add("a", 1, now), 7);
  EXPECT_EQ(counts.Of("a"), 2 * ErrorCounts::kMessagesPerInterval + 7);
  EXPECT_EQ(counts.Of("b"), 1);
  EXPECT_EQ(counts.Of("c"), 0);
}

TEST(ErrorCounts, TakeMoreComponentsThanTheyHavePlacesFor) {
  ErrorCounts counts;
  for (size_t i = 0; i < 2 * ErrorCounts::kComponentsMax; ++i) counts.Add(std::to_string(i), 1, {});
  EXPECT_EQ(counts.Of("0"), 1);
  EXPECT_EQ(counts.Of(std::to_string(ErrorCounts::kComponentsMax - 1)), ErrorCounts::kComponentsMax + 1);
}

TEST(ErrorCounts, LoseNothingBetweenThreads) {
  ErrorCounts counts;
  std::atomic<uint64_t> said = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 10'000; ++j) said += counts.Add(std::to_string(j % 8), 1, {});
    });
  }
  for (auto& thread : threads) thread.join();
  const ErrorCounts::Clock::time_point later(ErrorCounts::kInterval);
  for (int j = 0; j < 8; ++j) {
    said += counts.Add(std::to_string(j), 1, later);
    EXPECT_EQ(counts.Of(std::to_string(j)), 5'001);
  }
  EXPECT_EQ(said, 40'008);
}

TEST(Report, GoesToTheHandlerOfTheApplication) {
  std::vector<std::string> heard;
  SetErrorHandler([&](std::string_view component, std::string_view message, uint64_t count) {
    heard.push_back(std::string(component) + "/" + std::string(message) + "/" + std::to_string(count));
  });
  Report("report test", "went wrong", 3);
  SetErrorHandler(nullptr);
  EXPECT_THAT(heard, ElementsAre("report test/went wrong/3"));
  EXPECT_EQ(ErrorCount("report test"), 3);
}

TEST(Report, SaysAtTheEndWhatItCountedAndDidNotSay) {
  uint64_t heard = 0;
  SetErrorHandler([&](std::string_view component, std::string_view, uint64_t count) {
    if (component == "rest test") heard += count;
  });
  const int many = 4 * ErrorCounts::kMessagesPerInterval;
  for (int i = 0; i < many; ++i) Report("rest test", "went wrong");
  EXPECT_LT(heard, many);
  SayRest();
  EXPECT_EQ(heard, many);
  SayRest();
  EXPECT_EQ(heard, many);
  SetErrorHandler(nullptr);
}

TEST(Report, GoesToStderrOtherwise) {
  testing::internal::CaptureStderr();
  Report("stderr test", "queue is full", 7);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "[otel] stderr test: queue is full (7 times)\n");
}

}  // namespace
}  // namespace otel::internal
