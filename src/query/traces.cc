#include "query/traces.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "query/rows.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kFirstWindow = 60 * kSecond;
constexpr int64_t kWindowGrowth = 8;
// How far from a matching span the rest of its trace is looked for. Keeps a search off partitions it does not need.
constexpr int64_t kTraceReach = 24 * 3600 * kSecond;

constexpr const char* kNoParent = "ParentSpanId = toFixedString('', 8)";

// DateTime64(9) holds 1900 to 2262; beyond it the engine would wrap.
std::string Nanos(int64_t nanos) {
  return std::to_string(std::max<int64_t>(nanos, 0));
}

// The setting that makes a bloom filter decide before data is read, which is cheaper for rare ids.
// It stands in the text: a setting beside it would cost a connection of its own.
constexpr const char* kIdQuery = " SETTINGS use_skip_indexes_on_data_read = 0";

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

std::string Lower(std::string hex) {
  for (char& c : hex) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return hex;
}

// A missing letter reads as a string.
char LetterAt(const std::string& types, size_t index) {
  return index < types.size() ? types[index] : 's';
}

// A map column as the engine prints it, an object in the map's order, and one letter for each entry.
std::vector<Attribute> Zip(simdjson::dom::element map, const std::string& types) {
  std::vector<Attribute> attributes;
  for (auto [key, value] : simdjson::dom::object(map)) {
    const char letter = LetterAt(types, attributes.size());
    attributes.push_back({std::string(key), letter, std::string(std::string_view(value))});
  }
  return attributes;
}

std::vector<Attribute> Zip(std::vector<std::string> keys, std::vector<std::string> values, const std::string& types) {
  std::vector<Attribute> attributes;
  for (size_t i = 0; i < keys.size() && i < values.size(); ++i) {
    attributes.push_back({std::move(keys[i]), LetterAt(types, i), std::move(values[i])});
  }
  return attributes;
}

// An array of maps: the attributes of all events of a span.
std::vector<simdjson::dom::element> Elements(RowReader& row) {
  std::vector<simdjson::dom::element> elements;
  for (auto element : simdjson::dom::array(row.Next())) elements.push_back(element);
  return elements;
}

template <typename T>
std::vector<T> Numbers(RowReader& row) {
  std::vector<T> numbers;
  for (auto number : simdjson::dom::array(row.Next())) numbers.push_back(static_cast<T>(ToInt(number)));
  return numbers;
}

// Columns as they are wherever JSON can carry them: each function in the list costs the engine more in planning than a
// trace costs in reading.
constexpr const char* kSpanColumns =
    "hex(SpanId), hex(ParentSpanId), TraceState, Flags, SpanName, SpanKind, ServiceName, StatusCode, StatusMessage, "
    "toUnixTimestamp64Nano(Timestamp), Duration, ResourceId, ScopeName, ScopeVersion, ScopeId, SpanAttributes, "
    "SpanAttributeTypes, DroppedAttributesCount, DroppedEventsCount, DroppedLinksCount, "
    "arrayMap(t -> toUnixTimestamp64Nano(t), Events.Timestamp), Events.Name, Events.Attributes, "
    "Events.AttributeTypes, Events.DroppedAttributesCount, arrayMap(i -> hex(i), Links.TraceId), "
    "arrayMap(i -> hex(i), Links.SpanId), Links.TraceState, Links.Attributes, Links.AttributeTypes, "
    "Links.DroppedAttributesCount, Links.Flags, Repairs, AdjustedCount, SamplingPolicy";

std::vector<Event> ReadEvents(RowReader& row) {
  auto times = Numbers<int64_t>(row);
  auto names = row.Texts();
  auto attributes = Elements(row);
  auto types = row.Texts();
  auto dropped = Numbers<uint32_t>(row);
  std::vector<Event> events(times.size());
  for (size_t i = 0; i < events.size(); ++i) {
    events[i] = {times[i], std::move(names.at(i)), Zip(attributes.at(i), types.at(i)), dropped.at(i)};
  }
  return events;
}

std::vector<Link> ReadLinks(RowReader& row) {
  auto trace_ids = row.Texts();
  auto span_ids = row.Texts();
  auto states = row.Texts();
  auto attributes = Elements(row);
  auto types = row.Texts();
  auto dropped = Numbers<uint32_t>(row);
  auto flags = Numbers<uint32_t>(row);
  std::vector<Link> links(trace_ids.size());
  for (size_t i = 0; i < links.size(); ++i) {
    links[i] = {Lower(std::move(trace_ids[i])),
                Lower(std::move(span_ids.at(i))),
                std::move(states.at(i)),
                Zip(attributes.at(i), types.at(i)),
                dropped.at(i),
                flags.at(i)};
  }
  return links;
}

