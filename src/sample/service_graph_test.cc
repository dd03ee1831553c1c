// Which calls are found in a trace, and what they are called.
#include "sample/service_graph.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include "otlp/testing/requests.h"

namespace sightline::sample {
namespace {

namespace field = otlp::field;
using otlp::testing::Attribute;
using otlp::testing::Id;
using otlp::testing::kTestTime;
using otlp::testing::Pb;
using otlp::testing::StringValue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kInternal = 1, kServer = 2, kClient = 3, kProducer = 4, kConsumer = 5;
constexpr uint64_t kMilli = 1'000'000;

// A span of one trace: its kind, id, parent's id, and how long it took.
Pb Span(uint64_t kind, uint64_t id, uint64_t parent, uint64_t millis = 1) {
  Pb span = otlp::testing::Span(1, id, kTestTime, kTestTime + millis * kMilli).Uint(field::span::kKind, kind);
  if (parent != 0) span.Bytes(field::span::kParentSpanId, Id(parent, 8));
  return span;
}
Pb With(Pb span, std::string_view key, std::string_view value) {
  return span.Message(field::span::kAttributes, Attribute(key, StringValue(value)));
}
Pb WithStatus(Pb span, uint64_t http_status) {
  return span.Message(field::span::kAttributes, Attribute("http.response.status_code",
                                                          otlp::testing::IntValue(static_cast<int64_t>(http_status))));
}
Pb Failed(Pb span) {
  return span.Message(field::span::kStatus, Pb().Uint(field::status::kCode, 2));
}

// client, server, connection, calls, errors; nanoseconds of all spans of the client's side, of the server's.
using Edge = std::tuple<std::string, std::string, std::string, double, double, double, double>;

class ServiceGraphTest : public ::testing::Test {
 protected:
  // Spans of one service, in a request of their own.
  void Arrive(std::string_view service, std::initializer_list<Pb> spans) {
    const std::string request = otlp::testing::Request(spans, otlp::testing::Resource(service));
    const auto scan = otlp::ScanRequest(otlp::Signal::kTraces, request, {}, {}, otlp::SpanHeads::kNote);
    ASSERT_TRUE(scan);
    GraphNoter noter(names_, kTestTime, kTestTime + 86'400'000 * kMilli);
    for (size_t i = 0; i < scan->items.size(); ++i) {
      if (auto span = noter.Note(request, *scan, scan->items[i], scan->heads[i])) trace_.push_back(*span);
    }
  }

  std::vector<Edge> Edges() {
    AddCalls(trace_, edges_, counts_);
    std::map<std::tuple<std::string, std::string, std::string>, Edge> by_key;
    for (const auto& sum : edges_.edges().Sums()) {
      const std::string client(sum.client), server(sum.server), connection(otlp::ConnectionText(sum.connection));
      auto& [of, to, type, calls, errors, client_nanos, server_nanos] = by_key[{client, server, connection}];
      of = client;
      to = server;
      type = connection;
      calls += sum.calls;
      errors += sum.failed ? sum.calls : 0;
      (sum.is_client_side ? client_nanos : server_nanos) += sum.duration_sum;
    }
    edges_.Take();
    std::vector<Edge> edges;
    for (auto& [key, edge] : by_key) edges.push_back(edge);
    return edges;
  }

