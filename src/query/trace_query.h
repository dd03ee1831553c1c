// A search for traces in TraceQL: text -> a tree that is shared by the questions that ask with it -> conditions on
// spans.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/filters.h"
#include "traceql/ast.h"
#include "traceql/parse_error.h"

namespace sightline::query {

// kInvalidArgument, in the words of the parser: "column 13: `==` is no operator", and what was meant as the hint.
Error QueryError(const traceql::ParseError& error);

// Adds the condition on spans of which every trace of the answer has one. True: those spans are the answer; else their
// traces must be judged as a whole (trace_judge.h). `attribute_sets`: that table, as SQL writes it.
bool AddCandidates(const traceql::Pipeline& pipeline, Conditions& conditions,
                   const std::vector<otlp::HotAttribute>& hot_attributes, const std::string& attribute_sets);

// Never changes. Thread: any.
class TraceQuery {
 public:
  // kInvalidArgument: no TraceQL, or one that makes numbers over time and not a set of traces.
  static Result<std::shared_ptr<const TraceQuery>> Parse(std::string_view text);

  const traceql::Pipeline& pipeline() const { return std::get<traceql::Pipeline>(query_.node); }

  // As above.
  bool AddCandidates(Conditions& conditions, const std::vector<otlp::HotAttribute>& hot_attributes,
                     const std::string& attribute_sets) const {
    return query::AddCandidates(pipeline(), conditions, hot_attributes, attribute_sets);
  }

 private:
  explicit TraceQuery(traceql::Query query) : query_(std::move(query)) {}

  const traceql::Query query_;
};

}  // namespace sightline::query
