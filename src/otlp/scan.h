// One pass over the bytes of an Export{Trace,Metrics,Logs}ServiceRequest that decides completely what is accepted.
// Data: request bytes -> a Scan: which items are kept (and where they lie in the bytes), which are refused and why.
// Invariant (held by fuzzers): what the scan accepts, the block builder stores. docs/oddities.md has every rule.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/limits.h"
#include "otlp/signal.h"

namespace sightline::otlp {

// Why an item was refused. The names appear in metrics, in the UI and in docs/oddities.md.
enum class Refusal : uint8_t {
  kTraceIdInvalid,    // a span's trace id is not 16 bytes, or all zero
  kSpanIdInvalid,     // a span's id is not 8 bytes, or all zero
  kTooOld,            // by its own time (docs/oddities.md says which), older than the signal's retention
  kTooDeep,           // an attribute value of the item, its resource or scope nested deeper than value_depth_max
  kNoData,            // a metric without any of the kinds of data that OTLP defines; counts as one data point
  kHistogramInvalid,  // bounds that do not rise or do not fit the counts, or over buckets_per_point_max
};
inline constexpr size_t kRefusals = 6;
std::string_view RefusalName(Refusal refusal);  // "trace_id_invalid", ...

// A place in the request's bytes. Offsets are 32-bit: a request is limited to far less than 4 GiB.
struct Slice {
  uint32_t offset = 0;
  uint32_t size = 0;
  std::string_view In(std::string_view bytes) const { return bytes.substr(offset, size); }
};

// What all items of one scope share: Resource and InstrumentationScope messages and their schema URLs, as bytes.
struct ScopeRef {
  Slice resource, resource_schema_url, scope, scope_schema_url;
};

// One accepted item: a Span or LogRecord message; for metrics one Metric message with at least one accepted data point.
struct ItemRef {
  Slice message;
  uint32_t scope = 0;          // index into Scan::scopes
  uint32_t first_ordinal = 0;  // ordinal in the request of the item (of its first data point for metrics)
  uint64_t trace_hash = 0;  // XXH3-64 of the trace id, 0 if none: what the block builder groups by and shards split by
};

// What sampling, span metrics and the service graph ask of an accepted span, noted in the same walk so that none of
// them parses it again. As it was sent: times are not mended, names are not cleaned.
struct SpanHead {
  Slice name, trace_state;
  uint64_t start_unix_nanos = 0, end_unix_nanos = 0;
  uint64_t span_id = 0;         // its 8 bytes as they lie in memory
  uint64_t parent_span_id = 0;  // the same; 0 where there is none, or one of another length
  uint32_t trace_id = 0;        // where its 16 bytes begin in the request
  uint32_t flags = 0;
  uint16_t http_status = 0;  // http.response.status_code, else http.status_code; 0: neither, or beyond 999
  uint8_t kind = 0;          // OTLP's numbers; 0 where they are beyond them
  uint8_t status = 0;
};

enum class SpanHeads : bool { kSkip, kNote };

struct Scan {
  uint32_t items_seen = 0;  // spans, log records or data points in the request
  uint32_t items_accepted = 0;
  std::vector<uint32_t> refused;  // ordinals in order of the bytes, ascending
  std::array<uint32_t, kRefusals> refused_by_reason{};
  std::string refusal_message;  // about the first refused item, with its reason and value; empty if none
  std::vector<ScopeRef> scopes;
  std::vector<ItemRef> items;
  std::vector<SpanHead> heads;    // of each item in `items`, if they were asked for and the items are spans; else empty
  std::vector<Slice> dimensions;  // texts of span_dimensions.h, as heads, where TakeWhatIsCounted put them; else empty
};

// What a scan and the rows that it leads to hold beside the request's bytes. Items may be as small as two bytes, their
// rows are not: a budget that counted bytes alone would be passed a hundredfold.
uint64_t MemoryBytes(const Scan& scan);

// INVALID_ARGUMENT when the bytes are no such message at all (truncated, garbage, a known field with a wrong wire type,
// a length past the end): nothing of it is accepted. The message names the field and the byte offset.
Result<Scan> ScanRequest(Signal signal, std::string_view request, const Limits& limits, const TimeRules& times,
                         SpanHeads heads = SpanHeads::kSkip);

// For replay: the decision stands (the refused ordinals that the journal holds), only the places are wanted.
Result<Scan> Rescan(Signal signal, std::string_view request, const std::vector<uint32_t>& refused,
                    SpanHeads heads = SpanHeads::kSkip);

}  // namespace sightline::otlp
