#include "serve/export_rows.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "query/encoded_field.h"
#include "query/stored_log.h"
#include "serve/attribute_json.h"
#include "serve/json_writer.h"
#include "serve/log_json.h"
#include "serve/trace_json.h"
#include "traceql/evaluate.h"
#include "traceql/value.h"

namespace sightline::serve {
namespace {

using traceql::Field;
using traceql::Intrinsic;
using traceql::Scope;

// As a spreadsheet shows it: a text without quotes, nothing where there is none.
std::string Bare(const std::string& literal) {
  if (literal == "nil") return "";
  return literal.starts_with('"') ? traceql::PrintedText(literal) : literal;
}

bool IsJsonNumber(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

void WriteLiteral(JsonWriter& json, const std::string& literal) {
  if (literal == "nil") {
    json.Null();
  } else if (literal == "true" || literal == "false" || IsJsonNumber(literal)) {
    json.Raw(literal);
  } else {
    json.String(Bare(literal));
  }
}

const query::AttributeSet* FindSet(std::span<const query::AttributeSet> sets, const std::string& id) {
  const auto found = std::ranges::find(sets, id, &query::AttributeSet::id);
  return found == sets.end() ? nullptr : &*found;
}

std::string JsonOf(const std::vector<query::Attribute>& attributes) {
  JsonWriter json;
  json.Begin('{');
  WriteMembers(json, attributes);
  json.End('}');
  return json.Take();
}

bool IsColumn(Intrinsic intrinsic) {
  switch (intrinsic) {
    case Intrinsic::kNone:
    case Intrinsic::kTraceId:
    case Intrinsic::kSpanId:
    case Intrinsic::kBody:
    case Intrinsic::kSeverityText:
    case Intrinsic::kSeverityNumber:
    case Intrinsic::kLogEventName:
    case Intrinsic::kInstrumentationName:
    case Intrinsic::kInstrumentationVersion:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::vector<std::string> SpanColumns(const std::vector<std::string>& fields) {
  std::vector<std::string> columns = {"start_unix_nano", "service",  "name",   "status",
                                      "duration_nano",   "trace_id", "span_id"};
  columns.insert(columns.end(), fields.begin(), fields.end());
  return columns;
}

std::vector<std::string> SpanRow(const query::ListedSpan& listed) {
  const query::SpanPoint& span = listed.span;
  std::vector<std::string> row = {std::to_string(span.start_unix_nanos), span.service,  span.name,   span.status,
                                  std::to_string(span.duration_nanos),   span.trace_id, span.span_id};
  for (const std::string& literal : listed.literals) row.push_back(Bare(literal));
  return row;
}

std::string SpanLine(const query::ListedSpan& listed, const std::vector<std::string>& fields) {
  const query::SpanPoint& span = listed.span;
  JsonWriter json;
  json.Begin('{').Key("start_unix_nano").Nanos(span.start_unix_nanos).Key("duration_nano").UInt(span.duration_nanos);
  json.Key("service").String(span.service).Key("name").String(span.name).Key("status").String(span.status);
  json.Key("trace_id").String(span.trace_id).Key("span_id").String(span.span_id).Key("fields").Begin('{');
  for (size_t i = 0; i < fields.size(); ++i) {
    json.Key(fields[i]);
    WriteLiteral(json, listed.literals.at(i));
  }
  json.End('}').End('}');
  return json.Take();
}

std::vector<std::string> TraceColumns() {
  return {"start_unix_nano", "trace_id",   "root_service", "root_name", "root_status",
          "duration_nano",   "span_count", "error_count",  "services"};
}

std::vector<std::string> TraceRow(const query::TraceSummary& trace) {
  return {std::to_string(trace.start_unix_nanos),
          trace.trace_id,
          trace.root_service,
          trace.root_name,
          trace.root_status,
          std::to_string(trace.duration_nanos),
          std::to_string(trace.spans),
          std::to_string(trace.errors),
          fmt::format("{}", fmt::join(trace.services, " "))};
}

std::string TraceLine(const query::TraceSummary& trace) {
  JsonWriter json;
  WriteTraceSummary(json, trace);
  return json.Take();
}

Result<void> LogRows::Select(const std::vector<std::string>& fields) {
  for (const std::string& name : fields) {
    auto field = query::ParseField(name, /*of_logs=*/true);
    if (!field) return std::unexpected(field.error());
    if (!IsColumn(field->intrinsic)) return Fail(Code::kInvalidArgument, "{} cannot be a column of a file", name);
    fields_.push_back(*std::move(field));
  }
  return {};
}

std::vector<std::string> LogRows::Columns() const {
  std::vector<std::string> columns = {"time_unix_nano", "severity_number", "severity_text", "service",
                                      "body",           "trace_id",        "span_id"};
  for (const Field& field : fields_) columns.push_back(traceql::PrintField(field));
  columns.insert(columns.end(), {"attributes", "resource_attributes"});
  return columns;
}

std::vector<std::string> LogRows::Row(const query::LogRecord& record, std::span<const query::AttributeSet> sets) const {
  std::vector<std::string> row = {std::to_string(record.unix_nanos),
                                  std::to_string(record.severity_number),
                                  record.severity_text,
                                  record.service,
                                  record.body.text,
                                  record.trace_id,
                                  record.span_id};
  const auto* resource = FindSet(sets, record.resource_id);
  const auto* scope = FindSet(sets, record.scope_id);
  const query::StoredLog log(record, resource, scope);
  for (const Field& field : fields_) {
    row.push_back(Bare(traceql::PrintValue(traceql::EvaluateExpression({.node = field}, {log}))));
  }
  row.push_back(JsonOf(record.attributes));
  row.push_back(resource == nullptr ? "{}" : JsonOf(resource->attributes));
  return row;
}

std::string LogRows::Line(const query::LogRecord& record, std::span<const query::AttributeSet> sets) {
  JsonWriter json;
  const LogContext context{FindSet(sets, record.resource_id), FindSet(sets, record.scope_id)};
  WriteLogRecord(json, record, &context);
  return json.Take();
}

}  // namespace sightline::serve
