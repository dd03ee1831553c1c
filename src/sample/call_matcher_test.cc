// Calls are found in any order of arrival, as in whole traces.
#include "sample/call_matcher.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <vector>

namespace sightline::sample {
namespace {

constexpr uint8_t kServer = 2, kClient = 3, kProducer = 4, kConsumer = 5;

// client, server, connection, failed, client's side -> calls, spans
using Edges = std::map<std::tuple<std::string, std::string, int, bool, bool>, std::pair<double, double>>;

Edges EdgesOf(const GraphEdges& edges) {
  Edges found;
  for (const auto& sum : edges.edges().Sums()) {
    auto& [calls, spans] = found[{std::string(sum.client), std::string(sum.server), static_cast<int>(sum.connection),
                                  sum.failed, sum.is_client_side}];
    calls += sum.calls;
    spans += sum.spans;
  }
  return found;
}

class CallMatcherTest : public ::testing::Test {
 protected:
  GraphSpan Span(uint8_t kind, uint64_t id, uint64_t parent, std::string_view service, std::string_view peer = "") {
    return {.span_id = id,
            .parent_span_id = parent,
            .duration_nanos = 1000,
            .start_second = 60,
            .service = names_.Number(service),
            .peer = names_.Number(peer),
            .kind = kind};
  }
  void Add(uint64_t block, uint64_t trace, const GraphSpan& span) { matcher_.Add(block, {trace, span}, &counter_); }

  GraphNames names_;
  GraphEdges edges_{names_};
  GraphCounts counts_;
  CallCounter counter_{edges_, counts_};
  CallMatcher matcher_;
};

TEST_F(CallMatcherTest, EitherSideMayComeFirst) {
  Add(1, 1, Span(kClient, 10, 0, "web"));
  Add(2, 1, Span(kServer, 11, 10, "pay"));
  Add(3, 2, Span(kServer, 21, 20, "pay"));
  Add(4, 2, Span(kClient, 20, 0, "web"));
  EXPECT_EQ(counts_.calls, 2U) << "at once";
  matcher_.Expire(4, counter_);
  EXPECT_EQ(EdgesOf(edges_),
            (Edges{{{"web", "pay", 0, false, true}, {2, 2}}, {{"web", "pay", 0, false, false}, {0, 2}}}));
  EXPECT_EQ(counts_.unpaired_spans, 0U);
  EXPECT_EQ(matcher_.waiting(), 0U);
}

TEST_F(CallMatcherTest, TheSameIdsInAnotherTraceAreOthers) {
  Add(1, 1, Span(kClient, 10, 0, "web"));
  Add(1, 2, Span(kServer, 11, 10, "pay"));
  matcher_.Expire(1, counter_);
  EXPECT_EQ(counts_.calls, 0U);
  EXPECT_EQ(counts_.unpaired_spans, 2U);
}

TEST_F(CallMatcherTest, AProducersConsumersAreACallEachAndAServersSpanBelowItIsNone) {
  Add(1, 1, Span(kConsumer, 11, 10, "mail"));
  Add(1, 1, Span(kServer, 12, 10, "odd"));
  Add(1, 1, Span(kConsumer, 13, 10, "log"));
  Add(2, 1, Span(kProducer, 10, 0, "web"));
  Add(3, 1, Span(kConsumer, 14, 10, "mail"));
  EXPECT_EQ(counts_.calls, 3U);
  matcher_.Expire(3, counter_);
  EXPECT_EQ(counts_.unpaired_spans, 1U);
  EXPECT_EQ(EdgesOf(edges_).at({"web", "mail", 1, false, true}), std::pair(2.0, 2.0));
}

TEST_F(CallMatcherTest, WhatFindsNoOtherSideIsACallOfItsPeerOrByAUserOnceItsBlockExpires) {
  Add(1, 1, Span(kServer, 1, 0, "web"));
  EXPECT_EQ(counts_.calls, 1U) << "a root waits for nobody";
  Add(1, 1, Span(kClient, 2, 1, "web", "postgresql/shop"));
  Add(2, 1, Span(kClient, 3, 1, "web", "redis"));
  matcher_.Expire(1, counter_);
  EXPECT_EQ(counts_.calls, 2U);
  Add(3, 1, Span(kServer, 4, 2, "late"));
  matcher_.Expire(3, counter_);
  EXPECT_EQ(counts_.calls, 3U);
  EXPECT_EQ(counts_.unpaired_spans, 1U) << "came after its caller had been counted with its peer";
  EXPECT_EQ(EdgesOf(edges_).size(), 3U);
}

TEST_F(CallMatcherTest, PairsThatWereCountedBeforeAreNotCountedAgain) {
  matcher_.Add(1, {1, Span(kClient, 10, 0, "web", "pay.example")}, nullptr);
  matcher_.Add(1, {1, Span(kServer, 11, 10, "pay")}, nullptr);
  matcher_.Add(1, {1, Span(kServer, 1, 0, "web")}, nullptr);
  matcher_.Add(1, {2, Span(kClient, 20, 0, "web", "pay.example")}, nullptr);
  EXPECT_EQ(counts_.calls, 0U);
  Add(2, 2, Span(kServer, 21, 20, "pay"));
  matcher_.Expire(2, counter_);
  EXPECT_EQ(counts_.calls, 1U) << "the second, whose server came now; not the first, nor its peer";
}

TEST_F(CallMatcherTest, FindsInAnyOrderWhatWholeTracesHave) {
  std::mt19937_64 random(20261127);
  for (int round = 0; round < 50; ++round) {
    struct Arrival {
      uint64_t trace;
      GraphSpan span;
    };
    std::vector<Arrival> arrivals;
    GraphEdges whole(names_);
    GraphCounts whole_counts;
    for (uint64_t trace = 1; trace <= 20; ++trace) {
      std::vector<GraphSpan> spans;
      for (uint64_t id = 1; id <= 1 + random() % 12; ++id) {
        const auto kind = static_cast<uint8_t>(kServer + random() % 4);
        const std::string service = std::string("service ") + std::to_string(random() % 3);
        spans.push_back(Span(kind, id, id == 1 ? 0 : random() % id, service, random() % 2 == 0 ? "peer" : ""));
        arrivals.push_back({trace, spans.back()});
      }
      AddCalls(spans, whole, whole_counts);
    }
    std::ranges::shuffle(arrivals, random);
    GraphEdges matched(names_);
    GraphCounts counts;
    CallCounter counter(matched, counts);
    CallMatcher matcher;
    uint64_t block = 1;
    for (const Arrival& arrival : arrivals) matcher.Add(block += random() % 2, {arrival.trace, arrival.span}, &counter);
    matcher.Expire(block, counter);
    EXPECT_EQ(EdgesOf(matched), EdgesOf(whole));
    EXPECT_EQ(counts.calls, whole_counts.calls);
    EXPECT_EQ(counts.unpaired_spans, whole_counts.unpaired_spans);
    EXPECT_EQ(matcher.waiting(), 0U);
  }
}

}  // namespace
}  // namespace sightline::sample
