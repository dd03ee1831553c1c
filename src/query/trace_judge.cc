#include "query/trace_judge.h"

#include <algorithm>
#include <map>
#include <set>

#include "query/span_sql.h"
#include "query/stored_trace.h"
#include "traceql/evaluate.h"

namespace sightline::query {
namespace {

// Read by one statement: so many traces, if they have no more spans than that together.
constexpr size_t kTracesAtOnce = 64, kSpansAtOnceMax = kTraceSpansMax;

SpanPoint PointOf(const std::string& trace_id, const Span& span) {
  return {.trace_id = trace_id,
          .span_id = span.span_id,
          .service = span.service,
          .name = span.name,
          .status = span.status,
          .start_unix_nanos = span.start_unix_nanos,
          .duration_nanos = span.duration_nanos};
}

std::vector<SpanPoint> MatchesOf(const traceql::Pipeline& pipeline, const Trace& trace) {
  const StoredTrace stored(trace);
  std::set<uint32_t> matched;  // by place, which is by start time; a span may be in several groups
  for (const auto& set : traceql::Evaluate(pipeline, stored)) matched.insert(set.spans.begin(), set.spans.end());
  std::vector<SpanPoint> points;
  for (const uint32_t place : matched) points.push_back(PointOf(trace.trace_id, trace.spans[place]));
  return points;
}

}  // namespace

Result<TraceJudge::Matches> TraceJudge::Judge(const std::vector<SpanPoint>& candidates) {
  Matches matches;
  for (size_t done = 0; done < candidates.size(); done += kTracesAtOnce) {
    SIGHTLINE_TRY(JudgeSome(&candidates[done], std::min(kTracesAtOnce, candidates.size() - done), matches));
  }
  return matches;
}

Result<void> TraceJudge::JudgeSome(const SpanPoint* first, size_t count, Matches& matches) {
  const std::span candidates(first, count);
  std::vector<std::string> ids;
  for (const SpanPoint& candidate : candidates) ids.push_back(candidate.trace_id);
  const auto [earliest, latest] = std::ranges::minmax(candidates, {}, &SpanPoint::start_unix_nanos);
  Conditions conditions;
  conditions.Add("TraceId IN " + TraceIdList(ids));
  conditions.AddTimeRange(earliest.start_unix_nanos - kTraceReachNanos,
                          std::min(latest.start_unix_nanos, INT64_MAX - kTraceReachNanos) + kTraceReachNanos);
  auto spans = SpanReading(question_, hot_attributes_, filled_lately_, conditions.Sql(), conditions.parameters())
                   .OfManyTraces()
                   .Read(count == 1 ? kSpansAtOnceMax : kSpansAtOnceMax + 1);
  if (!spans) return std::unexpected(spans.error());
  if (spans->size() > kSpansAtOnceMax && count > 1) {
    SIGHTLINE_TRY(JudgeSome(first, count / 2, matches));
    return JudgeSome(first + count / 2, count - count / 2, matches);
  }
  std::map<std::string, Trace> traces;
  std::set<std::string> set_ids;
  for (Span& span : *spans) {
    set_ids.insert(span.resource_id);
    set_ids.insert(span.scope_id);
    Trace& trace = traces[span.trace_id];
    trace.trace_id = span.trace_id;
    trace.spans.push_back(std::move(span));
  }
  auto sets = sets_.Read(question_, set_ids);
  if (!sets) return std::unexpected(sets.error());
  for (auto& [id, trace] : traces) {
    trace.resources = *sets;
    auto points = MatchesOf(pipeline_, trace);
    if (!points.empty()) matches[id] = std::move(points);
  }
  return {};
}

}  // namespace sightline::query
