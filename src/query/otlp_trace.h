// A trace that was read back, as OTLP again: for what looks at spans as they came, such as the policies of tail
// sampling. Data: Trace -> ExportTraceServiceRequest. What a span took on the wire may differ by some bytes.
#pragma once

#include <string>

#include "query/trace_types.h"

namespace sightline::query {

std::string EncodeTrace(const Trace& trace);

}  // namespace sightline::query
