#include "query/failures.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "query/filters.h"

namespace sightline::query {
namespace {

constexpr std::array<std::string_view, 17> kGrpcCodes = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

// Those that FailureMessage looks at.
constexpr std::array<std::string_view, 5> kStatusKeys = {"rpc.grpc.status_code", "rpc.response.status_code",
                                                         "http.response.status_code", "http.status_code", "error.type"};

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

// At the end of a character of UTF-8.
std::string Cut(std::string text) {
  if (text.size() <= kFailureBytesMax) return text;
  size_t end = kFailureBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text + "…";
}

std::vector<const otlp::HotAttribute*> HotStatusKeys(const std::vector<otlp::HotAttribute>& hot_attributes) {
  std::vector<const otlp::HotAttribute*> hot;
  for (const auto& attribute : hot_attributes) {
    if (std::ranges::find(kStatusKeys, attribute.key) != kStatusKeys.end()) hot.push_back(&attribute);
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

std::string FailedSpanColumns(const std::vector<otlp::HotAttribute>& hot_attributes) {
  std::string columns =
      "TraceId, SpanId, ParentSpanId, ServiceName, SpanName, SpanKind, StatusMessage, Events.Name, Events.Attributes, "
      "SpanAttributes";
  for (const auto* hot : HotStatusKeys(hot_attributes)) columns += ", " + QuoteIdentifier("a." + hot->key);
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
  for (const auto* hot : HotStatusKeys(hot_attributes)) {
    auto text = row.Text();
    if (!text.empty()) attributes.insert(attributes.begin(), {hot->key, 's', std::move(text)});
  }
  span.failure.message = FailureMessage(status_message, events, attributes);
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
