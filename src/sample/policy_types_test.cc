// Each policy type by table, the Collector's quirks included (docs/sampling.md lists them).
#include <gtest/gtest.h>

#include <string>

#include "sample/testing/policies.h"

namespace sightline::sample {
namespace {

using namespace testing;

TEST(NumericAttribute, IsInclusiveOnResourcesAndSpans) {
  TestPolicies policies(
      "- {name: n, type: numeric_attribute, numeric_attribute: {key: n, min_value: 400, max_value: 499}}");
  EXPECT_FALSE(policies.Keeps(TestSpan().With("n", IntValue(399))));
  EXPECT_TRUE(policies.Keeps(TestSpan().With("n", IntValue(400))));
  EXPECT_TRUE(policies.Keeps(TestSpan().With("n", IntValue(499))));
  EXPECT_FALSE(policies.Keeps(TestSpan().With("n", IntValue(500))));
  EXPECT_FALSE(policies.Keeps(TestSpan().With("other", IntValue(450))));
  EXPECT_TRUE(policies.Keeps({{TestResource("a").With("n", IntValue(450)), {TestSpan()}}}));
  EXPECT_TRUE(policies.Keeps({{TestResource("a"), {TestSpan(), TestSpan().With("n", IntValue(450))}}}));
  // Only ints: others read as 0. Of a repeated key the first value counts.
  EXPECT_FALSE(policies.Keeps(TestSpan().With("n", DoubleValue(450))));
  EXPECT_FALSE(policies.Keeps(TestSpan().With("n", StringValue("450"))));
  EXPECT_FALSE(policies.Keeps(TestSpan().With("n", IntValue(1)).With("n", IntValue(450))));
}

TEST(NumericAttribute, OtherTypesReadAsZeroAndZeroIsNoBound) {
  TestPolicies at_most(
      "- {name: n, type: numeric_attribute, numeric_attribute: {key: n, min_value: 0, max_value: 10}}");
  EXPECT_TRUE(at_most.Keeps(TestSpan().With("n", IntValue(-5))));  // min 0: none
  EXPECT_TRUE(at_most.Keeps(TestSpan().With("n", StringValue("99"))));
  EXPECT_TRUE(at_most.Keeps(TestSpan().With("n", DoubleValue(99))));
  EXPECT_FALSE(at_most.Keeps(TestSpan().With("n", IntValue(11))));
  TestPolicies at_least(
      "- {name: n, type: numeric_attribute, numeric_attribute: {key: n, min_value: -3, max_value: 0}}");
  EXPECT_TRUE(at_least.Keeps(TestSpan().With("n", IntValue(5))));
  EXPECT_FALSE(at_least.Keeps(TestSpan().With("n", IntValue(-4))));
}

TEST(NumericAttribute, InvertedKeepsWhereNothingMatches) {
  TestPolicies policies(
      "- {name: n, type: numeric_attribute, numeric_attribute: {key: n, min_value: 400, max_value: 499, invert_match: "
      "true}}");
  EXPECT_TRUE(policies.Keeps(TestSpan()));  // no such key
  EXPECT_TRUE(policies.Keeps(TestSpan().With("n", IntValue(200))));
  EXPECT_FALSE(policies.Keeps(TestSpan().With("n", IntValue(404))));
  EXPECT_FALSE(policies.Keeps({{TestResource("a"), {TestSpan(), TestSpan().With("n", IntValue(404))}}}));
  EXPECT_FALSE(policies.Keeps({{TestResource("a").With("n", IntValue(404)), {TestSpan()}}}));
}

TEST(StringAttribute, ExactValues) {
  TestPolicies policies("- {name: s, type: string_attribute, string_attribute: {key: k, values: [a, b, '']}}");
  EXPECT_TRUE(policies.Keeps(TestSpan().With("k", StringValue("a"))));
  EXPECT_TRUE(policies.Keeps(TestSpan().With("k", StringValue("b"))));
  EXPECT_FALSE(policies.Keeps(TestSpan().With("k", StringValue("ab"))));
  EXPECT_FALSE(policies.Keeps(TestSpan().With("k", StringValue(""))));  // empty values never match
  EXPECT_FALSE(policies.Keeps(TestSpan().With("k", IntValue(1))));
  EXPECT_FALSE(policies.Keeps(TestSpan()));
  EXPECT_TRUE(policies.Keeps({{TestResource().With("k", StringValue("a")), {TestSpan()}}}));
  EXPECT_FALSE(policies.Keeps({{TestResource().With("k", StringValue("")), {TestSpan()}}}));
}

TEST(StringAttribute, RegularExpressionsMatchAnywhere) {
  TestPolicies policies(
      R"(- {name: s, type: string_attribute, string_attribute: {key: k, values: ['va.ue', '^x$'], enabled_regex_matching: true, cache_max_size: 10}})");
  EXPECT_TRUE(policies.Keeps(TestSpan().With("k", StringValue("my value 1"))));
  EXPECT_TRUE(policies.Keeps(TestSpan().With("k", StringValue("x"))));
  EXPECT_FALSE(policies.Keeps(TestSpan().With("k", StringValue("xx"))));
  TestPolicies star(
      "- {name: s, type: string_attribute, string_attribute: {key: k, values: ['val*'], enabled_regex_matching: "
      "true}}");
  EXPECT_TRUE(star.Keeps(TestSpan().With("k", StringValue("va"))));
  TestPolicies anything(
      "- {name: s, type: string_attribute, string_attribute: {key: k, values: ['.*'], enabled_regex_matching: true}}");
  EXPECT_FALSE(anything.Keeps(TestSpan().With("k", StringValue(""))));  // empty values of spans are passed over
  EXPECT_FALSE(anything.Keeps(TestSpan().With("k", IntValue(7))));      // reads as empty
  EXPECT_TRUE(anything.Keeps({{TestResource().With("k", StringValue("")), {TestSpan()}}}));  // of resources not
  EXPECT_TRUE(anything.Keeps({{TestResource().With("k", IntValue(7)), {TestSpan()}}}));
}

TEST(StringAttribute, InvertedKeepsWhereNothingMatches) {
  TestPolicies policies(
      "- {name: s, type: string_attribute, string_attribute: {key: k, values: [a], invert_match: true}}");
  EXPECT_TRUE(policies.Keeps(TestSpan()));
  EXPECT_TRUE(policies.Keeps(TestSpan().With("k", StringValue("b"))));
  EXPECT_FALSE(policies.Keeps(TestSpan().With("k", StringValue("a"))));
  EXPECT_FALSE(
      policies.Keeps({{{}, {TestSpan().With("k", StringValue("b")), TestSpan().With("k", StringValue("a"))}}}));
}

TEST(BooleanAttribute, WhatIsNoBoolReadsAsFalse) {
  TestPolicies yes("- {name: b, type: boolean_attribute, boolean_attribute: {key: k, value: true}}");
  EXPECT_TRUE(yes.Keeps(TestSpan().With("k", BoolValue(true))));
  EXPECT_FALSE(yes.Keeps(TestSpan().With("k", BoolValue(false))));
  EXPECT_FALSE(yes.Keeps(TestSpan().With("k", StringValue("true"))));
  EXPECT_FALSE(yes.Keeps(TestSpan()));
  TestPolicies no("- {name: b, type: boolean_attribute, boolean_attribute: {key: k, value: false}}");
  EXPECT_TRUE(no.Keeps(TestSpan().With("k", BoolValue(false))));
  EXPECT_TRUE(no.Keeps(TestSpan().With("k", StringValue("true"))));
  EXPECT_TRUE(no.Keeps({{TestResource().With("k", IntValue(1)), {TestSpan()}}}));
  EXPECT_FALSE(no.Keeps(TestSpan()));
  TestPolicies inverted(
      "- {name: b, type: boolean_attribute, boolean_attribute: {key: k, value: true, invert_match: true}}");
  EXPECT_TRUE(inverted.Keeps(TestSpan()));
  EXPECT_TRUE(inverted.Keeps(TestSpan().With("k", BoolValue(false))));
  EXPECT_FALSE(inverted.Keeps(TestSpan().With("k", BoolValue(true))));
}

TEST(SpanCount, IsInclusive) {
  const auto spans = [](size_t count) { return std::vector<TestBatch>{{{}, std::vector<TestSpan>(count)}}; };
  TestPolicies policies("- {name: c, type: span_count, span_count: {min_spans: 2, max_spans: 4}}");
  EXPECT_FALSE(policies.Keeps(spans(1)));
  EXPECT_TRUE(policies.Keeps(spans(2)));
  EXPECT_TRUE(policies.Keeps(spans(4)));
  EXPECT_FALSE(policies.Keeps(spans(5)));
  TestPolicies open("- {name: c, type: span_count, span_count: {min_spans: 2}}");
  EXPECT_FALSE(open.Keeps(spans(1)));
  EXPECT_TRUE(open.Keeps(spans(500)));
}

TEST(TraceStatePolicy, MatchesAMemberExactly) {
  TestPolicies policies("- {name: t, type: trace_state, trace_state: {key: vendor, values: [a, b]}}");
  EXPECT_TRUE(policies.set().Needs().trace_state);
  EXPECT_TRUE(policies.Keeps(TestSpan().State("vendor=a")));
  EXPECT_TRUE(policies.Keeps(TestSpan().State("x=1, vendor=b ,y=2")));
  EXPECT_FALSE(policies.Keeps(TestSpan().State("vendor=ab")));
  EXPECT_FALSE(policies.Keeps(TestSpan().State("vendor2=a")));
  EXPECT_FALSE(policies.Keeps(TestSpan().State("vendor=c,vendor=a")));  // the first counts
  EXPECT_FALSE(policies.Keeps(TestSpan()));
  // Key and value of 256 bytes together are more than a tracestate holds.
  const std::string value(250, 'v');
  TestPolicies tight("- {name: t, type: trace_state, trace_state: {key: vendo, values: [" + value + "]}}");
  EXPECT_TRUE(tight.Keeps(TestSpan().State("vendo=" + value)));
  TestPolicies beyond("- {name: t, type: trace_state, trace_state: {key: vendor, values: [" + value + "]}}");
  EXPECT_FALSE(beyond.Keeps(TestSpan().State("vendor=" + value)));
}

TEST(TraceFlags, WantsTheSampledBitOfOneSpan) {
  TestPolicies policies("- {name: f, type: trace_flags}");
  EXPECT_FALSE(policies.Keeps(TestSpan()));
  EXPECT_FALSE(policies.Keeps(TestSpan().Flags(0x302)));
  EXPECT_TRUE(policies.Keeps(TestSpan().Flags(0x301)));
  EXPECT_TRUE(policies.Keeps({{{}, {TestSpan(), TestSpan().Flags(1)}}}));
}

TEST(RateLimiting, IsATokenBucketOfSpans) {
  TestPolicies policies("- {name: r, type: rate_limiting, rate_limiting: {spans_per_second: 10}}");
  const auto spans = [](size_t count) { return std::vector<TestBatch>{{{}, std::vector<TestSpan>(count)}}; };
  EXPECT_FALSE(policies.Keeps(spans(21)));  // more than the burst never passes
  EXPECT_TRUE(policies.Keeps(spans(20)));   // twice the rate: the default burst
  EXPECT_FALSE(policies.Keeps(spans(1)));
  policies.now += 100'000'000;
  EXPECT_TRUE(policies.Keeps(spans(1)));
  EXPECT_FALSE(policies.Keeps(spans(1)));
  policies.now -= 50'000'000;  // a clock that goes back gives nothing
  EXPECT_FALSE(policies.Keeps(spans(1)));
  policies.now += 3'600'000'000'000;
  EXPECT_TRUE(policies.Keeps(spans(20)));  // full, not more
  EXPECT_FALSE(policies.Keeps(spans(1)));
}

TEST(RateLimiting, IsDividedByShardsButTheBurstIsNot) {
  TestPolicies policies("- {name: r, type: rate_limiting, rate_limiting: {spans_per_second: 10, burst_capacity: 4}}",
                        5);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(policies.Keeps(TestSpan()));
  EXPECT_FALSE(policies.Keeps(TestSpan()));
  policies.now += 500'000'000;
  EXPECT_TRUE(policies.Keeps(TestSpan()));
  EXPECT_FALSE(policies.Keeps(TestSpan()));
}

TEST(BytesLimiting, IsATokenBucketOfBytes) {
  TestPolicies policies(
      "- {name: b, type: bytes_limiting, bytes_limiting: {bytes_per_second: 1000, burst_capacity: 1500}}");
  EXPECT_FALSE(policies.Keeps(TestSpan().Bytes(1501)));
  EXPECT_TRUE(policies.Keeps({{{}, {TestSpan().Bytes(700), TestSpan().Bytes(700)}}}));
  EXPECT_FALSE(policies.Keeps(TestSpan().Bytes(200)));
  EXPECT_TRUE(policies.Keeps(TestSpan().Bytes(100)));
}

TEST(And, AllMustSayYes) {
  TestPolicies policies(R"(
- name: a
  type: and
  and:
    and_sub_policy:
      - {name: e, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: l, type: latency, latency: {threshold_ms: 100}}
      - {name: n, type: not, not: {not_sub_policy: {name: s, type: string_attribute, string_attribute: {key: k, values: [x]}}}}
)");
  EXPECT_FALSE(policies.Keeps(TestSpan().Status(2)));
  EXPECT_FALSE(policies.Keeps(TestSpan().Times(0, 101)));
  EXPECT_TRUE(policies.Keeps(TestSpan().Times(0, 101).Status(2)));
  EXPECT_FALSE(policies.Keeps(TestSpan().Times(0, 101).Status(2).With("k", StringValue("x"))));
  // On different spans of the trace.
  EXPECT_TRUE(policies.Keeps({{{}, {TestSpan().Times(0, 101), TestSpan().Status(2)}}}));
}

TEST(And, StopsAtTheFirstNo) {
  TestPolicies policies(R"(
- name: a
  type: and
  and:
    and_sub_policy:
      - {name: e, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: r, type: rate_limiting, rate_limiting: {spans_per_second: 1, burst_capacity: 1}}
)");
  EXPECT_FALSE(policies.Keeps(TestSpan()));  // takes nothing from the bucket
  EXPECT_TRUE(policies.Keeps(TestSpan().Status(2)));
  EXPECT_FALSE(policies.Keeps(TestSpan().Status(2)));
}

TEST(Not, TurnsTheAnswerRound) {
  TestPolicies policies(
      "- {name: n, type: not, not: {not_sub_policy: {name: l, type: latency, latency: {threshold_ms: 100}}}}");
  EXPECT_TRUE(policies.Keeps(TestSpan().Times(0, 100)));
  EXPECT_FALSE(policies.Keeps(TestSpan().Times(0, 101)));
}

TEST(Drop, OutweighsEverythingAndIsAskedFirst) {
  TestPolicies policies(R"(
- {name: all, type: always_sample}
- name: health
  type: drop
  drop:
    drop_sub_policy:
      - {name: path, type: string_attribute, string_attribute: {key: url.path, values: ['\/health', '\/metrics'], enabled_regex_matching: true}}
      - {name: quick, type: not, not: {not_sub_policy: {name: e, type: status_code, status_code: {status_codes: [ERROR]}}}}
)");
  EXPECT_EQ(policies.set().policies()[0].name, "health");
  EXPECT_TRUE(policies.Keeps(TestSpan()));
  const Decision decision = policies.Decide(TestSpan().With("url.path", StringValue("/health")));
  EXPECT_FALSE(decision.keep);
  EXPECT_TRUE(decision.dropped);
  EXPECT_EQ(decision.policy, 0);
  EXPECT_EQ(decision.adjusted_count, 0);
  EXPECT_TRUE(policies.Keeps(TestSpan().With("url.path", StringValue("/health")).Status(2)));
}

constexpr std::string_view kComposite = R"(
- name: c
  type: composite
  composite:
    max_total_spans_per_second: 100
    policy_order: [slow, errors, rest]
    composite_sub_policy:
      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: slow, type: latency, latency: {threshold_ms: 100}}
      - {name: rest, type: always_sample}
    rate_allocation:
      - {policy: errors, percent: 2}
      - {policy: slow, percent: 1}
)";

