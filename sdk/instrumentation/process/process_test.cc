#include "otel/instrumentation/process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <ctime>
#include <memory>
#include <mutex>
#include <thread>

#include "metrics/testing/collected.h"
#include "otel/telemetry.h"

namespace otel::instrumentation {
namespace {

using otel::testing::Collected;

constexpr int64_t kMiB = 1 << 20;

class ProcessMetricsTest : public ::testing::Test {
 protected:
  double CpuSeconds(const char* mode) {
    return metrics_.Collect().Sum<double>("process.cpu.time", {{"cpu.mode", mode}});
  }
  int64_t Value(std::string_view name, const Attributes& attributes = {}) {
    return metrics_.Collect().Sum(name, attributes);
  }

  Collected metrics_;
  ProcessMetrics process_{metrics_.meter};
};

TEST_F(ProcessMetricsTest, HasTheKindsAndUnitsOfTheSemanticConventions) {
  struct Expected {
    const char* name;
    const char* unit;
    bool sum;
    bool monotonic;
    size_t points;
  };
  constexpr Expected kExpected[] = {{"process.cpu.time", "s", true, true, 2},
                                    {"process.memory.usage", "By", true, false, 1},
                                    {"process.memory.virtual", "By", true, false, 1},
                                    {"process.disk.io", "By", true, true, 2},
                                    {"process.thread.count", "{thread}", true, false, 1},
                                    {"process.open_file_descriptor.count", "{file_descriptor}", true, false, 1},
                                    {"process.context_switches", "{context_switch}", true, true, 2},
                                    {"process.paging.faults", "{fault}", true, true, 2},
                                    {"process.uptime", "s", false, false, 1}};
  metrics_.Collect();
  EXPECT_EQ(metrics_.metrics(), std::size(kExpected));
  for (const Expected& expected : kExpected) {
    const MetricData* const metric = metrics_.Find(expected.name);
    ASSERT_NE(metric, nullptr) << expected.name;
    EXPECT_EQ(metric->unit, expected.unit);
    const auto* const sum = std::get_if<SumData>(&metric->data);
    ASSERT_EQ(sum != nullptr, expected.sum) << expected.name;
    EXPECT_EQ(sum != nullptr && sum->is_monotonic, expected.monotonic) << expected.name;
    const size_t points = sum != nullptr ? sum->points.size() : std::get<GaugeData>(metric->data).points.size();
    EXPECT_EQ(points, expected.points) << expected.name;
  }
}

TEST_F(ProcessMetricsTest, CountsTheTimeOfTheCpu) {
  const auto used = [](clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
  };
  const double before = CpuSeconds("user") + CpuSeconds("system");
  EXPECT_GT(before, 0);
  const double begin = used(CLOCK_PROCESS_CPUTIME_ID);
  while (used(CLOCK_PROCESS_CPUTIME_ID) < begin + 0.2) {
  }
  EXPECT_GT(CpuSeconds("user") + CpuSeconds("system"), before + 0.15);
}

TEST_F(ProcessMetricsTest, SeesMemoryThatIsUsed) {
  const int64_t before = Value("process.memory.usage");
  const int64_t virtual_before = Value("process.memory.virtual");
  EXPECT_GT(before, kMiB);
  EXPECT_GT(virtual_before, before);
  const int64_t faults = Value("process.paging.faults", {{"process.paging.fault_type", "minor"}});
  constexpr size_t kSize = 64 * kMiB;
  const auto memory = std::make_unique<char[]>(kSize);
  for (size_t at = 0; at < kSize; at += 4096) static_cast<volatile char*>(memory.get())[at] = 1;
  EXPECT_GT(Value("process.memory.usage"), before + 48 * kMiB);
  EXPECT_GT(Value("process.memory.virtual"), virtual_before);
  EXPECT_GT(Value("process.paging.faults", {{"process.paging.fault_type", "minor"}}), faults);
}

TEST_F(ProcessMetricsTest, CountsThreadsAndFileDescriptors) {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  const int64_t threads = Value("process.thread.count");
  std::thread thread([&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done; });
  });
  EXPECT_GE(Value("process.thread.count"), threads + 1);  // a sanitizer may add one
  {
    const std::lock_guard lock(mutex);
    done = true;
  }
  changed.notify_all();
  thread.join();

  const int64_t descriptors = Value("process.open_file_descriptor.count");
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  EXPECT_EQ(Value("process.open_file_descriptor.count"), descriptors + 2);
  close(ends[0]);
  close(ends[1]);
  EXPECT_EQ(Value("process.open_file_descriptor.count"), descriptors);
}

TEST_F(ProcessMetricsTest, CountsContextSwitches) {
  const Attributes voluntary{{"process.context_switch.type", "voluntary"}};
  const int64_t before = Value("process.context_switches", voluntary);
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  std::thread thread([&] {  // waits for what comes only when it waits
    char byte;
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
  });
  while (Value("process.context_switches", voluntary) == before) {
  }
  EXPECT_EQ(write(ends[1], "x", 1), 1);
  thread.join();
  close(ends[0]);
  close(ends[1]);
}

TEST_F(ProcessMetricsTest, KnowsHowLongTheProcessRuns) {
  const auto uptime = [this] {
    const auto* const point = metrics_.Collect().Point<GaugeData>("process.uptime");
    return point == nullptr ? -1.0 : std::get<double>(point->value);
  };
  const double first = uptime();
  EXPECT_GE(first, 0);
  EXPECT_LT(first, 300);  // the time that the test may take
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(20)) {
  }
  EXPECT_GT(uptime(), first);
}

TEST_F(ProcessMetricsTest, EndsWithItsObject) {
  Collected metrics;
  {
    const ProcessMetrics process(metrics.meter);
  }
  EXPECT_EQ(metrics.Collect().metrics(), 0);
}

TEST(ProcessMetrics, AreStartedByConfigure) {
  const auto reader = std::make_shared<ManualReader>();
  TelemetryOptions options;
  options.metric_readers = {reader};
  options.instrumentations = {ObserveProcess};
  setenv("OTEL_TRACES_EXPORTER", "none", 1);
  setenv("OTEL_METRICS_EXPORTER", "none", 1);
  setenv("OTEL_LOGS_EXPORTER", "none", 1);
  {
    const Telemetry telemetry = Configure(std::move(options));
    const auto batch = reader->Collect();
    ASSERT_TRUE(batch.has_value());
    ASSERT_EQ(batch->scopes.size(), 1);
    EXPECT_EQ(batch->scopes[0].metrics.size(), 9);
  }
}

}  // namespace
}  // namespace otel::instrumentation
