#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <future>
#include <mutex>

#include "common/testing/can_fork.h"
#include "otel/errors.h"
#include "otel/meter_provider.h"

namespace otel {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Deadline Soon() {
  return Clock::now() + std::chrono::seconds(20);
}

// What the test sees of an exporter, and how it holds it up.
struct Gate {
  std::mutex mutex;
  std::condition_variable changed;
  // Below: guarded by it.
  bool closed = false;
  bool ignores_shutdown = false;
  bool shut_down = false;
  bool destroyed = false;
  int waiting = 0, running = 0, most_running = 0, flushes = 0;
  std::vector<int64_t> values;  // of the only point of each batch
  std::vector<milliseconds> time_left;

  template <typename Condition>
  bool WaitFor(Condition condition) {
    std::unique_lock lock(mutex);
    return changed.wait_until(lock, Soon(), condition);
  }
  void Set(bool Gate::* what, bool value) {
    const std::lock_guard lock(mutex);
    this->*what = value;
    changed.notify_all();
  }
};

class GatedExporter final : public MetricExporter {
 public:
  explicit GatedExporter(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
  ~GatedExporter() override { gate_->Set(&Gate::destroyed, true); }

  ExportResult Export(const MetricBatch& batch, Deadline deadline) override {
    std::unique_lock lock(gate_->mutex);
    gate_->most_running = std::max(gate_->most_running, ++gate_->running);
    gate_->time_left.push_back(std::chrono::duration_cast<milliseconds>(deadline - Clock::now()));
    ++gate_->waiting;
    gate_->changed.notify_all();
    gate_->changed.wait(lock, [&] { return !gate_->closed || (gate_->shut_down && !gate_->ignores_shutdown); });
    --gate_->waiting;
    const bool good = !gate_->closed;
    if (good) {
      const auto& sum = std::get<SumData>(batch.scopes.at(0).metrics.at(0).data);
      gate_->values.push_back(std::get<int64_t>(sum.points.at(0).value));
    }
    --gate_->running;
    gate_->changed.notify_all();
    return good ? ExportResult::kSuccess : ExportResult::kFailure;
  }
  bool ForceFlush(Deadline) override {
    const std::lock_guard lock(gate_->mutex);
    ++gate_->flushes;
    return true;
  }
  bool Shutdown(Deadline) override {
    gate_->Set(&Gate::shut_down, true);
    return true;
  }

 private:
  const std::shared_ptr<Gate> gate_;
};

struct Exporting {
  explicit Exporting(milliseconds interval = std::chrono::hours(1), milliseconds timeout = std::chrono::seconds(30),
                     milliseconds callback_timeout = std::chrono::hours(1))
      : provider({.readers = {std::make_shared<PeriodicReader>(
                      std::make_unique<GatedExporter>(gate),
                      PeriodicReaderOptions{{.callback_timeout = callback_timeout}, interval, timeout})}}) {}

