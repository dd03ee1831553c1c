// TraceReader: one trace, whole or in outline, and one span.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/hex.h"
#include "query/critical_path.h"
#include "query/failures.h"
#include "query/span_pages.h"
#include "query/span_read.h"
#include "query/span_sql.h"
#include "query/traces.h"

namespace sightline::query {
namespace {

constexpr const char* kOfTrace = "TraceId = toFixedString(unhex({id:String}), 16)";

// The spans' resources, and scopes that have an id.
std::set<std::string> SetIds(const std::vector<Span>& spans) {
  std::set<std::string> ids;
  for (const auto& span : spans) {
    ids.insert(span.resource_id);
    ids.insert(span.scope_id);
  }
  return ids;
}

std::unexpected<Error> NoTrace(const std::string& id) {
  return Fail(Code::kNotFound, "no trace {}", id);
}

// Numbers names in the order of their coming.
class Names {
 public:
  uint32_t Number(std::string name) {
    const auto [found, is_new] = numbers_.try_emplace(std::move(name), static_cast<uint32_t>(numbers_.size()));
    if (is_new) names_.push_back(found->first);
    return found->second;
  }
  std::vector<std::string> Take() { return std::move(names_); }

 private:
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<std::string> names_;
};

// What ReadOutline reads, in its order.
constexpr const char* kOutlineColumns =
    "SpanId, ParentSpanId, SpanName, SpanKind, ServiceName, StatusCode, Timestamp, Duration, Events.Name.size0, "
    "Links.TraceId.size0, AdjustedCount, SamplingPolicy";

// Spans with their start instead of their offset.
struct OutlineRow {
  OutlineSpan span;
  int64_t start_unix_nanos = 0;
  double adjusted_count = 1;
  std::string sampling_policy;
};

OutlineRow ReadOutline(RowReader& row, Names& services) {
  OutlineRow read;
  OutlineSpan& span = read.span;
  span.span_id = row.Hex(8);
  span.parent_span_id = row.SpanIdOrNone();
  span.name = row.Text();
  span.kind = row.Text();
  std::string service = row.Text();
  span.status = row.Text();
  read.start_unix_nanos = row.Number<int64_t>();
  span.duration_nanos = row.Number<uint64_t>();
  span.events = row.Number<uint64_t>();
  span.links = row.Number<uint64_t>();
  read.adjusted_count = row.Number<double>();
  read.sampling_policy = row.Text();
  span.service = services.Number(std::move(service));
  return read;
}

// Fills in the offsets. The trace's start must be known.
void Place(std::vector<OutlineRow> rows, TraceOutline& outline) {
  outline.spans.reserve(rows.size());
  for (OutlineRow& row : rows) {
    row.span.offset_nanos = static_cast<uint64_t>(row.start_unix_nanos - outline.start_unix_nanos);
    outline.spans.push_back(std::move(row.span));
    if (outline.sampling_policy.empty() && !row.sampling_policy.empty()) {
      outline.sampling_policy = std::move(row.sampling_policy);
      outline.adjusted_count = row.adjusted_count;
    }
  }
}

// The last end of a trace that is there whole.
int64_t LastEnd(const std::vector<Span>& spans) {
  int64_t last = spans.front().start_unix_nanos;
  for (const auto& span : spans) {
    const auto duration = static_cast<int64_t>(
        std::min<uint64_t>(span.duration_nanos, static_cast<uint64_t>(INT64_MAX - span.start_unix_nanos)));
    last = std::max(last, span.start_unix_nanos + duration);
  }
  return last;
}

Result<void> CheckPage(const SpanPageSearch& page) {
  if (page.limit >= 1 && page.limit <= kTraceSpansMax) return {};
  return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", page.limit, kTraceSpansMax);
}

}  // namespace

Result<std::string> TraceReader::ResolveId(Question& question, std::string_view id_or_prefix) {
  std::string id(id_or_prefix);
  for (char& c : id) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (id.size() > 32 || id.size() < kTraceIdPrefixMin || id.find_first_not_of("0123456789abcdef") != id.npos) {
    return Fail(Code::kInvalidArgument, "{:?} is no trace id: {} to 32 hex digits are wanted", id, kTraceIdPrefixMin);
  }
  if (id.size() == 32) return id;
  std::vector<std::string> ids;
  SIGHTLINE_TRY(question.ForEachRow(
      "SELECT DISTINCT TraceId FROM " + question.Table("spans") +
          " WHERE TraceId >= toFixedString(unhex({first:String}), 16) AND TraceId <= "
          "toFixedString(unhex({last:String}), 16) LIMIT 4",
      {{"first", id + std::string(32 - id.size(), '0')}, {"last", id + std::string(32 - id.size(), 'f')}},
      [&](RowReader& row) { ids.push_back(row.Hex(16)); }));
  if (ids.empty()) return Fail(Code::kNotFound, "no trace begins with {}", id);
  if (ids.size() > 1) {
    std::string list;
    for (const auto& found : ids) list += (list.empty() ? "" : ", ") + found;
    return Fail(Code::kInvalidArgument, "more than one trace begins with {}: {}\ngive more digits", id, list);
  }
  return ids[0];
}

Result<Trace> TraceReader::GetTrace(std::string_view id_or_prefix, const SpanPageSearch& search,
                                    store::Cancellation* cancellation) {
  SIGHTLINE_TRY(CheckPage(search));
  Question question(clickhouse_, database_, cancellation);
  auto id = ResolveId(question, id_or_prefix);
  if (!id) return std::unexpected(id.error());
  Trace trace;
  trace.trace_id = std::move(*id);
  if (search.nothing) return trace;
  const std::map<std::string, std::string> parameters = {{"id", trace.trace_id}};
  const auto read = [&](const std::string& condition, size_t limit) {
    return SpanReading(question, hot_attributes_, filled_lately_, condition, parameters).ReadAll(limit);
  };
  std::optional<std::vector<Span>> whole;
  if (!search.cursor) {
    // Nearly all traces fit into one page, and cost no statement more for that.
    auto spans = read(kOfTrace, search.limit);
    if (!spans) return std::unexpected(spans.error());
    whole = std::move(*spans);
  }
  if (whole) {
    trace.spans = std::move(*whole);
    if (trace.spans.empty()) return NoTrace(trace.trace_id);
    trace.start_unix_nanos = trace.spans.front().start_unix_nanos;
    trace.end_unix_nanos = LastEnd(trace.spans);
    const std::vector<uint64_t> path = CriticalPathOf(trace.spans);
    for (size_t i = 0; i < path.size(); ++i) trace.spans[i].critical_path_nanos = path[i];
  } else {
    auto page = FindSpanPage(question, kOfTrace, parameters, search);
    if (!page) return std::unexpected(page.error());
    auto spans = read(page->condition, UINT32_MAX);
    if (!spans) return std::unexpected(spans.error());
    trace.spans = std::move(spans->value());
    trace.start_unix_nanos = page->trace_start_unix_nanos;
    trace.end_unix_nanos = page->trace_end_unix_nanos;
    trace.next = std::move(page->next);
  }
  auto sets = sets_.Read(question, SetIds(trace.spans));
  if (!sets) return std::unexpected(sets.error());
  trace.resources = std::move(*sets);
  trace.scanned = question.stats();
  return trace;
}

Result<TraceOutline> TraceReader::GetOutline(std::string_view id_or_prefix, const SpanPageSearch& search,
                                             store::Cancellation* cancellation) {
  SIGHTLINE_TRY(CheckPage(search));
  Question question(clickhouse_, database_, cancellation);
  auto id = ResolveId(question, id_or_prefix);
  if (!id) return std::unexpected(id.error());
  TraceOutline outline;
  outline.trace_id = std::move(*id);
  const std::map<std::string, std::string> parameters = {{"id", outline.trace_id}};
  std::vector<OutlineRow> rows;
  Names services;
  const auto read = [&](const std::string& condition, uint32_t limit) {
    return question.ForEachRow(fmt::format("SELECT {} FROM {} WHERE {} ORDER BY Timestamp, SpanId LIMIT {}{}",
                                           kOutlineColumns, question.Table("spans"), condition, limit, kSkipFirst),
                               parameters, [&](RowReader& row) { rows.push_back(ReadOutline(row, services)); });
  };
  std::string condition = kOfTrace;
  if (!search.cursor) SIGHTLINE_TRY(read(condition, search.limit + 1));
  if (search.cursor || rows.size() > search.limit) {
    rows.clear();
    services = Names();
    auto page = FindSpanPage(question, kOfTrace, parameters, search);
    if (!page) return std::unexpected(page.error());
    condition = page->condition;
    SIGHTLINE_TRY(read(condition, UINT32_MAX));
    outline.start_unix_nanos = page->trace_start_unix_nanos;
    outline.duration_nanos = static_cast<uint64_t>(page->trace_end_unix_nanos - page->trace_start_unix_nanos);
    outline.next = std::move(page->next);
  } else {
    if (rows.empty()) return NoTrace(outline.trace_id);
    outline.start_unix_nanos = rows.front().start_unix_nanos;
    for (const OutlineRow& row : rows) {
      const auto offset = static_cast<uint64_t>(row.start_unix_nanos - outline.start_unix_nanos);
      outline.duration_nanos = std::max(outline.duration_nanos, offset + row.span.duration_nanos);
    }
  }
  Place(std::move(rows), outline);
  if (!search.cursor && !outline.next) {
    outline.has_critical_path = true;
    const std::vector<uint64_t> path = CriticalPathOf(outline.spans);
    for (size_t i = 0; i < path.size(); ++i) outline.spans[i].critical_path_nanos = path[i];
  }
  outline.services = services.Take();
  SIGHTLINE_TRY(AddMessages(question, condition, outline));
  outline.scanned = question.stats();
  return outline;
}

// Most traces have no failed span, and the columns cost their planning: they are read only where there is one.
Result<void> TraceReader::AddMessages(Question& question, const std::string& condition, TraceOutline& outline) {
  std::unordered_multimap<std::string_view, OutlineSpan*> failed;
  for (auto& span : outline.spans) {
    if (span.status == "Error") failed.emplace(span.span_id, &span);
  }
  if (failed.empty()) return {};
  auto take = [&](RowReader& row) {
    FailedSpan read = ReadFailedSpan(row, hot_attributes_);
    const auto found = failed.find(read.failure.span_id);
    if (found == failed.end()) return;
    found->second->message = std::move(read.failure.message);
    found->second->target = std::move(read.failure.target);
    failed.erase(found);  // sent twice: the other one's comes next
  };
  return question.ForEachRow("SELECT " + FailedSpanColumns(hot_attributes_) + " FROM " + question.Table("spans") +
                                 " WHERE " + condition + " AND StatusCode = 'Error' ORDER BY Timestamp, SpanId LIMIT " +
                                 std::to_string(outline.spans.size()) + kSkipFirst,
                             {{"id", outline.trace_id}}, take);
}

Result<SpanDetail> TraceReader::GetSpan(std::string_view id_or_prefix, std::string_view span_id,
                                        store::Cancellation* cancellation) {
  std::string bytes(8, '\0');
  if (span_id.size() != 16 || !HexDecode(span_id, bytes.data())) {
    return Fail(Code::kInvalidArgument, "{:?} is no span id: 16 hex digits are wanted", span_id);
  }
  Question question(clickhouse_, database_, cancellation);
  auto id = ResolveId(question, id_or_prefix);
  if (!id) return std::unexpected(id.error());
  auto spans = SpanReading(question, hot_attributes_, filled_lately_,
                           std::string(kOfTrace) + " AND SpanId = toFixedString(unhex({span:String}), 8)",
                           {{"id", *id}, {"span", std::string(span_id)}})
                   .Read(1);
  if (!spans) return std::unexpected(spans.error());
  if (spans->empty()) return Fail(Code::kNotFound, "no span {} in trace {}", span_id, *id);
  auto sets = sets_.Read(question, SetIds(*spans));
  if (!sets) return std::unexpected(sets.error());
  return SpanDetail{std::move(spans->front()), std::move(*sets), question.stats()};
}

}  // namespace sightline::query
