#include "query/stored_log.h"

namespace sightline::query {

using traceql::Scope;
using traceql::Value;

StoredLog::StoredLog(const LogRecord& record, const AttributeSet* resource, const AttributeSet* scope)
    : record_(record), attributes_(values_.Of(record.attributes)) {
  if (resource != nullptr) resource_ = values_.Of(resource->attributes);
  if (scope != nullptr) scope_ = values_.Of(scope->attributes);
}

Value StoredLog::Attribute(Scope scope, std::string_view key) const {
  switch (scope) {
    case Scope::kLog:
      return StoredValues::Find(attributes_, key);
    case Scope::kResource:
      // As SQL has it: the column, which is filled from the resource's text.
      if (key == "service.name" && !record_.service.empty()) return Value::String(record_.service);
      return StoredValues::Find(resource_, key);
    case Scope::kInstrumentation:
      return StoredValues::Find(scope_, key);
    default:
      return Value::Nil();
  }
}

Value StoredLog::InBody(std::span<const std::string> path) const {
  if (!body_) body_.emplace(record_.body.text);
  return body_->At(path, values_);
}

Value StoredLog::Intrinsic(traceql::Intrinsic intrinsic) const {
  using enum traceql::Intrinsic;
  const auto id = [](const std::string& hex) { return hex.empty() ? Value::Nil() : Value::String(hex); };
  switch (intrinsic) {
    case kBody:
      return Value::String(record_.body.text);
    case kSeverity:
      return Value::Severity(traceql::SeverityLevel(record_.severity_number));
    case kSeverityText:
      return Value::String(record_.severity_text);
    case kSeverityNumber:
      return Value::Int(record_.severity_number);
    case kLogEventName:
      return Value::String(record_.event_name);
    case kTraceId:
      return id(record_.trace_id);
    case kSpanId:
      return id(record_.span_id);
    case kInstrumentationName:
      return Value::String(record_.scope_name);
    case kInstrumentationVersion:
      return Value::String(record_.scope_version);
    default:
      return Value::Nil();
  }
}

}  // namespace sightline::query
