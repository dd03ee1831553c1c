#include "query/silent_failures.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>
#include <unordered_map>

#include "otlp/kept_spans.h"
#include "otlp/span_metrics.h"
#include "otlp/sql_quote.h"
#include "query/failures.h"
#include "query/hot_attributes.h"
#include "query/message_shape.h"
#include "query/silent_examination.h"
#include "query/span_sql.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86'400;
constexpr int64_t kReachNanos = kHour * kSecondNanos;
// Failures whose messages are read at once: the engine refuses statements of more than 256 kB, two ids take 104 bytes.
constexpr size_t kFailuresPerRead = 2000;
// Messages of the spans that a first one is looked for among; of more some are left out.
constexpr size_t kMessagesMax = 50'000;

Result<MinuteRange> RangeOf(const SilentSearch& search, int64_t minute_seconds) {
  auto range = WholeSteps(search.from_unix_nanos, search.to_unix_nanos, 0);
  if (!range) return range;
  const int64_t age_seconds = (search.now_unix_nanos - range->from_unix_nanos) / kSecondNanos;
  const bool has_minutes = minute_seconds == 0 || age_seconds <= minute_seconds;
  if (!has_minutes && range->step_seconds < kHour) {
    range = WholeSteps(search.from_unix_nanos, search.to_unix_nanos, kHour);
    if (!range) return range;
  }
  if (range->steps() <= kServiceStepsByDefaultMax) return range;
  const int64_t seconds = range->to_seconds() - range->from_seconds();
  return WholeSteps(search.from_unix_nanos, search.to_unix_nanos,
                    (seconds / kServiceStepsByDefaultMax / kDay + 1) * kDay);
}

// The unit of time in which an examination that is cut ends: the finest that requests are still counted by.
int64_t UnitSeconds(const SilentSearch& search, const MinuteRange& range) {
  const int64_t age_seconds = (search.now_unix_nanos - range.from_unix_nanos) / kSecondNanos;
  if (age_seconds <= store::kFineSpanMetricsSeconds) return kServiceStepSecondsMin;
  return range.step_seconds % kHour == 0 ? kHour : kMinute;
}

std::string TextArray(const std::set<std::string>& texts) {
  std::string array = "[";
  for (const auto& text : texts) array += (array.size() > 1 ? "," : "") + otlp::QuoteString(text);
  return array + "]";
}

double SecondsPassed(const MinuteRange& range, const Examined& examined, int64_t now_unix_nanos) {
  const int64_t end = std::min(range.to_unix_nanos, now_unix_nanos);
  return std::max(1.0, static_cast<double>(end - examined.from_unix_nanos) / static_cast<double>(kSecondNanos));
}

// Entry spans of the examined time, by `columns` of span_metric_rollups.
std::string RequestsSql(const Question& question, const MinuteRange& range, const Examined& examined,
                        std::string_view columns, std::string_view condition) {
  const int64_t from = examined.from_unix_nanos / kSecondNanos, to = range.to_seconds();
  uint32_t resolution = otlp::kResolutions[0];
  for (const uint32_t seconds : otlp::kResolutions) {
    if (from % seconds == 0 && to % seconds == 0) resolution = seconds;
  }
  return fmt::format(
      "SELECT {0}, sum(Calls) FROM {1} WHERE Block = 0 AND Seconds = {2} AND Time >= toDateTime({3}) AND Time < "
      "toDateTime({4}) AND Entry AND {5} GROUP BY {0}",
      columns, question.Table(otlp::SpanMetricsTable::kName), resolution, from, to, condition);
}

// What a group is.
struct GroupKey {
  std::string service, name, kind, shape, target;
  auto operator<=>(const GroupKey&) const = default;
};

// A failure with what its span says.
struct ReadFailure {
  const FoundFailure* found = nullptr;
  Failure failure;
  std::string resource_id;
};

// Requests of a group: what counts once for each of them.
class GroupBuilder {
 public:
  void Add(const ReadFailure& read, const std::string& version) {
    const FoundFailure& found = *read.found;
    auto [request, is_new] = requests_.try_emplace({found.trace_id, found.entry_id});
    if (is_new) {
      request->second.weight = found.requests;
      entries_[found.entry] += found.requests;
      if (!version.empty()) versions_[version] += found.requests;
    }
    request->second.all_retried &= found.was_retried;
    request->second.unix_nanos = std::min(request->second.unix_nanos, found.unix_nanos);
    first_unix_nanos_ = std::min(first_unix_nanos_, found.unix_nanos);
    last_unix_nanos_ = std::max(last_unix_nanos_, found.unix_nanos);
    AddSample(read);
  }

