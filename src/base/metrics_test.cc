#include "base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <thread>

namespace sightline {
namespace {

TEST(MetricsRegistry, SameNameAndLabelsAreOneCounter) {
  MetricsRegistry registry;
  Counter& first = registry.GetCounter("a.b", "{span}", "help", {{"x", "1"}, {"y", "2"}});
  Counter& reordered = registry.GetCounter("a.b", "{span}", "help", {{"y", "2"}, {"x", "1"}});
  Counter& other = registry.GetCounter("a.b", "{span}", "help", {{"x", "2"}});
  EXPECT_EQ(&first, &reordered);
  EXPECT_NE(&first, &other);
}

TEST(MetricsRegistry, CountsFromManyThreadsWithoutLoss) {
  MetricsRegistry registry;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10'000; ++n) registry.GetCounter("hits", "1", "").Add(1);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry.GetCounter("hits", "1", "").value(), 40'000u);
}

TEST(MetricsRegistry, SnapshotIsSortedAndReadsGaugesNow) {
  MetricsRegistry registry;
  double level = 1;
  registry.SetGauge("z.level", "By", "Level.", {}, [&] { return level; });
  registry.GetCounter("a.count", "{item}", "Count.", {{"k", "2"}}).Add(7);
  registry.GetCounter("a.count", "{item}", "Count.", {{"k", "1"}}).Add(5);
  level = 2.5;
  const std::vector<MetricsRegistry::Sample> samples = registry.Snapshot();
  ASSERT_EQ(samples.size(), 3u);
  EXPECT_EQ(samples[0].labels, (MetricLabels{{"k", "1"}}));
  EXPECT_EQ(samples[0].value, 5);
  EXPECT_TRUE(samples[0].monotonic);
  EXPECT_EQ(samples[1].value, 7);
  EXPECT_EQ(samples[2].name, "z.level");
  EXPECT_EQ(samples[2].unit, "By");
  EXPECT_FALSE(samples[2].monotonic);
  EXPECT_EQ(samples[2].value, 2.5);
}

TEST(MetricsRegistry, ACounterThatIsReadIsMonotonicAndMayHaveFractions) {
  MetricsRegistry registry;
  registry.SetCounter("cpu.time", "s", "", {}, [] { return 1.25; });
  const std::vector<MetricsRegistry::Sample> samples = registry.Snapshot();
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_TRUE(samples[0].monotonic);
  EXPECT_FALSE(samples[0].whole);
  EXPECT_EQ(samples[0].value, 1.25);
  registry.Unregister("cpu.time");
  EXPECT_TRUE(registry.Snapshot().empty());
}

TEST(MetricsRegistry, UnregisteredGaugeIsNotReadAgain) {
  MetricsRegistry registry;
  int reads = 0;
  registry.SetGauge("g", "1", "", {{"x", "1"}}, [&] { return ++reads; });
  registry.Snapshot();
  registry.Unregister("g", {{"x", "1"}});
  EXPECT_TRUE(registry.Snapshot().empty());
  EXPECT_EQ(reads, 1);
}

TEST(MetricsRegistry, UnregisterLeavesCountersAlone) {
  MetricsRegistry registry;
  Counter& counter = registry.GetCounter("c", "1", "");
  registry.Unregister("c");
  counter.Add(1);
  ASSERT_EQ(registry.Snapshot().size(), 1u);
  EXPECT_EQ(registry.Snapshot()[0].value, 1);
}

TEST(MetricsRegistry, GaugeMayTakeALockThatACallerOfGetCounterHolds) {
  MetricsRegistry registry;
  std::mutex mutex;
  registry.SetGauge("g", "1", "", {}, [&] {
    const std::lock_guard lock(mutex);
    return 1.0;
  });
  std::unique_lock lock(mutex);
  std::thread reader([&] { registry.Snapshot(); });
  registry.GetCounter("c", "1", "").Add(1);  // would never return if the blocked reader held the registry
  lock.unlock();
  reader.join();
}

TEST(MetricsRegistryDeathTest, OneNameIsNotBothCounterAndGauge) {
  MetricsRegistry registry;
  registry.GetCounter("a", "1", "", {{"x", "1"}});
  EXPECT_DEATH(registry.SetGauge("a", "1", "", {}, [] { return 0.0; }), "check failed");
}

// Whoever got the counter holds a reference to it.
TEST(MetricsRegistryDeathTest, ACounterThatIsCountedIsNotReplacedByOneThatIsRead) {
  MetricsRegistry registry;
  registry.GetCounter("a", "1", "");
  EXPECT_DEATH(registry.SetCounter("a", "1", "", {}, [] { return 0.0; }), "check failed");
  registry.SetCounter("b", "1", "", {}, [] { return 0.0; });
  EXPECT_DEATH(registry.GetCounter("b", "1", ""), "check failed");
}

TEST(PrometheusText, WritesFamiliesOnceAndEscapes) {
  MetricsRegistry registry;
  registry.GetCounter("sightline.receive.items", "{span}", "Items\nreceived \\.", {{"signal", "tra\"ces\\\n"}}).Add(3);
  registry.GetCounter("sightline.receive.items", "{span}", "Items\nreceived \\.", {{"signal", "logs"}}).Add(4);
  registry.SetGauge("sightline.journal.size", "By", "Size.", {}, [] { return 1.5; });
  EXPECT_EQ(PrometheusText(registry.Snapshot()),
            "# HELP sightline_journal_size Size.\n"
            "# TYPE sightline_journal_size gauge\n"
            "sightline_journal_size 1.5\n"
            "# HELP sightline_receive_items_total Items\\nreceived \\\\.\n"
            "# TYPE sightline_receive_items_total counter\n"
            "sightline_receive_items_total{signal=\"logs\"} 4\n"
            "sightline_receive_items_total{signal=\"tra\\\"ces\\\\\\n\"} 3\n");
}

TEST(PrometheusText, WritesNamesAndValuesThatPrometheusReads) {
  const std::vector<MetricsRegistry::Sample> samples = {
      {.name = "9.a-b", .labels = {{"http.method", "GET"}}, .value = std::numeric_limits<double>::infinity()},
      {.name = "b.total", .monotonic = true, .value = 12345678901.0},
      {.name = "c", .value = std::nan("")},
  };
  const std::string text = PrometheusText(samples);
  EXPECT_THAT(text, testing::HasSubstr("_9_a_b{http_method=\"GET\"} +Inf\n"));
  EXPECT_THAT(text, testing::HasSubstr("\nb_total 12345678901\n"));
  EXPECT_THAT(text, testing::HasSubstr("\nc NaN\n"));
}

}  // namespace
}  // namespace sightline
