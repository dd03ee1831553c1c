#include "query/services.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <ranges>

#include "otlp/span_metrics.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86'400;
constexpr int64_t kRoundSteps[] = {kMinute, 2 * kMinute, 5 * kMinute, 10 * kMinute, 15 * kMinute, 30 * kMinute,
                                   kHour,   2 * kHour,   3 * kHour,   6 * kHour,    12 * kHour,   kDay};
constexpr int64_t kMinuteSecondsMax = UINT32_MAX;  // what a DateTime holds

// Rows that count, of the range's minutes. Block 0: see store/schema/0002_span_metrics.sql.
constexpr char kWhere[] = " WHERE Block = 0 AND Minute >= toDateTime({from:Int64}) AND Minute < toDateTime({to:Int64})";

using Parameters = std::map<std::string, std::string>;

int64_t RoundDown(int64_t value, int64_t unit) {
  return value / unit * unit;
}

Result<void> CheckLimit(uint32_t limit, uint32_t limit_max) {
  if (limit >= 1 && limit <= limit_max) return {};
  return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", limit, limit_max);
}

Parameters RangeParameters(const MinuteRange& range) {
  return {{"from", fmt::format("{}", range.from_seconds())}, {"to", fmt::format("{}", range.to_seconds())}};
}

double SecondsPassed(const MinuteRange& range, int64_t now_unix_nanos) {
  const int64_t end = std::min(range.to_unix_nanos, now_unix_nanos);
  return std::max(1.0, static_cast<double>(end - range.from_unix_nanos) / static_cast<double>(kSecondNanos));
}

// Calls of any number of rows, added up.
class Tally {
 public:
  void Add(const BucketCalls& buckets, double errors, uint64_t max_nanos) {
    for (const auto& [bucket, calls] : buckets) buckets_[bucket] += calls;
    errors_ += errors;
    max_nanos_ = std::max(max_nanos_, max_nanos);
  }

  CallFigures Figures(double seconds) const {
    const BucketCalls buckets(buckets_.begin(), buckets_.end());
    CallFigures figures;
    for (const auto& [bucket, calls] : buckets) figures.calls += calls;
    figures.errors = errors_;
    figures.calls_per_second = figures.calls / seconds;
    figures.p50_nanos = QuantileNanos(buckets, 0.50, max_nanos_);
    figures.p95_nanos = QuantileNanos(buckets, 0.95, max_nanos_);
    figures.p99_nanos = QuantileNanos(buckets, 0.99, max_nanos_);
    figures.max_nanos = max_nanos_;
    return figures;
  }

 private:
  std::map<uint16_t, double> buckets_;
  double errors_ = 0;
  uint64_t max_nanos_ = 0;
};

// The columns Buckets and BucketCalls of a row.
BucketCalls ReadBuckets(RowReader& row) {
  const auto numbers = row.Numbers<uint16_t>();
  const auto calls = row.Numbers<double>();
  BucketCalls buckets;
  buckets.reserve(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) buckets.emplace_back(numbers[i], calls.at(i));
  std::ranges::sort(buckets);
  return buckets;
}

// Rows of id, name, kind, entry, buckets, their calls, errors, longest. `behind_last`: of the operations by name, only
// those behind the cursor's.
std::string OperationsSql(const std::string& table, bool by_calls, bool behind_last, uint32_t limit) {
  std::string sql =
      "SELECT sipHash64(SpanName, SpanKind, Entry) AS Id, SpanName, SpanKind, Entry, groupArray(Bucket), "
      "groupArray(BucketCalls), sum(Errors), max(Longest) FROM (SELECT SpanName, SpanKind, Entry, Bucket, sum(Calls) "
      "AS BucketCalls, sumIf(Calls, StatusCode = 'Error') AS Errors, max(DurationMax) AS Longest FROM ";
  sql += table + kWhere;
  sql += " AND ServiceName = {service:String}";
  if (behind_last) sql += " AND (SpanName, SpanKind, Entry) > ({name:String}, {kind:String}, {entry:Bool})";
  sql +=
      " GROUP BY SpanName, SpanKind, Entry, Bucket) GROUP BY SpanName, SpanKind, Entry HAVING Id NOT IN "
      "{ranked:Array(UInt64)} ORDER BY ";
  if (by_calls) sql += "sum(BucketCalls) DESC, ";
  return sql + "SpanName, SpanKind, Entry LIMIT " + std::to_string(limit);
}