  double requests() const {
    double sum = 0;
    for (const auto& [id, request] : requests_) sum += request.weight;
    return sum;
  }

  SilentGroup Finish(const GroupKey& key, const MinuteRange& range, double seconds) const {
    SilentGroup group{
        .service = key.service, .name = key.name, .kind = key.kind, .target = key.target, .shape = key.shape};
    group.series.resize(range.steps());
    for (const auto& [id, request] : requests_) {
      group.requests += request.weight;
      if (request.all_retried) group.retried_requests += request.weight;
      const int64_t step = (request.unix_nanos - range.from_unix_nanos) / (range.step_seconds * kSecondNanos);
      group.series.at(static_cast<size_t>(step)) += request.weight;
    }
    group.requests_per_second = group.requests / seconds;
    group.last_seen_unix_nanos = last_unix_nanos_;
    for (const auto& [version, requests] : MostFirst(versions_)) group.versions.push_back(version);
    for (const auto& [operation, requests] : MostFirst(entries_)) {
      group.entries.push_back({operation.service, operation.name, operation.kind, requests, std::nullopt});
    }
    group.entries_in_all = entries_.size();
    for (const auto& [trace_id, sample] : samples_) group.samples.push_back(sample);
    std::ranges::sort(group.samples, std::greater(), &SilentSample::unix_nanos);
    if (group.samples.size() > kSilentSamplesMax) group.samples.resize(kSilentSamplesMax);
    return group;
  }

  const std::map<OperationName, double>& entries() const { return entries_; }
  int64_t first_unix_nanos() const { return first_unix_nanos_; }

 private:
  struct Request {
    double weight = 0;
    bool all_retried = true;
    int64_t unix_nanos = INT64_MAX;  // of its first failure
  };

  template <typename Name>
  static std::vector<std::pair<Name, double>> MostFirst(const std::map<Name, double>& by_name) {
    std::vector<std::pair<Name, double>> sorted(by_name.begin(), by_name.end());
    std::ranges::stable_sort(sorted, std::greater(), &std::pair<Name, double>::second);
    if (sorted.size() > kSilentNamesMax) sorted.resize(kSilentNamesMax);
    return sorted;
  }

  void AddSample(const ReadFailure& read) {
    SilentSample sample{read.found->trace_id, read.found->span_id, read.failure.message, read.found->unix_nanos};
    const auto [known, is_new] = samples_.try_emplace(sample.trace_id, sample);
    if (!is_new && known->second.unix_nanos < sample.unix_nanos) known->second = std::move(sample);
  }

  std::map<std::pair<std::string, std::string>, Request> requests_;  // by trace and entry span
  std::map<OperationName, double> entries_;
  std::map<std::string, double> versions_;
  std::map<std::string, SilentSample> samples_;  // by trace
  int64_t first_unix_nanos_ = INT64_MAX, last_unix_nanos_ = 0;
};

// One question for the groups. Thread: of its owner.
class Reading {
 public:
  Reading(Question& question, const std::vector<otlp::HotAttribute>& hot_attributes, AttributeSets& sets,
          const SilentSearch& search)
      : question_(question), hot_attributes_(hot_attributes), sets_(sets), search_(search) {}

  Result<SilentFailures> Run(const MinuteRange& range) {
    answer_.range = range;
    auto examination = ExamineTraces(question_, hot_attributes_, search_.service, range, UnitSeconds(search_, range));
    if (!examination) return std::unexpected(examination.error());
    found_ = std::move(examination->found);
    answer_.examined = examination->examined;
    SIGHTLINE_TRY(ReadMessages());
    SIGHTLINE_TRY(ReadVersions());
    MakeGroups();
    SIGHTLINE_TRY(AddRequestsInAll());
    if (search_.wants_first_seen) SIGHTLINE_TRY(AddFirstSeen());
    answer_.scanned = question_.stats();
    return std::move(answer_);
  }

