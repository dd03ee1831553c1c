// Traces as answers carry them: plain values. Ids are lower-case hex.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "query/attributes.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kTraceSpansMax = 50'000;  // of one trace in a page
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
  std::optional<uint64_t> critical_path_nanos;  // of the trace, that waited for it; none: not all of the trace was read
};

// Where a page of a trace's spans ended. It carries what was stored at the first page, and the times of the whole
// trace then, so that pages after it answer from the same rows, whatever arrives meanwhile.
struct SpanCursor {
  uint64_t block_max = 0;  // rows of later inserts are not looked at
  int64_t trace_start_unix_nanos = 0, trace_end_unix_nanos = 0;
  // Of the last span. Spans that are alike in all three were sent twice: they are on one page.
  int64_t start_unix_nanos = 0;
  std::string span_id;  // 16 hex digits
  uint64_t block = 0;
};

struct SpanPageSearch {
  uint32_t limit = kTraceSpansMax;  // 1 to kTraceSpansMax; a page has a few more where spans were sent twice
  std::optional<SpanCursor> cursor;
  bool nothing = false;  // no spans: they are at their end, and only their trace's id is wanted
};

// A page of it.
struct Trace {
  std::string trace_id;
  int64_t start_unix_nanos = 0, end_unix_nanos = 0;  // of the whole trace: first start, last end
  std::vector<Span> spans;                           // by start time
  std::vector<AttributeSet> resources;               // and scopes that have an id
  std::optional<SpanCursor> next;                    // none: this is the last page
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
  uint64_t critical_path_nanos = 0;  // if the outline has_critical_path
};

// A page of it.
struct TraceOutline {
  std::string trace_id;
  int64_t start_unix_nanos = 0;  // of the whole trace
  uint64_t duration_nanos = 0;   // first start to last end
  std::vector<std::string> services;
  std::vector<OutlineSpan> spans;  // by start time
  std::string sampling_policy;     // of the earliest span that was sampled; "": none was
  double adjusted_count = 1;       // its
  bool has_critical_path = false;  // all spans of the trace are in one page
  std::optional<SpanCursor> next;  // none: this is the last page
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
