// Values of fields in SQL, whatever their types: what groups and counts items by their values. Data: a field -> an
// expression on rows of the table spans or logs -> text as TraceQL writes it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/filters.h"
#include "traceql/field.h"

namespace sightline::query {

// Where the values are.
struct FieldColumns {
  const std::vector<otlp::HotAttribute>& hot_attributes;
  std::string attribute_sets;  // that table, as SQL writes it
  bool of_logs = false;
};

// As TraceQL writes it: "span.http.route". kInvalidArgument: it is no field.
Result<traceql::Field> ParseField(std::string_view text, bool of_logs);

// The key of an attribute under its newest name.
std::string CanonicalKey(const std::string& key);

// What stands for a field's value: a letter for the type (those of attributes, and w for words such as `error`) and the
// text; '' where there is none. kInvalidArgument: a row does not have it.
Result<std::string> EncodedField(const traceql::Field& field, const FieldColumns& columns, Conditions& conditions);
// The same of the column of an attribute alone, to be used where the column is not ''; "": it has none.
std::string EncodedColumn(const std::string& key, const FieldColumns& columns);
// As TraceQL writes the value.
std::string DecodedField(std::string_view encoded);
// Nullable(Float64): durations in seconds; NULL of what is no number.
Result<std::string> NumberOfField(const traceql::Field& field, const FieldColumns& columns, Conditions& conditions);

}  // namespace sightline::query