Span ReadSpan(RowReader& row, const std::vector<otlp::HotAttribute>& hot_attributes) {
  Span span;
  span.span_id = Lower(row.Text());
  span.parent_span_id = Lower(row.Text());
  if (span.parent_span_id.find_first_not_of('0') == std::string::npos) span.parent_span_id.clear();
  span.trace_state = row.Text();
  span.flags = static_cast<uint32_t>(row.UInt());
  span.name = row.Text();
  span.kind = row.Text();
  span.service = row.Text();
  span.status = row.Text();
  span.status_message = row.Text();
  span.start_unix_nanos = row.Int();
  span.duration_nanos = row.UInt();
  span.resource_id = row.Text();
  span.scope_name = row.Text();
  span.scope_version = row.Text();
  span.scope_id = row.Text();
  const auto attributes = row.Next();
  span.attributes = Zip(attributes, row.Text());
  span.dropped_attributes = static_cast<uint32_t>(row.UInt());
  span.dropped_events = static_cast<uint32_t>(row.UInt());
  span.dropped_links = static_cast<uint32_t>(row.UInt());
  span.events = ReadEvents(row);
  span.links = ReadLinks(row);
  span.repairs = row.Text();
  span.adjusted_count = row.Number();
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
  std::string sql;
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

// ['00ff…','…'] as an array parameter; hex needs no escapes.
std::string HexList(const std::vector<TraceSummary>& traces) {
  std::string list = "[";
  for (const auto& trace : traces) {
    if (list.size() > 1) list += ',';
    list += "'" + trace.trace_id + "'";
  }
  return list + "]";
}

Result<std::vector<TraceSummary>> Matches(store::ClickHouse& clickhouse, const TraceFilter& filter, int64_t from) {
  store::QueryOptions options;
  const std::string conditions = MatchConditions(filter, options);
  options.parameters["from"] = Nanos(from);
  options.parameters["to"] = Nanos(filter.to_unix_nanos);
  options.parameters["limit"] = std::to_string(filter.limit);
  std::vector<TraceSummary> found;
  auto read = [&](RowReader& row) {
    auto& trace = found.emplace_back();
    trace.trace_id = row.Text();
    trace.matched_unix_nanos = row.Int();
  };
  SIGHTLINE_TRY(
      ForEachRow(clickhouse,
                 "SELECT lower(hex(TraceId)), toUnixTimestamp64Nano(max(Timestamp)) AS newest FROM sightline.spans "
                 "WHERE Timestamp >= fromUnixTimestamp64Nano({from:Int64}) "
                 "AND Timestamp < fromUnixTimestamp64Nano({to:Int64})" +
                     conditions + " GROUP BY TraceId ORDER BY newest DESC, TraceId LIMIT {limit:UInt32}",
                 options, read));
  return found;
}

Result<void> Summarize(store::ClickHouse& clickhouse, std::vector<TraceSummary>& traces) {
  if (traces.empty()) return {};
  std::unordered_map<std::string, TraceSummary*> by_id;
  for (auto& trace : traces) by_id[trace.trace_id] = &trace;
  store::QueryOptions options;
  options.parameters["ids"] = HexList(traces);
  options.parameters["from"] = Nanos(traces.back().matched_unix_nanos - kTraceReach);
  options.parameters["to"] = Nanos(traces.front().matched_unix_nanos + kTraceReach);
  auto read = [&](RowReader& row) {
    auto found = by_id.find(row.Text());
    if (found == by_id.end()) return;
    TraceSummary& trace = *found->second;
    trace.spans = row.UInt();
    trace.errors = row.UInt();
    trace.start_unix_nanos = row.Int();
    trace.duration_nanos = static_cast<uint64_t>(std::max<int64_t>(row.Int() - trace.start_unix_nanos, 0));
    trace.root_service = row.Text();
    trace.root_name = row.Text();
    trace.root_status = row.Text();
    trace.root_missing = !row.Flag();
    trace.services = row.Texts();
  };
  const std::string root_first = std::string("(not(") + kNoParent + "), Timestamp)";
  return ForEachRow(
      clickhouse,
      "SELECT lower(hex(TraceId)), count(), countIf(StatusCode = 'Error'), toUnixTimestamp64Nano(min(Timestamp)), "
      "max(toUnixTimestamp64Nano(Timestamp) + toInt64(Duration)), argMin(ServiceName, " +
          root_first + "), argMin(SpanName, " + root_first + "), argMin(StatusCode, " + root_first +
          "), toUInt8(countIf(" + kNoParent +
          ") > 0), arraySort(groupUniqArray(ServiceName)) FROM sightline.spans WHERE TraceId IN "
          "(SELECT toFixedString(unhex(arrayJoin({ids:Array(String)})), 16)) "
          "AND Timestamp >= fromUnixTimestamp64Nano({from:Int64}) "
          "AND Timestamp <= fromUnixTimestamp64Nano({to:Int64}) GROUP BY TraceId" +
          kIdQuery,
      options, read);
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
  std::vector<TraceSummary> traces;
  for (int64_t window = kFirstWindow;; window *= kWindowGrowth) {
    // The whole range at last; the comparison does not overflow for any range.
    const bool whole = window >= filter.to_unix_nanos - std::max<int64_t>(filter.from_unix_nanos, 0);
    auto found = Matches(clickhouse_, filter, whole ? filter.from_unix_nanos : filter.to_unix_nanos - window);
    if (!found) return std::unexpected(found.error());
    traces = std::move(*found);
    if (whole || traces.size() >= filter.limit) break;
  }
  SIGHTLINE_TRY(Summarize(clickhouse_, traces));
  return traces;
}

Result<std::string> TraceReader::ResolvePrefix(const std::string& prefix) {
  auto options = store::QueryOptions();
  options.parameters["first"] = prefix + std::string(32 - prefix.size(), '0');
  options.parameters["last"] = prefix + std::string(32 - prefix.size(), 'f');
  std::vector<std::string> ids;
  SIGHTLINE_TRY(ForEachRow(clickhouse_,
                           "SELECT DISTINCT lower(hex(TraceId)) FROM sightline.spans WHERE TraceId >= "
                           "toFixedString(unhex({first:String}), 16) AND TraceId <= "
                           "toFixedString(unhex({last:String}), 16) LIMIT 4",
                           options, [&](RowReader& row) { ids.push_back(row.Text()); }));
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
                           std::string("SELECT ") + kSpanColumns + hot +
                               " FROM sightline.spans WHERE TraceId = toFixedString(unhex({id:String}), 16) "
                               "ORDER BY Timestamp, SpanId LIMIT {limit:UInt32}" +
                               kIdQuery,
                           options, [&](RowReader& row) { trace.spans.push_back(ReadSpan(row, hot_attributes_)); }));
  if (trace.spans.size() > kTraceSpansMax) {
    trace.spans.resize(kTraceSpansMax);
    trace.cut = true;
  }
  return {};
}

