#include "demo/recommender/telemetry.h"

namespace demo::recommender {

const otel::Tracer& AppTracer() {
  static const otel::Tracer tracer = otel::GetTracer(kScope);
  return tracer;
}

void RecordError(const otel::SpanRef& span, const Error& error) {
  span.AddEvent("exception", {{"exception.type", error.type}, {"exception.message", error.message}});
  span.SetStatus(otel::StatusCode::kError, error.message);
}

}  // namespace demo::recommender
