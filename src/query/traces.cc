#include "query/traces.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "query/rows.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// FindTraces first looks at the last stored matches to see how far back it must go: this many for each trace wanted.
constexpr uint32_t kProbesPerTrace = 4;
// How the time looked at grows when it held too few traces.
constexpr int64_t kReachGrowthMin = 4, kReachGrowthMax = 32;
constexpr int64_t kReachMin = kSecond / 10;
// How far from a matching span the rest of its trace is looked for. Keeps a search off partitions it does not need.
constexpr int64_t kTraceReach = 24 * 3600 * kSecond;

constexpr const char* kNoParent = "ParentSpanId = toFixedString('', 8)";

// DateTime64(9) holds 1900 to 2262; beyond it the engine would wrap.
std::string Nanos(int64_t nanos) {
  return std::to_string(std::max<int64_t>(nanos, 0));
}

// Makes the skipping indexes decide before data is read, which is cheaper for what is rare or is found soon.
// It stands in the text: a setting beside it would cost a connection of its own.
constexpr const char* kSkipFirst = " SETTINGS use_skip_indexes_on_data_read = 0";

std::string QuoteIdentifier(const std::string& name) {
  std::string quoted = "`";
  for (char c : name) {
    if (c == '`' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "`";
}

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

// A missing letter reads as a string.
char LetterAt(const std::string& types, size_t index) {
  return index < types.size() ? types[index] : 's';
}

// Enough for the services of one installation; beyond it the memory starts anew.
constexpr size_t kRememberedSetsMax = 1024;

// `types` has one letter for each attribute, in their order.
void SetTypes(std::vector<Attribute>& attributes, const std::string& types) {
  for (size_t i = 0; i < attributes.size(); ++i) attributes[i].type = LetterAt(types, i);
}

// A Map of texts.
std::vector<Attribute> ReadMap(RowReader& row) {
  return row.Array([&] {
    Attribute attribute;
    attribute.key = row.Text();
    attribute.text = row.Text();
    return attribute;
  });
}

std::vector<std::vector<Attribute>> ReadMaps(RowReader& row) {
  return row.Array([&] { return ReadMap(row); });
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
  span.parent_span_id = row.Hex(8);
  if (span.parent_span_id.find_first_not_of('0') == std::string::npos) span.parent_span_id.clear();
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

std::string MatchConditions(const TraceFilter& filter, store::QueryOptions& options) {
  std::string sql =
      "Timestamp >= fromUnixTimestamp64Nano({from:Int64}) AND Timestamp < fromUnixTimestamp64Nano({to:Int64})";
  options.parameters["from"] = Nanos(filter.from_unix_nanos);
  options.parameters["to"] = Nanos(filter.to_unix_nanos);
  if (!filter.service.empty()) {
    sql += " AND ServiceName = {service:String}";
    options.parameters["service"] = filter.service;
  }
  if (filter.errors_only) sql += " AND StatusCode = 'Error'";
  if (filter.slower_than_nanos > 0) {
    sql += " AND Duration > {slower:UInt64}";
    options.parameters["slower"] = std::to_string(filter.slower_than_nanos);
  }
  return sql;
}

// A constant list for IN, of hex that came from the store. As a bound array it would need a subquery to decode it,
// which doubles the cost of the search.
std::string IdList(const std::vector<TraceSummary>& traces) {
  std::string list = "(";
  for (const auto& trace : traces) {
    if (list.size() > 1) list += ", ";
    list += "unhex('" + trace.trace_id + "')";
  }
  return list + ")";
}

// The start times of the matching spans that were stored last, newest first. Rows lie in the order of their blocks, so
// that the engine reads the table backwards and stops soon, however many spans match.
Result<std::vector<int64_t>> LastStored(store::ClickHouse& clickhouse, const std::string& database,
                                        const TraceFilter& filter) {
  store::QueryOptions options;
  const std::string conditions = MatchConditions(filter, options);
  options.parameters["limit"] = std::to_string(filter.limit * kProbesPerTrace);
  std::vector<int64_t> times;
  SIGHTLINE_TRY(ForEachRow(clickhouse,
                           "SELECT Timestamp FROM " + database + ".spans WHERE " + conditions +
                               " ORDER BY Block DESC LIMIT {limit:UInt32}" + kSkipFirst,
                           options, [&](RowReader& row) { times.push_back(row.Number<int64_t>()); }));
  std::sort(times.rbegin(), times.rend());
  return times;
}

Result<std::vector<TraceSummary>> Matches(store::ClickHouse& clickhouse, const std::string& database,
                                          const TraceFilter& filter) {
  store::QueryOptions options;
  const std::string conditions = MatchConditions(filter, options);
  options.parameters["limit"] = std::to_string(filter.limit);
  std::vector<TraceSummary> found;
  auto read = [&](RowReader& row) {
    TraceSummary trace;
    trace.trace_id = row.Hex(16);
    trace.matched_unix_nanos = row.Number<int64_t>();
    found.push_back(std::move(trace));
  };
  SIGHTLINE_TRY(ForEachRow(clickhouse,
                           "SELECT TraceId, max(Timestamp) AS newest FROM " + database + ".spans WHERE " + conditions +
                               " GROUP BY TraceId ORDER BY newest DESC, TraceId LIMIT {limit:UInt32}",
                           options, read));
  return found;
}

Result<void> Summarize(store::ClickHouse& clickhouse, const std::string& database, std::vector<TraceSummary>& traces) {
  if (traces.empty()) return {};
  std::unordered_map<std::string, TraceSummary*> by_id;
  for (auto& trace : traces) by_id[trace.trace_id] = &trace;
  store::QueryOptions options;
  options.parameters["from"] = Nanos(traces.back().matched_unix_nanos - kTraceReach);
  options.parameters["to"] = Nanos(traces.front().matched_unix_nanos + kTraceReach);
  auto take = [&](RowReader& row) {
    TraceSummary read;
    read.trace_id = row.Hex(16);
    read.spans = row.Number<uint64_t>();
    read.errors = row.Number<uint64_t>();
    read.start_unix_nanos = row.Number<int64_t>();
    read.duration_nanos = static_cast<uint64_t>(std::max<int64_t>(row.Number<int64_t>() - read.start_unix_nanos, 0));
    read.root_service = row.Text();
    read.root_name = row.Text();
    read.root_status = row.Text();
    read.root_missing = row.Number<uint64_t>() == 0;
    read.services = row.Texts();
    auto found = by_id.find(read.trace_id);
    if (found == by_id.end()) return;
    read.matched_unix_nanos = found->second->matched_unix_nanos;
    *found->second = std::move(read);
  };
  const std::string root_first = std::string("(not(") + kNoParent + "), Timestamp)";
  return ForEachRow(clickhouse,
                    "SELECT TraceId, count(), countIf(StatusCode = 'Error'), min(Timestamp), "
                    "max(toUnixTimestamp64Nano(Timestamp) + toInt64(Duration)), argMin(ServiceName, " +
                        root_first + "), argMin(SpanName, " + root_first + "), argMin(StatusCode, " + root_first +
                        "), countIf(" + kNoParent + "), arraySort(groupUniqArray(ServiceName)) FROM " + database +
                        ".spans WHERE TraceId IN " + IdList(traces) +
                        " AND Timestamp >= fromUnixTimestamp64Nano({from:Int64}) "
                        "AND Timestamp <= fromUnixTimestamp64Nano({to:Int64}) GROUP BY TraceId" +
                        kSkipFirst,
                    options, take);
}

}  // namespace

Result<std::vector<TraceSummary>> TraceReader::FindTraces(const TraceFilter& wanted) {
  TraceFilter filter = wanted;
  if (filter.limit == 0 || filter.limit > kTracesMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", filter.limit, kTracesMax);
  }
  if (filter.from_unix_nanos >= filter.to_unix_nanos) {
    return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", filter.from_unix_nanos,
                filter.to_unix_nanos);
  }
  const int64_t from = std::max<int64_t>(filter.from_unix_nanos, 0);
  filter.from_unix_nanos = from;
  auto times = LastStored(clickhouse_, database_, filter);
  if (!times) return std::unexpected(times.error());
  if (times->empty()) return std::vector<TraceSummary>();
  const bool all = times->size() < size_t{filter.limit} * kProbesPerTrace;
  // What came late makes the oldest of them too old.
  const int64_t newest = times->front();
  int64_t reach = std::max(newest - (all ? times->back() : times->at(times->size() * 3 / 4)), kReachMin);
  std::vector<TraceSummary> traces;
  while (true) {
    const bool whole = reach >= newest - from;
    filter.from_unix_nanos = whole ? from : newest - reach;
    auto found = Matches(clickhouse_, database_, filter);
    if (!found) return std::unexpected(found.error());
    traces = std::move(*found);
    if (all || whole || traces.size() >= filter.limit) break;
    // As much as the answer so far lets hope for, with a margin.
    const int64_t hoped = traces.empty() ? kReachGrowthMax : 2 * filter.limit / static_cast<int64_t>(traces.size());
    const int64_t growth = std::clamp(hoped, kReachGrowthMin, kReachGrowthMax);
    reach = reach > INT64_MAX / growth ? INT64_MAX : reach * growth;
  }
  SIGHTLINE_TRY(Summarize(clickhouse_, database_, traces));
  return traces;
}

Result<std::string> TraceReader::ResolvePrefix(const std::string& prefix) {
  auto options = store::QueryOptions();
  options.parameters["first"] = prefix + std::string(32 - prefix.size(), '0');
  options.parameters["last"] = prefix + std::string(32 - prefix.size(), 'f');
  std::vector<std::string> ids;
  SIGHTLINE_TRY(ForEachRow(clickhouse_,
                           "SELECT DISTINCT TraceId FROM " + database_ +
                               ".spans WHERE TraceId >= "
                               "toFixedString(unhex({first:String}), 16) AND TraceId <= "
                               "toFixedString(unhex({last:String}), 16) LIMIT 4",
                           options, [&](RowReader& row) { ids.push_back(row.Hex(16)); }));
  if (ids.empty()) return Fail(Code::kNotFound, "no trace begins with {}", prefix);
  if (ids.size() > 1) {
    std::string list;
    for (const auto& id : ids) list += (list.empty() ? "" : ", ") + id;
    return Fail(Code::kInvalidArgument, "more than one trace begins with {}: {}\ngive more digits", prefix, list);
  }
  return ids[0];
}

Result<void> TraceReader::ReadSpans(Trace& trace) {
  store::QueryOptions options;
  options.parameters["id"] = trace.trace_id;
  options.parameters["limit"] = std::to_string(kTraceSpansMax + 1);
  std::string hot;
  for (const auto& attribute : hot_attributes_) hot += ", " + QuoteIdentifier("a." + attribute.key);
  SIGHTLINE_TRY(ForEachRow(clickhouse_,
                           std::string("SELECT ") + kSpanColumns + hot + " FROM " + database_ +
                               ".spans WHERE TraceId = toFixedString(unhex({id:String}), 16) "
                               "ORDER BY Timestamp, SpanId LIMIT {limit:UInt32}" +
                               kSkipFirst,
                           options, [&](RowReader& row) { trace.spans.push_back(ReadSpan(row, hot_attributes_)); }));
  if (trace.spans.size() > kTraceSpansMax) {
    trace.spans.resize(kTraceSpansMax);
    trace.cut = true;
  }
  return {};
}

// Asks for events (or links) of the trace and gives them to its spans by span id; spans that were sent twice under one
// id get theirs in the order of their times.
template <typename List, typename Read>
Result<void> TraceReader::ReadLists(Trace& trace, const char* columns, const char* filled, List Span::* list,
                                    Read read) {
  const bool any = std::ranges::any_of(trace.spans, [&](const Span& span) { return !(span.*list).empty(); });
  if (!any) return {};
  std::map<std::string, std::deque<List>> by_span;
  store::QueryOptions options;
  options.parameters["id"] = trace.trace_id;
  SIGHTLINE_TRY(ForEachRow(clickhouse_,
                           std::string("SELECT SpanId, ") + columns + " FROM " + database_ +
                               ".spans WHERE TraceId = toFixedString(unhex({id:String}), 16) AND " + filled +
                               " != 0 ORDER BY Timestamp, SpanId" + kSkipFirst,
                           options, [&](RowReader& row) {
                             std::string span_id = row.Hex(8);
                             List read_list = read(row);
                             by_span[std::move(span_id)].push_back(std::move(read_list));
                           }));
  for (Span& span : trace.spans) {
    if ((span.*list).empty()) continue;
    std::deque<List>& lists = by_span[span.span_id];
    if (lists.empty()) return Fail(Code::kInternal, "span {} lost its events or links between two reads", span.span_id);
    span.*list = std::move(lists.front());
    lists.pop_front();
  }
  return {};
}

Result<void> TraceReader::ReadEventsAndLinks(Trace& trace) {
  SIGHTLINE_TRY(ReadLists(trace, kEventColumns, "Events.Name.size0", &Span::events, ReadEvents));
  return ReadLists(trace, kLinkColumns, "Links.TraceId.size0", &Span::links, ReadLinks);
}

Result<void> TraceReader::ReadAttributeSets(Trace& trace) {
  std::set<std::string> ids;
  for (const auto& span : trace.spans) {
    if (!span.resource_id.empty()) ids.insert(span.resource_id);
    if (!span.scope_id.empty()) ids.insert(span.scope_id);
  }
  {
    std::lock_guard lock(sets_mutex_);
    std::erase_if(ids, [&](const std::string& id) {
      const auto known = sets_.find(id);
      if (known == sets_.end()) return false;
      trace.resources.push_back(known->second);
      return true;
    });
  }
  if (ids.empty()) return {};
  std::string list = "[";
  for (const auto& id : ids) {
    // Ids are hex; anything else would have to be escaped, and is no id.
    if (id.find_first_not_of("0123456789abcdefABCDEF") != id.npos) continue;
    list += (list.size() > 1 ? ",'" : "'") + id + "'";
  }
  store::QueryOptions options;
  options.parameters["ids"] = list + "]";
  return ForEachRow(clickhouse_,
                    "SELECT Id, Keys, Values, Types, SchemaUrl, DroppedAttributesCount FROM " + database_ +
                        ".attribute_sets "
                        "WHERE Id IN {ids:Array(String)} LIMIT 1 BY Id",
                    options, [&](RowReader& row) {
                      AttributeSet set;
                      set.id = row.Text();
                      auto keys = row.Texts();
                      auto values = row.Texts();
                      const auto types = row.Text();
                      for (size_t i = 0; i < keys.size(); ++i) {
                        set.attributes.push_back({std::move(keys[i]), LetterAt(types, i), std::move(values.at(i))});
                      }
                      set.schema_url = row.Text();
                      set.dropped_attributes = row.Number<uint32_t>();
                      std::lock_guard lock(sets_mutex_);
                      if (sets_.size() >= kRememberedSetsMax) sets_.clear();
                      sets_.emplace(set.id, set);
                      trace.resources.push_back(std::move(set));
                    });
}

Result<Trace> TraceReader::GetTrace(std::string_view id_or_prefix) {
  std::string id(id_or_prefix);
  for (char& c : id) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (id.size() > 32 || id.size() < kTraceIdPrefixMin || id.find_first_not_of("0123456789abcdef") != id.npos) {
    return Fail(Code::kInvalidArgument, "{:?} is no trace id: {} to 32 hex digits are wanted", id, kTraceIdPrefixMin);
  }
  if (id.size() < 32) {
    auto resolved = ResolvePrefix(id);
    if (!resolved) return std::unexpected(resolved.error());
    id = *resolved;
  }
  Trace trace;
  trace.trace_id = id;
  SIGHTLINE_TRY(ReadSpans(trace));
  if (trace.spans.empty()) return Fail(Code::kNotFound, "no trace {}", id);
  SIGHTLINE_TRY(ReadEventsAndLinks(trace));
  SIGHTLINE_TRY(ReadAttributeSets(trace));
  return trace;
}

Result<std::vector<SignalStatus>> TraceReader::Status() {
  std::vector<SignalStatus> signals = {{"traces"}, {"metrics"}, {"logs"}};
  auto read = [&](RowReader& row) {
    const auto table = row.Text();
    auto& signal = signals[table == "spans" ? 0 : table == "logs" ? 2 : 1];
    const auto rows = row.Number<uint64_t>();
    signal.bytes_on_disk += row.Number<uint64_t>();
    signal.rows += rows;
  };
  SIGHTLINE_TRY(
      ForEachRow(clickhouse_,
                 "SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND "
                 "database = '" +
                     database_ +
                     "' AND table IN ('spans', 'logs', 'metric_points', "
                     "'metric_histograms', 'metric_exponential_histograms', 'metric_summaries') GROUP BY table",
                 {}, read));
  constexpr const char* kTablesOf[3][4] = {
      {"spans"}, {"metric_points", "metric_histograms", "metric_exponential_histograms", "metric_summaries"}, {"logs"}};
  for (size_t i = 0; i < signals.size(); ++i) {
    if (signals[i].rows == 0) continue;
    for (const char* table : kTablesOf[i]) {
      if (table == nullptr) continue;
      auto newest = [&](RowReader& row) {
        signals[i].newest_unix_nanos = std::max(signals[i].newest_unix_nanos, row.Number<int64_t>());
      };
      const std::string last = "SELECT max(Timestamp) FROM " + database_ + "." + table;
      SIGHTLINE_TRY(ForEachRow(clickhouse_, last + " WHERE Timestamp > now() - INTERVAL 5 MINUTE", {}, newest));
      if (signals[i].newest_unix_nanos > 0) continue;
      SIGHTLINE_TRY(ForEachRow(clickhouse_, last + " WHERE Timestamp > now() - INTERVAL 1 DAY", {}, newest));
    }
  }
  return signals;
}

}  // namespace sightline::query
