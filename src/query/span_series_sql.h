// The statement of one pipeline of metrics. For span_series.cc and what groups spans alike.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/encoded_field.h"
#include "query/item_set.h"
#include "query/metric_grid.h"
#include "traceql/ast.h"

namespace sightline::query {

// A row a group: Array(String) of encoded keys (in the order of `by`; last the bucket of a histogram), Array(UInt32) of
// steps, Array(Array(Float64)) of each step's numbers (several of quantiles).
struct PipelineSql {
  std::string sql;
  std::map<std::string, std::string> parameters;
};
// `spans`: those that the pipeline begins with.
Result<PipelineSql> CompilePipeline(const traceql::MetricsPipeline& pipeline, const StepGrid& grid,
                                    const ItemSet& spans, const FieldColumns& columns);

}  // namespace sightline::query
