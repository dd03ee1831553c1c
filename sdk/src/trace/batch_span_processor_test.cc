#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <set>
#include <thread>

#include "common/testing/can_fork.h"
#include "otel/errors.h"
#include "otel/tracer_provider.h"
#include "trace/testing/gated_exporter.h"

namespace otel {
namespace {

using otel::testing::ExporterGate;
using otel::testing::In;
using otel::testing::Soon;
using std::chrono::milliseconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr milliseconds kNever = std::chrono::hours(1);

class BatchSpanProcessorTest : public ::testing::Test {
 protected:
  void Start(const BatchSpanProcessorOptions& options) {
    processor_ = std::make_shared<BatchSpanProcessor>(gate_.Exporter(), options);
    provider_.Start({.processors = {processor_}});
    tracer_ = provider_.GetTracer("test");
  }
  void MakeSpans(size_t count) const {
    for (size_t i = 0; i < count; ++i) tracer_.StartSpan("s");
  }
  size_t Exported() const { return gate_.names.size(); }

  const std::shared_ptr<ExporterGate> owned_gate_ = std::make_shared<ExporterGate>();
  ExporterGate& gate_ = *owned_gate_;
  std::shared_ptr<BatchSpanProcessor> processor_;
  TracerProvider provider_;
  Tracer tracer_;
};

TEST_F(BatchSpanProcessorTest, ExportsABatchAsSoonAsItIsFull) {
  Start({.schedule_delay = kNever});
  MakeSpans(512);
  EXPECT_TRUE(gate_.WaitFor([&] { return Exported() == 512; }));
  EXPECT_THAT(gate_.batches, ElementsAre(512));
}

TEST_F(BatchSpanProcessorTest, ExportsWhatThereIsAfterTheDelay) {
  Start({.schedule_delay = milliseconds(1)});
  MakeSpans(3);
  EXPECT_TRUE(gate_.WaitFor([&] { return Exported() == 3; }));
  MakeSpans(2);
  EXPECT_TRUE(gate_.WaitFor([&] { return Exported() == 5; }));
}

TEST_F(BatchSpanProcessorTest, ADelayOfZeroDoesNotKeepAProcessorBusy) {
  Start({.schedule_delay = milliseconds(0)});
  MakeSpans(3);
  EXPECT_TRUE(gate_.WaitFor([&] { return Exported() == 3; }));
  const std::clock_t before = std::clock();  // CPU time of this process
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable().wait_for(lock, milliseconds(200), [] { return false; });
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 10);
}

TEST_F(BatchSpanProcessorTest, FlushExportsAllAndFlushesTheExporter) {
  Start({.schedule_delay = kNever});
  EXPECT_TRUE(provider_.ForceFlush(Soon()));
  MakeSpans(1000);
  EXPECT_TRUE(provider_.ForceFlush(Soon()));
  EXPECT_EQ(Exported(), 1000);
  EXPECT_THAT(gate_.batches, Each(::testing::Le(512)));
  EXPECT_EQ(gate_.flushes, 1);
}

TEST_F(BatchSpanProcessorTest, FlushOfSeveralThreadsReturnsToEach) {
  Start({.schedule_delay = kNever});
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 20; ++j) {
        MakeSpans(10);
        EXPECT_TRUE(provider_.ForceFlush(Soon()));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Exported(), 600);
}

TEST_F(BatchSpanProcessorTest, FlushFailsWithTheExportAndAtItsDeadline) {
  Start({.schedule_delay = kNever});
  gate_.Close();
  MakeSpans(1);
  EXPECT_FALSE(provider_.ForceFlush(In(milliseconds(5))));
  gate_.Open();
  MakeSpans(1);
  EXPECT_TRUE(provider_.ForceFlush(Soon()));
  gate_.Fail();
  MakeSpans(1);
  EXPECT_FALSE(provider_.ForceFlush(Soon()));
}

TEST_F(BatchSpanProcessorTest, DropsWhatTheQueueHasNoPlaceForAndCountsIt) {
  const uint64_t before = ErrorCount("span processor");
  Start({.queue_spans_max = 100, .batch_spans_max = 10, .schedule_delay = kNever});
  gate_.Close();
  MakeSpans(1);
  EXPECT_FALSE(provider_.ForceFlush(In(milliseconds(0))));
  ASSERT_TRUE(gate_.WaitFor([&] { return gate_.waiting == 1; }));
  MakeSpans(150);  // the exporter still holds the first one
  gate_.Open();
  EXPECT_TRUE(provider_.ForceFlush(Soon()));
  EXPECT_EQ(Exported(), 100);
  EXPECT_EQ(ErrorCount("span processor") - before, 51);
}

