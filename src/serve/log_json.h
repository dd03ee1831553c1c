// Log records as JSON, member by member as openapi.yaml describes them. 64-bit times are strings.
#pragma once

#include "query/logs.h"
#include "serve/json_writer.h"

namespace sightline::serve {

// Each writes one value.
void WriteLogRecord(JsonWriter& json, const query::LogRecord& record);
// The answer but for "scanned" and the last brace.
void WriteLogVolume(JsonWriter& json, const query::LogVolume& volume, int64_t step_seconds);

}  // namespace sightline::serve
