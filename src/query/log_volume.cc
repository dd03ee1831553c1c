// LogReader::GetVolume: how many records there are over time, by severity.
#include <limits>

#include "query/log_sql.h"
#include "query/logs.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

// OTLP's numbers go by fours from 1 on; what is beyond 24 counts as fatal.
constexpr const char* kClass = "least(intDiv(SeverityNumber + 3, 4), 6)";
static_assert(kSeverityClasses == 7);

struct Steps {
  int64_t first = 0, count = 0;  // numbered from 1970 on
};

Result<Steps> StepsOf(const LogFilter& filter, int64_t step_seconds) {
  if (step_seconds <= 0 || step_seconds > std::numeric_limits<int64_t>::max() / kSecond) {
    return Fail(Code::kInvalidArgument, "a step of {} seconds is out of bounds", step_seconds);
  }
  if (!HasRange(filter)) return Fail(Code::kInvalidArgument, "a volume needs a time range");
  const int64_t step_nanos = step_seconds * kSecond;
  Steps steps;
  steps.first = filter.from_unix_nanos / step_nanos;
  steps.count = (filter.to_unix_nanos - 1) / step_nanos - steps.first + 1;
  if (steps.count <= kVolumeStepsMax) return steps;
  return Fail(Code::kInvalidArgument, "the range has {} steps of {} seconds, {} are allowed\nask for longer steps",
              steps.count, step_seconds, kVolumeStepsMax);
}

}  // namespace

Result<LogVolume> LogReader::GetVolume(const LogFilter& filter, int64_t step_seconds,
                                       store::Cancellation* cancellation) {
  SIGHTLINE_TRY(CheckFilter(filter));
  const auto steps = StepsOf(filter, step_seconds);
  if (!steps) return std::unexpected(steps.error());
  Question question(clickhouse_, database_, cancellation);
  auto conditions = MatchConditions(filter, question);
  if (!conditions) return std::unexpected(conditions.error());
  conditions->AddTimeRange(filter.from_unix_nanos, filter.to_unix_nanos);
  const int64_t step_nanos = step_seconds * kSecond;
  LogVolume volume;
  volume.from_unix_nanos = steps->first * step_nanos;
  const bool in_time = steps->first + steps->count <= std::numeric_limits<int64_t>::max() / step_nanos;
  volume.to_unix_nanos = in_time ? (steps->first + steps->count) * step_nanos : std::numeric_limits<int64_t>::max();
  const std::string step = "toUInt32(intDiv(toUnixTimestamp64Nano(Timestamp), " +
                           conditions->Bind("Int64", std::to_string(step_nanos)) + ") - " +
                           conditions->Bind("Int64", std::to_string(steps->first)) + ")";
  auto read = [&](RowReader& row) {
    const auto index = row.Number<uint32_t>();
    const auto severity = row.Number<uint8_t>();
    const auto count = row.Number<uint64_t>();
    std::vector<uint64_t>& counts = volume.counts.at(severity);
    if (counts.empty()) counts.resize(static_cast<size_t>(steps->count));
    counts.at(index) += count;
    volume.total += count;
  };
  SIGHTLINE_TRY(question.ForEachRow("SELECT " + step + " AS step, toUInt8(" + kClass + ") AS class, count() FROM " +
                                        question.Table("logs") + " WHERE " + conditions->Sql() +
                                        " GROUP BY step, class",
                                    conditions->parameters(), read));
  volume.scanned = question.stats();
  return volume;
}

}  // namespace sightline::query
