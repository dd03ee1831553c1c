// Several metrics over time in one answer, and formulas over them. Data: named questions -> series of each on one grid
// -> formulas.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "query/metric_formula.h"
#include "query/metrics.h"

namespace sightline::query {

inline constexpr size_t kSubQueriesMax = 10;

struct MetricSubQuery {
  std::string name;  // by which formulas know it
  SeriesRequest request;
  bool hidden = false;  // only for formulas
};
struct MetricFormula {
  std::string name;
  Formula formula;
  std::string unit;  // "": what follows from those that it computes with
  uint32_t limit = 20;
  bool smallest = false;
};
struct MetricsQuestion {
  std::vector<MetricSubQuery> queries;  // with the same range and step
  std::vector<MetricFormula> formulas;  // of queries and of formulas before
};

struct MetricsResult {
  std::string name;
  std::optional<MetricKind> kind;  // of a query whose metric is there
  std::string unit, result_unit;
  std::vector<MetricSeries> series;  // largest mean first, or smallest
  uint64_t series_total = 0;
  std::vector<LimitedSeries> limited;
};
struct MetricsAnswer {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0, step_seconds = 60;  // whole steps
  std::vector<MetricsResult> results;  // of queries that are not hidden, then of formulas
  store::QueryStats scanned;
};

// A metric that is not there has no series: who asks expects it later. `at_fault` gets the member that is wrong:
// "queries[1].aggregation". Errors as of MetricReader::GetSeries; kInvalidArgument: a formula names what is not there.
Result<MetricsAnswer> AskMetrics(MetricReader& reader, const MetricsQuestion& question,
                                 store::Cancellation* cancellation, std::string* at_fault);

}  // namespace sightline::query
