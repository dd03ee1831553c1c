// Many threads measure while readers collect: nothing is lost, nothing is counted twice. TSan looks on.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <map>
#include <numeric>
#include <thread>

#include "common/testing/can_fork.h"
#include "metrics/testing/collected.h"

namespace otel {
namespace {

using testing::Collected;

constexpr int kThreads = 8;
#ifdef SIGHTLINE_SANITIZED
constexpr int64_t kMeasurements = 3'000;
#else
constexpr int64_t kMeasurements = 30'000;
#endif

// Runs `measure(thread)` in each of them, and `meanwhile` again and again in this one until they are done.
void InThreads(const std::function<void(int)>& measure, const std::function<void()>& meanwhile) {
  std::atomic<int> running = kThreads;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      measure(i);
      --running;
    });
  }
  while (running > 0) meanwhile();
  for (auto& thread : threads) thread.join();
}

// Adds the points of a sum to those of former collections, by the attribute "i"; -1 is what overflowed.
void AddTo(std::map<int64_t, int64_t>& sums, const SumData* data) {
  if (data == nullptr) return;
  for (const auto& point : data->points) {
    const auto i = point.attributes.Find("i");
    sums[i ? i->as_int() : -1] += std::get<int64_t>(point.value);
  }
}

int64_t Total(const std::map<int64_t, int64_t>& sums) {
  return std::accumulate(sums.begin(), sums.end(), int64_t{0},
                         [](int64_t total, const auto& sum) { return total + sum.second; });
}

TEST(ManyThreads, LoseNothingWithDeltaTemporality) {
  Collected collected({}, {.temporality = TemporalityPreference::kDelta});
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  std::map<int64_t, int64_t> sums;
  const auto collect = [&] { AddTo(sums, collected.Collect().Get<SumData>("c")); };
  InThreads(
      [&](int) {
        const auto bound = counter.Bind({{"i", 7}});
        for (int64_t n = 0; n < kMeasurements; ++n) {
          counter.Add(1, {{"i", n % 10}, {"even", n % 2 == 0}});
          bound.Add(1);
        }
      },
      collect);
  collect();
  for (int64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(sums[i], kThreads * kMeasurements / 10 + (i == 7 ? kThreads * kMeasurements : 0));
  }
}

// Series come and go all the time, and there are more than find place.
TEST(ManyThreads, LoseNothingBeyondTheLimit) {
  for (const auto preference : {TemporalityPreference::kDelta, TemporalityPreference::kCumulative}) {
    Collected collected({}, {.temporality = preference, .cardinality_limit = 20});
    const auto counter = collected.meter.CreateCounter<int64_t>("c");
    std::map<int64_t, int64_t> sums;
    const auto collect = [&] {
      if (preference == TemporalityPreference::kCumulative) sums.clear();
      AddTo(sums, collected.Collect().Get<SumData>("c"));
      EXPECT_LE(collected.Get<SumData>("c") == nullptr ? 0 : collected.Get<SumData>("c")->points.size(), 21U);
    };
    InThreads(
        [&](int thread) {
          for (int64_t n = 0; n < kMeasurements; ++n) counter.Add(1, {{"i", (n / 50 + thread) % 40}});
        },
        collect);
    collect();
    EXPECT_EQ(Total(sums), kThreads * kMeasurements);
  }
}

TEST(ManyThreads, MakeConsistentHistograms) {
  View exponential, buckets;
  exponential.name = "exponential";
  exponential.aggregation = Base2ExponentialBucketHistogramAggregation();
  buckets.aggregation = ExplicitBucketHistogramAggregation{.boundaries = {1, 3}};
  Collected collected({.views = {buckets, exponential}});
  const auto histogram = collected.meter.CreateHistogram<double>("h");
  const auto check = [&] {
    collected.Collect();
    const auto* const point = collected.Point<HistogramData>("h");
    const auto* const scaled = collected.Point<ExponentialHistogramData>("exponential");
    if (point == nullptr || scaled == nullptr) return uint64_t{0};
    // Whenever it is read, the counts go with the sum: all values are 1, 2 or 4.
    EXPECT_EQ(point->counts[0] + point->counts[1] * 2 + point->counts[2] * 4, *point->sum);
    const auto& counts = scaled->positive.counts;
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), uint64_t{0}), scaled->count);
    return point->count;
  };
  InThreads(
      [&](int) {
        const auto bound = histogram.Bind({});
        for (int64_t n = 0; n < kMeasurements / 2; ++n) {
          histogram.Record(static_cast<double>(int64_t{1} << n % 3));
          bound.Record(static_cast<double>(int64_t{1} << (n + 1) % 3));
        }
      },
      [&] { check(); });
  EXPECT_EQ(check(), kThreads * kMeasurements);
  EXPECT_EQ(collected.Point<ExponentialHistogramData>("exponential")->count, kThreads * kMeasurements);
}

TEST(ManyThreads, MakeTheSameInstruments) {
  Collected collected;
  InThreads(
      [&](int) {
        for (int64_t n = 0; n < 200; ++n) {
          const auto meter = collected.provider.GetMeter("meter" + std::to_string(n % 3));
          meter.CreateCounter<int64_t>("c" + std::to_string(n % 20)).Add(1);
          const auto gauge = meter.CreateObservableGauge<int64_t>("g", {}, [](auto& observer) { observer.Observe(1); });
        }
      },
      [&] { collected.Collect(); });
  int64_t total = 0;
  for (const auto& scope : collected.Collect().batch().scopes) {
    for (const auto& metric : scope.metrics) {
      if (const auto* const sum = std::get_if<SumData>(&metric.data)) total += std::get<int64_t>(sum->points[0].value);
    }
  }
  EXPECT_EQ(total, kThreads * 200);
}

// The provider starts and stops again under their hands.
TEST(ManyThreads, MayMeasureWhileReadersComeAndGo) {
  MeterProvider provider;
  const auto counter = provider.GetMeter("m").CreateCounter<int64_t>("c");
  std::atomic<int> rounds = 0;
  std::atomic<int64_t> measured = 0;
  InThreads(
      [&](int) {
        const auto bound = counter.Bind({{"a", 1}});
        while (rounds < 50) {
          counter.Add(1, {{"a", 2}});
          bound.Add(1);
          if (counter.Enabled()) ++measured;
        }
      },
      [&] {
        const auto reader = std::make_shared<ManualReader>();
        provider.Start({.readers = {reader}});
        const int64_t before = measured;
        while (measured < before + 10 && rounds < 50) std::this_thread::yield();
        reader->Collect();
        provider.Shutdown(Deadline::max());
        ++rounds;
      });
  EXPECT_GE(measured, 500);
}

TEST(Fork, LeavesTheChildNothingOfItsParentAndAllToWorkWith) {
  if (!otel::testing::kCanFork) GTEST_SKIP() << "TSan";
  Collected collected;
  const auto counter = collected.meter.CreateCounter<int64_t>("c");
  const auto bound = counter.Bind({{"a", 1}});
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int64_t n = 0; !stop; ++n) {
        counter.Add(1, {{"n", n % 5000}});
        bound.Add(1);
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(20);
      counter.Add(2);
      bound.Add(3);
      collected.Collect();
      const bool good = collected.Sum("c") == 2 && collected.Sum("c", {{"a", 1}}) == 3 &&
                        collected.Get<SumData>("c")->points.size() == 2;
      _exit(good ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = true;
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace otel
