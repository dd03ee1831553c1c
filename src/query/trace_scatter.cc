// TraceReader::GetScatter: matching spans as points.
#include <algorithm>
#include <set>
#include <string>

#include "query/span_sql.h"
#include "query/traces.h"

namespace sightline::query {
namespace {

// `tail`: order and limit.
Result<std::vector<SpanPoint>> ReadPoints(Question& question, const Conditions& conditions, const std::string& tail) {
  std::vector<SpanPoint> points;
  SIGHTLINE_TRY(question.ForEachRow(
      "SELECT " + std::string(kPointColumns) + " FROM " + question.Table("spans") + " WHERE " + conditions.Sql() + tail,
      conditions.parameters(), [&](RowReader& row) { points.push_back(ReadPoint(row)); }));
  return points;
}

std::string Limit(uint64_t count) {
  return " LIMIT " + std::to_string(count);
}

Result<void> ReadSample(Question& question, const Conditions& conditions, uint32_t limit, Scatter& scatter) {
  scatter.sampled = true;
  SIGHTLINE_TRY(question.ForEachRow("SELECT count() FROM " + question.Table("spans") + " WHERE " + conditions.Sql(),
                                    conditions.parameters(),
                                    [&](RowReader& row) { scatter.matched = row.Number<uint64_t>(); }));
  auto first = ReadPoints(question, conditions,
                          " ORDER BY StatusCode = 'Error' DESC, Duration DESC, SpanId, TraceId" + Limit(limit / 2));
  if (!first) return std::unexpected(first.error());
  scatter.points = std::move(*first);
  // Those with the lowest hashes are an even sample of all, and stay in it while others come. So many that enough are
  // left when each of the first half is among them.
  auto even = ReadPoints(question, conditions, " ORDER BY sipHash64(SpanId), TraceId" + Limit(limit));
  if (!even) return std::unexpected(even.error());
  std::set<std::pair<std::string, std::string>> known;
  for (const auto& point : scatter.points) known.emplace(point.trace_id, point.span_id);
  for (auto& point : *even) {
    if (scatter.points.size() >= limit) break;
    if (known.emplace(point.trace_id, point.span_id).second) scatter.points.push_back(std::move(point));
  }
  return {};
}

void SortByTime(Scatter& scatter) {
  std::ranges::sort(scatter.points, {}, [](const SpanPoint& point) {
    return std::tie(point.start_unix_nanos, point.trace_id, point.span_id);
  });
}

}  // namespace

Result<Scatter> TraceReader::GetScatter(const SpanFilter& filter, uint32_t limit, store::Cancellation* cancellation) {
  if (limit == 0 || limit > kScatterPointsMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", limit, kScatterPointsMax);
  }
  SIGHTLINE_TRY(CheckRange(filter));
  Question question(clickhouse_, database_, cancellation);
  bool exact = true;
  auto conditions = MatchConditions(filter, hot_attributes_, question, exact);
  if (!conditions) return std::unexpected(conditions.error());
  if (!exact) {
    auto page = Search({.filter = filter, .limit = std::min(limit, kTracesMax)}, cancellation);
    if (!page) return std::unexpected(page.error());
    Scatter scatter{.matched = page->traces.size(), .sampled = page->next.has_value(), .scanned = page->scanned};
    for (auto& trace : page->traces) scatter.points.push_back(std::move(trace.matched));
    SortByTime(scatter);
    return scatter;
  }
  // Soon done when there are more.
  auto points = ReadPoints(question, *conditions, Limit(limit + 1));
  if (!points) return std::unexpected(points.error());
  Scatter scatter;
  if (points->size() <= limit) {
    scatter.points = std::move(*points);
    scatter.matched = scatter.points.size();
  } else {
    SIGHTLINE_TRY(ReadSample(question, *conditions, limit, scatter));
  }
  SortByTime(scatter);
  scatter.scanned = question.stats();
  return scatter;
}

}  // namespace sightline::query
