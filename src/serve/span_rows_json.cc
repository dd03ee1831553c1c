#include "serve/span_rows_json.h"

namespace sightline::serve {
namespace {

void WriteListedSpan(JsonWriter& json, const query::ListedSpan& listed) {
  const query::SpanPoint& span = listed.span;
  json.Begin('{').Key("trace_id").String(span.trace_id).Key("span_id").String(span.span_id);
  json.Key("service").String(span.service).Key("name").String(span.name).Key("status").String(span.status);
  json.Key("start_unix_nano").Nanos(span.start_unix_nanos).Key("duration_nano").UInt(span.duration_nanos);
  json.Key("literals").Begin('[');
  for (const auto& literal : listed.literals) json.String(literal);
  json.End(']').End('}');
}

}  // namespace

void WriteSpanRows(JsonWriter& json, const std::vector<std::string>& fields,
                   const std::vector<query::ListedSpan>& spans) {
  json.Key("fields").Begin('[');
  for (const auto& field : fields) json.String(field);
  json.End(']').Key("spans").Begin('[');
  for (const auto& span : spans) {
    if (!json.wanted()) return;
    WriteListedSpan(json, span);
  }
  json.End(']');
}

}  // namespace sightline::serve