 private:
  Result<void> ReadMessages() {
    for (size_t done = 0; done < found_.size(); done += kFailuresPerRead) {
      const size_t end = std::min(found_.size(), done + kFailuresPerRead);
      std::map<std::pair<std::string, std::string>, const FoundFailure*> wanted;
      std::set<std::string> trace_ids, span_ids;
      int64_t first = INT64_MAX, last = 0;
      for (size_t i = done; i < end; ++i) {
        const FoundFailure& one = found_[i];
        wanted.emplace(std::pair(one.trace_id, one.span_id), &one);
        trace_ids.insert(one.trace_id);
        span_ids.insert(one.span_id);
        first = std::min(first, one.unix_nanos);
        last = std::max(last, one.unix_nanos);
      }
      Conditions conditions;
      conditions.Add("TraceId IN " + TraceIdList({trace_ids.begin(), trace_ids.end()}));
      conditions.Add("SpanId IN " + TraceIdList({span_ids.begin(), span_ids.end()}));
      conditions.AddTimeRange(first, last + 1);
      SIGHTLINE_TRY(question_.ForEachRow(
          "SELECT " + FailedSpanColumns(hot_attributes_) + ", ResourceId FROM " + question_.Table("spans") + " WHERE " +
              conditions.Sql() + " LIMIT 1 BY TraceId, SpanId" + kSkipFirst,
          conditions.parameters(), [&](RowReader& row) {
            FailedSpan span = ReadFailedSpan(row, hot_attributes_);
            std::string resource_id = row.Text();
            const auto one = wanted.find({span.trace_id, span.failure.span_id});
            if (one == wanted.end()) return;
            failures_.push_back({one->second, std::move(span.failure), std::move(resource_id)});
          }));
    }
    return {};
  }

  Result<void> ReadVersions() {
    std::set<std::string> ids;
    for (const auto& one : failures_) ids.insert(one.resource_id);
    auto sets = sets_.Read(question_, std::move(ids));
    if (!sets) return std::unexpected(sets.error());
    for (const auto& set : *sets) {
      const auto version = std::ranges::find(set.attributes, "service.version", &Attribute::key);
      if (version != set.attributes.end()) versions_[set.id] = version->text;
    }
    return {};
  }

  void MakeGroups() {
    std::map<std::pair<std::string, std::string>, double> requests;
    for (const auto& one : failures_) {
      const Failure& failure = one.failure;
      GroupKey key{failure.service, failure.name, failure.kind, MessageShape(failure.message), failure.target};
      const auto version = versions_.find(one.resource_id);
      builders_[std::move(key)].Add(one, version == versions_.end() ? "" : version->second);
      requests[{one.found->trace_id, one.found->entry_id}] = one.found->requests;
    }
    for (const auto& [id, weight] : requests) answer_.requests += weight;
    std::vector<const std::pair<const GroupKey, GroupBuilder>*> ranked;
    for (const auto& one : builders_) ranked.push_back(&one);
    // Of as many requests by name, so that the order stays.
    std::ranges::stable_sort(ranked, std::greater(), [](const auto* one) { return one->second.requests(); });
    answer_.groups_in_all = ranked.size();
    if (ranked.size() > search_.limit) ranked.resize(search_.limit);
    const double seconds = SecondsPassed(answer_.range, answer_.examined, search_.now_unix_nanos);
    for (const auto* one : ranked) {
      shown_.push_back(one);
      answer_.groups.push_back(one->second.Finish(one->first, answer_.range, seconds));
    }
  }

  Result<void> AddRequestsInAll() {
    std::set<std::string> services, names;
    for (const auto* one : shown_) {
      for (const auto& [operation, requests] : one->second.entries()) {
        services.insert(operation.service);
        names.insert(operation.name);
      }
    }
    if (services.empty()) return {};
    std::map<OperationName, double> in_all;
    SIGHTLINE_TRY(question_.ForEachRow(
        RequestsSql(question_, answer_.range, answer_.examined, "ServiceName, SpanName, SpanKind",
                    "ServiceName IN {services:Array(String)} AND SpanName IN {names:Array(String)}"),
        {{"services", TextArray(services)}, {"names", TextArray(names)}}, [&](RowReader& row) {
          OperationName operation;
          operation.service = row.Text();
          operation.name = row.Text();
          operation.kind = row.Text();
          in_all[std::move(operation)] = row.Number<double>();
        }));
    const auto of = [&](const OperationName& operation) -> std::optional<double> {
      const auto counted = in_all.find(operation);
      return counted == in_all.end() ? std::nullopt : std::optional(counted->second);
    };
    for (size_t i = 0; i < shown_.size(); ++i) {
      SilentGroup& group = answer_.groups[i];
      for (auto& entry : group.entries) entry.requests_in_all = of({entry.service, entry.name, entry.kind});
      double sum = 0;
      bool all_counted = true;
      for (const auto& [operation, requests] : shown_[i]->second.entries()) {
        const auto counted = of(operation);
        all_counted = all_counted && counted;
        sum += counted.value_or(0);
      }
      if (all_counted) group.requests_in_all = sum;
    }
    return {};
  }

