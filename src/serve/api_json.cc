#include "serve/api_json.h"

#include <simdjson.h>

#include <charconv>

#include "serve/json_writer.h"

namespace sightline::serve {
namespace {

bool IsJson(const std::string& text) {
  thread_local simdjson::dom::parser parser;
  simdjson::dom::element element;
  return parser.parse(text).get(element) == simdjson::SUCCESS;
}

// Text of an Int64, and nothing else.
bool IsInteger(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

void WriteValue(JsonWriter& json, const query::Attribute& attribute) {
  const std::string& text = attribute.text;
  switch (attribute.type) {
    case 'i':
      if (IsInteger(text)) {
        json.Raw(text);
        return;
      }
      break;
    case 'd': {
      double value = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error == std::errc() && end == text.data() + text.size()) {
        json.Double(value);
        return;
      }
      break;
    }
    case 'b':
      json.Bool(text == "true");
      return;
    case 'x':
      json.Begin('{').Key("bytes").String(text).End('}');
      return;
    case 'a':
    case 'm':
      // A value that was cut on the way in is no JSON any more: it is shown as the text it is.
      if (IsJson(text)) {
        json.Raw(text);
        return;
      }
      break;
    case 'e':
      json.Null();
      return;
    default:
      break;
  }
  json.String(text);
}

void WriteAttributes(JsonWriter& json, const std::vector<query::Attribute>& attributes, uint32_t dropped) {
  json.Key("attributes").Begin('{');
  for (const auto& attribute : attributes) {
    json.Key(attribute.key);
    WriteValue(json, attribute);
  }
  json.End('}');
  if (dropped > 0) json.Key("dropped_attributes_count").UInt(dropped);
}

void WriteEvents(JsonWriter& json, const query::Span& span) {
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

void WriteSpan(JsonWriter& json, const query::Span& span) {
  json.Begin('{').Key("span_id").String(span.span_id).Key("parent_span_id").String(span.parent_span_id);
  json.Key("name").String(span.name).Key("kind").String(span.kind).Key("service").String(span.service);
  json.Key("start_unix_nano").Nanos(span.start_unix_nanos).Key("duration_nano").UInt(span.duration_nanos);
  json.Key("status").Begin('{').Key("code").String(span.status).Key("message").String(span.status_message).End('}');
  json.Key("trace_state").String(span.trace_state).Key("flags").UInt(span.flags);
  json.Key("resource").String(span.resource_id);
  json.Key("scope").Begin('{').Key("name").String(span.scope_name).Key("version").String(span.scope_version);
  if (!span.scope_id.empty()) json.Key("set").String(span.scope_id);
  json.End('}');
  WriteAttributes(json, span.attributes, span.dropped_attributes);
  WriteEvents(json, span);
  json.Key("dropped_events_count").UInt(span.dropped_events).Key("dropped_links_count").UInt(span.dropped_links);
  json.Key("repairs").String(span.repairs).Key("adjusted_count").Double(span.adjusted_count);
  json.Key("sampling_policy").String(span.sampling_policy).End('}');
}

}  // namespace

std::string TracesJson(const std::vector<query::TraceSummary>& traces) {
  JsonWriter json;
  json.Begin('{').Key("traces").Begin('[');
  for (const auto& trace : traces) {
    json.Begin('{').Key("trace_id").String(trace.trace_id);
    json.Key("root_service").String(trace.root_service).Key("root_name").String(trace.root_name);
    json.Key("root_status").String(trace.root_status).Key("root_missing").Bool(trace.root_missing);
    json.Key("start_unix_nano").Nanos(trace.start_unix_nanos).Key("duration_nano").UInt(trace.duration_nanos);
    json.Key("span_count").UInt(trace.spans).Key("error_count").UInt(trace.errors);
    json.Key("services").Begin('[');
    for (const auto& service : trace.services) json.String(service);
    json.End(']').Key("matched_unix_nano").Nanos(trace.matched_unix_nanos).End('}');
  }
  return json.End(']').End('}').Take() + "\n";
}

std::string TraceJson(const query::Trace& trace) {
  JsonWriter json;
  json.Begin('{').Key("trace_id").String(trace.trace_id).Key("cut").Bool(trace.cut);
  json.Key("spans").Begin('[');
  for (const auto& span : trace.spans) WriteSpan(json, span);
  json.End(']').Key("attribute_sets").Begin('{');
  for (const auto& set : trace.resources) {
    json.Key(set.id).Begin('{');
    WriteAttributes(json, set.attributes, set.dropped_attributes);
    json.Key("schema_url").String(set.schema_url).End('}');
  }
  return json.End('}').End('}').Take() + "\n";
}

std::string StatusJson(const ProgramStatus& program, const std::vector<query::SignalStatus>& stored) {
  JsonWriter json;
  json.Begin('{').Key("version").String(program.version).Key("start_unix_nano").Nanos(program.start_unix_nanos);
  json.Key("ready").Bool(program.not_ready_reason.empty()).Key("reason").String(program.not_ready_reason);
  json.Key("otlp_grpc").String(program.otlp_grpc_address).Key("otlp_http").String(program.otlp_http_address);
  json.Key("signals").Begin('{');
  for (const auto& signal : stored) {
    json.Key(signal.signal).Begin('{').Key("rows").UInt(signal.rows).Key("bytes_on_disk").UInt(signal.bytes_on_disk);
    json.Key("newest_unix_nano").Nanos(signal.newest_unix_nanos);
    for (const auto& received : program.received) {
      if (received.signal != signal.signal) continue;
      json.Key("accepted_since_start").UInt(received.items_accepted);
      json.Key("refused_since_start").UInt(received.items_refused);
      json.Key("last_arrival_unix_nano").Nanos(received.last_unix_nanos);
    }
    json.End('}');
  }
  return json.End('}').End('}').Take() + "\n";
}

}  // namespace sightline::serve
