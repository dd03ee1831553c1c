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
constexpr int64_t kTenSeconds = 10, kMinute = 60, kHour = 3600, kDay = 86'400;
constexpr int64_t kLongSeconds = 2 * kDay;  // operations of a longer range are read by hour
constexpr int64_t kRoundSteps[] = {kMinute, 2 * kMinute, 5 * kMinute, 10 * kMinute, 15 * kMinute, 30 * kMinute,
                                   kHour,   2 * kHour,   3 * kHour,   6 * kHour,    12 * kHour,   kDay};
constexpr int64_t kMinuteSecondsMax = UINT32_MAX;  // what a DateTime holds

// The coarsest resolution whose times make up whole steps (a range consists of such): the fewer rows are read the
// better.
uint32_t ResolutionOf(const MinuteRange& range) {
  uint32_t coarsest = otlp::kResolutions[0];
  for (const uint32_t seconds : otlp::kResolutions) {
    if (range.step_seconds % int64_t{seconds} == 0) coarsest = seconds;
  }
  return coarsest;
}

// Rows that count, of the range's times. Block 0: see otlp/rollup_table.h.
std::string From(const Question& question, uint32_t resolution) {
  return fmt::format(
      "{} WHERE Block = 0 AND Seconds = {} AND Time >= toDateTime({{from:Int64}}) AND Time < toDateTime({{to:Int64}})",
      question.Table(otlp::SpanMetricsTable::kName), resolution);
}

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

  BucketCalls Buckets() const { return {buckets_.begin(), buckets_.end()}; }

  CallFigures Figures(double seconds) const {
    const BucketCalls buckets = Buckets();
    CallFigures figures;
    for (const auto& [bucket, calls] : buckets) figures.calls += calls;
    figures.errors = errors_;
    figures.calls_per_second = figures.calls / seconds;
    figures.p50_nanos = QuantileNanos(buckets, 0.50, max_nanos_);
    figures.p90_nanos = QuantileNanos(buckets, 0.90, max_nanos_);
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

BucketCalls Paired(const std::vector<uint16_t>& numbers, const std::vector<double>& calls) {
  BucketCalls buckets;
  buckets.reserve(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) buckets.emplace_back(numbers[i], calls.at(i));
  std::ranges::sort(buckets);
  return buckets;
}

// The columns Buckets and BucketCalls of a row.
BucketCalls ReadBuckets(RowReader& row) {
  const auto numbers = row.Numbers<uint16_t>();
  return Paired(numbers, row.Numbers<double>());
}

double Apdex(const BucketCalls& fine, double calls, uint64_t max_nanos, int64_t threshold_nanos) {
  const auto threshold = static_cast<double>(threshold_nanos);
  const double satisfied = CallsWithin(fine, threshold, max_nanos);
  const double tolerated = CallsWithin(fine, 4 * threshold, max_nanos) - satisfied;
  return calls > 0 ? std::min(1.0, (satisfied + tolerated / 2) / calls) : 0;
}

// A row for each service and step, by service: those of a page and of the one behind it.
std::string ServicesSql(const Question& question, uint32_t resolution, const ServiceSearch& search) {
  const std::string from = From(question, resolution) + " AND Entry";
  const std::string behind_cursor = search.cursor ? " AND ServiceName > {after:String}" : "";
  const std::string names = "(SELECT ServiceName FROM " + from + behind_cursor +
                            " GROUP BY ServiceName ORDER BY ServiceName LIMIT " + std::to_string(search.limit + 1) +
                            ")";
  const std::string wanted =
      search.service ? " AND ServiceName = {service:String}" + behind_cursor : " AND ServiceName IN " + names;
  return "SELECT ServiceName, Step, groupArray(Bucket), groupArray(BucketCalls), groupArray(BucketCalls - Errors), "
         "sum(Errors), "
         "max(Longest), max(Last) "
         "FROM (SELECT ServiceName, toUInt32(intDiv(toInt64(Time) - {from:Int64}, {step:Int64})) AS Step, Bucket, "
         "sum(Calls) AS BucketCalls, sumIf(Calls, StatusCode = 'Error') AS Errors, max(DurationMax) AS Longest, "
         "max(LastSeen) AS Last FROM " +
         from + wanted + " GROUP BY ServiceName, Step, Bucket) GROUP BY ServiceName, Step ORDER BY ServiceName";
}

// The rows of ServicesSql -> services. The figures of the whole range are those of all its steps together.
class PageOfServices {
 public:
  PageOfServices(const MinuteRange& range, uint32_t limit) : limit_(limit) { page_.range = range; }

  void Read(RowReader& row) {
    std::string name = row.Text();
    const auto step = row.Number<uint32_t>();
    const auto numbers = row.Numbers<uint16_t>();
    const BucketCalls buckets = Paired(numbers, row.Numbers<double>());
    const BucketCalls fine = Paired(numbers, row.Numbers<double>());
    const auto errors = row.Number<double>();
    const auto longest = row.Number<uint64_t>();
    const auto last_seconds = row.Number<uint32_t>();
    if (page_.services.empty() || page_.services.back().service != name) {
      more_ = more_ || page_.services.size() == limit_;
      is_too_large_ = is_too_large_ || (!more_ && (page_.services.size() + 1) * page_.range.steps() > kServiceCellsMax);
      if (!more_ && !is_too_large_) Begin(std::move(name));
    }
    if (more_ || is_too_large_) return;
    ServiceSummary& service = page_.services.back();
    for (const auto& [bucket, calls] : buckets) service.calls.at(step) += calls;
    service.errors.at(step) = errors;
    service.p50_nanos.at(step) = QuantileNanos(buckets, 0.50, longest);
    service.p90_nanos.at(step) = QuantileNanos(buckets, 0.90, longest);
    service.p95_nanos.at(step) = QuantileNanos(buckets, 0.95, longest);
    service.p99_nanos.at(step) = QuantileNanos(buckets, 0.99, longest);
    service.last_seen_unix_nanos = std::max(service.last_seen_unix_nanos, last_seconds * kSecondNanos);
    tallies_.back().Add(buckets, errors, longest);
    fine_.back().Add(fine, 0, longest);
  }

  bool is_too_large() const { return is_too_large_; }

  ServicePage Take(double seconds, const ApdexThresholds& apdex) {
    for (size_t i = 0; i < tallies_.size(); ++i) {
      ServiceSummary& service = page_.services[i];
      service.figures = tallies_[i].Figures(seconds);
      service.apdex_threshold_nanos = apdex.Of(service.service);
      service.apdex =
          Apdex(fine_[i].Buckets(), service.figures.calls, service.figures.max_nanos, service.apdex_threshold_nanos);
    }
    const MinuteRange& range = page_.range;
    if (more_) {
      page_.next =
          ServiceCursor{range.from_unix_nanos, range.to_unix_nanos, range.step_seconds, page_.services.back().service};
    }
    return std::move(page_);
  }

 private:
  void Begin(std::string name) {
    const std::vector<double> zeros(page_.range.steps());
    const std::vector<double> none(page_.range.steps(), std::numeric_limits<double>::quiet_NaN());
    page_.services.push_back({.service = std::move(name),
                              .figures = {},
                              .calls = zeros,
                              .errors = zeros,
                              .p50_nanos = none,
                              .p90_nanos = none,
                              .p95_nanos = none,
                              .p99_nanos = none});
    tallies_.emplace_back();
    fine_.emplace_back();
  }

  const uint32_t limit_;
  bool more_ = false, is_too_large_ = false;
  ServicePage page_;
  std::vector<Tally> tallies_, fine_;  // of page_.services: all calls, those that did not fail
};

// Rows of id, name, kind, entry, buckets, their calls, errors, longest. `behind_last`: of the operations by name, only
// those behind the cursor's.
std::string OperationsSql(const Question& question, uint32_t resolution, bool by_calls, bool behind_last,
                          uint32_t limit) {
  std::string sql =
      "SELECT bitAnd(sipHash64(SpanName, SpanKind, Entry), {id_mask:UInt64}) AS Id, SpanName, SpanKind, Entry, "
      "groupArray(Bucket), "
      "groupArray(BucketCalls), sum(Errors), max(Longest) FROM (SELECT SpanName, SpanKind, Entry, Bucket, sum(Calls) "
      "AS BucketCalls, sumIf(Calls, StatusCode = 'Error') AS Errors, max(DurationMax) AS Longest FROM ";
  sql += From(question, resolution);
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
  parameters["id_mask"] = fmt::format("{}", (uint64_t{1} << kRankedIdBits) - 1);
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
  const int64_t unit = step < kMinute ? kTenSeconds : kMinute;
  step = RoundDown(step + unit - 1, unit);
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

double CallsWithin(const BucketCalls& buckets, double nanos, uint64_t max_nanos) {
  const double end = nanos > 0 ? std::log2(nanos) * otlp::kBucketsPerDoubling : 0;
  const double last = max_nanos > 1 ? std::log2(static_cast<double>(max_nanos)) * otlp::kBucketsPerDoubling : 0;
  double within = 0;
  for (const auto& [bucket, calls] : buckets) {
    if (end >= std::min<double>(bucket + 1, last)) {
      within += calls;
    } else if (end > bucket) {
      within += calls * (end - bucket) / (std::min<double>(bucket + 1, last) - bucket);
    }
  }
  return within;
}

// Finer rows than the range's oldest need not be looked for: they are gone.
Result<MinuteRange> ServiceReader::StoredSteps(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t step_seconds,
                                               int64_t now_unix_nanos) const {
  const int64_t age_seconds = (now_unix_nanos - from_unix_nanos) / kSecondNanos;
  const bool has_minutes = kept_.minute_seconds == 0 || age_seconds <= kept_.minute_seconds;
  const bool has_ten_seconds = has_minutes && age_seconds <= kept_.ten_second_seconds;
  const int64_t finest = has_ten_seconds ? kTenSeconds : has_minutes ? kMinute : kHour;
  auto range = WholeSteps(from_unix_nanos, to_unix_nanos, step_seconds);
  if (!range || range->step_seconds % finest == 0) return range;
  return WholeSteps(from_unix_nanos, to_unix_nanos, RoundDown(range->step_seconds + finest - 1, finest));
}

Result<ServicePage> ServiceReader::List(const ServiceSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(CheckLimit(search.limit, kServicesMax));
  const auto& cursor = search.cursor;
  auto range =
      cursor ? WholeSteps(cursor->from_unix_nanos, cursor->to_unix_nanos, cursor->step_seconds)
             : StoredSteps(search.from_unix_nanos, search.to_unix_nanos, search.step_seconds, search.now_unix_nanos);
  if (!range) return std::unexpected(range.error());
  if (range->steps() > kServiceStepsMax) {
    return Fail(Code::kInvalidArgument, "the range has {} steps of {} s, at most {} are answered", range->steps(),
                range->step_seconds, kServiceStepsMax);
  }
  Parameters parameters = RangeParameters(*range);
  parameters["step"] = fmt::format("{}", range->step_seconds);
  if (cursor) parameters["after"] = cursor->service;
  if (search.service) parameters["service"] = *search.service;
  Question question(clickhouse_, database_, cancellation);
  PageOfServices services(*range, search.limit);
  SIGHTLINE_TRY(question.ForEachRow(ServicesSql(question, ResolutionOf(*range), search), std::move(parameters),
                                    [&](RowReader& row) { services.Read(row); }));
  if (services.is_too_large()) {
    return Fail(Code::kInvalidArgument,
                "services with {} steps each are more than one answer holds: ask for fewer of either", range->steps());
  }
  ServicePage page = services.Take(SecondsPassed(*range, search.now_unix_nanos), apdex_);
  page.scanned = question.stats();
  return page;
}

Result<OperationPage> ServiceReader::ListOperations(const OperationSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(CheckLimit(search.limit, kOperationsMax));
  OperationCursor seen = search.cursor.value_or(OperationCursor{search.from_unix_nanos, search.to_unix_nanos, {}, {}});
  const bool is_long = seen.to_unix_nanos - seen.from_unix_nanos >= kLongSeconds * kSecondNanos;
  auto range = StoredSteps(seen.from_unix_nanos, seen.to_unix_nanos, is_long ? kHour : kMinute, search.now_unix_nanos);
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
  SIGHTLINE_TRY(
      question.ForEachRow(OperationsSql(question, ResolutionOf(page.range), by_calls, seen.last.has_value(), limit + 1),
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