  const std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  MeterProvider provider;
  const Counter<int64_t> counter = provider.GetMeter("m").CreateCounter<int64_t>("c");
};

TEST(PeriodicReader, ExportsEachInterval) {
  Exporting exporting(milliseconds(1));
  exporting.counter.Add(1);
  EXPECT_TRUE(exporting.gate->WaitFor([&] { return exporting.gate->values.size() >= 3; }));
  EXPECT_EQ(exporting.gate->most_running, 1);
}

TEST(PeriodicReader, ExportsWhenItIsFlushed) {
  Exporting exporting;
  EXPECT_TRUE(exporting.provider.ForceFlush(Soon()));
  EXPECT_THAT(exporting.gate->values, ::testing::IsEmpty());  // there is nothing
  exporting.counter.Add(7);
  EXPECT_TRUE(exporting.provider.ForceFlush(Soon()));
  EXPECT_THAT(exporting.gate->values, ::testing::ElementsAre(7));
  EXPECT_EQ(exporting.gate->flushes, 2);
  EXPECT_LE(exporting.gate->time_left[0], std::chrono::seconds(20));
}

TEST(PeriodicReader, GivesAnExportItsTimeout) {
  Exporting exporting(milliseconds(1), milliseconds(70));
  exporting.counter.Add(1);
  ASSERT_TRUE(exporting.gate->WaitFor([&] { return !exporting.gate->time_left.empty(); }));
  EXPECT_LE(exporting.gate->time_left[0], milliseconds(70));
}

TEST(PeriodicReader, ExportsALastTimeWhenItIsShutDown) {
  Exporting exporting;
  exporting.counter.Add(3);
  EXPECT_TRUE(exporting.provider.Shutdown(Soon()));
  EXPECT_THAT(exporting.gate->values, ::testing::ElementsAre(3));
  EXPECT_TRUE(exporting.gate->shut_down);
  exporting.counter.Add(3);
  EXPECT_TRUE(exporting.provider.ForceFlush(Soon()));  // of no readers
  EXPECT_EQ(exporting.gate->values.size(), 1);
}

TEST(PeriodicReader, WaitsNoLongerThanItIsTold) {
  Exporting exporting(milliseconds(1));
  exporting.gate->Set(&Gate::closed, true);
  exporting.counter.Add(1);
  ASSERT_TRUE(exporting.gate->WaitFor([&] { return exporting.gate->waiting == 1; }));
  EXPECT_FALSE(exporting.provider.ForceFlush(Clock::now() + milliseconds(1)));
  EXPECT_FALSE(exporting.provider.Shutdown(Clock::now() + milliseconds(1)));  // which ends the export
  EXPECT_TRUE(exporting.gate->WaitFor([&] { return exporting.gate->running == 0; }));
}

TEST(PeriodicReader, LeavesAnExporterBehindThatDoesNotEnd) {
  auto exporting = std::make_unique<Exporting>(milliseconds(1));
  const auto gate = exporting->gate;
  gate->Set(&Gate::closed, true);
  gate->Set(&Gate::ignores_shutdown, true);
  exporting->counter.Add(1);
  ASSERT_TRUE(gate->WaitFor([&] { return gate->waiting == 1; }));
  const uint64_t before = ErrorCount("metrics");
  EXPECT_FALSE(exporting->provider.Shutdown(Clock::now() + milliseconds(1)));
  EXPECT_EQ(ErrorCount("metrics"), before + 1);
  exporting.reset();
  gate->Set(&Gate::closed, false);
  EXPECT_TRUE(gate->WaitFor([&] { return gate->running == 0; }));
}

// A callback that stalls until it is let go.
struct StallingCallback {
  void operator()(Observer<int64_t>&) const {
    started->set_value();
    end.wait();
  }