Parameters OperationsParameters(const std::string& service, const MinuteRange& range, const OperationCursor& seen) {
  Parameters parameters = RangeParameters(range);
  parameters["service"] = service;
  parameters["ranked"] = fmt::format("[{}]", fmt::join(seen.ranked, ","));
  if (seen.last) {
    parameters["name"] = seen.last->name;
    parameters["kind"] = seen.last->kind;
    parameters["entry"] = seen.last->entry ? "true" : "false";
  }
  return parameters;
}

}  // namespace

Result<MinuteRange> WholeSteps(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t step_seconds) {
  if (from_unix_nanos < 0 || from_unix_nanos >= to_unix_nanos) {
    return Fail(Code::kInvalidArgument, "the time range is empty: from {} to {}", from_unix_nanos, to_unix_nanos);
  }
  const int64_t to = std::min(kMinuteSecondsMax, (to_unix_nanos - 1) / kSecondNanos + 1);
  const int64_t from = std::min(to - 1, from_unix_nanos / kSecondNanos);
  int64_t step = std::min(step_seconds, kMinuteSecondsMax);
  if (step <= 0) {
    step = kRoundSteps[std::size(kRoundSteps) - 1];
    for (const int64_t round : kRoundSteps | std::views::reverse) {
      const int64_t steps = (RoundDown(to + round - 1, round) - RoundDown(from, round)) / round;
      if (steps <= kServiceStepsByDefaultMax) step = round;
    }
  }
  step = RoundDown(step + kMinute - 1, kMinute);
  MinuteRange range;
  range.step_seconds = step;
  range.from_unix_nanos = RoundDown(from, step) * kSecondNanos;
  range.to_unix_nanos = RoundDown(to + step - 1, step) * kSecondNanos;
  return range;
}

double QuantileNanos(const BucketCalls& buckets, double quantile, uint64_t max_nanos) {
  double total = 0;
  for (const auto& [bucket, calls] : buckets) total += calls;
  const double wanted = quantile * total;
  double before = 0;
  for (const auto& [bucket, calls] : buckets) {
    if (calls > 0 && before + calls >= wanted) {
      const double part = std::clamp((wanted - before) / calls, 0.0, 1.0);
      return std::min(std::exp2((bucket + part) / otlp::kBucketsPerDoubling), static_cast<double>(max_nanos));
    }
    before += calls;
  }
  return total > 0 ? static_cast<double>(max_nanos) : 0;
}

Result<ServicePage> ServiceReader::List(const ServiceSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(CheckLimit(search.limit, kServicesMax));
  const auto& cursor = search.cursor;
  auto range = cursor ? WholeSteps(cursor->from_unix_nanos, cursor->to_unix_nanos, cursor->step_seconds)
                      : WholeSteps(search.from_unix_nanos, search.to_unix_nanos, search.step_seconds);
  if (!range) return std::unexpected(range.error());
  if (range->steps() > kServiceStepsMax) {
    return Fail(Code::kInvalidArgument, "the range has {} steps of {} s, at most {} are answered", range->steps(),
                range->step_seconds, kServiceStepsMax);
  }
  Question question(clickhouse_, database_, cancellation);
  ServicePage page;
  page.range = *range;
  Parameters parameters = RangeParameters(page.range);
  std::string behind;
  if (cursor) {
    behind = " AND ServiceName > {after:String}";
    parameters["after"] = cursor->service;
  }
  bool more = false;
  SIGHTLINE_TRY(question.ForEachRow("SELECT ServiceName FROM " + question.Table("span_metric_buckets") + kWhere +
                                        " AND Entry" + behind + " GROUP BY ServiceName ORDER BY ServiceName LIMIT " +
                                        std::to_string(search.limit + 1),
                                    parameters, [&](RowReader& row) {
                                      std::string service = row.Text();
                                      more = page.services.size() == search.limit;
                                      if (!more) page.services.push_back({.service = std::move(service)});
                                    }));
  if (page.services.size() * page.range.steps() > kServiceCellsMax) {
    return Fail(Code::kInvalidArgument,
                "{} services with {} steps are more than one answer holds: ask for fewer of either",
                page.services.size(), page.range.steps());
  }
  if (!page.services.empty()) SIGHTLINE_TRY(ReadSeries(question, page, search.now_unix_nanos));
  if (more) {
    page.next = ServiceCursor{page.range.from_unix_nanos, page.range.to_unix_nanos, page.range.step_seconds,
                              page.services.back().service};
  }
  page.scanned = question.stats();
  return page;
}