TEST(Composite, TheFirstThatSaysYesDecidesWithoutFallThrough) {
  TestPolicies policies(kComposite);
  const TestSpan slow_error = TestSpan().Times(0, 200).Status(2);
  const Decision first = policies.Decide(slow_error);
  EXPECT_TRUE(first.keep);
  EXPECT_EQ(policies.set().policies()[0].sub_policies[first.sub_policy], "slow");  // policy_order, not the list's
  EXPECT_FALSE(policies.Keeps(slow_error));  // the share of slow is used up; errors is not asked
  EXPECT_TRUE(policies.Keeps(TestSpan().Status(2)));
  EXPECT_TRUE(policies.Keeps(TestSpan().Status(2)));
  EXPECT_FALSE(policies.Keeps(TestSpan().Status(2)));
  // Without an allocation: total / number of sub-policies.
  for (int i = 0; i < 33; ++i) EXPECT_TRUE(policies.Keeps(TestSpan())) << i;
  EXPECT_FALSE(policies.Keeps(TestSpan()));
}

TEST(Composite, CountsStartAgainEachSecondOfTheWallClock) {
  TestPolicies policies(kComposite);
  policies.now = kNow + 999'000'000;
  EXPECT_TRUE(policies.Keeps(TestSpan().Times(0, 200)));
  EXPECT_FALSE(policies.Keeps(TestSpan().Times(0, 200)));
  policies.now += 1'000'000;
  EXPECT_TRUE(policies.Keeps(TestSpan().Times(0, 200)));
  // A smaller trace may still fit where a bigger one did not.
  EXPECT_FALSE(policies.Keeps({{{}, {TestSpan().Status(2), TestSpan(), TestSpan()}}}));
  EXPECT_TRUE(policies.Keeps({{{}, {TestSpan().Status(2), TestSpan()}}}));
}

