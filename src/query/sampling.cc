#include "query/sampling.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "otlp/kept_spans.h"
#include "otlp/span_metrics.h"
#include "query/rows.h"

namespace sightline::query {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000, kMinute = 60, kHour = 3600;

struct OwnMetric {
  std::string_view name;    // in answers
  const char* metric;       // docs/metrics.md
  Aggregation aggregation;  // kIncrease of counters, kMax of gauges
  std::vector<std::string> group_by;
};

const std::vector<OwnMetric>& OwnMetrics() {
  static const std::vector<OwnMetric> kMetrics = {
      {"traces", "sightline.sampling.traces", Aggregation::kIncrease, {"decision", "policy"}},
      {"spans", "sightline.sampling.spans", Aggregation::kIncrease, {"decision"}},
      {"early_decisions", "sightline.sampling.early_decisions", Aggregation::kIncrease, {"reason"}},
      {"late_spans", "sightline.sampling.late_spans", Aggregation::kIncrease, {"decision"}},
      {"too_large_traces", "sightline.sampling.too_large_traces", Aggregation::kIncrease, {}},
      {"undecided_spans", "sightline.sampling.undecided_spans", Aggregation::kMax, {}},
      {"memory_bytes", "sightline.sampling.memory.used", Aggregation::kMax, {}},
      {"journal_bytes", "sightline.journal.bytes", Aggregation::kMax, {}},
  };
  return kMetrics;
}

// Which columns a row of GROUPING SETS is grouped by.
enum Grouping : uint64_t { kByBoth = 0, kByService = 1, kByPolicy = 2, kByNothing = 3 };

KeptFigures ReadFigures(RowReader& row) {
  KeptFigures kept;
  kept.spans = row.Number<uint64_t>();
  kept.traces = row.Number<uint64_t>();
  kept.stand_for = row.Number<double>();
  kept.bytes_received = row.Number<uint64_t>();
  return kept;
}

constexpr auto kMostSpans = [](const KeptByPolicy& a, const KeptByPolicy& b) {
  return a.kept.spans != b.kept.spans ? a.kept.spans > b.kept.spans : a.policy < b.policy;
};

// Everything by service until it is known which services the answer has.
using Services = std::map<std::string, KeptByService>;

// Rows of hours for the hours that lie in the range, of minutes for what is left at its ends.
std::string InRange() {
  return " WHERE Block = 0 AND Time >= toDateTime({from:Int64}) AND Time < toDateTime({to:Int64}) AND (Seconds = 3600 "
         "AND Time >= toDateTime({hours_from:Int64}) AND Time < toDateTime({hours_to:Int64}) OR Seconds = 60 AND (Time "
         "< "
         "toDateTime({hours_from:Int64}) OR Time >= toDateTime({hours_to:Int64})))";
}

std::map<std::string, std::string> RangeParameters(const SamplingTotals& totals) {
  const int64_t from = totals.from_unix_nanos / kSecondNanos, to = totals.to_unix_nanos / kSecondNanos;
  const int64_t hours_from = (from + kHour - 1) / kHour * kHour;
  const int64_t hours_to = std::max(hours_from, to / kHour * kHour);
  return {{"from", std::to_string(from)},
          {"to", std::to_string(to)},
          {"hours_from", std::to_string(hours_from)},
          {"hours_to", std::to_string(hours_to)}};
}

Result<void> ReadKept(Question& question, const std::map<std::string, std::string>& range, SamplingTotals& totals,
                      Services& services) {
  // What tells traces apart is merged once, for each pair; the sums over pairs merge what that found.
  const std::string pairs =
      "(SELECT ServiceName, SamplingPolicy, sum(Spans) AS Kept, uniqCombinedMergeState(14)(Traces) AS Apart, "
      "sum(StandFor) AS Sum, sum(Bytes) AS Received FROM " +
      question.Table(otlp::KeptSpansTable::kName) + InRange() + " GROUP BY ServiceName, SamplingPolicy)";
  const std::string sql =
      "SELECT grouping(ServiceName, SamplingPolicy), CAST(ServiceName, 'String'), CAST(SamplingPolicy, 'String'), "
      "sum(Kept), uniqCombinedMerge(14)(Apart), sum(Sum), sum(Received) FROM " +
      pairs + " GROUP BY GROUPING SETS ((ServiceName, SamplingPolicy), (ServiceName), (SamplingPolicy), ())";
  return question.ForEachRow(sql, range, [&](RowReader& row) {
    const auto grouping = row.Number<uint64_t>();
    const std::string service = row.Text();
    const std::string policy = row.Text();
    const KeptFigures kept = ReadFigures(row);
    if (kept.spans == 0) return;
    if (grouping == kByNothing) totals.kept = kept;
    if (grouping == kByPolicy) totals.policies.push_back({policy, kept});
    if (grouping == kByService) services[service].kept = kept;
    if (grouping == kByBoth) services[service].policies.push_back({policy, kept});
  });
}

Result<void> ReadSeen(Question& question, const std::map<std::string, std::string>& range, SamplingTotals& totals,
                      Services& services) {
  const std::string sql = "SELECT CAST(ServiceName, 'String'), sum(Calls) FROM " +
                          question.Table(otlp::SpanMetricsTable::kName) + InRange() + " GROUP BY ServiceName";
  return question.ForEachRow(sql, range, [&](RowReader& row) {
    const std::string service = row.Text();
    const auto calls = row.Number<double>();
    services[service].seen = calls;
    totals.seen += calls;
  });
}

Result<double> BytesPerSpan(Question& question, const std::string& database) {
  uint64_t bytes = 0, rows = 0;
  SIGHTLINE_TRY(question.ForEachRow(
      "SELECT sum(bytes_on_disk), sum(rows) FROM system.parts WHERE active AND database = {db:String} AND "
      "table = 'spans'",
      {{"db", database}}, [&](RowReader& row) {
        const auto all = row.Number<uint64_t>();
        rows = row.Number<uint64_t>();
        bytes = all;
      }));
  return rows == 0 ? 0 : static_cast<double>(bytes) / static_cast<double>(rows);
}

void SetBytes(KeptFigures& kept, double bytes_per_span) {
  kept.bytes_on_disk = static_cast<double>(kept.spans) * bytes_per_span;
}

}  // namespace

