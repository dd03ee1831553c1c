#include "query/exception_events.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "query/exceptions.h"

namespace sightline::query {
namespace {

constexpr const char* kSpansWith = "has(`Events.Name`, 'exception')";
// The index answers the first, the keys alone the second: whole maps are read where there is one.
constexpr const char* kLogsWith =
    "indexHint(mapContains(LogAttributes, 'exception.type')) AND has(LogAttributes.keys, 'exception.type')";
constexpr const char* kLogsWithText =
    "has(LogAttributes.keys, 'exception.message') OR has(LogAttributes.keys, 'exception.stacktrace')";
constexpr const char* kNoTrace = "toFixedString('', 16)";
// A span may begin so long before a record of it is written.
constexpr int64_t kSpanBeforeLogNanos = 600'000'000'000;
// The engine keeps the texts of so many at once. More than are given, so that it is seen when there are more.
constexpr uint32_t kDistinctHeldMax = 4 * kDistinctExceptionsMax;
constexpr uint32_t kNewestHeld = 4 * kExceptionTracesMax;  // one trace may have many

// The windows in which the newest are looked for: so many of the first one would be the range.
constexpr int64_t kFirstWindows = 64;

// The frames that tell are at one end: of Python at the last, of others at the first.
std::string BothEnds(const std::string& text) {
  return fmt::format(
      "if(length({0}) <= {1}, {0}, concat(substringUTF8({0}, 1, {2}), '\n…\n', substringUTF8({0}, -{2})))", text,
      kStackTraceCharactersMax, kStackTraceCharactersMax / 2);
}

std::string Begin(const std::string& text) {
  return fmt::format("if(length({0}) <= {1}, {0}, substringUTF8({0}, 1, {1}))", text, kExceptionMessageCharactersMax);
}

std::string Texts(const char* map, const std::string& message) {
  return fmt::format("{0}['exception.type'] AS Type, {1} AS Message, {2} AS Stack", map, message,
                     BothEnds(fmt::format("{}['exception.stacktrace']", map)));
}

// A record that has a stack trace and no message says it there: "TYPE: message", of Python in the last such line.
std::string MessageInStack(const std::string& type, const std::string& stack_trace) {
  const std::string head = type + ": ";
  const size_t at = stack_trace.starts_with("Traceback") ? stack_trace.rfind(head) : stack_trace.find(head);
  if (type.empty() || at == stack_trace.npos) return "";
  const size_t begin = at + head.size();
  return stack_trace.substr(begin, stack_trace.find('\n', begin) - begin);
}

void ReadTexts(RowReader& row, DistinctException& one) {
  for (std::string* text : {&one.service, &one.type, &one.message, &one.stack_trace}) *text = row.Text();
  one.alike = row.Number<uint64_t>();
  if (one.message.empty()) one.message = MessageInStack(one.type, one.stack_trace);
}

std::string MessageOf(const char* map) {
  return Begin(fmt::format("{}['exception.message']", map));
}

}  // namespace

std::string ExceptionEvents::Where(const char* with, TimeWindow within, Conditions& conditions) const {
  std::string sql =
      fmt::format("Timestamp >= fromUnixTimestamp64Nano({}) AND Timestamp < fromUnixTimestamp64Nano({}) AND {}",
                  conditions.Bind("Int64", NanosText(within.from_unix_nanos)),
                  conditions.Bind("Int64", NanosText(within.to_unix_nanos)), with);
  if (service_) sql += " AND ServiceName = " + conditions.BindText(*service_);
  return sql;
}

Result<void> ExceptionEvents::Bound() {
  from_ = range_.from_unix_nanos;
  auto spans = Bound("spans", kSpansWith, "countEqual(`Events.Name`, 'exception')", "0");
  if (!spans) return std::unexpected(spans.error());
  has_spans_ = spans->with_text;
  auto logs = Bound("logs", kLogsWith, "1", "NOT (" + std::string(kLogsWithText) + ")");  // from the same time on
  if (!logs) return std::unexpected(logs.error());
  has_logs_ = logs->with_text;
  has_bare_logs_ = logs->bare;
  return {};
}

Result<ExceptionEvents::Found> ExceptionEvents::Bound(const char* table, const char* with, const char* events,
                                                      const std::string& bare) {
  Found found;
  const int64_t length = range_.to_unix_nanos - from_;
  TimeWindows windows(/*newest=*/true, {from_, range_.to_unix_nanos}, length / kFirstWindows + 1);
  for (uint64_t seen = 0; seen < events_max_;) {
    const auto window = windows.Next(seen, events_max_);
    if (!window) break;
    Conditions conditions;
    const std::string where = Where(with, *window, conditions);
    const uint64_t left = events_max_ - seen;
    // Of the newest rows those that have as many events together.
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format("SELECT sum(N), if(countIf(Sum <= {0}) > 0, minIf(T, Sum <= {0}), max(T)), countIf(Bare = 0), "
                    "countIf(Bare != 0) FROM (SELECT T, N, Bare, sum(N) OVER (ORDER BY T DESC ROWS UNBOUNDED "
                    "PRECEDING) AS Sum FROM (SELECT Timestamp AS T, toUInt64({1}) AS N, toUInt8({4}) AS Bare FROM {2} "
                    "WHERE {3} ORDER BY T DESC LIMIT {0}))",
                    left, events, question_.Table(table), where, bare),
        conditions.parameters(), [&](RowReader& row) {
          const auto count = row.Number<uint64_t>();
          const auto oldest = row.Number<int64_t>();
          const auto with_text = row.Number<uint64_t>(), without = row.Number<uint64_t>();
          found.with_text = found.with_text || with_text > 0;
          found.bare = found.bare || without > 0;
          seen += count;
          if (count >= left) from_ = std::max(from_, oldest);
        }));
  }
  return found;
}

