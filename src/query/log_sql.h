// What the questions about log records share of their SQL.
#pragma once

#include "base/error.h"
#include "query/filters.h"
#include "query/logs.h"
#include "query/rows.h"

namespace sightline::query {

// What ReadRecord reads.
inline constexpr const char* kRecordColumns =
    "Timestamp, TimeUnixNano, ObservedTimestamp, SeverityNumber, SeverityText, ServiceName, Body, BodyType, EventName, "
    "TraceId, "
    "SpanId, Flags, ResourceId, ScopeName, ScopeVersion, ScopeId, LogAttributes, LogAttributeTypes, "
    "DroppedAttributesCount, Repairs";
LogRecord ReadRecord(RowReader& row);

// No range: both ends are 0, and a trace id bounds the question instead.
inline bool HasRange(const LogFilter& filter) {
  return filter.from_unix_nanos != 0 || filter.to_unix_nanos != 0;
}

// kInvalidArgument: an empty range, none where there is no trace id, ids that are no hex.
Result<void> CheckFilter(const LogFilter& filter);

// On rows of the table logs, all but the time range. `instance`, where it is asked for, gets the one that
// LogFilter::instance_of means.
Result<Conditions> MatchConditions(const LogFilter& filter, Question& question,
                                   std::optional<LogInstance>* instance = nullptr);

}  // namespace sightline::query
