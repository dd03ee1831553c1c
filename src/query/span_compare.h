// TraceQL's compare(): how often each value of each attribute occurs over time, in a selection of spans and in the
// rest. Data: a pipeline -> ClickHouse -> series of both sides. For span_series.cc.
//
// Labels are Tempo's: __meta_type is "selection" or "baseline" beside an attribute and its value, and
// "selection_total" or "baseline_total" beside an attribute (of value nil) for all spans of the side that have it.
#pragma once

#include "base/error.h"
#include "query/item_set.h"
#include "query/metric_grid.h"
#include "query/span_series.h"
#include "traceql/ast.h"

namespace sightline::query {

struct ComparedSeries {
  SeriesList series;
  bool is_cut = false;  // there are attributes with further series
  double one_in = 1;    // of so many spans one was looked at; values are scaled up
};

// kInvalidArgument: a selection by what single spans do not tell.
Result<ComparedSeries> Compare(ItemSource& source, Question& question, const ItemSet& spans,
                               const traceql::Comparison& comparison, const StepGrid& grid);

}  // namespace sightline::query