std::string ExceptionEvents::SpansSql(Conditions& conditions) const {
  return fmt::format(
      "SELECT toString(ServiceName) AS Service, T, TraceId, toString(ResourceId) AS Resource, AdjustedCount AS Weight, "
      "1 AS OfSpan, {} FROM (SELECT ServiceName, TraceId, ResourceId, AdjustedCount, `Events.Name`, "
      "`Events.Timestamp`, `Events.Attributes` FROM {} WHERE {}) ARRAY JOIN `Events.Name` AS N, `Events.Timestamp` AS "
      "T, `Events.Attributes` AS A WHERE N = 'exception'",
      Texts("A", MessageOf("A")), question_.Table("spans"),
      Where(kSpansWith, {from_, range_.to_unix_nanos}, conditions));
}

// Bodies are read only where records say nothing else: it costs as much again as their maps.
std::string ExceptionEvents::LogsSql(Conditions& conditions, bool bare, bool without_known) const {
  const std::string message = bare ? Begin("Body") : MessageOf("LogAttributes");
  std::string sql = fmt::format(
      "SELECT toString(ServiceName) AS Service, Timestamp AS T, TraceId, toString(ResourceId) AS Resource, 1. AS "
      "Weight, 0 AS OfSpan, {} FROM {} WHERE {}",
      Texts("LogAttributes", message), question_.Table("logs"),
      Where(kLogsWith, {from_, range_.to_unix_nanos}, conditions));
  sql += fmt::format(" AND {}({})", bare ? "NOT " : "", kLogsWithText);
  if (without_known && has_spans_) {
    const int64_t from = std::max<int64_t>(0, from_ - kSpanBeforeLogNanos);
    sql += fmt::format(" AND (TraceId, SpanId) NOT IN (SELECT TraceId, SpanId FROM {} WHERE {})",
                       question_.Table("spans"), Where(kSpansWith, {from, range_.to_unix_nanos}, conditions));
  }
  return sql;
}

