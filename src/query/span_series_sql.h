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