  // From where on the first failures are looked for: whole hours that have few enough spans, and none before the
  // oldest.
  Result<int64_t> FirstSeenSince() {
    const int64_t to = std::min(answer_.range.to_unix_nanos, search_.now_unix_nanos);
    int64_t since = std::max<int64_t>(0, to - kFirstSeenSecondsMax * kSecondNanos), oldest = 0;
    SIGHTLINE_TRY(question_.ForEachRow("SELECT min(Timestamp) FROM " + question_.Table("spans"), {},
                                       [&](RowReader& row) { oldest = row.Number<int64_t>(); }));
    uint64_t spans = 0;
    SIGHTLINE_TRY(question_.ForEachRow(
        fmt::format("SELECT Time, sum(Spans) FROM {} WHERE Block = 0 AND Seconds = 3600 AND Time >= toDateTime({}) AND "
                    "Time < toDateTime({}) GROUP BY Time ORDER BY Time DESC",
                    question_.Table(otlp::KeptSpansTable::kName), since / kSecondNanos, to / kSecondNanos),
        {}, [&](RowReader& row) {
          const int64_t end = (row.Number<uint32_t>() + kHour) * kSecondNanos;
          spans += row.Number<uint64_t>();
          if (spans > kFirstSeenSpansMax) since = std::max(since, std::min(end, to));
        }));
    return std::max(since, oldest);
  }

  // Of each group the first failure of its span and shape: in one statement a span for each message, its numbers aside.
  Result<void> AddFirstSeen() {
    auto since = FirstSeenSince();
    if (!since) return std::unexpected(since.error());
    answer_.first_seen_since_unix_nanos = *since;
    std::set<std::string> services, names;
    for (const auto& group : answer_.groups) {
      services.insert(group.service);
      names.insert(group.name);
    }
    if (services.empty()) return {};
    Conditions conditions;
    conditions.AddTimeRange(*since, answer_.range.to_unix_nanos);
    conditions.AddBound("ServiceName IN {services:Array(String)} AND SpanName IN {names:Array(String)}",
                        {{"services", TextArray(services)}, {"names", TextArray(names)}});
    conditions.Add(FailedSpanCondition(hot_attributes_));
    std::map<std::tuple<std::string, std::string, std::string, std::string>, int64_t> first;
    SIGHTLINE_TRY(question_.ForEachRow(
        "SELECT ServiceName, SpanName, SpanKind, any(" + MessagePartsSql() + "), min(Timestamp) FROM " +
            question_.Table("spans") + " WHERE " + conditions.Sql() + " GROUP BY ServiceName, SpanName, SpanKind, " +
            MessageSql() + kSkipFirst + ", max_rows_to_group_by = " + std::to_string(kMessagesMax) +
            ", group_by_overflow_mode = 'any'",
        conditions.parameters(), [&](RowReader& row) {
          std::string service = row.Text(), name = row.Text(), kind = row.Text();
          const std::string message = ReadMessage(row);
          const auto unix_nanos = row.Number<int64_t>();
          const auto [known, is_new] = first.try_emplace(
              {std::move(service), std::move(name), std::move(kind), MessageShape(message)}, unix_nanos);
          if (!is_new) known->second = std::min(known->second, unix_nanos);
        }));
    for (size_t i = 0; i < shown_.size(); ++i) {
      SilentGroup& group = answer_.groups[i];
      const auto seen = first.find({group.service, group.name, group.kind, group.shape});
      const int64_t here = shown_[i]->second.first_unix_nanos();
      group.first_seen_unix_nanos = seen == first.end() ? here : std::min(here, seen->second);
    }
    return {};
  }

  static constexpr std::array kStatusKeys = {"rpc.grpc.status_code", "rpc.response.status_code",
                                             "http.response.status_code", "http.status_code", "error.type"};