Result<void> TraceReader::ReadAttributeSets(Trace& trace) {
  std::set<std::string> ids;
  for (const auto& span : trace.spans) {
    if (!span.resource_id.empty()) ids.insert(span.resource_id);
    if (!span.scope_id.empty()) ids.insert(span.scope_id);
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
                    "SELECT Id, Keys, Values, Types, SchemaUrl, DroppedAttributesCount FROM sightline.attribute_sets "
                    "WHERE Id IN (SELECT arrayJoin({ids:Array(String)})) LIMIT 1 BY Id",
                    options, [&](RowReader& row) {
                      AttributeSet set;
                      set.id = row.Text();
                      auto keys = row.Texts();
                      auto values = row.Texts();
                      set.attributes = Zip(std::move(keys), std::move(values), row.Text());
                      set.schema_url = row.Text();
                      set.dropped_attributes = static_cast<uint32_t>(row.UInt());
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
  SIGHTLINE_TRY(ReadAttributeSets(trace));
  return trace;
}

Result<std::vector<SignalStatus>> TraceReader::Status() {
  std::vector<SignalStatus> signals = {{"traces"}, {"metrics"}, {"logs"}};
  auto read = [&](RowReader& row) {
    const auto table = row.Text();
    auto& signal = signals[table == "spans" ? 0 : table == "logs" ? 2 : 1];
    signal.rows += row.UInt();
    signal.bytes_on_disk += row.UInt();
  };
  SIGHTLINE_TRY(ForEachRow(clickhouse_,
                           "SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts WHERE active AND "
                           "database = 'sightline' AND table IN ('spans', 'logs', 'metric_points', "
                           "'metric_histograms', 'metric_exponential_histograms', 'metric_summaries') GROUP BY table",
                           {}, read));
  constexpr const char* kTablesOf[3][4] = {
      {"spans"}, {"metric_points", "metric_histograms", "metric_exponential_histograms", "metric_summaries"}, {"logs"}};
  for (size_t i = 0; i < signals.size(); ++i) {
    if (signals[i].rows == 0) continue;
    for (const char* table : kTablesOf[i]) {
      if (table == nullptr) continue;
      auto newest = [&](RowReader& row) {
        signals[i].newest_unix_nanos = std::max(signals[i].newest_unix_nanos, row.Int());
      };
      const std::string last = std::string("SELECT toUnixTimestamp64Nano(max(Timestamp)) FROM sightline.") + table;
      SIGHTLINE_TRY(ForEachRow(clickhouse_, last + " WHERE Timestamp > now() - INTERVAL 5 MINUTE", {}, newest));
      if (signals[i].newest_unix_nanos > 0) continue;
      SIGHTLINE_TRY(ForEachRow(clickhouse_, last + " WHERE Timestamp > now() - INTERVAL 1 DAY", {}, newest));
    }
  }
  return signals;
}

}  // namespace sightline::query
