#include "sample/service_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "otlp/http_status.h"
#include "otlp/limits.h"
#include "otlp/span_metrics.h"
#include "otlp/wire_fields.h"

namespace sightline::sample {
namespace {

using otlp::Connection;

constexpr uint8_t kServer = 2, kClient = 3, kProducer = 4, kConsumer = 5;  // SpanKind
constexpr uint64_t kSecondNanos = 1'000'000'000;
constexpr size_t kNameBytes = 64;  // about what a name takes beside its text

// By number in GraphNoter::peer_keys_.
constexpr std::string_view kPeerKeys[] = {"db.system.name", "db.system",      "db.namespace",    "db.name",
                                          "peer.service",   "server.address", "messaging.system"};
enum PeerKey : uint8_t {
  kDbSystemName,
  kDbSystem,
  kDbNamespace,
  kDbName,
  kPeerService,
  kServerAddress,
  kMessagingSystem,
};

// What Clean makes a text of.
bool HasText(const AttributeValue& value) {
  return value.type == AttributeValue::Type::kInt ||
         (value.type == AttributeValue::Type::kString && !value.text.empty());
}

// As far as Clean can tell: it reads texts and whole numbers.
bool IsSame(const AttributeValue& a, const AttributeValue& b) {
  return a.type == b.type && a.number == b.number && a.text == b.text;
}

// The spans that call, found by id.
class Callers {
 public:
  explicit Callers(std::span<const GraphSpan> trace) : trace_(trace) {
    for (uint32_t i = 0; i < trace.size(); ++i) {
      if (CallCounter::IsCaller(trace[i])) by_id_.emplace_back(trace[i].span_id, i);
    }
    std::ranges::sort(by_id_);
    has_callee_.resize(by_id_.size());
  }

  // That of a server's or consumer's span, which is then known to have a callee.
  const GraphSpan* Of(const GraphSpan& callee) {
    auto found = std::ranges::lower_bound(by_id_, std::pair{callee.parent_span_id, 0U});
    for (; found != by_id_.end() && found->first == callee.parent_span_id; ++found) {
      if (!CallCounter::AreSides(trace_[found->second], callee)) continue;
      has_callee_[static_cast<size_t>(found - by_id_.begin())] = true;
      return &trace_[found->second];
    }
    return nullptr;
  }

  template <typename Visit>
  void ForEachWithoutCallee(const Visit& visit) const {
    for (size_t i = 0; i < by_id_.size(); ++i) {
      if (!has_callee_[i]) visit(trace_[by_id_[i].second]);
    }
  }

