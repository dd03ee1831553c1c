#include "sample/policy_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "sample/policy_program.h"
#include "sample/testing/policies.h"

namespace sightline::sample {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

TEST(PolicySet, KeepsEverythingWithAlwaysSample) {
  TestPolicies policies("- {name: all, type: always_sample}");
  const Decision decision = policies.Decide(TestSpan());
  EXPECT_TRUE(decision.keep);
  EXPECT_EQ(decision.policy, 0);
  EXPECT_EQ(decision.adjusted_count, 1);
}

TEST(PolicySet, StatusCodeWantsOneSpanWithAListedCode) {
  TestPolicies errors("- {name: e, type: status_code, status_code: {status_codes: [ERROR]}}");
  EXPECT_FALSE(errors.Keeps(TestSpan()));
  EXPECT_FALSE(errors.Keeps(TestSpan().Status(1)));
  EXPECT_TRUE(errors.Keeps(TestSpan().Status(2)));
  EXPECT_TRUE(errors.Keeps({{{}, {TestSpan(), TestSpan().Status(2), TestSpan()}}}));
  // Exact: an HTTP 500 that is not marked is no ERROR.
  EXPECT_FALSE(errors.Keeps(TestSpan().With("http.response.status_code", IntValue(500)).HttpStatus(500)));
  TestPolicies unset("- {name: u, type: status_code, status_code: {status_codes: [UNSET, OK]}}");
  EXPECT_TRUE(unset.Keeps(TestSpan()));
  EXPECT_TRUE(unset.Keeps(TestSpan().Status(1)));
  EXPECT_FALSE(unset.Keeps(TestSpan().Status(2)));
}

TEST(PolicySet, LatencyIsFromTheEarliestStartToTheLatestEnd) {
  TestPolicies slow("- {name: l, type: latency, latency: {threshold_ms: 1000}}");
  EXPECT_FALSE(slow.Keeps(TestSpan().Times(0, 1000)));
  EXPECT_FALSE(slow.Keeps(TestSpan().Nanos(kStart, kStart + 1000 * kMs + 999'999)));  // whole milliseconds
  EXPECT_TRUE(slow.Keeps(TestSpan().Times(0, 1001)));
  // No single span is slow; gaps count.
  EXPECT_TRUE(slow.Keeps({{{}, {TestSpan().Times(600, 1101), TestSpan().Times(100, 200)}}}));
  // In any order.
  EXPECT_TRUE(slow.Keeps({{{}, {TestSpan().Times(100, 200), TestSpan().Times(600, 1101)}}}));
  // Times that nobody set do not make a trace old as the epoch.
  EXPECT_FALSE(slow.Keeps({{{}, {TestSpan().Nanos(0, 0), TestSpan().Times(100, 200)}}}));
  EXPECT_FALSE(slow.Keeps(TestSpan().Nanos(kStart + 5000 * kMs, kStart)));  // ends before it starts
}

TEST(PolicySet, LatencyWithUpperBoundJudgesTheWholeTrace) {
  TestPolicies band("- {name: l, type: latency, latency: {threshold_ms: 100, upper_threshold_ms: 200}}");
  EXPECT_FALSE(band.Keeps(TestSpan().Times(0, 100)));
  EXPECT_TRUE(band.Keeps(TestSpan().Times(0, 101)));
  EXPECT_TRUE(band.Keeps(TestSpan().Times(0, 200)));
  EXPECT_FALSE(band.Keeps(TestSpan().Times(0, 201)));
  // A Collector that meets the first span first would stop there and keep it.
  EXPECT_FALSE(band.Keeps({{{}, {TestSpan().Times(0, 150), TestSpan().Times(0, 900)}}}));
}

struct HashVector {
  std::string_view salt, trace_id;
  uint64_t hash;
};

// Computed in Python from the definition of FNV-1a.
const HashVector kHashVectors[] = {
    {"default-hash-seed", "a54dca182530bb1d6d132cded6237b2e", 1098214914073482696u},
    {"default-hash-seed", "d91e3f721fcb1971174494d6493c9d5c", 2635352625528045190u},
    {"default-hash-seed", "3460be31201e69fedaa0eee8b9997f5c", 9208754860942088028u},
    {"default-hash-seed", "7c2999fdafe593253cd654af4dfad714", 4835073989643937879u},
    {"custom-salt", "27a0aeb3fee9232f8af2211f9ee491c5", 16654579995575055334u},
    {"custom-salt", "b10becb5563bfc1e6f93427ecbc8fe29", 16915435808512463955u},
    {"custom-salt", "55e5cd8e46dc8ed4b7c2764d2a5a4d76", 8952003273757499211u},
    {"custom-salt", "7706f85d8690024ad6bda3401be9c8cb", 4079582414037698390u},
};

std::array<uint8_t, 16> FromHex(std::string_view text) {
  std::array<uint8_t, 16> id{};
  for (size_t i = 0; i < 16; ++i)
    id[i] = static_cast<uint8_t>(std::stoi(std::string(text.substr(2 * i, 2)), nullptr, 16));
  return id;
}

TEST(PolicySet, ProbabilisticKeepsWhatACollectorKeeps) {
  for (const HashVector& vector : kHashVectors) {
    const double percentage = static_cast<double>(vector.hash) / 18446744073709551616.0 * 100;
    for (const double off : {-0.001, 0.001}) {
      TestPolicies policies(
          fmt::format("- {{name: p, type: probabilistic, probabilistic: {{hash_salt: {}, sampling_percentage: {}}}}}",
                      vector.salt, percentage + off));
      EXPECT_EQ(policies.Decide(TestSpan(), FromHex(vector.trace_id)).keep, off > 0) << vector.trace_id;
    }
  }
}

TEST(PolicySet, ProbabilisticHasTheCollectorsThresholds) {
  // From Go's math/big, as the Collector computes them.
  const std::pair<double, uint64_t> kThresholds[] = {
      {0, 0u},
      {1e-300, 0u},
      {1e-18, 0u},
      {0.0001, 18446744073709u},
      {0.1, 18446744073709551u},
      {1, 184467440737095519u},
      {3, 553402322211286527u},
      {10, 1844674407370955263u},
      {12.5, 2305843009213693951u},
      {33.3, 6142765776545279999u},
      {50, 9223372036854775807u},
      {66.6, 12285531553090559999u},
      {99, 18262276632972455935u},
      {99.999, 18446559606268813311u},
      {99.9999999999999, 18446744073709533183u},
      {100, 18446744073709551615u},
      {150, 18446744073709551615u},
      {-5, 0u},
  };
  for (const auto& [percentage, threshold] : kThresholds) {
    EXPECT_EQ(internal::HashThreshold(percentage), threshold) << percentage;
  }
}

TEST(PolicySet, ProbabilisticKeepsItsShareAndEachStandsForTheRest) {
  TestPolicies policies("- {name: p, type: probabilistic, probabilistic: {sampling_percentage: 10}}");
  int kept = 0;
  for (uint64_t i = 0; i < 20'000; ++i) {
    const Decision decision = policies.Decide(TestSpan(), TraceId(i));
    kept += decision.keep;
    if (decision.keep) EXPECT_NEAR(decision.adjusted_count, 10, 1e-9);
  }
  EXPECT_NEAR(kept, 2000, 5 * std::sqrt(20'000 * 0.1 * 0.9));
}

TEST(PolicySet, DefaultKeepsErrorsSlowRootsAndOnePercent) {
  TestPolicies policies("tail_sampling: {decision_wait: 5s}  # policies: the default ones");
  const auto policy_of = [&](const TestSpan& span) {
    const Decision decision = policies.Decide(span, FromHex("7706f85d8690024ad6bda3401be9c8cb"));
    return decision.keep ? policies.set().policies()[decision.policy].name : "";
  };
  EXPECT_EQ(policy_of(TestSpan().Root()), "");
  EXPECT_EQ(policy_of(TestSpan().Status(2)), "errors");
  EXPECT_EQ(policy_of(TestSpan().With("http.response.status_code", IntValue(500))), "errors");
  EXPECT_EQ(policy_of(TestSpan().With("http.status_code", IntValue(503))), "errors");
  EXPECT_EQ(policy_of(TestSpan().With("http.response.status_code", IntValue(404))), "");
  EXPECT_EQ(policy_of(TestSpan().With("http.status_code", StringValue("503"))), "errors");  // as Envoy sends it
  EXPECT_EQ(policy_of(TestSpan().With("http.status_code", StringValue("5xx"))), "");
  EXPECT_EQ(
      policy_of(TestSpan().With("http.response.status_code", StringValue("")).With("http.status_code", IntValue(500))),
      "errors");
  EXPECT_EQ(policy_of(TestSpan().HttpStatus(502)), "errors");
  EXPECT_EQ(policy_of(TestSpan().HttpStatus(0).With("http.status_code", IntValue(503))), "");  // the scan has the word
  EXPECT_EQ(policy_of(TestSpan().Root().Times(0, 1001)), "slow-roots");
  EXPECT_EQ(policy_of(TestSpan().Root().Times(0, 1000)), "");
  EXPECT_EQ(policy_of(TestSpan().Times(0, 5000)), "");  // not a root
  EXPECT_TRUE(policies.set().Needs().http_status);
  EXPECT_FALSE(policies.set().Needs().span_bytes);
}

TEST(PolicySet, AnErrorTraceThatChanceAlsoChoseWeighsOne) {
  TestPolicies policies("{}  # policies: the default ones");
  int by_chance = 0;
  for (uint64_t i = 0; i < 3000; ++i) {
    EXPECT_EQ(policies.Decide(TestSpan().Status(2), TraceId(i)).adjusted_count, 1);
    const Decision normal = policies.Decide(TestSpan(), TraceId(i));
    if (!normal.keep) continue;
    ++by_chance;
    EXPECT_NEAR(normal.adjusted_count, 100, 1e-9);
  }
  EXPECT_GT(by_chance, 0);
}

}  // namespace
}  // namespace sightline::sample
