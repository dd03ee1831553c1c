// https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/logs/v1/logs.proto
#pragma once

#include "otel/log_data.h"
#include "otlp/common_messages.h"

namespace otel::internal {

template <typename W>
void WriteRecord(W& w, const LogData& record) {
  w.Fixed64({1, "timeUnixNano"}, static_cast<uint64_t>(record.time));
  w.Uint32({2, "severityNumber"}, static_cast<uint32_t>(record.severity));
  w.Text({3, "severityText"}, record.severity_text);
  if (record.body.type() != AnyValue::Type::kEmpty) {
    w.Message({5, "body"}, [&] { WriteValue(w, record.body); });
  }
  WriteAttributes(w, {6, "attributes"}, record.attributes);
  w.Uint32({7, "droppedAttributesCount"}, record.dropped_attributes);
  w.Fixed32({8, "flags"}, record.flags.bits);
  w.Id({9, "traceId"}, record.trace_id);
  w.Id({10, "spanId"}, record.span_id);
  w.Fixed64({11, "observedTimeUnixNano"}, static_cast<uint64_t>(record.observed_time));
  w.Text({12, "eventName"}, record.event_name);
}

}  // namespace otel::internal
