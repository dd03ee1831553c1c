#include "serve/metrics_api.h"

#include <algorithm>
#include <array>
#include <optional>

#include "serve/limited_json.h"
#include "serve/metric_filter.h"

namespace sightline::serve {
namespace {

using query::Aggregation;
using query::MetricKind;

constexpr uint32_t kSeriesDefault = 20, kExemplarsDefault = 100;
// Series end at now: what lies ahead of it would be empty steps.
constexpr Params::RangeRules kUntilNow = {.allow_clock_skew = false};

constexpr std::array<std::string_view, 3> kTemporalityNames = {"unspecified", "delta", "cumulative"};

std::string_view TemporalityName(query::Temporality temporality) {
  return kTemporalityNames[static_cast<size_t>(temporality)];
}

// Position: name, type, unit, temporality, "1" for a monotonic one.
std::optional<query::MetricKey> ReadCursor(Params& params) {
  const auto fields = params.Position(5);
  if (fields.empty()) return std::nullopt;
  const auto kind = query::ParseMetricKind(fields[1]);
  const auto temporality = std::ranges::find(kTemporalityNames, fields[3]);
  if (!kind || temporality == kTemporalityNames.end()) {
    params.Refuse("cursor", {Code::kInvalidArgument, "this is no cursor"});
    return std::nullopt;
  }
  return query::MetricKey{.name = fields[0],
                          .kind = *kind,
                          .unit = fields[2],
                          .temporality = static_cast<query::Temporality>(temporality - kTemporalityNames.begin()),
                          .monotonic = fields[4] == "1"};
}

std::optional<std::string> NextCursor(const Params& params, const std::optional<query::MetricKey>& next) {
  if (!next) return std::nullopt;
  return params.NextCursor({next->name, std::string(query::MetricKindName(next->kind)), next->unit,
                            std::string(TemporalityName(next->temporality)), next->monotonic ? "1" : "0"});
}

void WriteTexts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.Key(key).Begin('[');
  for (const auto& text : texts) json.String(text);
  json.End(']');
}

void WriteMetric(JsonWriter& json, const query::MetricInfo& metric) {
  json.Begin('{').Key("name").String(metric.key.name).Key("type").String(query::MetricKindName(metric.key.kind));
  json.Key("unit").String(metric.key.unit).Key("description").String(metric.description);
  json.Key("temporality").String(TemporalityName(metric.key.temporality)).Key("monotonic").Bool(metric.key.monotonic);
  WriteTexts(json, "services", metric.services);
  json.Key("series_count").UInt(metric.series_count);
  WriteTexts(json, "attribute_keys", metric.attribute_keys);
  json.Key("last_seen_unix_nano").NanosOrNull(metric.last_seen_unix_nanos);
  WriteLimited(json, metric.limited);
  json.End('}');
}

void WriteSeries(JsonWriter& json, const query::MetricSeries& series) {
  json.Begin('{').Key("labels").Begin('{');
  for (const auto& [key, value] : series.labels) json.Key(key).String(value);
  json.End('}').Key("values").Begin('[');
  for (const double value : series.values) json.Number(value);
  json.End(']').End('}');
}

void WriteExemplar(JsonWriter& json, const query::Exemplar& exemplar) {
  const auto write_texts = [&](std::string_view name, const query::Exemplar::Texts& texts) {
    json.Key(name).Begin('{');
    for (const auto& [key, value] : texts) json.Key(key).String(value);
    json.End('}');
  };
  json.Begin('{').Key("time_unix_nano").Nanos(exemplar.time_unix_nanos).Key("value").Number(exemplar.value);
  json.Key("trace_id").String(exemplar.trace_id).Key("span_id").String(exemplar.span_id);
  json.Key("is_stored").Bool(exemplar.is_stored).Key("service").String(exemplar.service);
  write_texts("labels", exemplar.labels);
  write_texts("attributes", exemplar.attributes);
  json.End('}');
}

// What requests for series and for exemplars have in common.
template <typename Request>
Request ReadRequest(ApiCall& call) {
  Params& params = call.params;
  Request request;
  request.name = call.part("name");
  const TimeRange range = params.Range(kUntilNow);
  request.from_unix_nanos = range.from_unix_nanos;
  request.to_unix_nanos = range.to_unix_nanos;
  request.step_seconds = params.StepSeconds(range);
  request.service = params.OptionalText("service");
  request.attributes = params.Attributes();
  request.kind = params.Choice<std::optional<MetricKind>>("type", std::nullopt,
                                                          {{"gauge", MetricKind::kGauge},
                                                           {"sum", MetricKind::kSum},
                                                           {"histogram", MetricKind::kHistogram},
                                                           {"exponential_histogram", MetricKind::kExponentialHistogram},
                                                           {"summary", MetricKind::kSummary}});
  return request;
}

query::SeriesRequest ReadSeriesRequest(ApiCall& call) {
  Params& params = call.params;
  auto request = ReadRequest<query::SeriesRequest>(call);
  request.aggregation = params.Choice<std::optional<Aggregation>>("aggregation", std::nullopt,
                                                                  {{"rate", Aggregation::kRate},
                                                                   {"increase", Aggregation::kIncrease},
                                                                   {"avg", Aggregation::kAvg},
                                                                   {"min", Aggregation::kMin},
                                                                   {"max", Aggregation::kMax},
                                                                   {"sum", Aggregation::kSum},
                                                                   {"last", Aggregation::kLast},
                                                                   {"count", Aggregation::kCount},
                                                                   {"p50", Aggregation::kP50},
                                                                   {"p75", Aggregation::kP75},
                                                                   {"p90", Aggregation::kP90},
                                                                   {"p95", Aggregation::kP95},
                                                                   {"p99", Aggregation::kP99}});
  request.group_by = params.Values("group_by", query::kGroupByMax);
  request.limit = params.Limit(kSeriesDefault, query::kSeriesGroupsMax);
  return request;
}

}  // namespace

void MetricsApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/metrics", [this](ApiCall& call) { return List(call); }});
  router.Add({"GET", "/api/v1/metrics/{name*}/series", [this](ApiCall& call) { return GetSeries(call); }});
  router.Add({"GET", "/api/v1/metrics/{name*}/exemplars", [this](ApiCall& call) { return GetExemplars(call); }});
}

Result<void> MetricsApi::List(ApiCall& call) {
  query::MetricSearch search;
  search.service = call.params.OptionalText("service");
  search.text = call.params.Text("text");
  search.limit = call.params.Limit();
  search.after = ReadCursor(call.params);
  SIGHTLINE_TRY(call.params.Check());
  auto page = reader_.List(search, call.cancellation());
  if (!page) return std::unexpected(page.error());
  call.json.Begin('{').Key("metrics").Begin('[');
  for (const auto& metric : page->metrics) WriteMetric(call.json, metric);
  call.json.End(']');
  WriteNextCursor(call.json, NextCursor(call.params, page->next));
  WriteScanned(call.json, page->scanned);
  call.json.End('}');
  return {};
}

Result<void> MetricsApi::GetSeries(ApiCall& call) {
  const query::SeriesRequest request = ReadSeriesRequest(call);
  SIGHTLINE_TRY(call.params.Check());
  std::string at_fault;
  auto answer = reader_.GetSeries(request, call.cancellation(), &at_fault);
  if (!answer) return call.Blame(answer.error().code == Code::kNotFound ? "name" : at_fault, answer.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("name").String(request.name).Key("type").String(query::MetricKindName(answer->kind));
  json.Key("unit").String(answer->unit).Key("result_unit").String(answer->result_unit);
  json.Key("aggregation").String(query::AggregationName(answer->aggregation));
  json.Key("from_unix_nano").Nanos(answer->from_unix_nanos).Key("to_unix_nano").Nanos(answer->to_unix_nanos);
  json.Key("step_seconds").Int(answer->step_seconds).Key("series").Begin('[');
  for (const auto& series : answer->series) {
    if (!json.wanted()) return {};
    WriteSeries(json, series);
  }
  json.End(']').Key("series_total").UInt(answer->series_total);
  WriteLimited(json, answer->limited);
  WriteScanned(json, answer->scanned);
  json.End('}');
  return {};
}

Result<void> MetricsApi::GetExemplars(ApiCall& call) {
  auto request = ReadRequest<query::ExemplarRequest>(call);
  request.filter = ReadMetricFilter(call.params);
  request.limit = call.params.Limit(kExemplarsDefault, query::kExemplarsMax);
  SIGHTLINE_TRY(call.params.Check());
  std::string at_fault;
  auto answer = exemplars_.Read(request, call.cancellation(), &at_fault);
  if (!answer) return call.Blame(answer.error().code == Code::kNotFound ? "name" : at_fault, answer.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("name").String(request.name).Key("type").String(query::MetricKindName(answer->kind));
  json.Key("unit").String(answer->unit);
  json.Key("from_unix_nano").Nanos(answer->from_unix_nanos).Key("to_unix_nano").Nanos(answer->to_unix_nanos);
  json.Key("step_seconds").Int(answer->step_seconds).Key("exemplars").Begin('[');
  for (const auto& exemplar : answer->exemplars) WriteExemplar(json, exemplar);
  json.End(']');
  WriteScanned(json, answer->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
