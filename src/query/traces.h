// What the UI, the API and the CLI ask about traces. Data: bound parameters -> ClickHouse -> typed values.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kTracesMax = 1000;        // a FindTraces answer
inline constexpr uint32_t kTraceSpansMax = 50'000;  // spans of one GetTrace answer; the rest is cut and said
inline constexpr size_t kTraceIdPrefixMin = 4;      // hex digits

// `type` is a letter of the Types columns: s string, i int, d double, b bool, x bytes (base64), a array (JSON), m
// key-value list (JSON), e empty.
struct Attribute {
  std::string key;
  char type = 's';
  std::string text;
};

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
  std::string span_id, parent_span_id;  // lower-case hex; no parent: ""
  std::string trace_state;
  uint32_t flags = 0;
  std::string name, kind, service;  // kind "Server", ...
  std::string status;               // "Unset", "Ok", "Error"
  std::string status_message;
  int64_t start_unix_nanos = 0;
  uint64_t duration_nanos = 0;
  std::string resource_id;  // of Trace::resources
  std::string scope_name, scope_version, scope_id;
  std::vector<Attribute> attributes;
  uint32_t dropped_attributes = 0, dropped_events = 0, dropped_links = 0;
  std::vector<Event> events;
  std::vector<Link> links;
  std::string repairs;  // what was mended on the way in
  double adjusted_count = 1;
  std::string sampling_policy;
};

struct AttributeSet {
  std::string id;
  std::vector<Attribute> attributes;
  std::string schema_url;
  uint32_t dropped_attributes = 0;
};

struct Trace {
  std::string trace_id;
  std::vector<Span> spans;              // by start time
  std::vector<AttributeSet> resources;  // and scopes that have an id
  bool cut = false;                     // has more than kTraceSpansMax spans
};

// A trace has a span that meets all of these at once.
struct TraceFilter {
  std::string service;                             // "": any
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // of the matching span's start; [from, to)
  bool errors_only = false;
  uint64_t slower_than_nanos = 0;
  uint32_t limit = 50;
};

struct TraceSummary {
  std::string trace_id;
  std::string root_service, root_name, root_status;  // of the root; of the earliest span where the root is missing
  bool root_missing = false;
  int64_t start_unix_nanos = 0;
  uint64_t duration_nanos = 0;  // first start to last end
  uint64_t spans = 0, errors = 0;
  std::vector<std::string> services;
  int64_t matched_unix_nanos = 0;  // start of the newest matching span: what the list is ordered by
};

struct SignalStatus {
  std::string signal;
  uint64_t rows = 0, bytes_on_disk = 0;
  int64_t newest_unix_nanos = 0;  // time of the newest item of the last day; 0: none
};

// Thread: any.
class TraceReader {
 public:
  // `clickhouse` must outlive it. `hot_attributes`: all that have a column, as store::StoredHotAttributes gives them.
  explicit TraceReader(store::ClickHouse& clickhouse,
                       std::vector<otlp::HotAttribute> hot_attributes = otlp::DefaultHotAttributes(),
                       std::string database = "sightline")
      : clickhouse_(clickhouse), hot_attributes_(std::move(hot_attributes)), database_(std::move(database)) {}

  // Newest first. Looks at the times of the last stored matches, then at ever longer times until enough are found: cost
  // follows the answer, not the range.
  Result<std::vector<TraceSummary>> FindTraces(const TraceFilter& filter);

  // kNotFound; kInvalidArgument if the id is no hex, too short, or fits more than one trace.
  Result<Trace> GetTrace(std::string_view id_or_prefix);

  Result<std::vector<SignalStatus>> Status();

 private:
  Result<std::string> ResolvePrefix(const std::string& prefix);
  Result<void> ReadSpans(Trace& trace);
  template <typename List, typename Read>
  Result<void> ReadLists(Trace& trace, const char* columns, const char* filled, List Span::* list, Read read);
  Result<void> ReadEventsAndLinks(Trace& trace);
  Result<void> ReadAttributeSets(Trace& trace);

  store::ClickHouse& clickhouse_;
  const std::vector<otlp::HotAttribute> hot_attributes_;
  const std::string database_;
  std::mutex sets_mutex_;
  // By id. They are keyed by content, so what was read once stays true. Guarded by sets_mutex_.
  std::map<std::string, AttributeSet> sets_;
};

}  // namespace sightline::query