 private:
  const std::span<const GraphSpan> trace_;
  std::vector<std::pair<uint64_t, uint32_t>> by_id_;  // span id, number in the trace
  std::vector<bool> has_callee_;                      // of by_id_
};

}  // namespace

uint32_t GraphNames::Number(std::string_view name) {
  if (name.empty()) return 0;
  {
    const std::shared_lock lock(mutex_);
    if (const auto found = numbers_.find(name); found != numbers_.end()) return found->second;
    if (texts_.size() > otlp::kGraphNamesMax) name = otlp::kOtherNode;
  }
  const std::lock_guard lock(mutex_);
  const auto [entry, is_new] = numbers_.try_emplace(name, static_cast<uint32_t>(texts_.size()));
  const uint32_t number = entry->second;
  if (!is_new) return number;
  numbers_.erase(entry);
  texts_.emplace_back(name);
  numbers_.emplace(texts_.back(), number);  // a key that lives as long
  text_bytes_ += name.size();
  return number;
}

std::string_view GraphNames::at(uint32_t number) const {
  const std::shared_lock lock(mutex_);
  return texts_.at(number);
}

uint64_t GraphNames::bytes() const {
  const std::shared_lock lock(mutex_);
  return text_bytes_ + texts_.size() * (kNameBytes + sizeof(std::string));
}

// A database by system and namespace ("postgresql/shop"): either alone names several.
Peer PeerOf(std::string_view system, std::string_view database, std::string_view messaging, std::string_view other) {
  const bool is_named_by_both = !system.empty() && !database.empty();
  std::string name = fmt::format("{}{}{}", system, is_named_by_both ? "/" : "", database);
  if (!name.empty()) return {std::move(name), Connection::kDatabase};
  if (!messaging.empty()) return {std::string(messaging), Connection::kMessaging};
  return {std::string(other), Connection::kVirtual};
}

GraphNoter::GraphNoter(GraphNames& names, int64_t received_unix_nanos, int64_t latest_unix_nanos)
    : names_(names),
      received_unix_nanos_(received_unix_nanos),
      latest_unix_nanos_(latest_unix_nanos),
      mender_(otlp::Limits{}) {
  service_keys_.Add("service.name");
  for (const std::string_view key : kPeerKeys) peer_keys_.Add(key);
}

std::string GraphNoter::Clean(const AttributeValue& value) {
  if (value.type == AttributeValue::Type::kInt) return std::to_string(value.number);  // a Redis database has a number
  if (value.type != AttributeValue::Type::kString) return {};
  otlp::Marks marks;
  return std::string(mender_.CleanName(value.text, marks));
}

uint32_t GraphNoter::ServiceOf(std::string_view resource) {
  if (resource.data() == last_resource_) return last_service_;
  AttributeValue name;
  ReadResourceAttributes(resource, service_keys_, std::span(&name, 1));
  last_resource_ = resource.data();
  last_service_ = names_.Number(Clean(name));
  return last_service_;
}

void GraphNoter::NamePeer(KnownPeer& known) {
  const Peer peer = PeerOf(Clean(known.system), Clean(known.database), Clean(known.messaging), Clean(known.other));
  known.number = names_.Number(peer.name);
  known.connection = peer.connection;
}

void GraphNoter::NotePeer(std::string_view span_message, GraphSpan& span) {
  std::array<AttributeValue, std::size(kPeerKeys)> values;
  for (otlp::FieldReader fields(span_message); fields.Next();) {
    if (fields.tag() == otlp::field::span::kAttributes) ReadAttribute(fields.bytes(), peer_keys_, values);
  }
  const auto either = [&](PeerKey key, PeerKey older) { return values[HasText(values[key]) ? key : older]; };
  KnownPeer peer{.system = either(kDbSystemName, kDbSystem),
                 .database = either(kDbNamespace, kDbName),
                 .messaging = span.kind == kProducer ? values[kMessagingSystem] : AttributeValue(),
                 .other = either(kPeerService, kServerAddress)};
  const auto known = peers_.begin() + std::min(peers_met_, kPeersKnown);
  auto found = std::find_if(peers_.begin(), known, [&](const KnownPeer& other) {
    return IsSame(other.other, peer.other) && IsSame(other.system, peer.system) &&
           IsSame(other.database, peer.database) && IsSame(other.messaging, peer.messaging);
  });
  if (found == known) {
    NamePeer(peer);
    found = peers_.begin() + peers_met_++ % kPeersKnown;
    *found = peer;
  }
  span.peer = found->number;
  span.peer_connection = found->connection;
}

std::optional<GraphSpan> GraphNoter::Note(std::string_view request, const otlp::Scan& scan, const otlp::ItemRef& item,
                                          const otlp::SpanHead& head) {
  if (head.kind < kServer || head.kind > kConsumer) return std::nullopt;
  const uint64_t latest = static_cast<uint64_t>(latest_unix_nanos_);
  const uint64_t sent_start = head.start_unix_nanos != 0 ? head.start_unix_nanos
                              : head.end_unix_nanos != 0 ? head.end_unix_nanos
                                                         : static_cast<uint64_t>(received_unix_nanos_);
  const uint64_t start = std::min(sent_start, latest), end = std::min(head.end_unix_nanos, latest);
  const std::string_view trace_state = head.trace_state.In(request);
  GraphSpan span{.span_id = head.span_id,
                 .parent_span_id = head.parent_span_id,
                 .duration_nanos = end > start ? end - start : 0,
                 .start_second = static_cast<uint32_t>(std::min<uint64_t>(start / kSecondNanos, UINT32_MAX)),
                 .service = ServiceOf(scan.scopes[item.scope].resource.In(request)),
                 .weight = trace_state.empty() ? 1 : static_cast<float>(otlp::SpanWeight(trace_state)),
                 .kind = head.kind,
                 .failed = head.status == otlp::kErrorCode || otlp::IsServerError(head.http_status)};
  if (CallCounter::IsCaller(span)) NotePeer(item.message.In(request), span);
  return span;
}

uint32_t GraphEdges::Node(uint32_t name) {
  if (name >= nodes_.size()) nodes_.resize(name + 1, kNone);
  uint32_t& node = nodes_[name];
  if (node == kNone) node = edges_.NameNumber(names_.at(name));
  return node;
}

uint32_t GraphEdges::User() {
  if (user_ == kNone) user_ = edges_.NameNumber(kUser);
  return user_;
}

void GraphEdges::Clear() {
  edges_.Clear();
  nodes_.clear();
  user_ = kNone;
}

std::string GraphEdges::Take() {
  std::string encoded = edges_.Encode();
  Clear();
  return encoded;
}

void GraphEdges::Finish(uint64_t block, std::vector<otlp::TableBlock>& out, const otlp::GraphStep& step) {
  edges_.Finish(block, out, step);
  Clear();
}

bool CallCounter::IsCaller(const GraphSpan& span) {
  return span.kind == kClient || span.kind == kProducer;
}

bool CallCounter::AreSides(const GraphSpan& caller, const GraphSpan& callee) {
  return caller.kind == (callee.kind == kServer ? kClient : kProducer);
}

void CallCounter::Add(const GraphSpan& of, otlp::ServiceGraphEdges::Nodes nodes, Connection connection,
                      const GraphSpan& caller, bool failed, bool is_call) {
  edges_.Add({.connection = connection,
              .failed = failed,
              .is_client_side = IsCaller(of),
              .is_call = is_call,
              .start_second = caller.start_second,
              .duration_nanos = of.duration_nanos,
              .weight = caller.weight},
             nodes);
  counts_.calls += is_call ? 1 : 0;
}

void CallCounter::Pair(const GraphSpan& caller, const GraphSpan& callee) {
  const otlp::ServiceGraphEdges::Nodes nodes{edges_.Node(caller.service), edges_.Node(callee.service)};
  const Connection connection = callee.kind == kServer ? Connection::kRequest : Connection::kMessaging;
  const bool failed = caller.failed || callee.failed;
  Add(caller, nodes, connection, caller, failed, true);
  Add(callee, nodes, connection, caller, failed, false);
}

void CallCounter::Alone(const GraphSpan& caller) {
  if (caller.peer == 0) return Unpaired();
  Add(caller, {edges_.Node(caller.service), edges_.Node(caller.peer)}, caller.peer_connection, caller, caller.failed,
      true);
}

bool CallCounter::FromUser(const GraphSpan& callee) {
  if (callee.parent_span_id != 0 || callee.kind != kServer) return false;
  Add(callee, {edges_.User(), edges_.Node(callee.service)}, Connection::kVirtual, callee, callee.failed, true);
  return true;
}

void AddCalls(std::span<const GraphSpan> trace, GraphEdges& edges, GraphCounts& counts) {
  Callers callers(trace);
  CallCounter counter(edges, counts);
  for (const GraphSpan& callee : trace) {
    if (CallCounter::IsCaller(callee)) continue;
    if (const GraphSpan* caller = callers.Of(callee)) {
      counter.Pair(*caller, callee);
    } else if (!counter.FromUser(callee)) {
      counter.Unpaired();
    }
  }
  callers.ForEachWithoutCallee([&](const GraphSpan& caller) { counter.Alone(caller); });
}

}  // namespace sightline::sample
