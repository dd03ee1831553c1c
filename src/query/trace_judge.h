// What SQL on single spans cannot say of a TraceQL search: candidates are read whole and evaluated.
// Data: trace ids -> ClickHouse -> traces in memory -> the spans that match.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "query/attributes.h"
#include "query/rows.h"
#include "query/span_read.h"
#include "query/trace_types.h"
#include "traceql/ast.h"

namespace sightline::query {

// Thread: of the question's owner.
class TraceJudge {
 public:
  // The references must outlive it.
  TraceJudge(Question& question, const std::vector<otlp::HotAttribute>& hot_attributes, FilledLately& filled_lately,
             AttributeSets& sets, const traceql::Pipeline& pipeline)
      : question_(question),
        hot_attributes_(hot_attributes),
        filled_lately_(filled_lately),
        sets_(sets),
        pipeline_(pipeline) {}

  using Matches = std::unordered_map<std::string, std::vector<SpanPoint>>;  // by trace id; of each by start time

  // Of the candidates' traces those that match. Spans of a trace count that lie within a day of its candidate; of a
  // trace of more than kTraceSpansMax the first.
  Result<Matches> Judge(const std::vector<SpanPoint>& candidates);

 private:
  Result<void> JudgeSome(const SpanPoint* first, size_t count, Matches& matches);

  Question& question_;
  const std::vector<otlp::HotAttribute>& hot_attributes_;
  FilledLately& filled_lately_;
  AttributeSets& sets_;
  const traceql::Pipeline& pipeline_;
};

}  // namespace sightline::query
