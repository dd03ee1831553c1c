// The statement of one pipeline of metrics. For span_series.cc and what groups spans alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/filters.h"
#include "query/metric_grid.h"
#include "traceql/ast.h"

namespace sightline::query {

// What stands for a field's value in SQL on rows of the table spans: a letter for the type (those of attributes, and w
// for words such as `error`) and the text; '' where there is none. kInvalidArgument: a row does not have it.
Result<std::string> EncodedField(const traceql::Field& field, const std::vector<otlp::HotAttribute>& hot_attributes,
                                 const std::string& attribute_sets, Conditions& conditions);
// As TraceQL writes the value.
std::string DecodedField(std::string_view encoded);
// Nullable(Float64): durations in seconds; NULL of what is no number.
Result<std::string> NumberOfField(const traceql::Field& field, const std::vector<otlp::HotAttribute>& hot_attributes,
                                  const std::string& attribute_sets, Conditions& conditions);

// A row a group: Array(String) of encoded keys (in the order of `by`; last the bucket of a histogram), Array(UInt32) of
// steps, Array(Array(Float64)) of each step's numbers (several of quantiles).
struct PipelineSql {
  std::string sql;
  std::map<std::string, std::string> parameters;
};
Result<PipelineSql> CompilePipeline(const traceql::MetricsPipeline& pipeline, const StepGrid& grid,
                                    const std::vector<otlp::HotAttribute>& hot_attributes, const std::string& spans,
                                    const std::string& attribute_sets);

}  // namespace sightline::query
