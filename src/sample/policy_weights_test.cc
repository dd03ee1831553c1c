// Adjusted counts by simulation: sums of them over what is kept are true of what came, within what chance allows.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "sample/testing/policies.h"

namespace sightline::sample {
namespace {

using namespace testing;

// Kinds of traces whose true numbers are known: each must come out right by itself.
struct Population {
  double seen = 0, estimate = 0, variance = 0;
  uint64_t kept = 0;

  void Add(const Decision& decision) {
    ++seen;
    if (!decision.keep) return;
    ++kept;
    estimate += decision.adjusted_count;
    // Horvitz-Thompson: independent draws of probability 1 / w.
    variance += decision.adjusted_count * (decision.adjusted_count - 1);
  }
  // Within five standard deviations, and `slack` for what is owed at the end.
  void Check(double slack = 0) const { EXPECT_NEAR(estimate, seen, 5 * std::sqrt(variance) + slack + 1e-6); }
};

TestSpan Slow() {
  return TestSpan().Times(0, 2000);
}
TestSpan Error() {
  return TestSpan().Status(2);
}

struct ChanceCase {
  std::string_view policies;
  double probability;  // of a plain trace
};
const ChanceCase kChanceCases[] = {
    {"- {name: a, type: probabilistic, probabilistic: {sampling_percentage: 10}}", 0.1},
    // The same salt: the smaller share lies within the larger.
    {R"(
- {name: a, type: probabilistic, probabilistic: {sampling_percentage: 10}}
- {name: b, type: probabilistic, probabilistic: {sampling_percentage: 30}})",
     0.3},
    // Different salts are independent.
    {R"(
- {name: a, type: probabilistic, probabilistic: {sampling_percentage: 10, hash_salt: x}}
- {name: b, type: probabilistic, probabilistic: {sampling_percentage: 20, hash_salt: y}})",
     1 - 0.9 * 0.8},
    {R"(
- name: a
  type: and
  and:
    and_sub_policy:
      - {name: b, type: probabilistic, probabilistic: {sampling_percentage: 50, hash_salt: x}}
      - {name: c, type: probabilistic, probabilistic: {sampling_percentage: 20, hash_salt: y}})",
     0.1},
    {R"(
- {name: n, type: not, not: {not_sub_policy: {name: p, type: probabilistic, probabilistic: {sampling_percentage: 75}}}})",
     0.25},
    // A drop by chance takes away from what others keep; of the same salt it takes the first half of the 20 %.
    {R"(
- {name: d, type: drop, drop: {drop_sub_policy: [{name: p, type: probabilistic, probabilistic: {sampling_percentage: 10}}]}}
- {name: a, type: probabilistic, probabilistic: {sampling_percentage: 20}})",
     0.1},
    {R"(
- {name: d, type: drop, drop: {drop_sub_policy: [{name: p, type: probabilistic, probabilistic: {sampling_percentage: 90, hash_salt: x}}]}}
- {name: a, type: always_sample})",
     0.1},
    // A band of hashes: above 10 and up to 40 %.
    {R"(
- name: a
  type: and
  and:
    and_sub_policy:
      - {name: b, type: probabilistic, probabilistic: {sampling_percentage: 40}}
      - {name: c, type: not, not: {not_sub_policy: {name: d, type: probabilistic, probabilistic: {sampling_percentage: 10}}}})",
     0.3},
    // Kept by a condition for sure, chance besides.
    {R"(
- {name: a, type: probabilistic, probabilistic: {sampling_percentage: 10}}
- {name: b, type: status_code, status_code: {status_codes: [UNSET]}})",
     1},
    // Another kind of trace's certainty is no help.
    {R"(
- {name: a, type: probabilistic, probabilistic: {sampling_percentage: 10}}
- {name: b, type: status_code, status_code: {status_codes: [ERROR]}})",
     0.1},
    {R"(
- name: c
  type: composite
  composite:
    max_total_spans_per_second: 1000000000
    composite_sub_policy:
      - {name: p, type: probabilistic, probabilistic: {sampling_percentage: 10, hash_salt: x}}
      - {name: q, type: probabilistic, probabilistic: {sampling_percentage: 20, hash_salt: y}})",
     1 - 0.9 * 0.8},
};

