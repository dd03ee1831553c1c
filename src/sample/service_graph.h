// Which service calls which, from the spans of one trace before any of them is dropped.
// Data: heads and attributes of spans at their arrival -> GraphSpan (facts without text) -> at the trace's decision
// pairs of a client's and a server's span -> otlp::ServiceGraphEdges. docs/adr/008-service-graph.md has the rules.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "otlp/attribute_text.h"
#include "otlp/scan.h"
#include "otlp/service_graph_edges.h"
#include "sample/attributes.h"

namespace sightline::sample {

// Names of services, databases and peers with a number each, for the life of a program. Number 0 is "".
// Thread: any.
class GraphNames {
 public:
  GraphNames() { texts_.emplace_back(); }
  uint32_t Number(std::string_view name);
  // Good as long as this object lives.
  std::string_view at(uint32_t number) const;
  uint64_t bytes() const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  mutable std::shared_mutex mutex_;
  std::deque<std::string> texts_;  // do not move
  std::unordered_map<std::string_view, uint32_t, Hash, std::equal_to<>> numbers_;
  uint64_t text_bytes_ = 0;
};

// What the graph needs of a client's, server's, producer's or consumer's span; other spans are not in it.
struct GraphSpan {
  uint64_t span_id = 0, parent_span_id = 0;  // as in otlp::SpanHead
  uint64_t duration_nanos = 0;
  uint32_t start_second = 0;
  uint32_t service = 0;  // number of GraphNames
  uint32_t peer = 0;     // the database, message system or service that a client's or producer's span names
  float weight = 1;      // spans that it stands for: otlp::SpanWeight
  uint8_t kind = 0;      // OTLP's numbers
  bool failed = false;   // by its status or a 5xx
  otlp::Connection peer_connection = otlp::Connection::kVirtual;
};

// The database, message system or service that a caller's span names, by its attributes; empty name: none.
struct Peer {
  std::string name;
  otlp::Connection connection = otlp::Connection::kVirtual;
};
// `messaging` only of producers; `other` is peer.service, else server.address.
Peer PeerOf(std::string_view system, std::string_view database, std::string_view messaging, std::string_view other);

// Makes GraphSpans of the spans of a request. Thread: of its owner.
class GraphNoter {
 public:
  // `names` must outlive it. Times after `latest_unix_nanos` are taken to be then, as in the store.
  GraphNoter(GraphNames& names, int64_t received_unix_nanos, int64_t latest_unix_nanos);

  // Nothing for a span that is not in the graph. Spans of one resource should come one after the other. All spans are
  // of one request, whose bytes outlive this.
  std::optional<GraphSpan> Note(std::string_view request, const otlp::Scan& scan, const otlp::ItemRef& item,
                                const otlp::SpanHead& head);

 private:
  uint32_t ServiceOf(std::string_view resource);
  void NotePeer(std::string_view span_message, GraphSpan& span);
  struct KnownPeer {
    AttributeValue system, database, messaging, other;  // what it is named by
    uint32_t number = 0;
    otlp::Connection connection = otlp::Connection::kVirtual;
  };
  void NamePeer(KnownPeer& peer);
  std::string Clean(const AttributeValue& value);

  GraphNames& names_;
  const int64_t received_unix_nanos_, latest_unix_nanos_;
  KeyTable service_keys_, peer_keys_;
  otlp::TextMender mender_;
  const char* last_resource_ = nullptr;
  uint32_t last_service_ = 0;
  // The last peers, in a circle: a request names few, over and over. Views into the request.
  static constexpr size_t kPeersKnown = 8;
  std::array<KnownPeer, kPeersKnown> peers_;
  size_t peers_met_ = 0;
};

// Edges, and the numbers that they give to names. Thread: of its owner.
class GraphEdges {
 public:
  // `names` outlives it.
  explicit GraphEdges(const GraphNames& names) : names_(names) {}

  // Of a name of GraphNames, without a look at its text most of the time.
  uint32_t Node(uint32_t name);
  uint32_t User();
  void Add(const otlp::ServiceGraphEdges::Side& side, otlp::ServiceGraphEdges::Nodes nodes) { edges_.Add(side, nodes); }
  const otlp::ServiceGraphEdges& edges() const { return edges_; }
  // ServiceGraphEdges' Encode and Finish, and begin anew.
  std::string Take();
  void Finish(uint64_t block, std::vector<otlp::TableBlock>& out, const otlp::GraphStep& step);
  void Clear();

 private:
  static constexpr uint32_t kNone = UINT32_MAX;
  const GraphNames& names_;
  otlp::ServiceGraphEdges edges_;
  std::vector<uint32_t> nodes_;  // by number of GraphNames
  uint32_t user_ = kNone;
};

struct GraphCounts {
  uint64_t calls = 0;           // edges counted
  uint64_t unpaired_spans = 0;  // whose other side is neither in the trace nor named
};

// What is a call, for whoever has found out which spans belong together: two services' spans, or one span whose other
// side has none. Thread: of its owner.
class CallCounter {
 public:
  // Both outlive it.
  CallCounter(GraphEdges& edges, GraphCounts& counts) : edges_(edges), counts_(counts) {}

  static bool IsCaller(const GraphSpan& span);                             // a client's or producer's
  static bool AreSides(const GraphSpan& caller, const GraphSpan& callee);  // by their kinds
  void Pair(const GraphSpan& caller, const GraphSpan& callee);
  // A caller without callee: a call of the peer that it names.
  void Alone(const GraphSpan& caller);
  // A server's span without a parent: a call by kUser. False for other spans.
  bool FromUser(const GraphSpan& callee);
  void Unpaired() { ++counts_.unpaired_spans; }

 private:
  void Add(const GraphSpan& of, otlp::ServiceGraphEdges::Nodes nodes, otlp::Connection connection,
           const GraphSpan& caller, bool failed, bool is_call);

  GraphEdges& edges_;
  GraphCounts& counts_;
};

// Adds the calls of one trace. Every server's (consumer's) span whose parent is a client's (producer's) span of the
// trace is a call between two services; a client's span without such a child is a call of the peer that it names; a
// server's span without a parent is a call by kUser.
inline constexpr std::string_view kUser = "user";  // as in the Collector's connector
void AddCalls(std::span<const GraphSpan> trace, GraphEdges& edges, GraphCounts& counts);

}  // namespace sightline::sample