  std::shared_ptr<std::promise<void>> started = std::make_shared<std::promise<void>>();
  std::shared_future<void> end;
};

TEST(PeriodicReader, ExportsTheOthersWhileACallbackHangs) {
  std::promise<void> end;
  const StallingCallback callback{.end = end.get_future().share()};
  Exporting exporting(std::chrono::hours(1), std::chrono::seconds(30), milliseconds(1));
  auto hanging = exporting.provider.GetMeter("m").CreateObservableGauge<int64_t>("hangs", {}, callback);
  exporting.counter.Add(7);
  const uint64_t before = ErrorCount("metrics");
  EXPECT_TRUE(exporting.provider.ForceFlush(Soon()));
  EXPECT_GT(ErrorCount("metrics"), before);
  exporting.counter.Add(1);
  EXPECT_TRUE(exporting.provider.ForceFlush(Soon()));
  EXPECT_TRUE(exporting.provider.Shutdown(Soon()));
  EXPECT_THAT(exporting.gate->values, ::testing::ElementsAre(7, 8, 8));
  end.set_value();
  hanging = {};  // waits for the end of its callback
}

TEST(PeriodicReader, GivesNothingToACallbackThatFlushes) {
  Exporting exporting;
  const uint64_t before = ErrorCount("metrics");
  bool flushed = true;
  const auto flushing =
      exporting.provider.GetMeter("m").CreateObservableGauge<int64_t>("flushes", {}, [&](auto& observer) {
        flushed = exporting.provider.ForceFlush(Soon());
        observer.Observe(5);
      });
  exporting.counter.Add(7);
  EXPECT_TRUE(exporting.provider.ForceFlush(Soon()));
  EXPECT_FALSE(flushed);
  EXPECT_EQ(ErrorCount("metrics"), before + 1);
  EXPECT_THAT(exporting.gate->values, ::testing::ElementsAre(7));
}

TEST(PeriodicReader, LeavesACallbackBehindThatDoesNotEnd) {
  std::promise<void> end;
  const StallingCallback callback{.end = end.get_future().share()};
  auto exporting = std::make_unique<Exporting>();
  const auto gate = exporting->gate;
  const auto meter = exporting->provider.GetMeter("m");
  auto stalling = meter.CreateObservableGauge<int64_t>("stalls", {}, callback);
  auto other = meter.CreateObservableGauge<int64_t>("other", {}, [](auto& observer) { observer.Observe(1); });
  EXPECT_FALSE(exporting->provider.ForceFlush(Clock::now() + milliseconds(1)));
  callback.started->get_future().wait();
  other = {};  // waits for its own callback only
  const uint64_t before = ErrorCount("metrics");
  EXPECT_FALSE(exporting->provider.Shutdown(Clock::now() + milliseconds(1)));
  EXPECT_EQ(ErrorCount("metrics"), before + 1);
  exporting.reset();
  EXPECT_TRUE(gate->shut_down);
  end.set_value();
  stalling = {};                                                // waits for the end of its callback
  EXPECT_TRUE(gate->WaitFor([&] { return gate->destroyed; }));  // by the thread, which ends too
}

TEST(PeriodicReader, LetsAProcessForkWhileACallbackStalls) {
  if (!otel::testing::kCanFork) GTEST_SKIP() << "TSan";
  std::promise<void> end;
  const StallingCallback callback{.end = end.get_future().share()};
  Exporting exporting;
  const auto stalling = exporting.provider.GetMeter("m").CreateObservableGauge<int64_t>("stalls", {}, callback);
  exporting.counter.Add(100);
  EXPECT_FALSE(exporting.provider.ForceFlush(Clock::now() + milliseconds(1)));
  callback.started->get_future().wait();
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {  // here the callback throws, as its promise is kept already
    alarm(60);
    exporting.counter.Add(5);
    const bool good = exporting.provider.Shutdown(Soon()) && exporting.gate->values == std::vector<int64_t>{5};
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  end.set_value();
  EXPECT_TRUE(exporting.provider.ForceFlush(Soon()));
}

TEST(PeriodicReader, ObservesInTheChildOfAForkFromItsFirstFlushOn) {
  if (!otel::testing::kCanFork) GTEST_SKIP() << "TSan";
  Exporting exporting(milliseconds(1));
  const auto observing = exporting.provider.GetMeter("m").CreateObservableCounter<int64_t>(
      "observed", {}, [](auto& observer) { observer.Observe(5); });
  ASSERT_TRUE(exporting.gate->WaitFor([&] { return !exporting.gate->values.empty(); }));
  exporting.gate->mutex.lock();  // so that the child finds it in order
  const pid_t child = fork();
  exporting.gate->mutex.unlock();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(60);
    exporting.gate->values.clear();
    const bool flushed = exporting.provider.ForceFlush(Soon());
    const bool exported = exporting.gate->WaitFor([&] { return exporting.gate->values.size() >= 3; });
    _exit(flushed && exported && exporting.gate->values[0] == 5 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(PeriodicReader, ExportsInTheChildOfAForkWhatIsMeasuredThere) {
  if (!otel::testing::kCanFork) GTEST_SKIP() << "TSan";
  Exporting exporting(milliseconds(1));
  exporting.counter.Add(100);
  ASSERT_TRUE(exporting.gate->WaitFor([&] { return !exporting.gate->values.empty(); }));
  exporting.gate->mutex.lock();  // so that the child finds it in order
  const pid_t child = fork();
  exporting.gate->mutex.unlock();
  ASSERT_GE(child, 0);
  if (child == 0) {
    alarm(60);
    exporting.gate->values.clear();
    exporting.counter.Add(5);
    const bool exported = exporting.gate->WaitFor([&] { return !exporting.gate->values.empty(); });
    const bool good = exported && exporting.gate->values[0] == 5 && exporting.provider.Shutdown(Soon());
    _exit(good ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace otel
