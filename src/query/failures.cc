#include "query/failures.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "otlp/sql_quote.h"
#include "query/filters.h"

namespace sightline::query {
namespace {

constexpr std::array<std::string_view, 17> kGrpcCodes = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

// Those that FailureMessage and FailureTarget look at.
constexpr std::array<std::string_view, 17> kKeys = {"rpc.grpc.status_code",
                                                    "rpc.response.status_code",
                                                    "http.response.status_code",
                                                    "http.status_code",
                                                    "error.type",
                                                    "messaging.destination.name",
                                                    "messaging.destination",
                                                    "server.address",
                                                    "server.port",
                                                    "net.peer.name",
                                                    "net.peer.port",
                                                    "url.full",
                                                    "http.url",
                                                    "peer.service",
                                                    "db.namespace",
                                                    "db.name",
                                                    "rpc.service"};

std::string_view Value(const std::vector<Attribute>& attributes, std::string_view key) {
  const auto found = std::ranges::find(attributes, key, &Attribute::key);
  return found == attributes.end() ? std::string_view() : std::string_view(found->text);
}

std::string Exception(const std::vector<Event>& events) {
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->name != "exception") continue;
    std::string text(Value(event->attributes, "exception.type"));
    const auto message = Value(event->attributes, "exception.message");
    if (!text.empty() && !message.empty()) text += ": ";
    return text += message;
  }
  return "";
}

std::string GrpcStatus(std::string_view code) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(code.data(), code.data() + code.size(), number);
  const bool known = error == std::errc() && end == code.data() + code.size() && number < kGrpcCodes.size();
  return "gRPC " + std::string(code) + (known ? " " + std::string(kGrpcCodes[number]) : "");
}

std::string StatusOf(const std::vector<Attribute>& attributes) {
  if (const auto code = Value(attributes, "rpc.grpc.status_code"); !code.empty() && code != "0") {
    return GrpcStatus(code);
  }
  if (const auto code = Value(attributes, "rpc.response.status_code"); !code.empty()) return std::string(code);
  for (const auto* key : {"http.response.status_code", "http.status_code"}) {
    if (const auto code = Value(attributes, key); !code.empty()) return "HTTP " + std::string(code);
  }
  return std::string(Value(attributes, "error.type"));
}

// The first of `keys` that has a value.
std::string_view FirstOf(const std::vector<Attribute>& attributes, std::initializer_list<std::string_view> keys) {
  for (const auto key : keys) {
    if (const auto value = Value(attributes, key); !value.empty()) return value;
  }
  return "";
}

// Host and port of a URL, without what a browser would not show either: names and passwords.
std::string_view Authority(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return "";
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  const auto at = url.rfind('@');
  return at == std::string_view::npos ? url : url.substr(at + 1);
}

// At the end of a character of UTF-8.
std::string Cut(std::string text) {
  if (text.size() <= kFailureBytesMax) return text;
  size_t end = kFailureBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "…";
}

std::vector<const otlp::HotAttribute*> HotKeys(const std::vector<otlp::HotAttribute>& hot_attributes) {
  std::vector<const otlp::HotAttribute*> hot;
  for (const auto& attribute : hot_attributes) {
    if (std::ranges::find(kKeys, attribute.key) != kKeys.end()) hot.push_back(&attribute);
  }
  return hot;
}

}  // namespace

std::string FailureMessage(std::string_view status_message, const std::vector<Event>& events,
                           const std::vector<Attribute>& attributes) {
  if (!status_message.empty()) return Cut(std::string(status_message));
  std::string exception = Exception(events);
  return Cut(exception.empty() ? StatusOf(attributes) : std::move(exception));
}

std::string FailureTarget(std::string_view kind, const std::vector<Attribute>& attributes) {
  if (kind == "Producer" || kind == "Consumer") {
    const auto queue = FirstOf(attributes, {"messaging.destination.name", "messaging.destination"});
    if (!queue.empty()) return Cut(std::string(queue));
  }
  if (kind != "Client" && kind != "Producer") return "";  // of others the address is their own
  if (const auto host = FirstOf(attributes, {"server.address", "net.peer.name"}); !host.empty()) {
    const auto port = FirstOf(attributes, {"server.port", "net.peer.port"});
    return Cut(std::string(host) + (port.empty() || port == "80" || port == "443" ? "" : ":" + std::string(port)));
  }
  for (const auto* key : {"url.full", "http.url"}) {
    if (const auto host = Authority(Value(attributes, key)); !host.empty()) return Cut(std::string(host));
  }
  return Cut(std::string(FirstOf(attributes, {"peer.service", "db.namespace", "db.name", "rpc.service"})));
}

std::string FailedSpanColumns(const std::vector<otlp::HotAttribute>& hot_attributes) {
  std::string columns =
      "TraceId, SpanId, ParentSpanId, ServiceName, SpanName, SpanKind, StatusMessage, Events.Name, Events.Attributes, "
      "SpanAttributes";
  for (const auto* hot : HotKeys(hot_attributes)) columns += ", " + otlp::QuoteName("a." + hot->key);
  return columns;
}

FailedSpan ReadFailedSpan(RowReader& row, const std::vector<otlp::HotAttribute>& hot_attributes) {
  FailedSpan span;
  span.trace_id = row.Hex(16);
  span.failure.span_id = row.Hex(8);
  span.parent_span_id = row.SpanIdOrNone();
  span.failure.service = row.Text();
  span.failure.name = row.Text();
  span.failure.kind = row.Text();
  const std::string status_message = row.Text();
  std::vector<Event> events;
  for (auto& name : row.Texts()) events.push_back({.name = std::move(name)});
  auto event_attributes = ReadMaps(row);
  for (size_t i = 0; i < events.size(); ++i) events[i].attributes = std::move(event_attributes.at(i));
  auto attributes = ReadMap(row);
  for (const auto* hot : HotKeys(hot_attributes)) {
    auto text = row.Text();
    if (!text.empty()) attributes.insert(attributes.begin(), {hot->key, 's', std::move(text)});
  }
  span.failure.message = FailureMessage(status_message, events, attributes);
  span.failure.target = FailureTarget(span.failure.kind, attributes);
  return span;
}

std::vector<Failure> LikelyCauses(const std::vector<FailedSpan>& failed,
                                  const std::map<std::string, std::string>& parents) {
  std::set<std::string> above;  // spans that have a failed one below them
  for (const auto& span : failed) {
    for (std::string id = span.parent_span_id; !id.empty() && above.insert(id).second;) {
      const auto parent = parents.find(id);
      if (parent == parents.end()) break;
      id = parent->second;
    }
  }
  std::vector<Failure> causes;
  for (const auto& span : failed) {
    if (causes.size() == kFailuresMax) break;
    if (!above.contains(span.failure.span_id)) causes.push_back(span.failure);
  }
  // Spans that are each other's parents: all are above one another.
  if (causes.empty() && !failed.empty()) causes.push_back(failed.front().failure);
  return causes;
}

}  // namespace sightline::query