TEST(Composite, TheTotalIsComparedPerSubPolicy) {
  TestPolicies policies(R"(
- name: c
  type: composite
  composite:
    max_total_spans_per_second: 10
    composite_sub_policy:
      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: rest, type: always_sample}
    rate_allocation: [{policy: errors, percent: 150}, {policy: rest, percent: 100}]
)");
  int kept = 0;
  for (int i = 0; i < 50; ++i) kept += policies.Keeps(TestSpan().Status(2)) + policies.Keeps(TestSpan());
  EXPECT_EQ(kept, 20);
}

TEST(Services, LimitAPolicyToTracesInWhichTheyTakePart) {
  TestPolicies policies(R"(
- {name: checkout, type: always_sample, services: [checkout, payment]}
- {name: errors, type: status_code, status_code: {status_codes: [ERROR]}, services: [search]}
)");
  EXPECT_TRUE(policies.Keeps({{TestResource("checkout"), {TestSpan()}}}));
  EXPECT_TRUE(policies.Keeps({{TestResource("front"), {TestSpan()}}, {TestResource("payment"), {TestSpan()}}}));
  EXPECT_FALSE(policies.Keeps({{TestResource("front"), {TestSpan()}}}));
  EXPECT_FALSE(policies.Keeps({{TestResource("front"), {TestSpan().Status(2)}}}));
  EXPECT_TRUE(
      policies.Keeps({{TestResource("front"), {TestSpan().Status(2)}}, {TestResource("search"), {TestSpan()}}}));
}

