#include "serve/log_json.h"

#include <array>

#include "serve/attribute_json.h"

namespace sightline::serve {
namespace {

constexpr std::array<std::string_view, query::kSeverityClasses> kSeverities = {"unset", "trace", "debug", "info",
                                                                               "warn",  "error", "fatal"};

void WriteSetMember(JsonWriter& json, std::string_view key, const query::AttributeSet* set) {
  json.Key(key).Begin('{');
  if (set != nullptr) WriteMembers(json, set->attributes);
  json.End('}');
}

}  // namespace

void WriteLogRecord(JsonWriter& json, const query::LogRecord& record, const LogContext* context) {
  json.Begin('{').Key("time_unix_nano").Nanos(record.unix_nanos);
  json.Key("observed_unix_nano").Nanos(record.observed_unix_nanos);
  json.Key("severity_number").UInt(record.severity_number).Key("severity_text").String(record.severity_text);
  json.Key("service").String(record.service).Key("body");
  WriteValue(json, record.body.type, record.body.text);
  json.Key("event_name").String(record.event_name);
  json.Key("trace_id").String(record.trace_id).Key("span_id").String(record.span_id).Key("flags").UInt(record.flags);
  if (context == nullptr) json.Key("resource").String(record.resource_id);
  WriteScope(json, record.scope_name, record.scope_version, record.scope_id);
  WriteAttributes(json, record.attributes, record.dropped_attributes);
  json.Key("repairs").String(record.repairs);
  if (context != nullptr) {
    WriteSetMember(json, "resource_attributes", context->resource);
    WriteSetMember(json, "scope_attributes", context->scope);
  }
  json.End('}');
}

void WriteLogVolume(JsonWriter& json, const query::LogVolume& volume, int64_t step_seconds) {
  json.Begin('{').Key("from_unix_nano").Nanos(volume.from_unix_nanos);
  json.Key("to_unix_nano").Nanos(volume.to_unix_nanos).Key("step_seconds").Int(step_seconds);
  json.Key("total").UInt(volume.total).Key("series").Begin('[');
  for (size_t severity = 0; severity < volume.counts.size(); ++severity) {
    if (volume.counts[severity].empty()) continue;
    json.Begin('{').Key("severity").String(kSeverities[severity]).Key("counts").Begin('[');
    for (const uint64_t count : volume.counts[severity]) json.UInt(count);
    json.End(']').End('}');
  }
  json.End(']');
}

}  // namespace sightline::serve