Result<uint64_t> ExceptionEvents::ForEach(const std::string& columns, Conditions conditions, bool count_once,
                                          const std::function<void(RowReader& row)>& read) {
  std::vector<std::string> sources;
  if (has_spans_) sources.push_back(SpansSql(conditions));
  if (has_logs_) sources.push_back(LogsSql(conditions, /*bare=*/false, count_once));
  if (has_bare_logs_) sources.push_back(LogsSql(conditions, /*bare=*/true, count_once));
  const std::string events = fmt::format("{}", fmt::join(sources, " UNION ALL "));
  uint64_t distinct = 0;
  if (events.empty()) return distinct;
  // What differs in numbers and addresses only is read once. A stack trace has the message in it, and addresses rarely;
  // without them its digits are all that varies, and the costlier way would cost most of the question. Where there is
  // only a message, its short numbers may be what tells: MessageShape keeps a status.
  const std::string alike =
      "sipHash64(if(Stack = '', replaceRegexpAll(Message, "
      "'[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\\\\b[0-9]{6,}\\\\b', "
      "'#'), replaceRegexpAll(Message, '[0-9a-fA-F]*[0-9][0-9a-fA-F]*', '#')), if(position(Stack, '0x') > 0, "
      "replaceRegexpAll(replaceAll(Stack, Message, ''), '[0-9a-fA-F]*[0-9][0-9a-fA-F]*', '#'), "
      "translate(replaceAll(Stack, Message, ''), '0123456789', '##########')))";
  SIGHTLINE_TRY(question_.ForEachRow(
      fmt::format(
          "SELECT count() OVER (), Service, Type, argMax(Message, T), argMax(Stack, T), {} AS Alike{} FROM ({}) "
          "GROUP BY Service, Type, Alike ORDER BY sum(Weight) DESC LIMIT {} SETTINGS max_rows_to_group_by = "
          "{}, group_by_overflow_mode = 'any'",
          alike, columns, events, kDistinctExceptionsMax, kDistinctHeldMax),
      conditions.parameters(), [&](RowReader& row) {
        distinct = row.Number<uint64_t>();
        read(row);
      }));
  return distinct;
}

Result<uint64_t> ExceptionEvents::ForEachText(const std::function<void(DistinctException one)>& read) {
  return ForEach("", {}, /*count_once=*/false, [&](RowReader& row) {
    DistinctException one;
    ReadTexts(row, one);
    read(std::move(one));
  });
}

Result<uint64_t> ExceptionEvents::ForEachDistinct(uint32_t steps,
                                                  const std::function<void(DistinctException one)>& read) {
  Conditions conditions;
  const int64_t length = range_.to_unix_nanos - range_.from_unix_nanos;
  const std::string step = fmt::format("toUInt32(least(intDiv(greatest(toUnixTimestamp64Nano(T) - {}, 0), {}), {}))",
                                       conditions.Bind("Int64", std::to_string(range_.from_unix_nanos)),
                                       conditions.Bind("Int64", std::to_string((length - 1) / steps + 1)), steps - 1);
  const std::string columns = fmt::format(
      ", min(T), max(T), max(Weight > 1), countIf(OfSpan = 1), sumMap([{0}], [if(OfSpan = 1, Weight, 0.)], [if(OfSpan "
      "= 0 AND TraceId = {1}, 1., 0.)], [if(OfSpan = 0 AND TraceId != {1}, 1., 0.)]), maxMap([Resource], "
      "[toUnixTimestamp64Nano(T)]), arrayMap(t -> (-t.1, lower(hex(t.2))), groupArraySortedIf({2})("
      "(-toUnixTimestamp64Nano(T), TraceId), TraceId != {1}))",
      step, kNoTrace, kNewestHeld);
  return ForEach(columns, std::move(conditions), /*count_once=*/true, [&](RowReader& row) {
    DistinctException one;
    ReadTexts(row, one);
    one.first_unix_nanos = row.Number<int64_t>();
    one.last_unix_nanos = row.Number<int64_t>();
    one.is_estimate = row.Number<uint8_t>() != 0;
    one.span_events = row.Number<uint64_t>();
    one.steps = row.Numbers<uint32_t>();
    for (auto* counts : {&one.by_spans, &one.by_logs, &one.by_traced_logs}) *counts = row.Numbers<double>();
    const auto resources = row.Texts();
    const auto last = row.Numbers<int64_t>();
    for (size_t i = 0; i < resources.size(); ++i) one.last_of_resources.emplace_back(resources[i], last.at(i));
    one.traces = row.Array([&] {
      const auto unix_nanos = row.Number<int64_t>();
      return std::pair(unix_nanos, row.Text());
    });
    read(std::move(one));
  });
}

}  // namespace sightline::query
