// The spans or log records that a query means, for questions that count over many of them: facets, groups, heatmaps,
// explanations. Data: TraceQL and a range of time -> conditions on the rows of one table, thinned out where there are
// more rows than a question may look at.
//
// A query that needs whole traces is judged on an even sample of its candidates' traces; the set then names its spans.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "otlp/signal.h"
#include "query/attributes.h"
#include "query/filters.h"
#include "query/rows.h"
#include "query/span_read.h"
#include "query/trace_judge.h"
#include "query/trace_query.h"
#include "query/trace_types.h"
#include "traceql/ast.h"

namespace sightline::query {

struct ItemQuery {
  otlp::Signal signal = otlp::Signal::kTraces;      // or kLogs
  std::shared_ptr<const TraceQuery> spans;          // null: all
  std::shared_ptr<const traceql::Expression> logs;  // null: all
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;   // [from, to)
};

// "": all items. kInvalidArgument: an empty range, or no TraceQL, in the words of its parser.
Result<ItemQuery> ParseItemQuery(otlp::Signal signal, std::string_view text, int64_t from_unix_nanos,
                                 int64_t to_unix_nanos);

struct ItemSet {
  std::string table;      // as SQL writes it
  Conditions conditions;  // of its rows
  std::string weight;     // SQL, Float64: how many items a row stands for by sampling on the way in
  double one_in = 1;      // of so many, one is in the set: counts are to be multiplied with it
  std::vector<otlp::HotAttribute> hot_attributes = {};  // as they are within its range; of spans
};

// How many rows a set has, roughly, and where in the table: by their numbers in the order in which they are stored.
struct ItemSetSize {
  uint64_t rows = 0;            // about; 0: few
  uint64_t begin = 0, end = 0;  // [begin, end) has them
};
Result<ItemSetSize> EstimateSize(Question& question, const ItemSet& set);
// About `rows_max` rows of a set that has more, else all: runs of rows at even distances in the order in which they are
// stored, the same at each call until parts are merged. Costs in proportion to what is left.
ItemSet Thinned(const ItemSet& set, const ItemSetSize& size, uint64_t rows_max);

// The condition of just these. At most 2,000: a statement has 256 kB.
Conditions NamedSpans(std::span<const SpanPoint> spans);

// What questions about sets of items share. Thread: any.
class ItemSource {
 public:
  // `clickhouse` must outlive it. `hot_attributes`: all that have a column. Which of them need a look into maps is
  // asked for each question; who asks many at a time, and of what was stored a while ago, may take an answer that is
  // `known_nanos` old.
  ItemSource(store::ClickHouse& clickhouse, std::vector<otlp::HotAttribute> hot_attributes, std::string database,
             int64_t known_nanos = 0)
      : clickhouse_(clickhouse),
        hot_attributes_(std::move(hot_attributes)),
        database_(std::move(database)),
        known_nanos_(known_nanos) {}

  Question Ask(store::Cancellation* cancellation) const { return Question(clickhouse_, database_, cancellation); }

  Result<ItemSet> Select(Question& question, const ItemQuery& query);
  // The spans that a pipeline begins or ends with, [from, to).
  Result<ItemSet> Select(Question& question, const traceql::Pipeline& spans, int64_t from_unix_nanos,
                         int64_t to_unix_nanos);

  // Of the candidates' traces the spans that match.
  Result<TraceJudge::Matches> Judge(Question& question, const traceql::Pipeline& pipeline,
                                    const std::vector<SpanPoint>& candidates);

  const std::vector<otlp::HotAttribute>& hot_attributes() const { return hot_attributes_; }
  AttributeSets& attribute_sets() { return sets_; }
  FilledLately& filled_lately() { return filled_lately_; }

 private:
  Result<void> SelectJudged(Question& question, const traceql::Pipeline& pipeline, ItemSet& set);
  Result<std::vector<otlp::HotAttribute>> HotIn(Question& question, int64_t from_unix_nanos, int64_t to_unix_nanos);

  store::ClickHouse& clickhouse_;
  const std::vector<otlp::HotAttribute> hot_attributes_;
  const std::string database_;
  AttributeSets sets_;
  FilledLately filled_lately_;
  const int64_t known_nanos_;
  std::mutex known_mutex_;
  // The newest answer, and when and for which days it was given; guarded by known_mutex_.
  int64_t known_at_ = 0, known_first_day_ = 0, known_last_day_ = 0;
  std::vector<otlp::HotAttribute> known_;
};

}  // namespace sightline::query