TEST(Decision, NamesTheFirstPolicyThatSaidYes) {
  TestPolicies policies(R"(
- {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
- {name: slow, type: latency, latency: {threshold_ms: 100}}
- {name: all, type: always_sample}
)");
  EXPECT_EQ(policies.Decide(TestSpan().Times(0, 200).Status(2)).policy, 0);
  EXPECT_EQ(policies.Decide(TestSpan().Times(0, 200)).policy, 1);
  EXPECT_EQ(policies.Decide(TestSpan()).policy, 2);
  // All were asked each time.
  const std::vector<PolicyCounters>& counters = policies.state().counters();
  EXPECT_EQ(counters[0].traces_sampled, 1);
  EXPECT_EQ(counters[1].traces_sampled, 2);
  EXPECT_EQ(counters[2].traces_sampled, 3);
  EXPECT_EQ(counters[2].traces_decided, 1);
  EXPECT_EQ(counters[0].traces_not_sampled, 2);
}

TEST(Decision, SampleOnFirstMatchAsksNobodyElse) {
  TestPolicies policies(R"(
sample_on_first_match: true
policies:
  - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
  - {name: r, type: rate_limiting, rate_limiting: {spans_per_second: 1, burst_capacity: 1}}
)");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(policies.Decide(TestSpan().Status(2)).policy, 0);
  EXPECT_EQ(policies.Decide(TestSpan()).policy, 1);
  EXPECT_FALSE(policies.Keeps(TestSpan()));
  EXPECT_EQ(policies.state().counters()[1].traces_sampled, 1);
}

TEST(Decision, APolicyThatFailsIsCountedAndPassedOver) {
  TestPolicies policies(R"(
- {name: o, type: ottl_condition, ottl_condition: {error_mode: propagate, span: ['HasPrefix(attributes["k"], "a")']}}
- {name: n, type: not, not: {not_sub_policy: {name: o2, type: ottl_condition, ottl_condition: {error_mode: propagate, span: ['HasPrefix(attributes["k"], "a")']}}}}
- {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
)");
  EXPECT_FALSE(policies.Keeps(TestSpan()));  // not even by `not`
  EXPECT_EQ(policies.Decide(TestSpan().Status(2)).policy, 2);
  EXPECT_EQ(policies.state().counters()[0].errors, 2);
  EXPECT_EQ(policies.state().counters()[1].errors, 2);
  EXPECT_TRUE(policies.Keeps(TestSpan().With("k", StringValue("ab"))));
  EXPECT_TRUE(policies.Keeps(TestSpan().With("k", StringValue("b"))));  // by `not`
  // A span on which it holds outweighs one on which it failed, in any order.
  EXPECT_EQ(policies.Decide({{{}, {TestSpan(), TestSpan().With("k", StringValue("a"))}}}).policy, 0);
  EXPECT_EQ(policies.Decide({{{}, {TestSpan().With("k", StringValue("a")), TestSpan()}}}).policy, 0);
}

TEST(PolicySet, ManyConditionsSpillOverIntoFurtherWords) {
  std::string yaml;
  for (int i = 0; i < 300; ++i) {
    yaml += fmt::format("- {{name: p{0}, type: string_attribute, string_attribute: {{key: k{1}, values: [v{0}]}}}}\n",
                        i, i % 7);
  }
  TestPolicies policies(yaml);
  for (int i = 0; i < 300; i += 13) {
    const TestSpan span = TestSpan().With(fmt::format("k{}", i % 7), StringValue(fmt::format("v{}", i)));
    EXPECT_EQ(policies.Decide({{{}, {TestSpan(), span, TestSpan()}}}).policy, i);
    const TestResource resource = TestResource().With(fmt::format("k{}", i % 7), StringValue(fmt::format("v{}", i)));
    EXPECT_EQ(policies.Decide({{resource, {TestSpan()}}}).policy, i);
  }
  EXPECT_FALSE(policies.Keeps(TestSpan().With("k0", StringValue("v1"))));
}

}  // namespace
}  // namespace sightline::sample
