// What the questions about traces share of their SQL.
#pragma once

#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/filters.h"
#include "query/rows.h"
#include "query/traces.h"

namespace sightline::query {

// Makes the skipping indexes decide before data is read, which is cheaper for what is rare or is found soon.
// It stands in the text: a setting beside it would cost a connection of its own.
inline constexpr const char* kSkipFirst = " SETTINGS use_skip_indexes_on_data_read = 0";

// How far from one span of a trace the rest of it is looked for. Keeps a search off partitions it does not need.
inline constexpr int64_t kTraceReachNanos = 24 * 3600 * 1'000'000'000LL;

// Trace ids as a constant list for IN, of hex that came from the store. Literals: a function call for each id would
// cost 2 ms of planning for 50 of them, and a bound array would need a subquery to decode it, which doubles the cost of
// a search.
std::string TraceIdList(const std::vector<std::string>& ids);

// What ReadPoint reads.
inline constexpr const char* kPointColumns = "TraceId, SpanId, ServiceName, SpanName, StatusCode, Timestamp, Duration";
SpanPoint ReadPoint(RowReader& row);

// kInvalidArgument: nothing lies in it.
Result<void> CheckRange(const SpanFilter& filter);

// On rows of the table spans. `exact` becomes false where the spans only may match, and their traces must be judged.
Result<Conditions> MatchConditions(const SpanFilter& filter, const std::vector<otlp::HotAttribute>& hot_attributes,
                                   Question& question, bool& exact);

}  // namespace sightline::query
