// A query's answer on one trace (or one span) in memory: for sampling policies, live tail, and what SQL cannot say.
// The SQL compiler and this must agree.
#pragma once

#include <string>
#include <vector>

#include "traceql/ast.h"
#include "traceql/span_view.h"
#include "traceql/structure.h"

namespace sightline::traceql {

// Spans of the trace that belong together: all that matched, or one group of them.
struct Spanset {
  SpanList spans;
  // What by() grouped by and what aggregates were, under their printed text: {"by(span:name)", "GET"}. As long as the
  // trace's values.
  std::vector<std::pair<std::string, Value>> values;
};

// Whether the condition holds. Without its trace, `parent.x`, childCount and nestedSet* are nil.
bool Matches(const Expression& condition, const SpanView& span);

// None: the trace does not match. No set is empty.
std::vector<Spanset> Evaluate(const Pipeline& pipeline, const TraceView& trace);

// ---- for the files that evaluate parts of it ------------------------------------------------------------------------

// One span with its place in the trace, which may be unknown (null).
struct SpanContext {
  const SpanView& span;
  const TraceView* trace = nullptr;
  const TraceTree* tree = nullptr;
  size_t index = 0;
};
Value EvaluateExpression(const Expression& expression, const SpanContext& context);

// Thread: of its owner. Borrows the trace.
class TraceEvaluator {
 public:
  explicit TraceEvaluator(const TraceView& trace) : trace_(trace), tree_(trace) {}
  std::vector<Spanset> Run(const Pipeline& pipeline, std::vector<Spanset> input) const;
  Spanset WholeTrace() const;

 private:
  SpanContext At(uint32_t span) const { return {trace_.span(span), &trace_, &tree_, span}; }

  std::vector<Spanset> RunStage(const SpansetExpression& spans, std::vector<Spanset> input) const;
  std::vector<Spanset> RunStage(const ScalarFilter& filter, std::vector<Spanset> input) const;
  std::vector<Spanset> RunStage(const Group& group, const std::vector<Spanset>& input) const;
  std::vector<Spanset> RunStage(const Coalesce&, const std::vector<Spanset>& input) const;
  std::vector<Spanset> RunStage(const Select&, std::vector<Spanset> input) const { return input; }

  SpanList Filter(const SpansetFilter& filter, const SpanList& spans) const;
  SpanList Select(const SpansetExpression& spans, const Spanset& input) const;

  // aggregate.cc
  struct Number {
    Value value;
    SpanList spans;                                     // what the pipelines in it ended with; empty without pipelines
    std::vector<std::pair<std::string, Value>> values;  // of the aggregates in it that are in no pipeline
  };
  Number Calculate(const ScalarExpression& scalar, const SpanList& spans) const;
  Number CalculateOperation(const ScalarOperation& operation, const SpanList& spans) const;
  Number CalculatePipeline(const ScalarPipeline& pipeline, const SpanList& spans) const;
  Value Aggregated(const Aggregate& aggregate, const SpanList& spans) const;

  const TraceView& trace_;
  const TraceTree tree_;
};

}  // namespace sightline::traceql
