#include "slo/consumers.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "query/request_counts.h"
#include "query/span_series.h"
#include "traceql/parse.h"
#include "traceql/print.h"
#include "traceql/value.h"

namespace sightline::slo {
namespace {

constexpr int64_t kStepsMax = 500;
constexpr int64_t kLongMinutes = 2 * kDayMinutes;  // operations of a longer range are read by hour

// Conditions of TraceQL, without braces.
struct Sides {
  std::string all, bad;
};

// Of stored spans. Span metrics also take other kinds of spans with a remote parent for requests.
Sides OfRequests(const RequestsSli& sli) {
  Sides sides;
  sides.all = fmt::format("resource.service.name = {} && (kind = server || kind = consumer || parent = nil)",
                          traceql::PrintString(sli.service));
  for (size_t i = 0; i < sli.operations.size(); ++i) {
    sides.all += fmt::format("{}name = {}", i == 0 ? " && (" : " || ", traceql::PrintString(sli.operations[i]));
  }
  if (!sli.operations.empty()) sides.all += ")";
  sides.bad = sli.latency_under_nanos > 0 ? fmt::format("duration > {}ns", sli.latency_under_nanos)
                                          : "(status = error || span.http.response.status_code >= 500)";
  return sides;
}

Result<Sides> OfSpans(const EventsSli& sli) {
  const auto all = traceql::ParseSpanCondition(sli.total.text);
  const auto good = traceql::ParseSpanCondition(sli.good.text);
  if (!all || !good) return Fail(Code::kInvalidArgument, "sli: it is no condition on spans");
  return Sides{.all = "(" + traceql::Print(*all) + ")", .bad = "!(" + traceql::Print(*good) + ")"};
}

void SortByBad(std::vector<Consumer>& consumers) {
  std::ranges::sort(consumers, [](const Consumer& a, const Consumer& b) {
    return a.bad != b.bad ? a.bad > b.bad : a.total != b.total ? a.total > b.total : a.name < b.name;
  });
}

void Cut(std::vector<Consumer>& consumers) {
  if (consumers.size() > kConsumersMax) consumers.resize(kConsumersMax);
}

}  // namespace

ConsumerReader::ConsumerReader(store::ClickHouse& clickhouse, StoredSliOptions options)
    : clickhouse_(clickhouse),
      options_(std::move(options)),
      items_(clickhouse, options_.hot_attributes, options_.database) {}

Result<std::vector<Consumer>> ConsumerReader::By(const std::string& field, const std::string& all,
                                                 const std::string& bad, int64_t from_unix_nanos, int64_t to_unix_nanos,
                                                 store::Cancellation* cancellation) {
  const int64_t minutes = (to_unix_nanos - from_unix_nanos) / kMinuteNanos;
  std::map<std::string, Consumer> by_name;
  query::SpanSeriesReader reader(items_);
  const auto add = [&](const std::string& condition, double Consumer::* count) -> Result<void> {
    auto parsed = query::SpanSeriesQuery::Parse(fmt::format("{{ {} }} | count_over_time() by ({})", condition, field));
    if (!parsed) return std::unexpected(parsed.error());
    const auto answer = reader.Read({.query = *std::move(parsed),
                                     .from_unix_nanos = from_unix_nanos,
                                     .to_unix_nanos = to_unix_nanos,
                                     .step_seconds = (minutes / kStepsMax + 1) * kMinuteSeconds},
                                    cancellation);
    if (!answer) return std::unexpected(answer.error());
    for (const query::SpanSeries& series : answer->series) {
      const std::string& literal = series.labels.empty() ? "nil" : series.labels.front().second;
      const std::string name = literal == "nil" ? "" : traceql::PrintedText(literal);
      Consumer& consumer = by_name[name];
      consumer.name = name;
      for (const double value : series.values) consumer.*count += std::isnan(value) ? 0 : value;
    }
    return {};
  };
  SIGHTLINE_TRY(add(all, &Consumer::total));
  SIGHTLINE_TRY(add(all + " && " + bad, &Consumer::bad));
  std::vector<Consumer> consumers;
  for (auto& [name, consumer] : by_name) consumers.push_back(std::move(consumer));
  SortByBad(consumers);
  return consumers;
}

Result<Consumers> ConsumerReader::Read(const SloDocument& slo, int64_t from_unix_nanos, int64_t to_unix_nanos,
                                       int64_t now_unix_nanos, store::Cancellation* cancellation) {
  Consumers consumers;
  Result<Sides> sides;
  const auto* requests = std::get_if<RequestsSli>(&slo.sli);
  const auto* events = std::get_if<EventsSli>(&slo.sli);
  if (requests != nullptr) {
    sides = OfRequests(*requests);
  } else if (events != nullptr && events->source == SliSource::kTraceql) {
    sides = OfSpans(*events);
  } else {
    consumers.not_available_because = "only what spans count can be told apart";
    return consumers;
  }
  if (!sides) return std::unexpected(sides.error());
  if (requests != nullptr) {
    const int64_t kept_nanos = options_.minutes_kept_seconds * 1'000'000'000;
    const bool by_hour = to_unix_nanos - from_unix_nanos > kLongMinutes * kMinuteNanos ||
                         (kept_nanos > 0 && now_unix_nanos - from_unix_nanos > kept_nanos);
    const int64_t unit = by_hour ? kHourMinutes * kMinuteNanos : kMinuteNanos;
    query::RequestCountReader reader(clickhouse_, options_.database);
    const auto counts = reader.CountByOperation({.service = requests->service,
                                                 .operations = requests->operations,
                                                 .latency_under_nanos = requests->latency_under_nanos,
                                                 .from_unix_nanos = from_unix_nanos / unit * unit,
                                                 .to_unix_nanos = (to_unix_nanos + unit - 1) / unit * unit,
                                                 .by_hour = by_hour},
                                                cancellation);
    if (!counts) return std::unexpected(counts.error());
    for (const auto& count : *counts)
      consumers.operations.push_back({count.name, count.total - count.good, count.total});
  } else {
    auto by_name = By("name", sides->all, sides->bad, from_unix_nanos, to_unix_nanos, cancellation);
    if (!by_name) return std::unexpected(by_name.error());
    consumers.operations = *std::move(by_name);
  }
  for (const Consumer& one : consumers.operations) {
    consumers.all.bad += one.bad;
    consumers.all.total += one.total;
  }
  auto versions = By("resource.service.version", sides->all, sides->bad, from_unix_nanos, to_unix_nanos, cancellation);
  if (!versions) return std::unexpected(versions.error());
  consumers.versions = *std::move(versions);
  Cut(consumers.operations);
  Cut(consumers.versions);
  auto query = query::ParseItemQuery(otlp::Signal::kTraces, "{ " + sides->all + " }", from_unix_nanos, to_unix_nanos);
  if (!query) return std::unexpected(query.error());
  query::Explainer explainer(items_);
  auto explanation = explainer.Explain(
      {.query = *std::move(query), .selection = {.condition = "{ " + sides->bad + " }"}, .limit = kDifferencesMax},
      cancellation);
  if (!explanation) return std::unexpected(explanation.error());
  for (const query::ExplainedAttribute& attribute : explanation->attributes) {
    if (!attribute.values.empty()) consumers.differences.push_back({attribute.field, attribute.values.front()});
  }
  return consumers;
}

}  // namespace sightline::slo
