#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/testing/can_fork.h"
#include "otel/errors.h"
#include "otel/in_memory_log_exporter.h"
#include "otel/logger_provider.h"

namespace otel {
namespace {

using std::chrono::milliseconds;

Deadline Soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

constexpr milliseconds kNever(3'600'000);

// Notes the sizes of batches, and holds up exports while it is closed.
class GatedExporter final : public LogExporter {
 public:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = true;
    int waiting = 0;
    std::vector<size_t> batches;

    void Open() {
      const std::lock_guard lock(mutex);
      open = true;
      changed.notify_all();
    }
    bool WaitUntil(const std::function<bool()>& condition) {
      std::unique_lock lock(mutex);
      return changed.wait_until(lock, Soon(), condition);
    }
  };

  explicit GatedExporter(std::shared_ptr<State> state) : state_(std::move(state)) {}

  ExportResult Export(const LogBatch& batch, Deadline) override {
    std::unique_lock lock(state_->mutex);
    ++state_->waiting;
    state_->changed.notify_all();
    state_->changed.wait(lock, [&] { return state_->open; });
    --state_->waiting;
    state_->batches.push_back(batch.records.size());
    state_->changed.notify_all();
    return ExportResult::kSuccess;
  }
  bool ForceFlush(Deadline) override { return true; }
  bool Shutdown(Deadline) override {
    state_->Open();
    return true;
  }

 private:
  const std::shared_ptr<State> state_;
};

struct Batches {
  explicit Batches(const BatchLogRecordProcessorOptions& options, bool open = true) {
    state->open = open;
    provider.Start(
        {.processors = {std::make_shared<BatchLogRecordProcessor>(std::make_unique<GatedExporter>(state), options)}});
    logger = provider.GetLogger("lib");
  }

  std::shared_ptr<GatedExporter::State> state = std::make_shared<GatedExporter::State>();
  LoggerProvider provider;
  Logger logger;
};

TEST(BatchLogRecordProcessor, ExportsAFullBatchAtOnce) {
  Batches batches({.queue_records_max = 64, .batch_records_max = 4, .schedule_delay = kNever});
  for (int i = 0; i < 4; ++i) batches.logger.Emit({.attributes = {{"i", i}}});
  EXPECT_TRUE(batches.state->WaitUntil([&] { return batches.state->batches == std::vector<size_t>{4}; }));
}

TEST(BatchLogRecordProcessor, ExportsWhatIsThereAfterTheDelay) {
  Batches batches({.schedule_delay = milliseconds(10)});
  batches.logger.Emit({.body = "only one"});
  EXPECT_TRUE(batches.state->WaitUntil([&] { return batches.state->batches == std::vector<size_t>{1}; }));
}

TEST(BatchLogRecordProcessor, FlushesAndShutsDownWithNothingLeft) {
  InMemoryLogs kept;
  LoggerProvider provider({.resource = {{{"service.name", "shop"}}, ""},
                           .processors = {std::make_shared<BatchLogRecordProcessor>(
                               kept.Exporter(), BatchLogRecordProcessorOptions{.schedule_delay = kNever})}});
  const Logger logger = provider.GetLogger("lib");
  {
    std::string text = "a body that is gone when the record is exported";
    logger.Emit({.body = text, .attributes = {{"key", text}}});
    text.assign(text.size(), 'x');
  }
  ASSERT_TRUE(provider.ForceFlush(Soon()));
  ASSERT_EQ(kept.size(), 1);
  EXPECT_EQ(kept.records()[0].body.as_string(), "a body that is gone when the record is exported");
  EXPECT_EQ(kept.records()[0].attributes[0].value.as_string(), "a body that is gone when the record is exported");
  EXPECT_EQ(kept.resource().attributes, (Attributes{{"service.name", "shop"}}));
  logger.Emit({.body = "second"});
  EXPECT_TRUE(provider.Shutdown(Soon()));
  EXPECT_EQ(kept.size(), 2);
}

TEST(BatchLogRecordProcessor, DropsAndCountsWhatTheQueueHasNoPlaceFor) {
  const uint64_t before = ErrorCount("log processor");
  Batches batches({.queue_records_max = 8, .batch_records_max = 2, .schedule_delay = kNever}, /*open=*/false);
  for (int i = 0; i < 2; ++i) batches.logger.Emit({});
  ASSERT_TRUE(batches.state->WaitUntil([&] { return batches.state->waiting == 1; }));
  for (int i = 0; i < 100; ++i) batches.logger.Emit({});  // does not wait for the exporter
  batches.state->Open();
  EXPECT_TRUE(batches.provider.Shutdown(Soon()));
  size_t exported = 0;
  for (const size_t size : batches.state->batches) {
    EXPECT_LE(size, 2);
    exported += size;
  }
  EXPECT_EQ(exported, 8);
  EXPECT_EQ(ErrorCount("log processor") - before, 94);
}

TEST(BatchLogRecordProcessor, LosesNothingOfManyThreads) {
  Batches batches({.queue_records_max = 100'000, .batch_records_max = 64, .schedule_delay = milliseconds(1)});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 2'000; ++j) batches.logger.Emit({.body = "text", .attributes = {{"j", j}}});
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_TRUE(batches.provider.Shutdown(Soon()));
  size_t exported = 0;
  for (const size_t size : batches.state->batches) exported += size;
  EXPECT_EQ(exported, 8'000);
}

TEST(BatchLogRecordProcessor, WorksAnewInTheChildOfAFork) {
  if (!otel::testing::kCanFork) GTEST_SKIP() << "TSan";
  InMemoryLogs kept;
  LoggerProvider provider({.processors = {std::make_shared<BatchLogRecordProcessor>(
                               kept.Exporter(), BatchLogRecordProcessorOptions{.schedule_delay = kNever})}});
  const Logger logger = provider.GetLogger("lib");
  logger.Emit({.body = "the parent's"});
  const pid_t child = fork();
  if (child == 0) {
    logger.Emit({.body = "the child's"});
    const bool flushed = provider.ForceFlush(Soon());
    _exit(flushed && kept.size() == 1 && kept.records()[0].body.as_string() == "the child's" ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(provider.ForceFlush(Soon()));
  ASSERT_EQ(kept.size(), 1);
  EXPECT_EQ(kept.records()[0].body.as_string(), "the parent's");
}

}  // namespace
}  // namespace otel
