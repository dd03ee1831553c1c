// Log records as processors and exporters read them.
#pragma once

#include <span>

#include "otel/any_value.h"
#include "otel/exporter.h"
#include "otel/ids.h"
#include "otel/scope.h"

namespace otel {

// https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber: each name has four numbers.
enum class Severity : uint8_t { kUnset = 0, kTrace = 1, kDebug = 5, kInfo = 9, kWarn = 13, kError = 17, kFatal = 21 };

// Views into what owns the record.
struct LogData {
  UnixNanos time = 0;  // 0: not known
  UnixNanos observed_time = 0;
  Severity severity = Severity::kUnset;
  std::string_view severity_text;
  std::string_view event_name;
  AnyValue body;
  AttributesView attributes;
  uint32_t dropped_attributes = 0;
  TraceId trace_id;
  SpanId span_id;
  TraceFlags flags;
  const InstrumentationScope* scope = nullptr;  // lives as long as the program
};

struct LogBatch {
  const Resource& resource;
  std::span<const LogData* const> records;
};

using LogExporter = Exporter<LogBatch>;

}  // namespace otel