TEST(AdjustedCount, IsOneOverTheProbabilityOfAnyPolicy) {
  for (const ChanceCase& test : kChanceCases) {
    for (const std::string_view first_match : {"false", "true"}) {
      TestPolicies policies(fmt::format("sample_on_first_match: {}\npolicies:{}{}", first_match,
                                        test.policies.starts_with('\n') ? "" : "\n", test.policies));
      Population all;
      for (uint64_t i = 0; i < 5000; ++i) {
        const Decision decision = policies.Decide(TestSpan(), TraceId(i));
        if (decision.keep) ASSERT_NEAR(decision.adjusted_count, 1 / test.probability, 1e-6) << test.policies;
        all.Add(decision);
      }
      all.Check();
      EXPECT_NEAR(static_cast<double>(all.kept), 5000 * test.probability,
                  5 * std::sqrt(5000 * test.probability * (1 - test.probability)) + 1e-6)
          << test.policies;
    }
  }
}

// Traffic of three kinds, in bursts, at `rate` traces a second on average.
struct Traffic {
  std::map<std::string, Population> kinds;
  double total_slack = 0;

  void Run(TestPolicies& policies, uint64_t traces, double rate, uint64_t seed) {
    std::mt19937_64 random(seed);
    for (uint64_t i = 0; i < traces; ++i) {
      const bool burst = (i / 500) % 3 == 0;
      policies.now += static_cast<int64_t>(1e9 / (rate * (burst ? 4 : 1)));
      const uint64_t kind = random() % 10;
      const std::vector<TestSpan> plain(1 + random() % 3);
      const auto id = TraceId(seed * 1'000'003 + i);
      if (kind == 0) {
        kinds["error"].Add(policies.Decide(Error(), id));
      } else if (kind <= 3) {
        kinds["slow"].Add(policies.Decide(Slow(), id));
      } else {
        kinds["plain"].Add(policies.Decide({{{}, plain}}, id));
      }
    }
    total_slack = policies.state().unrepresented_traces();
  }
};

