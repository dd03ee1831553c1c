// What tells a selection of spans from the rest: all attributes of span, resource and trace are compared, and those in
// which the two differ more than chance allows are ranked. Data: TraceQL, a selection in it -> ClickHouse -> samples of
// both sides -> tests.
//
// Spans of one trace are not independent of each other, nor do all stand for as many: a side of spans is worth as many
// independent ones as Kish's formula makes of the weights of its traces, and tests are made with that number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/item_set.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kExplainAttributesMax = 100;
inline constexpr size_t kExplainValuesMax = 10;  // of an attribute
inline constexpr size_t kExplainBins = 12;

// A span is selected when it meets all that is given; at least one is.
struct SpanSelection {
  std::string condition;                                  // of single spans, in TraceQL: "{ status = error }"; "": any
  std::optional<int64_t> from_unix_nanos, to_unix_nanos;  // [from, to), both or none
  std::optional<uint64_t> min_duration_nanos, max_duration_nanos;  // included
};

struct ExplainSearch {
  ItemQuery query;  // of spans: the selection and what it is compared with
  SpanSelection selection;
  // The same selection at another time is what it is compared with, [from, to), which may lie outside of the query's
  // range; none: the rest of the query.
  std::optional<int64_t> baseline_from_unix_nanos, baseline_to_unix_nanos;
  uint32_t limit = 20;  // attributes, 1 to kExplainAttributesMax
};

struct ExplainedValue {
  std::string literal;                 // as TraceQL writes it; "nil": it does not have the attribute
  double selection = 0, baseline = 0;  // shares of all spans of the side
  double p_value = 1;                  // that chance makes such a difference, of this comparison alone
  bool differs = false;                // also in view of all comparisons
  std::string condition;  // in TraceQL; to be added to a filter, or where it is of the trace, a filter of its own
};

struct ExplainedBin {
  double from = 0, to = 0;             // [from, to), of the last one to included
  double selection = 0, baseline = 0;  // shares of the side's numbers
};

struct ExplainedAttribute {
  std::string field;                   // as TraceQL writes it; attributes that were renamed under the new name
  bool of_trace = false;               // that some span of the trace has it
  double score = 0;                    // by which they are ranked: the shares' least difference, 0 to 1
  double selection = 0, baseline = 0;  // shares of spans that have it
  std::vector<ExplainedValue> values;  // those that differ most first
  // Of numbers with many values, instead of values.
  std::vector<ExplainedBin> bins;
  double selection_median = 0, baseline_median = 0, p_value = 1;
  std::string condition;  // where the two sides part best
};

struct ExplainedSide {
  double spans = 0;        // by their AdjustedCount
  double one_in = 1;       // of so many one was looked at; `spans` is scaled up
  double independent = 0;  // what those looked at are worth
};

struct Explanation {
  ExplainedSide selection, baseline;
  uint64_t comparisons = 0;
  std::vector<ExplainedAttribute> attributes;  // that differ, the most telling first
  store::QueryStats scanned;
};

// Thread: any.
class Explainer {
 public:
  // `source` must outlive it.
  explicit Explainer(ItemSource& source) : source_(source) {}

  // kInvalidArgument: no selection, or one that needs more than single spans; a limit out of bounds.
  Result<Explanation> Explain(const ExplainSearch& search, store::Cancellation* cancellation = nullptr);

 private:
  ItemSource& source_;
};

}  // namespace sightline::query
