// How the recommender's parts use OpenTelemetry.
#pragma once

#include <otel/trace.h>

#include "demo/common/error.h"

namespace demo::recommender {

inline constexpr const char* kScope = "demo.recommender";

const otel::Tracer& AppTracer();

// The span failed: an exception event, and status ERROR.
void RecordError(const otel::SpanRef& span, const Error& error);

}  // namespace demo::recommender
