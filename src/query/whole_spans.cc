#include "query/whole_spans.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "query/span_pages.h"
#include "query/span_sql.h"

namespace sightline::query {
namespace {

constexpr size_t kTracesAtOnce = 64;

Result<void> AddSets(ItemSource& source, Question& question, SpanBatch& batch) {
  std::set<std::string> ids;
  for (const Span& span : batch.spans) ids.insert({span.resource_id, span.scope_id});
  auto sets = source.attribute_sets().Read(question, std::move(ids));
  if (!sets) return std::unexpected(sets.error());
  batch.sets = *std::move(sets);
  return {};
}

// One call of ReadTraces. Thread: of its owner.
class TraceReading {
 public:
  TraceReading(ItemSource& source, Question& question, const std::function<bool(const SpanBatch&)>& take)
      : source_(source), question_(question), take_(take) {}

  Result<void> Read(std::span<const SpanPoint> points) {
    std::vector<std::string> ids;
    for (const SpanPoint& point : points) ids.push_back(point.trace_id);
    const auto [first, last] = std::ranges::minmax(points, {}, &SpanPoint::start_unix_nanos);
    Conditions conditions;
    conditions.Add("TraceId IN " + TraceIdList(ids));
    conditions.AddTimeRange(first.start_unix_nanos - kTraceReachNanos,
                            std::min(last.start_unix_nanos, INT64_MAX - kTraceReachNanos) + kTraceReachNanos);
    auto spans = Reading(conditions.Sql(), conditions.parameters()).ReadAll(kSpansOfBatchMax);
    if (!spans) return std::unexpected(spans.error());
    if (*spans) return Give(std::move(**spans));
    if (points.size() == 1) return ReadPages(conditions);
    SIGHTLINE_TRY(Read(points.first(points.size() / 2)));
    return Read(points.subspan(points.size() / 2));
  }

 private:
  SpanReading Reading(const std::string& condition, const std::map<std::string, std::string>& parameters) {
    return SpanReading(question_, source_.hot_attributes(), source_.filled_lately(), condition, parameters)
        .OfManyTraces();
  }

  // Of one trace that is too large for a batch.
  Result<void> ReadPages(const Conditions& conditions) {
    SpanPageSearch search{.limit = kSpansOfBatchMax};
    do {
      auto page = FindSpanPage(question_, conditions.Sql(), conditions.parameters(), search);
      if (!page) return std::unexpected(page.error());
      auto spans = Reading(page->condition, conditions.parameters()).ReadAll(UINT32_MAX);
      if (!spans) return std::unexpected(spans.error());
      SIGHTLINE_TRY(Give(std::move(**spans)));
      search.cursor = std::move(page->next);
    } while (search.cursor);
    return {};
  }

  Result<void> Give(std::vector<Span> spans) {
    SpanBatch batch{.spans = std::move(spans)};
    SIGHTLINE_TRY(AddSets(source_, question_, batch));
    if (!take_(batch)) return Fail(Code::kCancelled, "nobody wants more of the spans");
    return {};
  }

  ItemSource& source_;
  Question& question_;
  const std::function<bool(const SpanBatch&)>& take_;
};

}  // namespace

Result<SpanBatch> WholeSpanReader::Read(std::span<const SpanPoint> points, store::Cancellation* cancellation) {
  SpanBatch batch;
  if (points.empty()) return batch;
  Question question = source_.Ask(cancellation);
  const Conditions conditions = NamedSpans(points);
  auto spans = SpanReading(question, source_.hot_attributes(), source_.filled_lately(), conditions.Sql(),
                           conditions.parameters())
                   .OfManyTraces()
                   .Read(UINT32_MAX);
  if (!spans) return std::unexpected(spans.error());
  // Ids of spans that are used in several traces name more than was asked for.
  std::map<std::tuple<std::string_view, std::string_view, int64_t>, size_t> wanted;
  for (const SpanPoint& point : points) ++wanted[{point.trace_id, point.span_id, point.start_unix_nanos}];
  for (Span& span : *spans) {
    const auto found = wanted.find({span.trace_id, span.span_id, span.start_unix_nanos});
    if (found == wanted.end() || found->second == 0) continue;
    --found->second;
    batch.spans.push_back(std::move(span));
  }
  SIGHTLINE_TRY(AddSets(source_, question, batch));
  return batch;
}

Result<void> WholeSpanReader::ReadTraces(std::span<const SpanPoint> points,
                                         const std::function<bool(const SpanBatch&)>& take,
                                         store::Cancellation* cancellation) {
  Question question = source_.Ask(cancellation);
  for (size_t done = 0; done < points.size(); done += kTracesAtOnce) {
    SIGHTLINE_TRY(TraceReading(source_, question, take)
                      .Read(points.subspan(done, std::min(kTracesAtOnce, points.size() - done))));
  }
  return {};
}

}  // namespace sightline::query
