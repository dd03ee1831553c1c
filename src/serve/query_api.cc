#include "serve/query_api.h"

namespace sightline::serve {

void QueryApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/query/series", [this](ApiCall& call) { return GetSeries(call); }});
}

Result<void> QueryApi::GetSeries(ApiCall& call) {
  query::SpanSeriesSearch search;
  const std::string text = call.params.Text("q");
  const TimeRange range = call.params.Range({.allow_clock_skew = false});
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  search.step_seconds = call.params.StepSeconds(range);
  search.limit = call.params.Limit(kPageItemsDefault, query::kSpanSeriesMax);
  SIGHTLINE_TRY(call.params.Check());
  auto parsed = query::SpanSeriesQuery::Parse(text);
  if (!parsed) return call.Blame("q", parsed.error());
  search.query = *std::move(parsed);
  auto answer = reader_.Read(search, call.cancellation());
  if (!answer) return call.Blame("q", answer.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(answer->from_unix_nanos);
  json.Key("to_unix_nano").Nanos(answer->to_unix_nanos);
  json.Key("step_seconds").Int(answer->step_seconds).Key("series").Begin('[');
  for (const auto& series : answer->series) {
    if (!json.wanted()) return {};
    json.Begin('{').Key("labels").Begin('[');
    for (const auto& [field, literal] : series.labels) {
      json.Begin('{').Key("field").String(field).Key("literal").String(literal).End('}');
    }
    json.End(']').Key("values").Begin('[');
    for (const double value : series.values) json.Number(value);
    json.End(']').End('}');
  }
  json.End(']').Key("is_cut").Bool(answer->is_cut);
  WriteScanned(json, answer->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
