// Spans and log records that were read back, as OTLP again: for exports, and for what looks at spans as they came, such
// as the policies of tail sampling. Data: values with their resources and scopes -> an export request, which is also a
// TracesData or LogsData; requests behind each other are one request.
//
// What a span took on the wire may differ by some bytes. Bytes inside arrays and lists are kept as base64 text, and
// come back as strings; what an unknown field held was never kept.
#pragma once

#include <span>
#include <string>

#include "query/logs.h"
#include "query/trace_types.h"

namespace sightline::query {

// `sets` has the resources of the items, and those of their scopes that have an id.
std::string EncodeSpans(std::span<const Span> spans, std::span<const AttributeSet> sets);
std::string EncodeTrace(const Trace& trace);
std::string EncodeLogs(std::span<const LogRecord> records, std::span<const AttributeSet> sets);

}  // namespace sightline::query
