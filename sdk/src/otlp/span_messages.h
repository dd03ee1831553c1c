// https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
#pragma once

#include "otel/span_data.h"
#include "otlp/common_messages.h"

namespace otel::internal {

// The W3C flags, and above them whether the context came from another process: of a span that of its parent, of a link
// its own.
inline uint32_t SpanFlags(TraceFlags flags, bool is_remote) {
  constexpr uint32_t kRemoteIsKnown = 0x100, kIsRemote = 0x200;
  return flags.bits | kRemoteIsKnown | (is_remote ? kIsRemote : 0);
}

template <typename W>
void WriteEvent(W& w, const SpanEvent& event) {
  w.Fixed64({1, "timeUnixNano"}, static_cast<uint64_t>(event.time));
  w.Text({2, "name"}, event.name);
  WriteAttributes(w, {3, "attributes"}, event.attributes);
  w.Uint32({4, "droppedAttributesCount"}, event.dropped_attributes);
}

template <typename W>
void WriteLink(W& w, const SpanLink& link) {
  w.Id({1, "traceId"}, link.context.trace_id);
  w.Id({2, "spanId"}, link.context.span_id);
  w.Text({3, "traceState"}, link.context.state.ToHeader());
  WriteAttributes(w, {4, "attributes"}, link.attributes);
  w.Uint32({5, "droppedAttributesCount"}, link.dropped_attributes);
  w.Fixed32({6, "flags"}, SpanFlags(link.context.flags, link.context.is_remote));
}

template <typename W>
void WriteRecord(W& w, const SpanData& span) {
  w.Id({1, "traceId"}, span.context.trace_id);
  w.Id({2, "spanId"}, span.context.span_id);
  w.Text({3, "traceState"}, span.context.state.ToHeader());
  w.Id({4, "parentSpanId"}, span.parent.span_id);
  w.Text({5, "name"}, span.name);
  w.Uint32({6, "kind"}, static_cast<uint32_t>(span.kind));
  w.Fixed64({7, "startTimeUnixNano"}, static_cast<uint64_t>(span.start));
  w.Fixed64({8, "endTimeUnixNano"}, static_cast<uint64_t>(span.end));
  WriteAttributes(w, {9, "attributes"}, span.attributes);
  w.Uint32({10, "droppedAttributesCount"}, span.dropped_attributes);
  w.Messages({11, "events"}, span.events, [&](const SpanEvent& event) { WriteEvent(w, event); });
  w.Uint32({12, "droppedEventsCount"}, span.dropped_events);
  w.Messages({13, "links"}, span.links, [&](const SpanLink& link) { WriteLink(w, link); });
  w.Uint32({14, "droppedLinksCount"}, span.dropped_links);
  if (span.status != StatusCode::kUnset) {
    w.Message({15, "status"}, [&] {
      w.Text({2, "message"}, span.status_description);
      w.Uint32({3, "code"}, static_cast<uint32_t>(span.status));
    });
  }
  w.Fixed32({16, "flags"}, SpanFlags(span.context.flags, span.parent.is_remote));
}

}  // namespace otel::internal
