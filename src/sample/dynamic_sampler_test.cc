#include "sample/dynamic_sampler.h"

#include <gtest/gtest.h>

#include "sample/testing/policies.h"

namespace sightline::sample {
namespace {

using namespace testing;

constexpr int64_t kSecond = 1'000'000'000;

DynamicSpec OneIn(double rate) {
  return {.keys = {"k"}, .goal_sample_rate = rate, .adjustment_interval_nanos = 10 * kSecond};
}

// One interval: `counts[i]` spans of key i + 1, then whatever comes at its end.
void Interval(DynamicSampler& sampler, int64_t& now, const std::vector<uint64_t>& counts) {
  for (size_t i = 0; i < counts.size(); ++i) sampler.Observe(i + 1, counts[i], now);
  now += 10 * kSecond;
}

TEST(DynamicSampler, TakesTheGoalUntilItHasSeenAnInterval) {
  DynamicSampler sampler(OneIn(7), 1);
  EXPECT_EQ(sampler.Observe(1, 1, 0), 7);
  EXPECT_EQ(sampler.Observe(2, 1, 9 * kSecond), 7);
}

TEST(DynamicSampler, MeetsTheGoalAndKeepsRareKeys) {
  DynamicSampler sampler(OneIn(10), 1);
  int64_t now = 0;
  const std::vector<uint64_t> counts = {10'000, 1'000, 100, 1};
  for (int i = 0; i < 10; ++i) Interval(sampler, now, counts);
  sampler.Observe(1, 1, now);
  double kept = 0, seen = 0;
  double before = 1e9;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double rate = sampler.Rate(i + 1);
    EXPECT_LE(rate, before);  // the more there are, the thinner
    before = rate;
    kept += static_cast<double>(counts[i]) / rate;
    seen += static_cast<double>(counts[i]);
  }
  EXPECT_NEAR(seen / kept, 10, 0.1);
  EXPECT_GT(sampler.Rate(1), sampler.Rate(2));
  EXPECT_EQ(sampler.Rate(4), 1);
  EXPECT_EQ(sampler.Rate(99), 1);  // never seen
}

TEST(DynamicSampler, MeetsAThroughputHoweverMuchComes) {
  DynamicSpec spec{.keys = {"k"}, .goal_spans_per_second = 100, .adjustment_interval_nanos = 10 * kSecond};
  for (const uint64_t scale : {1, 10, 100}) {
    for (const uint32_t shards : {1u, 4u}) {
      DynamicSampler sampler(spec, shards);
      int64_t now = 0;
      const std::vector<uint64_t> counts = {20'000 * scale, 3'000 * scale, 5};
      for (int i = 0; i < 12; ++i) Interval(sampler, now, counts);
      sampler.Observe(3, 1, now);
      double kept = 0;
      for (size_t i = 0; i < counts.size(); ++i) kept += static_cast<double>(counts[i]) / sampler.Rate(i + 1);
      EXPECT_NEAR(kept, 1000.0 / shards, 20) << scale;
    }
  }
}

TEST(DynamicSampler, FollowsABurstBeforeTheIntervalEnds) {
  DynamicSpec spec{.keys = {"k"}, .goal_spans_per_second = 10, .adjustment_interval_nanos = 10 * kSecond};
  DynamicSampler sampler(spec, 1);
  int64_t now = 0;
  for (int i = 0; i < 6; ++i) Interval(sampler, now, {1'000});
  sampler.Observe(1, 1, now);
  const double calm = sampler.Rate(1);
  for (int i = 0; i < 30; ++i) sampler.Observe(1, 100, now + i);
  EXPECT_GT(sampler.Rate(1), 1.3 * calm);
}

TEST(DynamicSampler, ForgetsKeysThatStayAwayAndNothingInAnOutage) {
  DynamicSampler sampler(OneIn(10), 1);
  int64_t now = 0;
  for (int i = 0; i < 5; ++i) Interval(sampler, now, {10'000, 500});
  now += 3'600 * kSecond;
  sampler.Observe(1, 10'000, now);
  EXPECT_EQ(sampler.keys(), 2u);
  EXPECT_GT(sampler.Rate(1), 1);
  for (int i = 0; i < 40; ++i) {
    now += 10 * kSecond;
    sampler.Observe(1, 10'000, now);
  }
  EXPECT_EQ(sampler.keys(), 1u);
}

TEST(DynamicSampler, ThinsKeysBeyondItsMemoryTogether) {
  DynamicSpec spec = OneIn(10);
  spec.max_keys = 50;
  DynamicSampler sampler(spec, 1);
  int64_t now = 0;
  uint64_t fresh = 1000;
  double kept = 0, seen = 0;
  for (int interval = 0; interval < 10; ++interval) {
    for (int i = 0; i < 2'000; ++i) {  // each trace has a key of its own
      const double rate = sampler.Observe(++fresh, 10, now);
      if (interval < 5) continue;
      kept += 1 / rate;
      ++seen;
    }
    now += 10 * kSecond;
  }
  EXPECT_LE(sampler.keys(), 51u);
  EXPECT_GT(seen / kept, 5);  // not all kept, as new keys would be
}

TEST(DynamicPolicy, KeysAreSetsOfValuesOverTheTrace) {
  TestPolicies policies(R"(
- name: d
  type: dynamic
  dynamic: {keys: [service.name, root.name, status], goal_sample_rate: 1000000000, adjustment_interval: 10s})");
  const auto trace = [](std::string_view root, uint8_t status) {
    return std::vector<TestBatch>{{TestResource("a"), {TestSpan(root).Root(), TestSpan("x")}},
                                  {TestResource("b"), {TestSpan("y").Status(status)}}};
  };
  for (int i = 0; i < 5; ++i) {
    for (int n = 0; n < 100; ++n) policies.Decide(trace("GET /", 0), TraceId(static_cast<uint64_t>(n)));
    policies.now += 10 * kSecond;
  }
  policies.Decide(trace("GET /", 0));
  EXPECT_FALSE(policies.Keeps(trace("GET /", 0)));
  EXPECT_TRUE(policies.Keeps(trace("GET /other", 0)));
  EXPECT_TRUE(policies.Keeps(trace("GET /", 2)));
  // The order in which spans come makes no key, and names of others than the root neither.
  EXPECT_FALSE(
      policies.Keeps({{TestResource("b"), {TestSpan("other")}}, {TestResource("a"), {TestSpan("GET /").Root()}}}));
}

}  // namespace
}  // namespace sightline::sample
