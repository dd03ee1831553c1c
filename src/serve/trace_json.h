// Traces as JSON, member by member as openapi.yaml describes them. 64-bit times are strings.
#pragma once

#include "query/trace_types.h"
#include "query/traces.h"
#include "serve/json_writer.h"

namespace sightline::serve {

// Each writes one value.
void WriteTraceSummary(JsonWriter& json, const query::TraceSummary& trace);
void WriteScatterPoint(JsonWriter& json, const query::SpanPoint& point);
void WriteSpan(JsonWriter& json, const query::Span& span);
void WriteOutlineSpan(JsonWriter& json, const query::OutlineSpan& span);

}  // namespace sightline::serve
