// All attributes of a span as pairs of a key and a value, in SQL: for what looks at attributes whose names it does not
// know. Data: a row of the table spans -> Array(Tuple(key, encoded value)) -> fields as TraceQL writes them.
#pragma once

#include <string>
#include <vector>

#include "otlp/block_builder.h"
#include "query/filters.h"

namespace sightline::query {

// Of the span: its attributes under their new names, and name, kind, status, statusMessage, instrumentation:name and
// duration. Values are encoded as encoded_field.h says; what has none is left out. Not those of its resource, which
// ResourceId names.
std::string AttributePairsSql(const std::vector<otlp::HotAttribute>& hot_attributes, Conditions& conditions);

// A key of a pair, which begins with a letter for its place, as a field.
std::string FieldOfPair(const std::string& key);

// The key of `duration`, which differs between all spans.
inline constexpr const char* kDurationPair = "iduration";

}  // namespace sightline::query