Result<SamplingTotals> SamplingReader::GetTotals(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t now_unix_nanos,
                                                 store::Cancellation* cancellation) {
  if (from_unix_nanos < 0 || from_unix_nanos >= to_unix_nanos) {
    return Fail(Code::kInvalidArgument, "the range is empty: from must be before to");
  }
  const bool has_minutes = minute_seconds_ == 0 || from_unix_nanos >= now_unix_nanos - minute_seconds_ * kSecondNanos;
  const int64_t step = (has_minutes ? kMinute : kHour) * kSecondNanos;
  SamplingTotals totals;
  totals.from_unix_nanos = from_unix_nanos / step * step;
  totals.to_unix_nanos = (to_unix_nanos - 1) / step * step + step;
  const std::map<std::string, std::string> range = RangeParameters(totals);
  Question question(clickhouse_, database_, cancellation);
  Services services;
  SIGHTLINE_TRY(ReadKept(question, range, totals, services));
  SIGHTLINE_TRY(ReadSeen(question, range, totals, services));
  const Result<double> bytes_per_span = BytesPerSpan(question, database_);
  if (!bytes_per_span) return std::unexpected(bytes_per_span.error());
  totals.bytes_per_span = *bytes_per_span;
  SetBytes(totals.kept, *bytes_per_span);
  std::ranges::sort(totals.policies, kMostSpans);
  for (KeptByPolicy& policy : totals.policies) SetBytes(policy.kept, *bytes_per_span);
  for (auto& [name, service] : services) {
    service.service = name;
    SetBytes(service.kept, *bytes_per_span);
    std::ranges::sort(service.policies, kMostSpans);
    for (KeptByPolicy& policy : service.policies) SetBytes(policy.kept, *bytes_per_span);
    totals.services.push_back(std::move(service));
  }
  std::ranges::sort(totals.services, [](const KeptByService& a, const KeptByService& b) {
    if (a.seen != b.seen) return a.seen > b.seen;
    return a.kept.spans != b.kept.spans ? a.kept.spans > b.kept.spans : a.service < b.service;
  });
  totals.is_cut = totals.services.size() > kSamplingRowsMax;
  if (totals.is_cut) totals.services.resize(kSamplingRowsMax);
  totals.scanned = question.stats();
  return totals;
}

Result<SamplingHistory> SamplingReader::GetHistory(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t step_seconds,
                                                   store::Cancellation* cancellation) {
  const int64_t step = step_seconds * kSecondNanos;
  SamplingHistory history{.from_unix_nanos = from_unix_nanos / step * step,
                          .to_unix_nanos = (to_unix_nanos + step - 1) / step * step,
                          .step_seconds = step_seconds};
  for (const OwnMetric& metric : OwnMetrics()) {
    SeriesRequest request;
    request.name = metric.metric;
    request.aggregation = metric.aggregation;
    request.from_unix_nanos = from_unix_nanos;
    request.to_unix_nanos = to_unix_nanos;
    request.step_seconds = step_seconds;
    request.service = "sightline";
    request.group_by = metric.group_by;
    request.limit = kSeriesGroupsMax;
    auto answer = metrics_.GetSeries(request, cancellation);
    if (!answer && answer.error().code == Code::kNotFound) continue;
    if (!answer) return std::unexpected(answer.error());
    history.from_unix_nanos = answer->from_unix_nanos;
    history.to_unix_nanos = answer->to_unix_nanos;
    history.scanned.rows_read += answer->scanned.rows_read;
    history.scanned.bytes_read += answer->scanned.bytes_read;
    history.scanned.elapsed_seconds += answer->scanned.elapsed_seconds;
    for (MetricSeries& one : answer->series) {
      history.series.push_back({metric.name, std::move(one.labels), std::move(one.values)});
    }
  }
  return history;
}

}  // namespace sightline::query
