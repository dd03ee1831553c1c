// How long a trace waited for each of its spans (otlp/critical_path.h), for traces that were read.
#pragma once

#include <cstdint>
#include <vector>

#include "query/trace_types.h"

namespace sightline::query {

// Nanoseconds by span, in their order. All spans of the trace must be there.
std::vector<uint64_t> CriticalPathOf(const std::vector<Span>& spans);
std::vector<uint64_t> CriticalPathOf(const std::vector<OutlineSpan>& spans);

}  // namespace sightline::query
