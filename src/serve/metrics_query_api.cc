#include "serve/metrics_query_api.h"

#include <simdjson.h>

#include <memory>
#include <optional>
#include <set>

#include "query/metric_cardinality.h"
#include "query/metric_heatmap.h"
#include "query/metric_query.h"
#include "serve/body_member.h"
#include "serve/limited_json.h"
#include "serve/metric_filter.h"
#include "state/json_check.h"
#include "traceql/parse.h"

namespace sightline::serve {
namespace {

using query::Aggregation;
using state::JsonCheck;

constexpr uint32_t kSeriesDefault = 20;
constexpr size_t kKeyBytesMax = 1024;
// Series end at now: what lies ahead of it would be empty steps.
constexpr Params::RangeRules kUntilNow = {.allow_clock_skew = false};

constexpr std::string_view kTypes[] = {"gauge", "sum", "histogram", "exponential_histogram", "summary"};
constexpr std::string_view kAggregations[] = {"rate",  "increase", "avg", "min", "max", "sum", "last",
                                              "count", "p50",      "p75", "p90", "p95", "p99"};
constexpr std::string_view kOverTime[] = {"rate", "increase", "avg", "min", "max", "sum", "last"};
constexpr std::string_view kOverSeries[] = {"avg", "min", "max", "sum", "count", "p50", "p75", "p90", "p95", "p99"};

// The body of POST /metrics/query. Thread: of its owner.
class QuestionReader {
 public:
  using Json = JsonCheck::Json;

  struct Times {
    net::HttpRequest request;  // as the parameters of a request, which are checked the same way
  };

  Result<query::MetricsQuestion> Read(const Json& body, Times& times) {
    const auto time = [&](std::string name) {
      return
          [this, name, &times](const Json& value) { times.request.query.emplace_back(name, check_.Text(value, 100)); };
    };
    check_.Object(body, {{"last", false, time("last")},
                         {"from", false, time("from")},
                         {"to", false, time("to")},
                         {"step", false, time("step")},
                         {"queries", true, [&](const Json& list) { Queries(list); }},
                         {"formulas", false, [&](const Json& list) { Formulas(list); }}});
    SIGHTLINE_TRY(check_.result());
    return std::move(question_);
  }

 private:
  std::string Name(const Json& value) {
    std::string name = check_.Name(value, 30, "", "_");
    if (check_.ok() && !names_.insert(name).second) check_.Refuse("{:?} is the name of another one", name);
    return name;
  }

  void Aggregated(const Json& value, std::span<const std::string_view> words, std::optional<Aggregation>& target) {
    target = query::ParseAggregation(check_.Word(value, words));
  }

  void Limit(const Json& value, bool smallest, uint32_t& limit, bool& is_smallest) {
    if (limit != 0) check_.Refuse("it is either top or bottom");
    limit = static_cast<uint32_t>(check_.Integer(value, 1, query::kSeriesGroupsMax));
    is_smallest = smallest;
  }

  void Queries(const Json& list) {
    check_.Array(list, query::kSubQueriesMax, [&](const Json& value) { Query(value); });
    if (question_.queries.empty()) check_.Refuse("one is wanted at least");
  }

  void Query(const Json& value) {
    query::MetricSubQuery query;
    query::SeriesRequest& request = query.request;
    request.limit = 0;
    check_.Object(
        value,
        {{"name", true, [&](const Json& text) { query.name = Name(text); }},
         {"metric", true, [&](const Json& text) { request.name = check_.Text(text, kKeyBytesMax, 1); }},
         {"type", false, [&](const Json& word) { request.kind = query::ParseMetricKind(check_.Word(word, kTypes)); }},
         {"filter", false,
          [&](const Json& text) {
            auto filter = ParseMetricFilter(check_.Text(text, traceql::kQueryBytesMax));
            if (!filter) return check_.Refuse("{}", filter.error());
            request.filter = *std::move(filter);
          }},
         {"aggregation", false, [&](const Json& word) { Aggregated(word, kAggregations, request.aggregation); }},
         {"over_time", false, [&](const Json& word) { Aggregated(word, kOverTime, request.over_time); }},
         {"over_series", false, [&](const Json& word) { Aggregated(word, kOverSeries, request.over_series); }},
         {"group_by", false,
          [&](const Json& keys) {
            check_.Array(keys, query::kGroupByMax,
                         [&](const Json& key) { request.group_by.push_back(check_.Text(key, kKeyBytesMax, 1)); });
          }},
         {"top", false, [&](const Json& number) { Limit(number, false, request.limit, request.smallest); }},
         {"bottom", false, [&](const Json& number) { Limit(number, true, request.limit, request.smallest); }},
         {"hidden", false, [&](const Json& truth) { query.hidden = check_.Bool(truth); }}});
    if (request.over_time.has_value() != request.over_series.has_value()) {
      check_.Refuse("over_time and over_series go together");
    }
    if (request.aggregation && request.over_time)
      check_.Refuse("over_time and over_series stand instead of aggregation");
    if (request.limit == 0) request.limit = kSeriesDefault;
    question_.queries.push_back(std::move(query));
  }

