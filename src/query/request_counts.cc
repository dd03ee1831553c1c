#include "query/request_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "otlp/span_metrics.h"
#include "otlp/sql_quote.h"
#include "query/rows.h"
#include "query/services.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr uint32_t kMinute = 60, kHour = 3600;

using Parameters = std::map<std::string, std::string>;

// Rows of the key, buckets, their calls, errors and the longest. Block 0: see otlp/rollup_table.h.
std::string CountSql(const Question& question, const RequestSearch& search, std::string_view key) {
  const std::string operations = search.operations.empty() ? "" : " AND SpanName IN {operations:Array(String)}";
  return fmt::format(
      "SELECT Key, groupArray(Bucket), groupArray(BucketCalls), sum(Errors), max(Longest) FROM (SELECT {} AS Key, "
      "Bucket, "
      "sum(Calls) AS BucketCalls, sumIf(Calls, StatusCode = 'Error') AS Errors, max(DurationMax) AS Longest FROM {} "
      "WHERE Block = 0 AND Seconds = {} AND Time >= toDateTime({{from:Int64}}) AND Time < toDateTime({{to:Int64}}) AND "
      "Entry AND ServiceName = {{service:String}}{} GROUP BY Key, Bucket) GROUP BY Key",
      key, question.Table(otlp::SpanMetricsTable::kName), search.by_hour ? kHour : kMinute, operations);
}

std::string ArrayText(const std::vector<std::string>& texts) {
  std::string array = "[";
  for (const auto& text : texts) array += (array.size() > 1 ? "," : "") + otlp::QuoteString(text);
  return array + "]";
}

Parameters ParametersOf(const RequestSearch& search) {
  Parameters parameters = {{"from", std::to_string(search.from_unix_nanos / kSecondNanos)},
                           {"to", std::to_string(search.to_unix_nanos / kSecondNanos)},
                           {"service", search.service}};
  if (!search.operations.empty()) parameters["operations"] = ArrayText(search.operations);
  return parameters;
}

struct GoodAndTotal {
  double good = 0, total = 0;
};

// What follows the key in a row.
GoodAndTotal ReadCounts(RowReader& row, int64_t latency_under_nanos) {
  const auto numbers = row.Numbers<uint16_t>();
  const auto calls = row.Numbers<double>();
  const auto errors = row.Number<double>();
  const auto longest = row.Number<uint64_t>();
  BucketCalls buckets;
  GoodAndTotal count;
  for (size_t i = 0; i < numbers.size(); ++i) {
    buckets.emplace_back(numbers[i], calls.at(i));
    count.total += calls[i];
  }
  if (latency_under_nanos == 0) {
    count.good = count.total - errors;
  } else {
    std::ranges::sort(buckets);
    count.good = CallsWithin(buckets, static_cast<double>(latency_under_nanos), longest);
  }
  return count;
}

}  // namespace

std::pair<double, double> LatencyBucket(int64_t nanos) {
  const double bucket = otlp::DurationBucket(static_cast<uint64_t>(std::max<int64_t>(0, nanos)));
  return {std::exp2(bucket / otlp::kBucketsPerDoubling), std::exp2((bucket + 1) / otlp::kBucketsPerDoubling)};
}

Result<std::vector<RequestCount>> RequestCountReader::Count(const RequestSearch& search,
                                                            store::Cancellation* cancellation) {
  Question question(clickhouse_, database_, cancellation);
  std::vector<RequestCount> counts;
  SIGHTLINE_TRY(question.ForEachRow(CountSql(question, search, "toUnixTimestamp(Time)"), ParametersOf(search),
                                    [&](RowReader& row) {
                                      const auto time = row.Number<uint32_t>();
                                      const GoodAndTotal count = ReadCounts(row, search.latency_under_nanos);
                                      counts.push_back({time, count.good, count.total});
                                    }));
  std::ranges::sort(counts, {}, &RequestCount::unix_seconds);
  return counts;
}

Result<std::vector<RequestCountReader::OfOperation>> RequestCountReader::CountByOperation(
    const RequestSearch& search, store::Cancellation* cancellation) {
  Question question(clickhouse_, database_, cancellation);
  std::vector<OfOperation> operations;
  SIGHTLINE_TRY(question.ForEachRow(CountSql(question, search, "SpanName"), ParametersOf(search), [&](RowReader& row) {
    std::string name = row.Text();
    const GoodAndTotal count = ReadCounts(row, search.latency_under_nanos);
    operations.push_back({std::move(name), count.good, count.total});
  }));
  std::ranges::sort(operations, [](const OfOperation& a, const OfOperation& b) {
    const double bad_a = a.total - a.good, bad_b = b.total - b.good;
    return bad_a != bad_b ? bad_a > bad_b : a.total != b.total ? a.total > b.total : a.name < b.name;
  });
  return operations;
}

}  // namespace sightline::query