// One row for each service and step: the figures of the whole range are those of all steps together.
Result<void> ServiceReader::ReadSeries(Question& question, ServicePage& page, int64_t now_unix_nanos) {
  const uint64_t steps = page.range.steps();
  std::map<std::string, size_t, std::less<>> places;
  for (ServiceSummary& service : page.services) {
    places.emplace(service.service, places.size());
    service.calls.resize(steps);
    service.errors.resize(steps);
    service.p95_nanos.resize(steps, std::numeric_limits<double>::quiet_NaN());
  }
  std::vector<Tally> tallies(page.services.size());
  Parameters parameters = RangeParameters(page.range);
  parameters["step"] = fmt::format("{}", page.range.step_seconds);
  parameters["first"] = page.services.front().service;
  parameters["last"] = page.services.back().service;
  SIGHTLINE_TRY(question.ForEachRow(
      "SELECT ServiceName, Step, groupArray(Bucket), groupArray(BucketCalls), sum(Errors), max(Longest), max(Last) "
      "FROM ("
      "SELECT ServiceName, toUInt32(intDiv(toInt64(Minute) - {from:Int64}, {step:Int64})) AS Step, Bucket, sum(Calls) "
      "AS BucketCalls, sumIf(Calls, StatusCode = 'Error') AS Errors, max(DurationMax) AS Longest, max(LastSeen) AS "
      "Last "
      "FROM " +
          question.Table("span_metric_buckets") + kWhere +
          " AND Entry AND ServiceName >= {first:String} AND ServiceName <= {last:String} GROUP BY ServiceName, Step, "
          "Bucket) GROUP BY ServiceName, Step",
      parameters, [&](RowReader& row) {
        const std::string name = row.Text();
        const auto step = row.Number<uint32_t>();
        const BucketCalls buckets = ReadBuckets(row);
        const auto errors = row.Number<double>();
        const auto longest = row.Number<uint64_t>();
        const auto last_seconds = row.Number<uint32_t>();
        const auto place = places.find(name);
        if (place == places.end() || step >= steps) return;  // a service whose first call came between the statements
        ServiceSummary& service = page.services[place->second];
        for (const auto& [bucket, calls] : buckets) service.calls[step] += calls;
        service.errors[step] = errors;
        service.p95_nanos[step] = QuantileNanos(buckets, 0.95, longest);
        service.last_seen_unix_nanos = std::max(service.last_seen_unix_nanos, last_seconds * kSecondNanos);
        tallies[place->second].Add(buckets, errors, longest);
      }));
  const double seconds = SecondsPassed(page.range, now_unix_nanos);
  for (size_t i = 0; i < tallies.size(); ++i) page.services[i].figures = tallies[i].Figures(seconds);
  return {};
}

Result<OperationPage> ServiceReader::ListOperations(const OperationSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(CheckLimit(search.limit, kOperationsMax));
  OperationCursor seen = search.cursor.value_or(OperationCursor{search.from_unix_nanos, search.to_unix_nanos, {}, {}});
  auto range = WholeSteps(seen.from_unix_nanos, seen.to_unix_nanos, kMinute);
  if (!range) return std::unexpected(range.error());
  const bool by_calls = seen.ranked.size() < kOperationsRankedMax;
  const auto room =
      static_cast<uint32_t>(kOperationsRankedMax - std::min<size_t>(seen.ranked.size(), kOperationsRankedMax));
  const uint32_t limit = by_calls ? std::min(search.limit, room) : search.limit;
  Question question(clickhouse_, database_, cancellation);
  OperationPage page;
  page.range = *range;
  const double seconds = SecondsPassed(page.range, search.now_unix_nanos);
  bool more = false;
  SIGHTLINE_TRY(question.ForEachRow(
      OperationsSql(question.Table("span_metric_buckets"), by_calls, seen.last.has_value(), limit + 1),
      OperationsParameters(search.service, page.range, seen), [&](RowReader& row) {
        const auto id = row.Number<uint64_t>();
        Operation operation;
        operation.name = row.Text();
        operation.kind = row.Text();
        operation.entry = row.Number<uint8_t>() != 0;
        const BucketCalls buckets = ReadBuckets(row);
        const auto errors = row.Number<double>();
        const auto longest = row.Number<uint64_t>();
        more = page.operations.size() == limit;
        if (more) return;
        Tally tally;
        tally.Add(buckets, errors, longest);
        operation.figures = tally.Figures(seconds);
        if (by_calls) seen.ranked.push_back(id);
        page.operations.push_back(std::move(operation));
      }));
  if (more) {
    if (!by_calls) {
      const Operation& last = page.operations.back();
      seen.last = OperationCursor::Place{last.name, last.kind, last.entry};
    }
    page.next = std::move(seen);
  }
  page.scanned = question.stats();
  return page;
}

}  // namespace sightline::query