TEST_F(BatchSpanProcessorTest, ExportsEachSpanOfManyThreadsOnce) {
  constexpr size_t kThreads = 4, kEach = 300;  // fewer than the queue has places for
  Start({.schedule_delay = milliseconds(1)});
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < kEach; ++i) tracer_.StartSpan(std::to_string(t * kEach + i));
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(provider_.Shutdown(Soon()));
  EXPECT_EQ(gate_.names.size(), kThreads * kEach);
  EXPECT_EQ(std::set(gate_.names.begin(), gate_.names.end()).size(), kThreads * kEach);
}

TEST_F(BatchSpanProcessorTest, EndsExportsAtTheirTimeout) {
  Start({.schedule_delay = milliseconds(1), .export_timeout = milliseconds(1)});
  gate_.Close();
  MakeSpans(1);
  ASSERT_TRUE(gate_.WaitFor([&] { return gate_.deadlines.size() == 1 && gate_.waiting == 0; }));
  gate_.Open();
  MakeSpans(1);
  EXPECT_TRUE(gate_.WaitFor([&] { return Exported() == 1; }));
}

TEST_F(BatchSpanProcessorTest, ShutdownExportsAllAndFreesTheExporter) {
  Start({.schedule_delay = kNever});
  MakeSpans(700);
  auto late = tracer_.StartSpan("late");
  EXPECT_TRUE(provider_.Shutdown(Soon()));
  EXPECT_EQ(Exported(), 700);
  EXPECT_EQ(gate_.flushes, 1);
  EXPECT_EQ(gate_.shutdowns, 1);
  EXPECT_TRUE(gate_.destroyed);
  late.End();
  EXPECT_FALSE(tracer_.Enabled());
  EXPECT_FALSE(tracer_.StartSpan("later").IsRecording());
  EXPECT_TRUE(processor_->ForceFlush(Soon()));
  EXPECT_TRUE(processor_->Shutdown(Soon()));
  EXPECT_EQ(Exported(), 700);
}

TEST_F(BatchSpanProcessorTest, ShutdownWithoutASpanFreesTheExporter) {
  Start({});
  EXPECT_TRUE(provider_.Shutdown(Soon()));
  EXPECT_TRUE(gate_.destroyed);
}

TEST_F(BatchSpanProcessorTest, ShutdownEndsAnExportThatWaits) {
  Start({.schedule_delay = kNever, .export_timeout = kNever});
  gate_.Close();
  MakeSpans(512);
  ASSERT_TRUE(gate_.WaitFor([&] { return gate_.waiting == 1; }));
  EXPECT_FALSE(provider_.Shutdown(In(milliseconds(5))));
  EXPECT_THAT(gate_.names, IsEmpty());
  EXPECT_TRUE(gate_.destroyed);
}

TEST_F(BatchSpanProcessorTest, ShutdownLeavesAnExporterBehindThatDoesNotEnd) {
  Start({.schedule_delay = kNever});
  gate_.Close();
  gate_.IgnoreDeadlines();
  MakeSpans(512);
  ASSERT_TRUE(gate_.WaitFor([&] { return gate_.waiting == 1; }));
  EXPECT_FALSE(provider_.Shutdown(In(milliseconds(0))));
  MakeSpans(10);
  EXPECT_FALSE(gate_.destroyed);
  gate_.Open();
  processor_.reset();
  EXPECT_TRUE(gate_.WaitFor([&] { return Exported() == 512; }));
}

TEST_F(BatchSpanProcessorTest, ChildOfAForkDropsTheParentsSpansAndWorksAnew) {
  if (!otel::testing::kCanFork) GTEST_SKIP() << "TSan";
  Start({.schedule_delay = kNever});
  MakeSpans(3);
  EXPECT_TRUE(provider_.ForceFlush(Soon()));  // now there is a thread
  MakeSpans(5);
  const pid_t child = fork();
  if (child == 0) {
    gate_.names.clear();
    MakeSpans(2);
    const bool flushed = provider_.ForceFlush(Soon());
    const bool good = flushed && Exported() == 2 && provider_.Shutdown(Soon());
    _exit(good ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(provider_.ForceFlush(Soon()));
  EXPECT_EQ(Exported(), 8);
}

// Forks while other threads are within all that has a lock.
TEST_F(BatchSpanProcessorTest, ForkAmongBusyThreads) {
  if (!otel::testing::kCanFork) GTEST_SKIP() << "TSan";
  Start({.schedule_delay = milliseconds(1)});
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!stop) MakeSpans(1);
    });
  }
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);
      // The gate's lock may be held: its exporter is not asked.
      for (int j = 0; j < 100; ++j) tracer_.StartSpan("in child", {.attributes = {{"a", j}}}).SetAttribute("b", 1);
      _exit(0);
    }
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace otel