  GraphNames names_;
  std::vector<GraphSpan> trace_;
  GraphEdges edges_{names_};
  GraphCounts counts_;
};

TEST_F(ServiceGraphTest, AClientsSpanAndItsServersAreACall) {
  Arrive("web", {Span(kInternal, 1, 9), Span(kClient, 2, 1, 30)});
  Arrive("pay", {Span(kServer, 3, 2, 20)});
  EXPECT_THAT(Edges(), ElementsAre(Edge{"web", "pay", "", 1, 0, 30 * kMilli, 20 * kMilli}));
  EXPECT_EQ(counts_.calls, 1U);
  EXPECT_EQ(counts_.unpaired_spans, 0U);
}

TEST_F(ServiceGraphTest, AProducersSpanAndItsConsumersAreCallsByMessage) {
  Arrive("web", {With(Span(kProducer, 2, 1, 1), "messaging.system", "kafka")});
  Arrive("mail", {Span(kConsumer, 3, 2, 20)});
  Arrive("audit", {Span(kConsumer, 4, 2, 5)});
  EXPECT_THAT(Edges(), ElementsAre(Edge{"web", "audit", "messaging_system", 1, 0, kMilli, 5 * kMilli},
                                   Edge{"web", "mail", "messaging_system", 1, 0, kMilli, 20 * kMilli}));
}

TEST_F(ServiceGraphTest, ACallFailsWhereEitherSideSaysSo) {
  Arrive("web",
         {Failed(Span(kClient, 2, 1)), Span(kClient, 3, 1), Span(kClient, 4, 1), WithStatus(Span(kClient, 5, 1), 404)});
  Arrive("pay", {Span(kServer, 12, 2), Failed(Span(kServer, 13, 3)), WithStatus(Span(kServer, 14, 4), 503),
                 Span(kServer, 15, 5)});
  EXPECT_THAT(Edges(), ElementsAre(Edge{"web", "pay", "", 4, 3, 4 * kMilli, 4 * kMilli}));
}

TEST_F(ServiceGraphTest, DatabasesArePeersBySystemAndNamespace) {
  Arrive("web", {With(With(Span(kClient, 2, 1, 3), "db.system.name", "postgresql"), "db.namespace", "shop"),
                 With(With(Span(kClient, 3, 1, 3), "db.system", "postgresql"), "db.name", "shop"),
                 With(With(Span(kClient, 4, 1), "db.system", "redis"), "server.address", "cache-1"),
                 With(Span(kClient, 5, 1), "db.namespace", "other"),
                 With(With(Span(kClient, 6, 1), "db.system.name", ""), "db.system", "mysql")});
  EXPECT_THAT(Edges(), ElementsAre(Edge{"web", "mysql", "database", 1, 0, kMilli, 0},
                                   Edge{"web", "other", "database", 1, 0, kMilli, 0},
                                   Edge{"web", "postgresql/shop", "database", 2, 0, 6 * kMilli, 0},
                                   Edge{"web", "redis", "database", 1, 0, kMilli, 0}));
}

TEST_F(ServiceGraphTest, PeersThatSendNoSpansAreNamedByTheirCallers) {
  Arrive("web", {With(With(Span(kClient, 2, 1), "server.address", "10.0.0.1"), "peer.service", "legacy"),
                 With(Span(kClient, 3, 1), "server.address", "en.wikipedia.org"),
                 With(Span(kProducer, 4, 1), "messaging.system", "kafka"), Span(kClient, 5, 1)});
  EXPECT_THAT(Edges(), ElementsAre(Edge{"web", "en.wikipedia.org", "virtual_node", 1, 0, kMilli, 0},
                                   Edge{"web", "kafka", "messaging_system", 1, 0, kMilli, 0},
                                   Edge{"web", "legacy", "virtual_node", 1, 0, kMilli, 0}));
  EXPECT_EQ(counts_.unpaired_spans, 1U) << "a client's span that names nobody";
}

TEST_F(ServiceGraphTest, AServersSpanWithoutAParentIsCalledByAUser) {
  Arrive("web", {Span(kServer, 1, 0, 7), Span(kServer, 2, 99)});
  EXPECT_THAT(Edges(), ElementsAre(Edge{"user", "web", "virtual_node", 1, 0, 0, 7 * kMilli}));
  EXPECT_EQ(counts_.unpaired_spans, 1U) << "its parent never came";
}

TEST_F(ServiceGraphTest, SpansOfASampledTraceCountForThoseTheyStandFor) {
  Arrive("web", {Span(kClient, 2, 1).Bytes(field::span::kTraceState, "ot=th:c")});
  Arrive("pay", {Span(kServer, 3, 2).Bytes(field::span::kTraceState, "ot=th:c")});
  EXPECT_THAT(Edges(), ElementsAre(Edge{"web", "pay", "", 4, 0, 4 * kMilli, 4 * kMilli}));
}

TEST_F(ServiceGraphTest, InternalSpansAreNotInIt) {
  Arrive("script", {Span(kInternal, 1, 0), Span(kInternal, 2, 1)});
  EXPECT_THAT(trace_, IsEmpty());
}

TEST_F(ServiceGraphTest, TheOrderOfSpansMakesNoDifference) {
  for (uint64_t call = 0; call < 40; ++call) {
    Arrive(call % 2 == 0 ? "web" : "app", {Span(kClient, 2 * call + 2, 1, call)});
    Arrive("pay", {Span(kServer, 2 * call + 3, 2 * call + 2, call / 2)});
  }
  std::mt19937 random(7);
  std::vector<Edge> first;
  for (int round = 0; round < 5; ++round) {
    std::ranges::shuffle(trace_, random);
    const std::vector<Edge> edges = Edges();
    if (round == 0) first = edges;
    ASSERT_EQ(edges, first);
    ASSERT_EQ(edges.size(), 2U);
  }
}

TEST(GraphNames, BeyondTheLimitAreCountedTogether) {
  GraphNames names;
  EXPECT_EQ(names.Number(""), 0U);
  const uint32_t first = names.Number("web");
  EXPECT_EQ(names.Number("web"), first);
  for (uint32_t i = 0; i < otlp::kGraphNamesMax + 100; ++i) names.Number("peer " + std::to_string(i));
  EXPECT_EQ(names.at(names.Number("one more")), otlp::kOtherNode);
  EXPECT_EQ(names.Number("web"), first);
}

}  // namespace
}  // namespace sightline::sample
