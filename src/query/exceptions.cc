#include "query/exceptions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <map>
#include <set>

#include "query/message_shape.h"
#include "query/stack_trace.h"

namespace sightline::query {
namespace {

// What one group's key is made of; also what of the time before is compared with.
struct Key {
  std::string service, type;
  std::vector<std::string> frames;
  std::string shape;  // of the message, without frames
  auto operator<=>(const Key&) const = default;
};

Key KeyOf(std::string service, std::string type, std::string_view stack_trace, std::string_view message) {
  Key key{std::move(service), std::move(type), TellingFrames(stack_trace), ""};
  if (key.frames.empty()) key.shape = MessageShape(message);
  return key;
}

std::string IdOf(const Key& key) {
  const std::string text = fmt::format("{}\n{}\n{}\n{}", key.service, key.type, fmt::join(key.frames, "\n"), key.shape);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

struct Range {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;
};

// The events of one range. Thread: of its owner.
class Events {
 public:
  Events(Question& question, const std::optional<std::string>& service, Range range, uint32_t events_max)
      : question_(question), service_(service), range_(range), events_max_(events_max) {}

  // Where the newest of them begin.
  Result<void> Bound() {
    SIGHTLINE_TRY(Bound("spans", kSpansWith, spans_from_));
    SIGHTLINE_TRY(Bound("logs", kLogsWith, logs_from_));
    spans_from_ = logs_from_ = looked_from();  // of both from the same time on
    return {};
  }
  int64_t looked_from() const { return std::max(spans_from_, logs_from_); }
  bool is_whole() const { return looked_from() == range_.from_unix_nanos; }

  // The frames that tell are at one end: of Python at the last, of others at the first.
  static std::string BothEnds(const std::string& text) {
    return fmt::format(
        "if(lengthUTF8({0}) <= {1}, {0}, concat(substringUTF8({0}, 1, {2}), '\n…\n', substringUTF8({0}, -{2})))", text,
        kStackTraceCharactersMax, kStackTraceCharactersMax / 2);
  }

  // `columns` of the distinct ones, most first. Rows begin with service, type, message, stack trace.
  Result<void> ForEachDistinct(const std::string& columns, Conditions conditions,
                               const std::function<void(RowReader& row)>& read) {
    const std::string spans = Where(kSpansWith, spans_from_, conditions);
    const std::string logs = Where(kLogsWith, logs_from_, conditions);
    const auto text = [](const char* map, const char* name, uint32_t characters) {
      return fmt::format("substringUTF8({}['exception.{}'], 1, {})", map, name, characters);
    };
    const auto texts = [&](const char* map, const std::string& message) {
      return fmt::format("{0}['exception.type'] AS Type, {1} AS Message, {2} AS Stack", map, message,
                         BothEnds(fmt::format("{}['exception.stacktrace']", map)));
    };
    const std::string of_spans = fmt::format(
        "SELECT toString(ServiceName) AS Service, T, TraceId, toString(ResourceId) AS Resource, AdjustedCount AS "
        "Weight, {} FROM (SELECT ServiceName, TraceId, ResourceId, AdjustedCount, `Events.Name`, `Events.Timestamp`, "
        "`Events.Attributes` FROM {} WHERE {}) ARRAY JOIN `Events.Name` AS N, `Events.Timestamp` AS T, "
        "`Events.Attributes` AS A WHERE N = 'exception'",
        texts("A", text("A", "message", kExceptionMessageCharactersMax)), question_.Table("spans"), spans);
    const std::string message =
        fmt::format("if(mapContains(LogAttributes, 'exception.message'), {}, substringUTF8(Body, 1, {}))",
                    text("LogAttributes", "message", kExceptionMessageCharactersMax), kExceptionMessageCharactersMax);
    const std::string of_logs = fmt::format(
        "SELECT toString(ServiceName) AS Service, Timestamp AS T, TraceId, toString(ResourceId) AS Resource, 1. AS "
        "Weight, {} FROM {} WHERE {} AND (TraceId, SpanId) NOT IN (SELECT TraceId, SpanId FROM {} WHERE {})",
        texts("LogAttributes", message), question_.Table("logs"), logs, question_.Table("spans"), spans);
    // Traces that differ in numbers and addresses only are read once. The frames that tell are at one end.
    const std::string distinct =
        "if(Stack = '', replaceRegexpAll(Message, '[0-9]+', '#'), replaceRegexpAll(concat(left(Stack, 1500), "
        "right(Stack, 1500)), '[0-9a-fA-F]*[0-9][0-9a-fA-F]*', '#'))";
    return question_.ForEachRow(
        fmt::format("SELECT Service, Type, argMax(Message, T), argMax(Stack, T), {} FROM ({} UNION ALL {}) GROUP BY "
                    "Service, Type, sipHash64({}) ORDER BY sum(Weight) DESC LIMIT {}",
                    columns, of_spans, of_logs, distinct, kDistinctExceptionsMax),
        conditions.parameters(), read);
  }

 private:
  static constexpr const char* kSpansWith = "has(`Events.Name`, 'exception')";
  static constexpr const char* kLogsWith = "mapContains(LogAttributes, 'exception.type')";

  std::string Where(const char* with, int64_t from, Conditions& conditions) const {
    std::string sql = fmt::format(
        "Timestamp >= fromUnixTimestamp64Nano({}) AND Timestamp < fromUnixTimestamp64Nano({}) AND {}",
        conditions.Bind("Int64", NanosText(from)), conditions.Bind("Int64", NanosText(range_.to_unix_nanos)), with);
    if (service_) sql += " AND ServiceName = " + conditions.BindText(*service_);
    return sql;
  }

  Result<void> Bound(const char* table, const char* with, int64_t& from) {
    from = range_.from_unix_nanos;
    Conditions conditions;
    const std::string where = Where(with, from, conditions);
    return question_.ForEachRow(
        fmt::format("SELECT count(), min(T) FROM (SELECT Timestamp AS T FROM {} WHERE {} ORDER BY T DESC LIMIT {})",
                    question_.Table(table), where, events_max_),
        conditions.parameters(), [&](RowReader& row) {
          const auto count = row.Number<uint64_t>();
          const auto oldest = row.Number<int64_t>();
          if (count == events_max_) from = oldest;
        });
  }

  Question& question_;
  const std::optional<std::string>& service_;
  const Range range_;
  const uint32_t events_max_;
  int64_t spans_from_ = 0, logs_from_ = 0;
};

struct Gathered {
  ExceptionGroup group;
  std::set<std::string> resources;
};

class Reading {
 public:
  Reading(Question& question, const ExceptionSearch& search, AttributeSets& sets, uint32_t events_max)
      : question_(question), search_(search), sets_(sets), events_max_(events_max) {}

  Result<ExceptionList> Run() {
    Events events(question_, search_.service, {search_.from_unix_nanos, search_.to_unix_nanos}, events_max_);
    SIGHTLINE_TRY(events.Bound());
    list_.looked_from_unix_nanos = events.looked_from();
    SIGHTLINE_TRY(Gather(events));
    if (groups_.empty()) return Done();
    SIGHTLINE_TRY(CompareWithBefore());
    SIGHTLINE_TRY(Choose());
    return Done();
  }

 private:
  Result<ExceptionList> Done() {
    list_.scanned = question_.stats();
    return std::move(list_);
  }

  Result<void> Gather(Events& events) {
    Conditions conditions;
    const int64_t length = search_.to_unix_nanos - search_.from_unix_nanos;
    const std::string step =
        fmt::format("toUInt32(least(intDiv(greatest(toUnixTimestamp64Nano(T) - {}, 0), {}), {}))",
                    conditions.Bind("Int64", std::to_string(search_.from_unix_nanos)),
                    conditions.Bind("Int64", std::to_string((length - 1) / search_.steps + 1)), search_.steps - 1);
    const std::string columns = fmt::format(
        "sum(Weight), max(Weight > 1), min(T), max(T), tupleElement(sumMap([{0}], [Weight]), 1), "
        "tupleElement(sumMap([{0}], [Weight]), 2), groupUniqArray(1000)(Resource), "
        "arrayMap(t -> lower(hex(t.2)), arraySlice(arrayReverseSort(groupUniqArray(1000)((T, TraceId))), 1, {1}))",
        step, kExceptionTracesMax);
    return events.ForEachDistinct(columns, std::move(conditions), [&](RowReader& row) { Take(row); });
  }

  void Take(RowReader& row) {
    ExceptionGroup one;
    one.service = row.Text();
    one.type = row.Text();
    one.message = row.Text();
    one.stack_trace = row.Text();
    one.count = row.Number<double>();
    one.is_estimate = row.Number<uint8_t>() != 0;
    one.first_unix_nanos = row.Number<int64_t>();
    one.last_unix_nanos = row.Number<int64_t>();
    const auto steps = row.Numbers<uint32_t>();
    const auto counts = row.Numbers<double>();
    const auto resources = row.Texts();
    const auto trace_ids = row.Texts();
    Key key = KeyOf(one.service, one.type, one.stack_trace, one.message);
    Gathered& gathered = groups_[key];
    ExceptionGroup& group = gathered.group;
    if (group.trend.empty()) {
      group.id = IdOf(key);
      group.frames = key.frames;
      group.first_unix_nanos = one.first_unix_nanos;
      group.trend.assign(search_.steps, 0);
    }
    if (one.last_unix_nanos > group.last_unix_nanos) {
      group.last_unix_nanos = one.last_unix_nanos;
      group.message = std::move(one.message);
      group.stack_trace = std::move(one.stack_trace);
      group.trace_ids.insert(group.trace_ids.begin(), trace_ids.begin(), trace_ids.end());
    } else {
      group.trace_ids.insert(group.trace_ids.end(), trace_ids.begin(), trace_ids.end());
    }
    group.service = std::move(one.service);
    group.type = std::move(one.type);
    group.count += one.count;
    group.is_estimate = group.is_estimate || one.is_estimate;
    group.first_unix_nanos = std::min(group.first_unix_nanos, one.first_unix_nanos);
    for (size_t i = 0; i < steps.size(); ++i) group.trend.at(steps[i]) += counts.at(i);
    gathered.resources.insert(resources.begin(), resources.end());
  }

  // What is not found there is new, unless not all of it was looked at.
  Result<void> CompareWithBefore() {
    const int64_t length = search_.to_unix_nanos - search_.from_unix_nanos;
    const int64_t from = std::max<int64_t>(0, search_.from_unix_nanos - length);
    if (from >= search_.from_unix_nanos) return {};
    Events events(question_, search_.service, {from, search_.from_unix_nanos}, events_max_);
    SIGHTLINE_TRY(events.Bound());
    std::set<Key> before;
    size_t distinct = 0;
    SIGHTLINE_TRY(events.ForEachDistinct("count()", {}, [&](RowReader& row) {
      std::string service = row.Text(), type = row.Text();
      const std::string message = row.Text(), stack_trace = row.Text();
      (void)row.Number<uint64_t>();
      ++distinct;
      before.insert(KeyOf(std::move(service), std::move(type), stack_trace, message));
    }));
    const bool is_whole = events.is_whole() && distinct < kDistinctExceptionsMax;
    for (auto& [key, gathered] : groups_) {
      if (before.contains(key)) {
        gathered.group.is_new = false;
      } else if (is_whole) {
        gathered.group.is_new = true;
      }
    }
    return {};
  }

  Result<void> Choose() {
    list_.groups_in_all = groups_.size();
    std::vector<Gathered*> order;
    for (auto& [key, gathered] : groups_) order.push_back(&gathered);
    std::ranges::stable_sort(order, std::greater(), [](const Gathered* one) { return one->group.count; });
    order.resize(std::min<size_t>(order.size(), search_.limit));
    std::set<std::string> resources;
    for (const Gathered* one : order) resources.insert(one->resources.begin(), one->resources.end());
    auto sets = sets_.Read(question_, resources);
    if (!sets) return std::unexpected(sets.error());
    std::map<std::string, std::string> versions;
    for (const AttributeSet& set : *sets) {
      const auto version = std::ranges::find(set.attributes, "service.version", &Attribute::key);
      if (version != set.attributes.end()) versions[set.id] = version->text;
    }
    for (Gathered* one : order) {
      std::set<std::string> of_group;
      for (const std::string& resource : one->resources) {
        if (const auto found = versions.find(resource); found != versions.end()) of_group.insert(found->second);
      }
      one->group.versions.assign(of_group.begin(), of_group.end());
      KeepTraces(one->group.trace_ids);
      list_.groups.push_back(std::move(one->group));
    }
    return {};
  }

  static void KeepTraces(std::vector<std::string>& ids) {
    std::set<std::string> seen = {std::string(32, '0')};  // log records without a trace
    std::erase_if(ids, [&](const std::string& id) { return !seen.insert(id).second; });
    ids.resize(std::min<size_t>(ids.size(), kExceptionTracesMax));
  }

  Question& question_;
  const ExceptionSearch& search_;
  AttributeSets& sets_;
  const uint32_t events_max_;
  std::map<Key, Gathered> groups_;
  ExceptionList list_;
};

}  // namespace

Result<ExceptionList> ExceptionReader::Read(const ExceptionSearch& search, store::Cancellation* cancellation) {
  if (search.limit == 0 || search.limit > kExceptionsMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kExceptionsMax);
  }
  if (search.steps == 0 || search.steps > kExceptionStepsMax) {
    return Fail(Code::kInvalidArgument, "{} steps are not within 1 to {}", search.steps, kExceptionStepsMax);
  }
  if (search.from_unix_nanos < 0 || search.from_unix_nanos >= search.to_unix_nanos) {
    return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", search.from_unix_nanos,
                search.to_unix_nanos);
  }
  Question question(clickhouse_, database_, cancellation);
  return Reading(question, search, sets_, events_max_).Run();
}

}  // namespace sightline::query
