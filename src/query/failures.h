// Why spans failed: the one line that a list or a waterfall shows, and which failed spans are the likely causes.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/block_builder.h"
#include "query/rows.h"
#include "query/trace_types.h"

namespace sightline::query {

inline constexpr size_t kFailureBytesMax = 500;  // of a message; longer ones end in "…"

// The status message, else the last exception's type and message, else a gRPC or HTTP status, else error.type, else "".
// `attributes` are the span's.
std::string FailureMessage(std::string_view status_message, const std::vector<Event>& events,
                           const std::vector<Attribute>& attributes);

// Who was asked, of a span that asks another: a queue, a host with its port, a service or a database; else "".
std::string FailureTarget(std::string_view kind, const std::vector<Attribute>& attributes);

// A span with the status Error.
struct FailedSpan {
  std::string trace_id, parent_span_id;
  Failure failure;
};

// What to select of spans for ReadFailedSpan.
std::string FailedSpanColumns(const std::vector<otlp::HotAttribute>& hot_attributes);
FailedSpan ReadFailedSpan(RowReader& row, const std::vector<otlp::HotAttribute>& hot_attributes);

// Of one trace's `failed` spans those that have no failed span below them, in the same order, at most kFailuresMax.
// `parents`: the parent of each span of the trace by span id; "": none.
std::vector<Failure> LikelyCauses(const std::vector<FailedSpan>& failed,
                                  const std::map<std::string, std::string>& parents);

}  // namespace sightline::query
