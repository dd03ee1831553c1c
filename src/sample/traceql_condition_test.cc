// `traceql` policies: which traces they keep, and what they refuse.
#include "sample/traceql_condition.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sample/testing/policies.h"

namespace sightline::sample {
namespace {

using namespace testing;

TestPolicies Policy(std::string_view query) {
  return TestPolicies(fmt::format("- {{name: t, type: traceql, traceql: {{query: '{}'}}}}", query));
}

TEST(TraceqlPolicy, KeepsATraceOneOfWhoseSpansMatches) {
  TestPolicies slow = Policy("{ kind = server && duration > 100ms }");
  EXPECT_TRUE(slow.Keeps(TestSpan().Kind(2).Times(0, 101)));
  EXPECT_FALSE(slow.Keeps(TestSpan().Kind(2).Times(0, 100)));
  EXPECT_FALSE(slow.Keeps({{TestResource("a"), {TestSpan().Kind(2), TestSpan().Kind(3).Times(0, 200)}}}));
  EXPECT_TRUE(slow.Keeps({{TestResource("a"), {TestSpan().Kind(3), TestSpan().Kind(2).Times(0, 200)}}}));
}

TEST(TraceqlPolicy, ComparesAttributesByTheirTypes) {
  TestPolicies number = Policy("{ span.n > 20 }");
  EXPECT_TRUE(number.Keeps(TestSpan().With("n", IntValue(21))));
  EXPECT_TRUE(number.Keeps(TestSpan().With("n", DoubleValue(20.5))));
  EXPECT_FALSE(number.Keeps(TestSpan().With("n", StringValue("21"))));
  EXPECT_FALSE(number.Keeps({{TestResource("a").With("n", IntValue(21)), {TestSpan()}}}));
  TestPolicies anywhere = Policy("{ .n = true }");
  EXPECT_TRUE(anywhere.Keeps({{TestResource("a").With("n", BoolValue(true)), {TestSpan()}}}));
  EXPECT_FALSE(anywhere.Keeps({{TestResource("a").With("n", BoolValue(true)), {TestSpan().With("n", IntValue(1))}}}));
  TestPolicies regex = Policy(R"({ resource.service.name =~ "pay.*" && name !~ "GET.*" })");
  EXPECT_TRUE(regex.Keeps({{TestResource("payment"), {TestSpan("POST /")}}}));
  EXPECT_FALSE(regex.Keeps({{TestResource("payment"), {TestSpan("GET /")}}}));
  EXPECT_FALSE(regex.Keeps({{TestResource("repay"), {TestSpan("POST /")}}}));
}

TEST(TraceqlPolicy, KnowsOldAndNewNames) {
  TestPolicies status = Policy("{ span.http.response.status_code >= 500 }");
  EXPECT_TRUE(status.Keeps(TestSpan().With("http.status_code", IntValue(503))));
  EXPECT_TRUE(status.Keeps(TestSpan().With("http.response.status_code", IntValue(503))));
  EXPECT_FALSE(status.Keeps(TestSpan().With("http.status_code", IntValue(404))));
}

TEST(TraceqlPolicy, TellsAbsentFromPresent) {
  EXPECT_TRUE(Policy("{ span.x = nil }").Keeps(TestSpan()));
  EXPECT_FALSE(Policy("{ span.x = nil }").Keeps(TestSpan().With("x", IntValue(1))));
  EXPECT_TRUE(Policy("{ parent = nil }").Keeps(TestSpan().Root()));
  EXPECT_FALSE(Policy("{ span.x != 1 }").Keeps(TestSpan()));
}

TEST(TraceqlPolicy, SeesStatusAndItsMessage) {
  TestPolicies failed = Policy(R"({ status = error && statusMessage =~ ".*timed out.*" })");
  EXPECT_TRUE(failed.Keeps(TestSpan().Status(2, "read timed out")));
  EXPECT_FALSE(failed.Keeps(TestSpan().Status(2, "refused")));
  EXPECT_FALSE(failed.Keeps(TestSpan().Status(1, "read timed out")));
}

TEST(TraceqlPolicy, SeesEvents) {
  const auto with_event = [](std::string_view name, std::string_view type) {
    return TestSpan().Event(name,
                            Pb().Message(field::event::kAttributes, Attribute("exception.type", StringValue(type))));
  };
  TestPolicies thrown = Policy(R"({ event:name = "exception" && event.exception.type = "Timeout" })");
  EXPECT_TRUE(thrown.Keeps(with_event("exception", "Timeout")));
  EXPECT_FALSE(thrown.Keeps(with_event("exception", "Other")));
  EXPECT_FALSE(thrown.Keeps(TestSpan()));
}

TEST(TraceqlPolicy, JoinsFiltersAcrossSpans) {
  const TestSpan a = TestSpan("a"), b = TestSpan("b"), c = TestSpan("c");
  TestPolicies both = Policy(R"({ name = "a" } && { name = "b" })");
  EXPECT_TRUE(both.Keeps({{TestResource("s"), {a, b}}}));
  EXPECT_FALSE(both.Keeps({{TestResource("s"), {a, a}}}));
  TestPolicies either = Policy(R"(({ name = "a" } || { name = "b" }) && { name = "c" })");
  EXPECT_TRUE(either.Keeps({{TestResource("s"), {b, c}}}));
  EXPECT_TRUE(either.Keeps({{TestResource("s"), {a, c}}}));
  EXPECT_FALSE(either.Keeps({{TestResource("s"), {a, b}}}));
  EXPECT_TRUE(Policy("{ }").Keeps(a));
}

TEST(TraceqlPolicy, RefusesWhatNeedsTheWholeTrace) {
  const std::vector<std::pair<std::string, std::string>> refused = {
      {"{ } >> { status = error }", "structure of a trace"},
      {"{ status = error } | count() > 2", "pipeline"},
      {"{ status = error } | rate()", "metrics query"},
      {"{ traceDuration > 1s }", "trace:duration"},
      {"{ span:childCount > 3 }", "childCount"},
      {"{ parent.x = 1 }", "parent.x"},
      {"{ link.x = 1 }", "link.x"},
      {"{ name == 1 }", "=="},
  };
  for (const auto& [query, word] : refused) {
    const auto parsed = ParseTraceqlPolicy(query);
    ASSERT_FALSE(parsed) << query;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument) << query;
    EXPECT_NE(parsed.error().message.find(word), std::string::npos) << parsed.error().message;
  }
}

}  // namespace
}  // namespace sightline::sample
