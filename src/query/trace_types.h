// Traces as answers carry them: plain values. Ids are lower-case hex.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "query/attributes.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kTraceSpansMax = 50'000;  // of one trace in an answer; the rest is cut and said
inline constexpr size_t kTraceIdPrefixMin = 4;      // hex digits
inline constexpr size_t kFailuresMax = 3;           // of a trace in a list

struct Event {
  int64_t unix_nanos = 0;
  std::string name;
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes = 0;
};

struct Link {
  std::string trace_id, span_id, trace_state;
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes = 0, flags = 0;
};

struct Span {
  std::string trace_id;                 // "" where one trace was asked for
  std::string span_id, parent_span_id;  // no parent: ""
  std::string trace_state;
  uint32_t flags = 0;
  std::string name, kind, service;  // kind "Server", ...
  std::string status;               // "Unset", "Ok", "Error"
  std::string status_message;
  int64_t start_unix_nanos = 0;
  uint64_t duration_nanos = 0;
  std::string resource_id;  // of the answer's attribute sets
  std::string scope_name, scope_version, scope_id;
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes = 0, dropped_events = 0, dropped_links = 0;
  std::vector<Event> events;
  std::vector<Link> links;
  std::string repairs;  // what was mended on the way in
  double adjusted_count = 1;
  std::string sampling_policy;
};

struct Trace {
  std::string trace_id;
  std::vector<Span> spans;              // by start time
  std::vector<AttributeSet> resources;  // and scopes that have an id
  bool cut = false;                     // has more than kTraceSpansMax spans
  store::QueryStats scanned;
};

struct SpanDetail {
  Span span;
  std::vector<AttributeSet> resources;  // and scopes that have an id
  store::QueryStats scanned;
};

// A span as a waterfall needs it.
struct OutlineSpan {
  std::string span_id, parent_span_id, name;
  std::string kind;           // "Server", ...
  uint32_t service = 0;       // place in TraceOutline::services
  uint64_t offset_nanos = 0;  // from TraceOutline::start_unix_nanos
  uint64_t duration_nanos = 0;
  std::string status;           // "Unset", "Ok", "Error"
  std::string message, target;  // as in Failure; only of failed spans
  uint64_t events = 0, links = 0;
};

struct TraceOutline {
  std::string trace_id;
  bool cut = false;  // has more than kTraceSpansMax spans
  int64_t start_unix_nanos = 0;
  uint64_t duration_nanos = 0;  // first start to last end
  std::vector<std::string> services;
  std::vector<OutlineSpan> spans;  // by start time
  std::string sampling_policy;     // of the earliest span that was sampled; "": none was
  double adjusted_count = 1;       // its
  store::QueryStats scanned;
};

// A span of a list.
struct SpanPoint {
  std::string trace_id, span_id, service, name, status;
  int64_t start_unix_nanos = 0;
  uint64_t duration_nanos = 0;
};

// A failed span under which nothing else failed.
struct Failure {
  std::string span_id, service, name, kind;
  std::string message;  // the status message, else the exception's type and message, else an HTTP or gRPC status
  std::string target;   // who was asked, such as "en.wikipedia.org"; may be empty
};

struct TraceSummary {
  std::string trace_id;
  std::string root_service, root_name, root_status;  // of the root; of the earliest span where the root is missing
  bool root_missing = false;
  int64_t start_unix_nanos = 0;
  uint64_t duration_nanos = 0;  // first start to last end
  uint64_t spans = 0, errors = 0;
  std::vector<std::string> services;
  SpanPoint matched;              // what the list is ordered by: the newest, or slowest, that meets the conditions
  std::vector<Failure> failures;  // earliest first, at most kFailuresMax
};

struct Scatter {
  std::vector<SpanPoint> points;  // by start time
  uint64_t matched = 0;           // spans that meet the conditions
  bool sampled = false;           // points are not all of them
  store::QueryStats scanned;
};

}  // namespace sightline::query
