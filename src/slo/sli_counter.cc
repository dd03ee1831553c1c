#include "slo/sli_counter.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <numeric>

#include "query/logs.h"
#include "query/metrics.h"
#include "query/request_counts.h"
#include "query/span_series.h"
#include "query/status.h"
#include "traceql/parse.h"

namespace sightline::slo {
namespace {

// What may be off in the clock or the rounding of the engine's retention.
constexpr int64_t kRetentionMarginMinutes = kDayMinutes;

// $from, $to and $step of a statement, as panels of dashboards have them.
std::string Substitute(std::string text, std::string_view name, const std::string& value) {
  for (size_t at = text.find(name); at != text.npos; at = text.find(name, at + value.size())) {
    text.replace(at, name.size(), value);
  }
  return text;
}

double Sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

Error InMember(std::string_view member, Error error) {
  error.message = fmt::format("{}: {}", member, error.message);
  return error;
}

}  // namespace

StoredSliCounter::StoredSliCounter(store::ClickHouse& clickhouse, StoredSliOptions options)
    : clickhouse_(clickhouse),
      options_(std::move(options)),
      items_(clickhouse, options_.hot_attributes, options_.database),
      sql_(clickhouse, options_.sql, options_.database) {}

Result<std::vector<Tally>> StoredSliCounter::Count(const SloDocument& slo, int64_t from_minute, int64_t to_minute,
                                                   int64_t now_minute, store::Cancellation* cancellation) {
  SIGHTLINE_CHECK(from_minute >= 0 && from_minute <= to_minute && to_minute - from_minute <= kCountedMinutesMax);
  if (from_minute == to_minute) return std::vector<Tally>();
  const Range range{.from_minute = from_minute, .to_minute = to_minute, .cancellation = cancellation};
  if (const auto* requests = std::get_if<RequestsSli>(&slo.sli)) return CountRequests(*requests, range, now_minute);
  if (const auto* events = std::get_if<EventsSli>(&slo.sli)) return CountEvents(*events, range);
  if (const auto* slices = std::get_if<TimeSlicesSli>(&slo.sli)) {
    return JudgeSlices(*slices, from_minute, to_minute, now_minute, cancellation);
  }
  return Fail(Code::kInvalidArgument, "a composite SLO counts nothing of its own");
}

Result<int64_t> StoredSliCounter::NextStoredDay(int64_t day, store::Cancellation* cancellation) {
  return query::NextStoredDay(clickhouse_, options_.database, day, cancellation);
}

Result<std::vector<Tally>> StoredSliCounter::CountRequests(const RequestsSli& sli, const Range& range,
                                                           int64_t now_minute) {
  const int64_t kept_minutes = options_.minutes_kept_seconds / kMinuteSeconds;
  // The minutes are gone, or will be while they are read: hours are spread evenly over theirs.
  const bool by_hour = kept_minutes > 0 && range.from_minute < now_minute - kept_minutes + kRetentionMarginMinutes;
  const int64_t unit = by_hour ? kHourMinutes : 1;
  const int64_t from = range.from_minute / unit * unit, to = (range.to_minute + unit - 1) / unit * unit;
  query::RequestCountReader reader(clickhouse_, options_.database);
  const auto counts = reader.Count({.service = sli.service,
                                    .operations = sli.operations,
                                    .latency_under_nanos = sli.latency_under_nanos,
                                    .from_unix_nanos = from * kMinuteNanos,
                                    .to_unix_nanos = to * kMinuteNanos,
                                    .by_hour = by_hour},
                                   range.cancellation);
  if (!counts) return std::unexpected(counts.error());
  std::vector<Tally> tallies(range.steps());
  for (const query::RequestCount& count : *counts) {
    const int64_t begin = count.unix_seconds / kMinuteSeconds;
    for (int64_t minute = std::max(begin, range.from_minute); minute < std::min(begin + unit, range.to_minute);
         ++minute) {
      const auto parts = static_cast<double>(unit);
      tallies.at(static_cast<size_t>(minute - range.from_minute)) = {count.good / parts, count.total / parts};
    }
  }
  return tallies;
}

Result<std::vector<Tally>> StoredSliCounter::CountEvents(const EventsSli& sli, const Range& range) {
  const auto good = Ask(sli.source, sli.good, true, range);
  if (!good) return std::unexpected(InMember("sli.good", good.error()));
  const auto total = Ask(sli.source, sli.total, true, range);
  if (!total) return std::unexpected(InMember("sli.total", total.error()));
  std::vector<Tally> tallies(range.steps());
  for (size_t i = 0; i < tallies.size(); ++i) {
    const double all = std::max(0.0, Sum((*total)[i]));
    // Two queries: what is good and not among all does not make up for what is not good.
    tallies[i] = {std::clamp(Sum((*good)[i]), 0.0, all), all};
  }
  return tallies;
}

Result<std::vector<Tally>> StoredSliCounter::JudgeSlices(const TimeSlicesSli& sli, int64_t from_minute,
                                                         int64_t to_minute, int64_t now_minute,
                                                         store::Cancellation* cancellation) {
  const int64_t slice = sli.slice_minutes;
  // Only slices that have ended.
  const Range range{.from_minute = from_minute / slice * slice,
                    .to_minute = std::min((to_minute + slice - 1) / slice * slice, now_minute / slice * slice),
                    .step_minutes = slice,
                    .cancellation = cancellation};
  std::vector<Tally> tallies(static_cast<size_t>(to_minute - from_minute));
  if (range.from_minute >= range.to_minute) return tallies;
  const auto values = Ask(sli.source, sli.query, false, range);
  if (!values) return std::unexpected(InMember("sli.query", values.error()));
  for (size_t i = 0; i < range.steps(); ++i) {
    const std::vector<double>& of_slice = (*values)[i];
    if (of_slice.empty()) continue;
    const bool is_good = std::ranges::all_of(
        of_slice, [&](double value) { return sli.above ? value > sli.threshold : value < sli.threshold; });
    const int64_t begin = range.from_minute + static_cast<int64_t>(i) * slice;
    for (int64_t minute = std::max(begin, from_minute); minute < std::min(begin + slice, to_minute); ++minute) {
      tallies.at(static_cast<size_t>(minute - from_minute)) = {is_good ? 1.0 : 0.0, 1.0};
    }
  }
  return tallies;
}

Result<StoredSliCounter::StepValues> StoredSliCounter::Ask(SliSource source, const SliQuery& query, bool counts,
                                                           const Range& range) {
  switch (source) {
    case SliSource::kTraceql:
      return AskSpans(counts ? query.text + " | count_over_time()" : query.text, range);
    case SliSource::kLogs:
      return AskLogs(query.text, range);
    case SliSource::kMetrics:
      return AskMetrics(query, range);
    case SliSource::kSql:
      return AskSql(query.text, range);
  }
  return Fail(Code::kInternal, "an unknown source");
}

Result<StoredSliCounter::StepValues> StoredSliCounter::AskSpans(const std::string& text, const Range& range) {
  auto parsed = query::SpanSeriesQuery::Parse(text);
  if (!parsed) return std::unexpected(parsed.error());
  query::SpanSeriesReader reader(items_);
  const auto answer = reader.Read({.query = *std::move(parsed),
                                   .from_unix_nanos = range.from_unix_nanos(),
                                   .to_unix_nanos = range.to_unix_nanos(),
                                   .step_seconds = range.step_minutes * kMinuteSeconds},
                                  range.cancellation);
  if (!answer) return std::unexpected(answer.error());
  StepValues values(range.steps());
  for (const query::SpanSeries& series : answer->series) {
    for (size_t i = 0; i < values.size() && i < series.values.size(); ++i) {
      if (!std::isnan(series.values[i])) values[i].push_back(series.values[i]);
    }
  }
  return values;
}

Result<StoredSliCounter::StepValues> StoredSliCounter::AskLogs(const std::string& text, const Range& range) {
  auto parsed = query::ParseLogQuery(text);
  if (!parsed) return std::unexpected(parsed.error());
  query::LogReader reader(clickhouse_, options_.database);
  query::LogFilter filter;
  filter.from_unix_nanos = range.from_unix_nanos();
  filter.to_unix_nanos = range.to_unix_nanos();
  filter.condition = *std::move(parsed);
  const auto volume = reader.GetVolume(filter, range.step_minutes * kMinuteSeconds, range.cancellation);
  if (!volume) return std::unexpected(volume.error());
  StepValues values(range.steps(), {0.0});
  for (const std::vector<uint64_t>& counts : volume->counts) {
    for (size_t i = 0; i < values.size() && i < counts.size(); ++i) values[i][0] += static_cast<double>(counts[i]);
  }
  return values;
}

Result<StoredSliCounter::StepValues> StoredSliCounter::AskMetrics(const SliQuery& query, const Range& range) {
  query::SeriesRequest request;
  request.name = query.metric;
  request.kind = query.type;
  request.aggregation = query.aggregation;
  request.from_unix_nanos = range.from_unix_nanos();
  request.to_unix_nanos = range.to_unix_nanos();
  request.step_seconds = range.step_minutes * kMinuteSeconds;
  if (!query.text.empty()) {
    auto condition = traceql::ParseSpanCondition(query.text);
    if (!condition) return Fail(Code::kInvalidArgument, "{}", condition.error().message);
    request.filter = std::make_shared<const traceql::Expression>(*std::move(condition));
  }
  query::MetricReader reader(clickhouse_, options_.database);
  const auto answer = reader.GetSeries(request, range.cancellation);
  StepValues values(range.steps());
  // It may come yet.
  if (!answer && answer.error().code == Code::kNotFound) return values;
  if (!answer) return std::unexpected(answer.error());
  for (const query::MetricSeries& series : answer->series) {
    for (size_t i = 0; i < values.size() && i < series.values.size(); ++i) {
      if (!std::isnan(series.values[i])) values[i].push_back(series.values[i]);
    }
  }
  return values;
}

// The first two columns of the answer: a time and a number. Rows of one step are added up.
Result<StoredSliCounter::StepValues> StoredSliCounter::AskSql(const std::string& text, const Range& range) {
  const auto time = [](int64_t unix_nanos) { return fmt::format("fromUnixTimestamp64Nano(toInt64({}))", unix_nanos); };
  std::string sql = Substitute(text, "$from", time(range.from_unix_nanos()));
  sql = Substitute(std::move(sql), "$to", time(range.to_unix_nanos()));
  sql = Substitute(std::move(sql), "$step", std::to_string(range.step_minutes * kMinuteSeconds));
  const auto checked = sql_.Check(
      fmt::format("SELECT toInt64(toUnixTimestamp(toDateTime(tuple(*).1))) AS slo_time, toFloat64(tuple(*).2) AS "
                  "slo_value FROM ({}\n)",
                  sql),
      "TabSeparated");
  if (!checked) return std::unexpected(checked.error());
  std::string rows;
  const auto done = sql_.Run(
      *checked,
      [&](std::string_view piece) {
        rows += piece;
        return true;
      },
      range.cancellation);
  if (!done) return std::unexpected(done.error());
  StepValues values(range.steps());
  for (std::string_view left = rows; !left.empty();) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(left.size(), line.size() + 1));
    int64_t seconds = 0;
    double value = 0;
    const auto [time_end, time_error] = std::from_chars(line.data(), line.data() + line.size(), seconds);
    if (time_error != std::errc() || time_end == line.data() + line.size()) continue;
    const auto [value_end, value_error] = std::from_chars(time_end + 1, line.data() + line.size(), value);
    if (value_error != std::errc() || !std::isfinite(value)) continue;
    const int64_t minute = seconds / kMinuteSeconds;
    if (minute < range.from_minute || minute >= range.to_minute) continue;
    std::vector<double>& of_step = values[static_cast<size_t>((minute - range.from_minute) / range.step_minutes)];
    if (of_step.empty()) of_step.push_back(0);
    of_step[0] += value;
  }
  return values;
}

}  // namespace sightline::slo
