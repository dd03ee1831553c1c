// Log records as JSON, member by member as openapi.yaml describes them. 64-bit times are strings.
#pragma once

#include "query/logs.h"
#include "serve/json_writer.h"

namespace sightline::serve {

// Of a record that stands alone.
struct LogContext {
  const query::AttributeSet* resource = nullptr;  // null: unknown
  const query::AttributeSet* scope = nullptr;
};

// Each writes one value. With a context the attributes of resource and scope stand in the record.
void WriteLogRecord(JsonWriter& json, const query::LogRecord& record, const LogContext* context = nullptr);
// The answer but for "scanned" and the last brace.
void WriteLogVolume(JsonWriter& json, const query::LogVolume& volume, int64_t step_seconds);

}  // namespace sightline::serve