  void Formulas(const Json& list) {
    check_.Array(list, query::kSubQueriesMax, [&](const Json& value) { Formula(value); });
  }

  void Formula(const Json& value) {
    query::MetricFormula formula{.limit = 0};
    check_.Object(
        value, {{"name", true, [&](const Json& text) { formula.name = Name(text); }},
                {"expression", true,
                 [&](const Json& text) {
                   auto parsed = query::Formula::Parse(check_.Text(text, query::kFormulaBytesMax, 1));
                   if (!parsed) return check_.Refuse("column {}: {}", parsed.error().column, parsed.error().message);
                   formula.formula = *std::move(parsed);
                 }},
                {"unit", false, [&](const Json& text) { formula.unit = check_.Text(text, 50); }},
                {"top", false, [&](const Json& number) { Limit(number, false, formula.limit, formula.smallest); }},
                {"bottom", false, [&](const Json& number) { Limit(number, true, formula.limit, formula.smallest); }}});
    if (formula.limit == 0) formula.limit = kSeriesDefault;
    question_.formulas.push_back(std::move(formula));
  }

  JsonCheck check_;
  query::MetricsQuestion question_;
  std::set<std::string> names_;
};

void WriteResult(JsonWriter& json, const query::MetricsResult& result) {
  json.Begin('{').Key("name").String(result.name);
  if (result.kind) {
    json.Key("type").String(query::MetricKindName(*result.kind)).Key("unit").String(result.unit);
  }
  json.Key("result_unit").String(result.result_unit).Key("series").Begin('[');
  for (const auto& series : result.series) {
    if (!json.wanted()) return;
    json.Begin('{').Key("labels").Begin('{');
    for (const auto& [key, value] : series.labels) json.Key(key).String(value);
    json.End('}').Key("values").Begin('[');
    for (const double value : series.values) json.Number(value);
    json.End(']').End('}');
  }
  json.End(']').Key("series_total").UInt(result.series_total);
  WriteLimited(json, result.limited);
  json.End('}');
}

}  // namespace

void MetricsQueryApi::AddTo(Router& router) {
  router.Add({"POST", "/api/v1/metrics/query", [this](ApiCall& call) { return Query(call); }});
  router.Add({"GET", "/api/v1/metrics/{name*}/heatmap", [this](ApiCall& call) { return Heatmap(call); }});
  router.Add({"GET", "/api/v1/metrics/{name*}/cardinality", [this](ApiCall& call) { return Cardinality(call); }});
}

Result<void> MetricsQueryApi::Query(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  simdjson::dom::parser parser;
  simdjson::dom::element body;
  if (const auto error = parser.parse(call.request.body).get(body)) {
    return Fail(Code::kInvalidArgument, "body: a JSON object is wanted ({})", simdjson::error_message(error));
  }
  QuestionReader::Times times;
  auto question = QuestionReader().Read(body, times);
  if (!question) return BlameMember(call, question.error());
  Params params(times.request, call.now_unix_nanos);
  const TimeRange range = params.Range(kUntilNow);
  const int64_t step = params.StepSeconds(range);
  if (auto checked = params.Check(); !checked) return call.Blame(params.where(), checked.error());
  for (auto& query : question->queries) {
    query.request.from_unix_nanos = range.from_unix_nanos;
    query.request.to_unix_nanos = range.to_unix_nanos;
    query.request.step_seconds = step;
  }
  std::string at_fault;
  auto answer = query::AskMetrics(reader_, *question, call.cancellation(), &at_fault);
  if (!answer) return call.Blame(at_fault, answer.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(answer->from_unix_nanos);
  json.Key("to_unix_nano").Nanos(answer->to_unix_nanos).Key("step_seconds").Int(answer->step_seconds);
  json.Key("results").Begin('[');
  for (const auto& result : answer->results) {
    if (!json.wanted()) return {};
    WriteResult(json, result);
  }
  json.End(']');
  WriteScanned(json, answer->scanned);
  json.End('}');
  return {};
}

Result<void> MetricsQueryApi::Heatmap(ApiCall& call) {
  Params& params = call.params;
  query::MetricHeatmapRequest request{.name = call.part("name")};
  const TimeRange range = params.Range(kUntilNow);
  request.from_unix_nanos = range.from_unix_nanos;
  request.to_unix_nanos = range.to_unix_nanos;
  request.step_seconds = params.StepSeconds(range);
  request.kind = params.Choice<std::optional<query::MetricKind>>(
      "type", std::nullopt,
      {{"histogram", query::MetricKind::kHistogram},
       {"exponential_histogram", query::MetricKind::kExponentialHistogram}});
  request.filter = ReadMetricFilter(params);
  SIGHTLINE_TRY(params.Check());
  std::string at_fault;
  auto heatmap = query::ReadMetricHeatmap(clickhouse_, database_, request, call.cancellation(), &at_fault);
  if (!heatmap) return call.Blame(heatmap.error().code == Code::kNotFound ? "name" : at_fault, heatmap.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("name").String(request.name).Key("type").String(query::MetricKindName(heatmap->kind));
  json.Key("unit").String(heatmap->unit).Key("from_unix_nano").Nanos(heatmap->from_unix_nanos);
  json.Key("to_unix_nano").Nanos(heatmap->to_unix_nanos).Key("step_seconds").Int(heatmap->step_seconds);
  json.Key("bounds").Begin('[');
  for (const double bound : heatmap->bounds) json.Number(bound);
  json.End(']').Key("cells").Begin('[');
  for (const auto& cell : heatmap->cells) {
    if (!json.wanted()) return {};
    json.Begin('{').Key("step").UInt(cell.step).Key("row").UInt(cell.row).Key("count").Number(cell.count).End('}');
  }
  json.End(']');
  WriteLimited(json, heatmap->limited);
  WriteScanned(json, heatmap->scanned);
  json.End('}');
  return {};
}

Result<void> MetricsQueryApi::Cardinality(ApiCall& call) {
  const TimeRange range = call.params.Range(kUntilNow);
  const auto service = call.params.OptionalText("service");
  const uint32_t values = call.params.Count("values", query::kCardinalityValuesShown, query::kCardinalityValuesMax);
  SIGHTLINE_TRY(call.params.Check());
  const std::string name = call.part("name");
  auto found = query::ReadMetricCardinality(clickhouse_, database_, name, service, range.from_unix_nanos,
                                            call.cancellation(), values);
  if (!found) return call.Blame("name", found.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("name").String(name).Key("series").UInt(found->series).Key("services").Begin('[');
  for (const auto& [service_name, series] : found->services) {
    json.Begin('{').Key("service").String(service_name).Key("series").UInt(series).End('}');
  }
  json.End(']').Key("attributes").Begin('[');
  for (const auto& one : found->attributes) {
    json.Begin('{').Key("key").String(one.key).Key("scope").String(one.of_resource ? "resource" : "point");
    json.Key("values").UInt(one.values).Key("series").UInt(one.series).Key("without").UInt(one.without);
    json.Key("top").Begin('[');
    for (const auto& [value, series] : one.top) {
      json.Begin('{').Key("value").String(value).Key("series").UInt(series).End('}');
    }
    json.End(']').End('}');
  }
  json.End(']');
  WriteLimited(json, found->limited);
  WriteScanned(json, found->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