  // What FailureMessage is made of, and no more of a span: stack traces and other attributes would be most of what is
  // held.
  std::string MessagePartsSql() const {
    std::string sql = fmt::format(
        "(substringUTF8(StatusMessage, 1, {0}), arrayMap(event -> (event['exception.type'], "
        "substringUTF8(event['exception.message'], 1, {0})), arraySlice(arrayFilter((event, name) -> name = "
        "'exception', Events.Attributes, Events.Name), -1))",
        kFailureBytesMax + 1);
    for (const char* key : kStatusKeys) sql += ", " + AttributeTextSql(key, hot_attributes_);
    return sql + ")";
  }
  static std::string ReadMessage(RowReader& row) {
    const std::string status_message = row.Text();
    const std::vector<Event> exceptions = row.Array([&] {
      Event event{.name = "exception"};
      for (const char* key : {"exception.type", "exception.message"})
        event.attributes.push_back({key, 's', row.Text()});
      return event;
    });
    std::vector<Attribute> attributes;
    for (const char* key : kStatusKeys) attributes.push_back({key, 's', row.Text()});
    return FailureMessage(status_message, exceptions, attributes);
  }

  // Tells apart at least what MessageShape does.
  std::string MessageSql() const {
    std::string sql =
        "replaceRegexpAll(if(StatusMessage != '', StatusMessage, arrayStringConcat(arrayMap(event -> "
        "concat(event['exception.type'], ' ', event['exception.message']), Events.Attributes), ' ')), "
        "'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\\\\b[0-9]{6,}\\\\b', '#')";
    for (const char* key : kStatusKeys) sql += ", " + AttributeTextSql(key, hot_attributes_);
    return sql;
  }

  Question& question_;
  const std::vector<otlp::HotAttribute>& hot_attributes_;
  AttributeSets& sets_;
  const SilentSearch& search_;
  std::vector<FoundFailure> found_;
  std::vector<ReadFailure> failures_;
  std::unordered_map<std::string, std::string> versions_;  // by resource id
  std::map<GroupKey, GroupBuilder> builders_;
  std::vector<const std::pair<const GroupKey, GroupBuilder>*> shown_;  // of answer_.groups
  SilentFailures answer_;
};

}  // namespace

Result<SilentFailures> SilentFailureReader::Read(const SilentSearch& search, store::Cancellation* cancellation) {
  if (search.limit < 1 || search.limit > kSilentGroupsMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kSilentGroupsMax);
  }
  auto range = RangeOf(search, minute_seconds_);
  if (!range) return std::unexpected(range.error());
  Question question(clickhouse_, database_, cancellation);
  auto hot = HotAttributesIn(question, hot_attributes_, range->from_unix_nanos - kFirstSeenSecondsMax * kSecondNanos,
                             range->to_unix_nanos);
  if (!hot) return std::unexpected(hot.error());
  return Reading(question, *hot, sets_, search).Run(*range);
}

Result<SilentServices> SilentFailureReader::CountByService(const SilentSearch& search,
                                                           store::Cancellation* cancellation) {
  auto range = RangeOf(search, minute_seconds_);
  if (!range) return std::unexpected(range.error());
  Question question(clickhouse_, database_, cancellation);
  auto hot = HotAttributesIn(question, hot_attributes_, range->from_unix_nanos, range->to_unix_nanos);
  if (!hot) return std::unexpected(hot.error());
  auto examination = ExamineTraces(question, *hot, search.service, *range, UnitSeconds(search, *range));
  if (!examination) return std::unexpected(examination.error());
  std::map<std::string, SilentService> services;
  std::set<std::pair<std::string, std::string>> seen;
  std::set<std::string> names;
  for (const FoundFailure& one : examination->found) {
    if (!seen.emplace(one.trace_id, one.entry_id).second) continue;
    services[one.entry.service].requests += one.requests;
    names.insert(one.entry.service);
  }
  if (!names.empty()) {
    SIGHTLINE_TRY(question.ForEachRow(
        RequestsSql(question, *range, examination->examined, "ServiceName", "ServiceName IN {services:Array(String)}"),
        {{"services", TextArray(names)}}, [&](RowReader& row) {
          const std::string service = row.Text();
          services[service].requests_in_all = row.Number<double>();
        }));
  }
  SilentServices answer{.range = *range, .examined = examination->examined};
  for (auto& [name, service] : services) {
    service.service = name;
    // A request that begins at a span whose parent never came is hit, but is none of those that are counted.
    if (service.requests_in_all > 0) service.requests_in_all = std::max(service.requests_in_all, service.requests);
    answer.services.push_back(std::move(service));
  }
  std::ranges::stable_sort(answer.services, std::greater(), &SilentService::requests);
  answer.scanned = question.stats();
  return answer;
}

}  // namespace sightline::query
