// Finished spans as processors and exporters read them.
#pragma once

#include <span>

#include "otel/any_value.h"
#include "otel/exporter.h"
#include "otel/scope.h"
#include "otel/span.h"
#include "otel/span_context.h"

namespace otel {

struct SpanEvent {
  UnixNanos time = 0;
  std::string_view name;
  AttributesView attributes;
  uint32_t dropped_attributes = 0;
};

struct SpanLink {
  SpanContext context;
  AttributesView attributes;
  uint32_t dropped_attributes = 0;
};

// Views into what owns the span. Attributes have each key once.
struct SpanData {
  SpanContext context;
  SpanContext parent;  // invalid for a root
  std::string_view name;
  SpanKind kind = SpanKind::kInternal;
  UnixNanos start = 0;
  UnixNanos end = 0;
  AttributesView attributes;
  std::span<const SpanEvent> events;
  std::span<const SpanLink> links;
  uint32_t dropped_attributes = 0, dropped_events = 0, dropped_links = 0;
  StatusCode status = StatusCode::kUnset;
  std::string_view status_description;
  const InstrumentationScope* scope = nullptr;  // lives as long as the program
};

struct SpanBatch {
  const Resource& resource;
  std::span<const SpanData* const> spans;
};

using SpanExporter = Exporter<SpanBatch>;

}  // namespace otel
