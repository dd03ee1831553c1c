#include "query/item_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "query/hot_attributes.h"
#include "query/log_sql.h"
#include "query/logs.h"
#include "query/span_sql.h"
#include "query/trace_judge.h"

namespace sightline::query {
namespace {

// Read whole and judged; and of what matches so many spans are named in statements, which may have 256 kB.
constexpr size_t kJudgedTracesMax = 1500, kNamedSpansMax = 5000;
// Row numbers. A run is long enough that little is read beside it; more runs would make a long statement.
constexpr uint64_t kRunRows = 16'384, kRunsMax = 128;
// Sizes are told from so many looks at this many rows, an index granule.
constexpr uint64_t kLooks = 32, kLookRows = 8'192;
constexpr int64_t kDayNanos = 86'400'000'000'000;
constexpr const char* kRowNumber = "_part_starting_offset + _part_offset";

// `run` rows of each `period` within [begin, end). The hint is what the engine finds granules by, and it computes
// nothing.
std::string Runs(uint64_t begin, uint64_t end, uint64_t period, uint64_t run) {
  std::string ranges;
  for (uint64_t first = begin / period * period; first < end; first += period) {
    ranges +=
        fmt::format("{0}({1} >= {2} AND {1} < {3})", ranges.empty() ? "" : " OR ", kRowNumber, first, first + run);
  }
  return fmt::format("indexHint({}) AND ({}) % {} < {}", ranges, kRowNumber, period, run);
}

uint64_t RoundUp(uint64_t value, uint64_t unit) {
  return (value + unit - 1) / unit * unit;
}

Result<uint64_t> Count(Question& question, const ItemSet& set, const Conditions& conditions, const char* what) {
  uint64_t count = 0;
  SIGHTLINE_TRY(question.ForEachRow(fmt::format("SELECT {} FROM {} WHERE {}", what, set.table, conditions.Sql()),
                                    conditions.parameters(), [&](RowReader& row) { count = row.Number<uint64_t>(); }));
  return count;
}

// Span ids of hex as numbers, which are shorter to write than bytes.
std::string SpanIdList(const std::vector<std::string>& ids) {
  std::string list;
  for (const std::string& id : ids) list += fmt::format("{}0x{}", list.empty() ? "(" : ", ", id);
  return list + ")";
}

void AddNamed(const std::vector<std::string>& trace_ids, const std::vector<std::string>& span_ids,
              Conditions& conditions) {
  conditions.Add("TraceId IN " + TraceIdList(trace_ids));
  conditions.Add("reinterpretAsUInt64(reverse(SpanId)) IN " + SpanIdList(span_ids));
}

}  // namespace

Conditions NamedSpans(std::span<const SpanPoint> spans) {
  std::vector<std::string> trace_ids, span_ids;
  for (const SpanPoint& span : spans) {
    if (trace_ids.empty() || trace_ids.back() != span.trace_id) trace_ids.push_back(span.trace_id);
    span_ids.push_back(span.span_id);
  }
  const auto [first, last] = std::ranges::minmax(spans, {}, &SpanPoint::start_unix_nanos);
  Conditions conditions;
  conditions.AddTimeRange(first.start_unix_nanos, last.start_unix_nanos + 1);
  AddNamed(trace_ids, span_ids, conditions);
  return conditions;
}

Result<ItemQuery> ParseItemQuery(otlp::Signal signal, std::string_view text, int64_t from_unix_nanos,
                                 int64_t to_unix_nanos) {
  if (from_unix_nanos >= to_unix_nanos) {
    return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", from_unix_nanos, to_unix_nanos);
  }
  ItemQuery query{.signal = signal, .from_unix_nanos = from_unix_nanos, .to_unix_nanos = to_unix_nanos};
  if (text.empty()) return query;
  if (signal == otlp::Signal::kLogs) {
    auto parsed = ParseLogQuery(text);
    if (!parsed) return std::unexpected(parsed.error());
    query.logs = *std::move(parsed);
    return query;
  }
  auto parsed = TraceQuery::Parse(text);
  if (!parsed) return std::unexpected(parsed.error());
  query.spans = *std::move(parsed);
  return query;
}

Result<std::vector<otlp::HotAttribute>> ItemSource::HotIn(Question& question, int64_t from_unix_nanos,
                                                          int64_t to_unix_nanos) {
  if (known_nanos_ == 0) return HotAttributesIn(question, hot_attributes_, from_unix_nanos, to_unix_nanos);
  const int64_t first_day = from_unix_nanos / kDayNanos, last_day = to_unix_nanos / kDayNanos;
  const int64_t now = Clock::System().MonotonicNanos();
  const std::lock_guard lock(known_mutex_);
  if (!known_.empty() && now - known_at_ < known_nanos_ && known_first_day_ == first_day &&
      known_last_day_ == last_day) {
    return known_;
  }
  auto hot = HotAttributesIn(question, hot_attributes_, from_unix_nanos, to_unix_nanos);
  if (!hot) return hot;
  known_ = *hot;
  known_at_ = now;
  known_first_day_ = first_day;
  known_last_day_ = last_day;
  return hot;
}

Result<ItemSet> ItemSource::Select(Question& question, const ItemQuery& query) {
  if (query.spans != nullptr) {
    return Select(question, query.spans->pipeline(), query.from_unix_nanos, query.to_unix_nanos);
  }
  const bool logs = query.signal == otlp::Signal::kLogs;
  ItemSet set{.table = question.Table(logs ? "logs" : "spans"), .weight = logs ? "1." : "AdjustedCount"};
  if (logs) {
    auto conditions = MatchConditions(LogFilter{.condition = query.logs}, question);
    if (!conditions) return std::unexpected(conditions.error());
    set.conditions = *std::move(conditions);
  }
  set.conditions.AddTimeRange(query.from_unix_nanos, query.to_unix_nanos);
  if (logs) return set;
  auto hot = HotIn(question, query.from_unix_nanos, query.to_unix_nanos);
  if (!hot) return std::unexpected(hot.error());
  set.hot_attributes = *std::move(hot);
  return set;
}

Result<ItemSet> ItemSource::Select(Question& question, const traceql::Pipeline& spans, int64_t from_unix_nanos,
                                   int64_t to_unix_nanos) {
  ItemSet set{.table = question.Table("spans"), .weight = "AdjustedCount"};
  set.conditions.AddTimeRange(from_unix_nanos, to_unix_nanos);
  auto hot = HotIn(question, from_unix_nanos, to_unix_nanos);
  if (!hot) return std::unexpected(hot.error());
  set.hot_attributes = *std::move(hot);
  const Conditions range = set.conditions;
  if (AddCandidates(spans, set.conditions, set.hot_attributes, question.Table("attribute_sets"))) return set;
  SIGHTLINE_TRY(SelectJudged(question, spans, set));
  Conditions named = range;
  named.Add(set.conditions.Sql());
  set.conditions = std::move(named);
  return set;
}

Result<TraceJudge::Matches> ItemSource::Judge(Question& question, const traceql::Pipeline& pipeline,
                                              const std::vector<SpanPoint>& candidates) {
  return TraceJudge(question, hot_attributes_, filled_lately_, sets_, pipeline).Judge(candidates);
}

Result<void> ItemSource::SelectJudged(Question& question, const traceql::Pipeline& pipeline, ItemSet& set) {
  auto traces = Count(question, set, set.conditions, "uniq(TraceId)");
  if (!traces) return std::unexpected(traces.error());
  const uint64_t traces_per_look = std::max<uint64_t>((*traces + kJudgedTracesMax - 1) / kJudgedTracesMax, 1);
  set.one_in = static_cast<double>(traces_per_look);
  std::vector<SpanPoint> candidates;
  SIGHTLINE_TRY(question.ForEachRow(
      fmt::format("SELECT {} FROM {} WHERE {} AND sipHash64(TraceId) % {} = 0 LIMIT 1 BY TraceId LIMIT {}",
                  kPointColumns, set.table, set.conditions.Sql(), traces_per_look, 2 * kJudgedTracesMax),
      set.conditions.parameters(), [&](RowReader& row) { candidates.push_back(ReadPoint(row)); }));
  auto matches = Judge(question, pipeline, candidates);
  if (!matches) return std::unexpected(matches.error());
  size_t spans = 0;
  for (const auto& [id, points] : *matches) spans += points.size();
  // Of too many every second trace, and again.
  std::vector<std::string> trace_ids;
  for (const auto& [id, points] : *matches) trace_ids.push_back(id);
  std::ranges::sort(trace_ids);
  while (trace_ids.size() > 1 && (spans > kNamedSpansMax || trace_ids.size() > kJudgedTracesMax)) {
    std::vector<std::string> half;
    spans = 0;
    for (size_t i = 0; i < trace_ids.size(); i += 2) {
      spans += matches->at(trace_ids[i]).size();
      half.push_back(std::move(trace_ids[i]));
    }
    trace_ids = std::move(half);
    set.one_in *= 2;
  }
  // Of one trace that has too many, spans at even distances.
  const size_t spans_per_look = (spans + kNamedSpansMax - 1) / kNamedSpansMax;
  set.conditions = {};
  if (trace_ids.empty()) {
    set.conditions.Add("0");
    return {};
  }
  std::vector<std::string> span_ids;
  for (const auto& id : trace_ids) {
    const auto& points = matches->at(id);
    for (size_t i = 0; i < points.size(); i += spans_per_look) span_ids.push_back(points[i].span_id);
  }
  set.one_in *= static_cast<double>(spans) / static_cast<double>(span_ids.size());
  AddNamed(trace_ids, span_ids, set.conditions);
  return {};
}

Result<ItemSetSize> EstimateSize(Question& question, const ItemSet& set) {
  ItemSetSize size;
  SIGHTLINE_TRY(question.ForEachRow("SELECT count() FROM " + set.table, {},
                                    [&](RowReader& row) { size.end = row.Number<uint64_t>(); }));
  if (set.one_in > 1) return size;  // judged: it is small
  const uint64_t period = RoundUp(size.end / kLooks + 1, kLookRows);
  Conditions look = set.conditions;
  if (period > kLookRows) look.Add(Runs(0, size.end, period, kLookRows));
  SIGHTLINE_TRY(question.ForEachRow(
      fmt::format("SELECT count(), min({0}), max({0}) FROM {1} WHERE {2}", kRowNumber, set.table, look.Sql()),
      look.parameters(), [&](RowReader& row) {
        size.rows = row.Number<uint64_t>() * (period / kLookRows);
        const auto first = row.Number<uint64_t>(), last = row.Number<uint64_t>();
        if (size.rows == 0) return;
        size.begin = first - std::min(first, period);
        size.end = std::min(size.end, last + period);
      }));
  return size;
}

ItemSet Thinned(const ItemSet& set, const ItemSetSize& size, uint64_t rows_max) {
  ItemSet thinned = set;
  const uint64_t one_in = (size.rows + rows_max - 1) / rows_max;
  if (one_in <= 1) return thinned;
  const uint64_t run = std::max(kRunRows, RoundUp((size.end - size.begin) / (one_in * kRunsMax), kRunRows));
  const uint64_t period = run * one_in;
  thinned.conditions.Add(Runs(size.begin, size.end, period, run));
  // Not one_in: of few runs the last one weighs.
  uint64_t in_runs = 0;
  for (uint64_t first = size.begin / period * period; first < size.end; first += period) {
    const uint64_t begin = std::max(first, size.begin), end = std::min(first + run, size.end);
    in_runs += end > begin ? end - begin : 0;
  }
  if (in_runs > 0) thinned.one_in *= static_cast<double>(size.end - size.begin) / static_cast<double>(in_runs);
  return thinned;
}

}  // namespace sightline::query
