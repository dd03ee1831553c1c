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

// What ReadPoint reads.
inline constexpr const char* kPointColumns = "TraceId, SpanId, ServiceName, SpanName, StatusCode, Timestamp, Duration";
SpanPoint ReadPoint(RowReader& row);

// kInvalidArgument: nothing lies in it.
Result<void> CheckRange(const SpanFilter& filter);

// On rows of the table spans.
Result<Conditions> MatchConditions(const SpanFilter& filter, const std::vector<otlp::HotAttribute>& hot_attributes,
                                   Question& question);

}  // namespace sightline::query