TEST(AdjustedCount, WhoPassesALimitStandsForWhoWasRefused) {
  TestPolicies policies("- {name: r, type: rate_limiting, rate_limiting: {spans_per_second: 100}}");
  Traffic traffic;
  traffic.Run(policies, 40'000, 500, 1);
  double seen = 0, estimate = 0;
  for (const auto& [kind, population] : traffic.kinds) {
    seen += population.seen;
    estimate += population.estimate;
    EXPECT_LT(population.kept, population.seen / 2);
    // Who is refused does not depend on the kind, only on the size; gaps vary, so each kind is right within a few %.
    EXPECT_NEAR(population.estimate / population.seen, 1, 0.06) << kind;
  }
  // Together exact, but for what nobody has paid yet.
  EXPECT_NEAR(estimate + traffic.total_slack, seen, 1e-6);
  // Large traces seldom find enough tokens at once, so theirs are owed for a while.
  EXPECT_LT(traffic.total_slack, 0.05 * seen);
}

TEST(AdjustedCount, ErrorsCountOneThoughALimitRefusesThem) {
  TestPolicies policies(R"(
- {name: r, type: rate_limiting, rate_limiting: {spans_per_second: 50}}
- {name: e, type: status_code, status_code: {status_codes: [ERROR]}})");
  Traffic traffic;
  traffic.Run(policies, 30'000, 500, 2);
  const Population& errors = traffic.kinds["error"];
  EXPECT_EQ(errors.kept, errors.seen);
  EXPECT_EQ(errors.estimate, errors.seen);  // neither more nor less
  double seen = 0, estimate = 0;
  for (const auto& [kind, population] : traffic.kinds) {
    seen += population.seen;
    estimate += population.estimate;
  }
  EXPECT_NEAR(estimate + traffic.total_slack, seen, 1e-6);
}

TEST(AdjustedCount, ALimitBesideChanceIsUnbiased) {
  for (const std::string_view first_match : {"false", "true"}) {
    TestPolicies policies(fmt::format(R"(
sample_on_first_match: {}
policies:
  - {{name: p, type: probabilistic, probabilistic: {{sampling_percentage: 10}}}}
  - {{name: r, type: rate_limiting, rate_limiting: {{spans_per_second: 100}}}})",
                                      first_match));
    Traffic traffic;
    traffic.Run(policies, 40'000, 500, 3);
    for (const auto& [kind, population] : traffic.kinds) {
      SCOPED_TRACE(kind);
      population.Check();
      EXPECT_LT(population.kept, population.seen);
    }
    EXPECT_EQ(traffic.total_slack, 0);  // chance stands for whom the limit refuses
  }
}

TEST(AdjustedCount, ALimitAfterChanceIsUnbiasedTogether) {
  TestPolicies policies(R"(
- name: a
  type: and
  and:
    and_sub_policy:
      - {name: p, type: probabilistic, probabilistic: {sampling_percentage: 20}}
      - {name: r, type: rate_limiting, rate_limiting: {spans_per_second: 40}})");
  double seen = 0, estimate = 0, owed = 0, variance = 0;
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    Traffic traffic;
    const double before = policies.state().unrepresented_traces();
    traffic.Run(policies, 20'000, 500, seed);
    for (const auto& [kind, population] : traffic.kinds) {
      seen += population.seen;
      estimate += population.estimate;
      variance += static_cast<double>(population.kept) * 20;  // 1 / p (1 / p - 1) for each kept
    }
    owed += traffic.total_slack - before;
  }
  EXPECT_NEAR(estimate + owed, seen, 5 * std::sqrt(variance));
}

TEST(AdjustedCount, CompositeSharesStandForWhatTheyRefuse) {
  TestPolicies policies(R"(
- name: c
  type: composite
  composite:
    max_total_spans_per_second: 100
    composite_sub_policy:
      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: slow, type: latency, latency: {threshold_ms: 1000}}
      - {name: rest, type: always_sample}
    rate_allocation: [{policy: errors, percent: 10}, {policy: slow, percent: 40}, {policy: rest, percent: 50}])");
  Traffic traffic;
  traffic.Run(policies, 40'000, 500, 5);
  double seen = 0, estimate = 0;
  for (const auto& [kind, population] : traffic.kinds) {
    seen += population.seen;
    estimate += population.estimate;
    // Each kind has a share of its own and pays for its own.
    EXPECT_LE(population.estimate, population.seen) << kind;
    EXPECT_GE(population.estimate, 0.95 * population.seen) << kind;
  }
  EXPECT_NEAR(estimate + traffic.total_slack, seen, 1e-6);
}

TEST(AdjustedCount, WhatCanNeverPassIsNotOwed) {
  TestPolicies policies("- {name: r, type: rate_limiting, rate_limiting: {spans_per_second: 1, burst_capacity: 2}}");
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(policies.Keeps({{{}, std::vector<TestSpan>(3)}}));
  EXPECT_EQ(policies.state().unrepresented_traces(), 0);
  EXPECT_TRUE(policies.Keeps({{{}, std::vector<TestSpan>(2)}}));
  EXPECT_FALSE(policies.Keeps({{{}, std::vector<TestSpan>(2)}}));
  EXPECT_EQ(policies.state().unrepresented_traces(), 1);
  policies.now += 2'000'000'000;
  EXPECT_EQ(policies.Decide({{{}, std::vector<TestSpan>(2)}}).adjusted_count, 2);
  EXPECT_EQ(policies.state().unrepresented_traces(), 0);
}

TEST(AdjustedCount, DynamicRatesAreUnbiasedForRareAndFrequentKeys) {
  for (const std::string_view goal : {"goal_sample_rate: 20", "goal_spans_per_second: 50"}) {
    TestPolicies policies(fmt::format(
        "- {{name: d, type: dynamic, dynamic: {{keys: [http.route, status], {}, adjustment_interval: 5s}}}}", goal));
    std::mt19937_64 random(11);
    std::map<std::string, Population> routes;
    uint64_t seen = 0, kept = 0;
    for (uint64_t i = 0; i < 60'000; ++i) {
      policies.now += 1'000'000;
      const uint64_t draw = random() % 1000;
      const std::string route = draw < 900 ? "/frequent" : draw < 999 ? "/seldom" : "/rare";
      const Decision decision = policies.Decide(TestSpan().With("http.route", StringValue(route)), TraceId(i));
      routes[route].Add(decision);
      ++seen;
      kept += decision.keep;
    }
    for (const auto& [route, population] : routes) {
      SCOPED_TRACE(route);
      population.Check();
    }
    const Population &rare = routes["/rare"], &frequent = routes["/frequent"];
    EXPECT_GT(static_cast<double>(rare.kept) / rare.seen, 0.7);  // all but the first interval's
    EXPECT_LT(static_cast<double>(frequent.kept) / frequent.seen, 0.1);
    EXPECT_NEAR(static_cast<double>(kept) / static_cast<double>(seen), 0.05, 0.015) << goal;
  }
}

// Policies of random shape: what is kept must stand for what came, of every kind.
std::string RandomPolicy(std::mt19937_64& random, int depth) {
  const auto name = fmt::format("p{}", random() % 1'000'000'000);
  switch (random() % (depth > 0 ? 7 : 4)) {
    case 0:
      return fmt::format(
          "{{name: {}, type: probabilistic, probabilistic: {{sampling_percentage: {}, hash_salt: s{}}}}}", name,
          5 + random() % 60, random() % 3);
    case 1:
      return fmt::format("{{name: {}, type: status_code, status_code: {{status_codes: [ERROR]}}}}", name);
    case 2:
      return fmt::format("{{name: {}, type: latency, latency: {{threshold_ms: 1000}}}}", name);
    case 3:
      return fmt::format("{{name: {}, type: span_count, span_count: {{min_spans: 2}}}}", name);
    case 4:
      return fmt::format("{{name: {}, type: not, not: {{not_sub_policy: {}}}}}", name, RandomPolicy(random, depth - 1));
    default: {
      std::string list;
      for (uint64_t i = 0; i <= random() % 3; ++i) {
        list += (list.empty() ? "" : ", ") + RandomPolicy(random, depth - 1);
      }
      return fmt::format("{{name: {}, type: and, and: {{and_sub_policy: [{}]}}}}", name, list);
    }
  }
}

TEST(AdjustedCount, IsUnbiasedForPoliciesOfAnyShape) {
  std::mt19937_64 random(2026);
  int informative = 0;
  for (int round = 0; round < 60; ++round) {
    std::string yaml;
    for (uint64_t i = 0; i <= random() % 4; ++i) yaml += "- " + RandomPolicy(random, 3) + "\n";
    if (random() % 3 == 0) {
      yaml += fmt::format("- {{name: drop, type: drop, drop: {{drop_sub_policy: [{}]}}}}\n", RandomPolicy(random, 1));
    }
    SCOPED_TRACE(yaml);
    TestPolicies policies(yaml);
    Traffic traffic;
    traffic.Run(policies, 3'000, 500, static_cast<uint64_t>(round));
    for (const auto& [kind, population] : traffic.kinds) {
      if (population.kept == 0) continue;  // a kind that no policy wants
      SCOPED_TRACE(kind);
      if (kind == "plain") continue;  // of several sizes, which span_count may tell apart: not one population
      population.Check();
      ++informative;
    }
  }
  EXPECT_GT(informative, 40);
}

}  // namespace
}  // namespace sightline::sample
