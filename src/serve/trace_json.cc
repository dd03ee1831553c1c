#include "serve/trace_json.h"

#include "serve/attribute_json.h"

namespace sightline::serve {
namespace {

void WritePointMembers(JsonWriter& json, const query::SpanPoint& point) {
  json.Key("span_id").String(point.span_id).Key("service").String(point.service).Key("name").String(point.name);
  json.Key("status").String(point.status).Key("start_unix_nano").Nanos(point.start_unix_nanos);
  json.Key("duration_nano").UInt(point.duration_nanos);
}

void WriteEventsAndLinks(JsonWriter& json, const query::Span& span) {
  json.Key("events").Begin('[');
  for (const auto& event : span.events) {
    json.Begin('{').Key("time_unix_nano").Nanos(event.unix_nanos).Key("name").String(event.name);
    WriteAttributes(json, event.attributes, event.dropped_attributes);
    json.End('}');
  }
  json.End(']');
  json.Key("links").Begin('[');
  for (const auto& link : span.links) {
    json.Begin('{').Key("trace_id").String(link.trace_id).Key("span_id").String(link.span_id);
    json.Key("trace_state").String(link.trace_state).Key("flags").UInt(link.flags);
    WriteAttributes(json, link.attributes, link.dropped_attributes);
    json.End('}');
  }
  json.End(']');
}

}  // namespace

void WriteTraceSummary(JsonWriter& json, const query::TraceSummary& trace) {
  json.Begin('{').Key("trace_id").String(trace.trace_id);
  json.Key("root_service").String(trace.root_service).Key("root_name").String(trace.root_name);
  json.Key("root_status").String(trace.root_status).Key("root_missing").Bool(trace.root_missing);
  json.Key("start_unix_nano").Nanos(trace.start_unix_nanos).Key("duration_nano").UInt(trace.duration_nanos);
  json.Key("span_count").UInt(trace.spans).Key("error_count").UInt(trace.errors);
  json.Key("services").Begin('[');
  for (const auto& service : trace.services) json.String(service);
  json.End(']').Key("matched").Begin('{');
  WritePointMembers(json, trace.matched);
  json.End('}').Key("failures").Begin('[');
  for (const auto& failure : trace.failures) {
    json.Begin('{').Key("span_id").String(failure.span_id).Key("service").String(failure.service);
    json.Key("name").String(failure.name).Key("kind").String(failure.kind);
    json.Key("message").String(failure.message).Key("target").String(failure.target).End('}');
  }
  json.End(']').End('}');
}

void WriteScatterPoint(JsonWriter& json, const query::SpanPoint& point) {
  json.Begin('{').Key("trace_id").String(point.trace_id);
  WritePointMembers(json, point);
  json.End('}');
}

void WriteSpan(JsonWriter& json, const query::Span& span) {
  json.Begin('{').Key("span_id").String(span.span_id).Key("parent_span_id").String(span.parent_span_id);
  json.Key("name").String(span.name).Key("kind").String(span.kind).Key("service").String(span.service);
  json.Key("start_unix_nano").Nanos(span.start_unix_nanos).Key("duration_nano").UInt(span.duration_nanos);
  json.Key("status").Begin('{').Key("code").String(span.status).Key("message").String(span.status_message).End('}');
  json.Key("trace_state").String(span.trace_state).Key("flags").UInt(span.flags);
  json.Key("resource").String(span.resource_id);
  WriteScope(json, span.scope_name, span.scope_version, span.scope_id);
  WriteAttributes(json, span.attributes, span.dropped_attributes);
  WriteEventsAndLinks(json, span);
  json.Key("dropped_events_count").UInt(span.dropped_events).Key("dropped_links_count").UInt(span.dropped_links);
  json.Key("repairs").String(span.repairs).Key("adjusted_count").Double(span.adjusted_count);
  json.Key("sampling_policy").String(span.sampling_policy);
  if (span.critical_path_nanos) json.Key("critical_path_nano").UInt(*span.critical_path_nanos);
  json.End('}');
}

void WriteOutlineSpan(JsonWriter& json, const query::OutlineSpan& span) {
  json.Begin('{').Key("span_id").String(span.span_id).Key("parent_span_id").String(span.parent_span_id);
  json.Key("name").String(span.name).Key("kind").String(span.kind).Key("service").UInt(span.service);
  json.Key("offset_nano").UInt(span.offset_nanos).Key("duration_nano").UInt(span.duration_nanos);
  json.Key("status").String(span.status);
  if (!span.message.empty()) json.Key("message").String(span.message);
  if (!span.target.empty()) json.Key("target").String(span.target);
  if (span.events > 0) json.Key("event_count").UInt(span.events);
  if (span.links > 0) json.Key("link_count").UInt(span.links);
  if (span.critical_path_nanos > 0) json.Key("critical_path_nano").UInt(span.critical_path_nanos);
  json.End('}');
}

}  // namespace sightline::serve
