// TraceReader: one trace, whole or in outline, and one span.
#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "base/hex.h"
#include "query/failures.h"
#include "query/span_sql.h"
#include "query/traces.h"

namespace sightline::query {
namespace {

constexpr const char* kOfTrace = " WHERE TraceId = toFixedString(unhex({id:String}), 16)";

char TypeLetter(otlp::HotAttribute::Type type) {
  switch (type) {
    case otlp::HotAttribute::Type::kInt:
      return 'i';
    case otlp::HotAttribute::Type::kDouble:
      return 'd';
    case otlp::HotAttribute::Type::kBool:
      return 'b';
    case otlp::HotAttribute::Type::kString:
      break;
  }
  return 's';
}

// What ReadSpan reads, in its order. Columns as they are stored: each function in the list costs the engine more in
// planning than a trace costs in reading.
constexpr const char* kSpanColumns =
    "SpanId, ParentSpanId, TraceState, Flags, SpanName, SpanKind, ServiceName, StatusCode, StatusMessage, Timestamp, "
    "Duration, ResourceId, ScopeName, ScopeVersion, ScopeId, SpanAttributes, SpanAttributeTypes, "
    "DroppedAttributesCount, DroppedEventsCount, DroppedLinksCount, Events.Name.size0, Links.TraceId.size0, Repairs, "
    "AdjustedCount, SamplingPolicy";

// Few traces have any, and a column costs its planning whether it holds something or not: they are read only for spans
// that have them. What ReadEvents and ReadLinks read, in their order.
constexpr const char* kEventColumns =
    "Events.Timestamp, Events.Name, Events.Attributes, Events.AttributeTypes, Events.DroppedAttributesCount";
constexpr const char* kLinkColumns =
    "Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes, Links.AttributeTypes, "
    "Links.DroppedAttributesCount, Links.Flags";

std::vector<Event> ReadEvents(RowReader& row) {
  auto times = row.Numbers<int64_t>();
  auto names = row.Texts();
  auto attributes = ReadMaps(row);
  auto types = row.Texts();
  auto dropped = row.Numbers<uint32_t>();
  std::vector<Event> events(times.size());
  for (size_t i = 0; i < events.size(); ++i) {
    SetTypes(attributes.at(i), types.at(i));
    events[i] = {times[i], std::move(names.at(i)), std::move(attributes[i]), dropped.at(i)};
  }
  return events;
}

std::vector<Link> ReadLinks(RowReader& row) {
  auto trace_ids = row.Array([&] { return row.Hex(16); });
  auto span_ids = row.Array([&] { return row.Hex(8); });
  auto states = row.Texts();
  auto attributes = ReadMaps(row);
  auto types = row.Texts();
  auto dropped = row.Numbers<uint32_t>();
  auto flags = row.Numbers<uint32_t>();
  std::vector<Link> links(trace_ids.size());
  for (size_t i = 0; i < links.size(); ++i) {
    SetTypes(attributes.at(i), types.at(i));
    links[i] = {std::move(trace_ids[i]), std::move(span_ids.at(i)),
                std::move(states.at(i)), std::move(attributes[i]),
                dropped.at(i),           flags.at(i)};
  }
  return links;
}

Span ReadSpan(RowReader& row, const std::vector<otlp::HotAttribute>& hot_attributes) {
  Span span;
  span.span_id = row.Hex(8);
  span.parent_span_id = row.SpanIdOrNone();
  span.trace_state = row.Text();
  span.flags = row.Number<uint32_t>();
  span.name = row.Text();
  span.kind = row.Text();
  span.service = row.Text();
  span.status = row.Text();
  span.status_message = row.Text();
  span.start_unix_nanos = row.Number<int64_t>();
  span.duration_nanos = row.Number<uint64_t>();
  span.resource_id = row.Text();
  span.scope_name = row.Text();
  span.scope_version = row.Text();
  span.scope_id = row.Text();
  span.attributes = ReadMap(row);
  SetTypes(span.attributes, row.Text());
  span.dropped_attributes = row.Number<uint32_t>();
  span.dropped_events = row.Number<uint32_t>();
  span.dropped_links = row.Number<uint32_t>();
  span.events.resize(row.Number<uint64_t>());  // filled by ReadEventsAndLinks
  span.links.resize(row.Number<uint64_t>());
  span.repairs = row.Text();
  span.adjusted_count = row.Number<double>();
  span.sampling_policy = row.Text();
  // Hot attributes come back among the others; empty means absent.
  for (const auto& hot : hot_attributes) {
    auto text = row.Text();
    if (!text.empty()) span.attributes.push_back({hot.key, TypeLetter(hot.type), std::move(text)});
  }
  std::sort(span.attributes.begin(), span.attributes.end(),
            [](const Attribute& a, const Attribute& b) { return a.key < b.key; });
  return span;
}

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
    "Links.TraceId.size0";

// Spans with their start instead of their offset.
struct OutlineRow {
  OutlineSpan span;
  int64_t start_unix_nanos = 0;
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
  span.service = services.Number(std::move(service));
  return read;
}

// Fills in the offsets and the whole duration. `rows` by start time.
void Place(std::vector<OutlineRow> rows, TraceOutline& outline) {
  outline.start_unix_nanos = rows.front().start_unix_nanos;
  outline.spans.reserve(rows.size());
  for (OutlineRow& row : rows) {
    row.span.offset_nanos = static_cast<uint64_t>(row.start_unix_nanos - outline.start_unix_nanos);
    outline.duration_nanos = std::max(outline.duration_nanos, row.span.offset_nanos + row.span.duration_nanos);
    outline.spans.push_back(std::move(row.span));
  }
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

std::string TraceReader::HotColumnList() const {
  std::string list;
  for (const auto& attribute : hot_attributes_) list += ", " + QuoteIdentifier("a." + attribute.key);
  return list;
}

Result<void> TraceReader::ReadSpans(Question& question, Trace& trace) {
  SIGHTLINE_TRY(question.ForEachRow(
      std::string("SELECT ") + kSpanColumns + HotColumnList() + " FROM " + question.Table("spans") + kOfTrace +
          " ORDER BY Timestamp, SpanId LIMIT " + std::to_string(kTraceSpansMax + 1) + kSkipFirst,
      {{"id", trace.trace_id}}, [&](RowReader& row) { trace.spans.push_back(ReadSpan(row, hot_attributes_)); }));
  trace.cut = trace.spans.size() > kTraceSpansMax;
  if (trace.cut) trace.spans.resize(kTraceSpansMax);
  return {};
}

// Spans with events (or links) that are read of one trace. What was cut off needs none; twice as many as there are
// spans, as others may have arrived since these were read.
constexpr uint32_t kListsMax = 2 * kTraceSpansMax;

// Asks for events (or links) of the trace and gives them to its spans by span id; spans that were sent twice under one
// id get theirs in the order of their times.
template <typename List, typename Read>
Result<void> ReadLists(Question& question, Trace& trace, const char* columns, const char* filled, List Span::* list,
                       Read read) {
  const bool any = std::ranges::any_of(trace.spans, [&](const Span& span) { return !(span.*list).empty(); });
  if (!any) return {};
  std::map<std::string, std::deque<List>> by_span;
  auto take = [&](RowReader& row) {
    std::string span_id = row.Hex(8);
    List read_list = read(row);
    by_span[std::move(span_id)].push_back(std::move(read_list));
  };
  SIGHTLINE_TRY(question.ForEachRow(std::string("SELECT SpanId, ") + columns + " FROM " + question.Table("spans") +
                                        kOfTrace + " AND " + filled + " != 0 ORDER BY Timestamp, SpanId LIMIT " +
                                        std::to_string(kListsMax) + kSkipFirst,
                                    {{"id", trace.trace_id}}, take));
  for (Span& span : trace.spans) {
    if ((span.*list).empty()) continue;
    std::deque<List>& lists = by_span[span.span_id];
    if (lists.empty()) return Fail(Code::kInternal, "span {} lost its events or links between two reads", span.span_id);
    span.*list = std::move(lists.front());
    lists.pop_front();
  }
  return {};
}

Result<void> TraceReader::ReadEventsAndLinks(Question& question, Trace& trace) {
  SIGHTLINE_TRY(ReadLists(question, trace, kEventColumns, "Events.Name.size0", &Span::events, ReadEvents));
  return ReadLists(question, trace, kLinkColumns, "Links.TraceId.size0", &Span::links, ReadLinks);
}

Result<Trace> TraceReader::GetTrace(std::string_view id_or_prefix, store::Cancellation* cancellation) {
  Question question(clickhouse_, database_, cancellation);
  auto id = ResolveId(question, id_or_prefix);
  if (!id) return std::unexpected(id.error());
  Trace trace;
  trace.trace_id = std::move(*id);
  SIGHTLINE_TRY(ReadSpans(question, trace));
  if (trace.spans.empty()) return NoTrace(trace.trace_id);
  SIGHTLINE_TRY(ReadEventsAndLinks(question, trace));
  auto sets = sets_.Read(question, SetIds(trace.spans));
  if (!sets) return std::unexpected(sets.error());
  trace.resources = std::move(*sets);
  trace.scanned = question.stats();
  return trace;
}

Result<TraceOutline> TraceReader::GetOutline(std::string_view id_or_prefix, store::Cancellation* cancellation) {
  Question question(clickhouse_, database_, cancellation);
  auto id = ResolveId(question, id_or_prefix);
  if (!id) return std::unexpected(id.error());
  TraceOutline outline;
  outline.trace_id = std::move(*id);
  std::vector<OutlineRow> rows;
  Names services;
  SIGHTLINE_TRY(question.ForEachRow(
      std::string("SELECT ") + kOutlineColumns + " FROM " + question.Table("spans") + kOfTrace +
          " ORDER BY Timestamp, SpanId LIMIT " + std::to_string(kTraceSpansMax + 1) + kSkipFirst,
      {{"id", outline.trace_id}}, [&](RowReader& row) { rows.push_back(ReadOutline(row, services)); }));
  if (rows.empty()) return NoTrace(outline.trace_id);
  outline.cut = rows.size() > kTraceSpansMax;
  if (outline.cut) rows.resize(kTraceSpansMax);
  Place(std::move(rows), outline);
  outline.services = services.Take();
  SIGHTLINE_TRY(AddMessages(question, outline));
  outline.scanned = question.stats();
  return outline;
}

// Most traces have no failed span, and the columns cost their planning: they are read only where there is one.
Result<void> TraceReader::AddMessages(Question& question, TraceOutline& outline) {
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
                                 kOfTrace + " AND StatusCode = 'Error' ORDER BY Timestamp, SpanId LIMIT " +
                                 std::to_string(kTraceSpansMax) + kSkipFirst,
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
  std::vector<Span> spans;
  auto read = [&](RowReader& row) {
    Span span = ReadSpan(row, hot_attributes_);
    span.events = ReadEvents(row);
    span.links = ReadLinks(row);
    spans.push_back(std::move(span));
  };
  SIGHTLINE_TRY(question.ForEachRow(std::string("SELECT ") + kSpanColumns + HotColumnList() + ", " + kEventColumns +
                                        ", " + kLinkColumns + " FROM " + question.Table("spans") + kOfTrace +
                                        " AND SpanId = toFixedString(unhex({span:String}), 8) ORDER BY Timestamp "
                                        "LIMIT 1" +
                                        kSkipFirst,
                                    {{"id", *id}, {"span", std::string(span_id)}}, read));
  if (spans.empty()) return Fail(Code::kNotFound, "no span {} in trace {}", span_id, *id);
  auto sets = sets_.Read(question, SetIds(spans));
  if (!sets) return std::unexpected(sets.error());
  return SpanDetail{std::move(spans.front()), std::move(*sets), question.stats()};
}

}  // namespace sightline::query
