// TraceQL's metrics: numbers over time, calculated from spans. A query is a formula over pipelines; each pipeline is
// one statement (span_series_sql.h), the rest is arithmetic on its series. Data: text -> ClickHouse -> series.
//
// Every span counts as many times as its AdjustedCount says, so that sampling does not change the numbers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "query/metric_grid.h"
#include "traceql/ast.h"

namespace sightline::query {

inline constexpr uint32_t kSpanSeriesMax = 1000;       // of one pipeline and of an answer
inline constexpr size_t kSeriesValuesMax = 4'000'000;  // of one pipeline: series times steps

// As TraceQL writes both: {"resource.service.name", "\"shop\""}; a value that is absent is "nil". Of quantiles there is
// {"p", "0.9"}, of histograms {"__bucket", "0.5"}: the bucket's upper bound, twice that of the one below.
using SpanLabels = std::vector<std::pair<std::string, std::string>>;

struct SpanSeries {
  SpanLabels labels;
  std::vector<double> values;  // of each step; NaN: none
};

struct SpanSeriesAnswer {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0, step_seconds = 0;  // whole steps
  std::vector<SpanSeries> series;                                    // those with the most spans first
  bool is_cut = false;                                               // there are more
  bool counts = false;                                               // a group that is not there has 0 spans
  double one_in = 1;  // of so many spans one was looked at; what counts is scaled up
  store::QueryStats scanned;
};

// Never changes. Thread: any.
class SpanSeriesQuery {
 public:
  // kInvalidArgument: no TraceQL, or a search for traces.
  static Result<std::shared_ptr<const SpanSeriesQuery>> Parse(std::string_view text);
  const traceql::MetricsExpression& expression() const { return std::get<traceql::MetricsExpression>(query_.node); }

 private:
  explicit SpanSeriesQuery(traceql::Query query) : query_(std::move(query)) {}
  const traceql::Query query_;
};

struct SpanSeriesSearch {
  std::shared_ptr<const SpanSeriesQuery> query;
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // widened to whole steps
  int64_t step_seconds = 60;
  int64_t origin_unix_nanos = 0;  // where a step begins
  // A group that one side of an operator has and the other, which counts spans, has not, was counted zero times there.
  bool counts_none = false;
  uint32_t limit = kSpanSeriesMax;  // 1 to kSpanSeriesMax
};

// Thread: any.
class SpanSeriesReader {
 public:
  // It must outlive the reader.
  explicit SpanSeriesReader(ItemSource& source) : source_(source) {}

  // Of spans that only their whole trace tells an even sample of traces is judged, and counts are scaled up
  // (item_set.h). kInvalidArgument: a limit or range out of bounds, and groups by what a span's row does not have.
  Result<SpanSeriesAnswer> Read(const SpanSeriesSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
};

// ---- arithmetic on series, for span_series*.cc ----------------------------------------------------------------------

using SeriesList = std::vector<SpanSeries>;
void ApplyStage(const traceql::SecondStage& stage, SeriesList& series);
// Of series with the same labels; those without a partner are left out.
SeriesList Calculate(traceql::Operator op, const SeriesList& left, const SeriesList& right);
SeriesList Calculate(traceql::Operator op, SeriesList left, double right);
SeriesList Calculate(traceql::Operator op, double left, SeriesList right);

}  // namespace sightline::query
