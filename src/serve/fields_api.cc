#include "serve/fields_api.h"

#include "serve/attribute_json.h"

namespace sightline::serve {
namespace {

constexpr uint32_t kFacetValuesDefault = 10;

otlp::Signal ReadSignal(Params& params) {
  return params.Choice("signal", otlp::Signal::kTraces,
                       {{"traces", otlp::Signal::kTraces}, {"logs", otlp::Signal::kLogs}});
}

query::FieldSearch ReadSearch(Params& params) {
  query::FieldSearch search;
  search.signal = ReadSignal(params);
  const TimeRange range = params.Range();
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  search.text = params.Text("text");
  search.limit = params.Limit(kPageItemsDefault, query::kFieldsMax);
  return search;
}

}  // namespace

void FieldsApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/fields", [this](ApiCall& call) { return Names(call); }});
  router.Add({"GET", "/api/v1/fields/values", [this](ApiCall& call) { return Values(call); }});
  router.Add({"GET", "/api/v1/facets", [this](ApiCall& call) { return Facets(call); }});
}

Result<void> FieldsApi::Names(ApiCall& call) {
  const query::FieldSearch search = ReadSearch(call.params);
  SIGHTLINE_TRY(call.params.Check());
  auto names = reader_.Names(search, call.cancellation());
  if (!names) return std::unexpected(names.error());
  call.json.Begin('{').Key("fields").Begin('[');
  for (const auto& name : names->names) {
    call.json.Begin('{').Key("field").String(name.field).Key("items").UInt(name.items).End('}');
  }
  call.json.End(']');
  WriteScanned(call.json, names->scanned);
  call.json.End('}');
  return {};
}

Result<void> FieldsApi::Values(ApiCall& call) {
  const query::FieldSearch search = ReadSearch(call.params);
  const std::string field = call.params.Text("field");
  SIGHTLINE_TRY(call.params.Check());
  auto values = reader_.Values(field, search, call.cancellation());
  if (!values) return call.Blame("field", values.error());
  call.json.Begin('{').Key("values").Begin('[');
  for (const auto& value : values->values) {
    call.json.Begin('{').Key("literal").String(value.literal).Key("items").UInt(value.items).End('}');
  }
  call.json.End(']');
  WriteScanned(call.json, values->scanned);
  call.json.End('}');
  return {};
}

Result<void> FieldsApi::Facets(ApiCall& call) {
  query::FacetSearch search;
  const otlp::Signal signal = ReadSignal(call.params);
  const TimeRange range = call.params.Range();
  const std::string text = call.params.Text("q");
  search.fields = call.params.Fields("fields", query::kFacetFieldsMax);
  search.values_max = call.params.Limit(kFacetValuesDefault, query::kFacetValuesMax);
  SIGHTLINE_TRY(call.params.Check());
  auto parsed = query::ParseItemQuery(signal, text, range.from_unix_nanos, range.to_unix_nanos);
  if (!parsed) return call.Blame("q", parsed.error());
  search.query = *std::move(parsed);
  auto answer = facets_.Read(search, call.cancellation());
  if (!answer) return call.Blame("fields", answer.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("items").Number(answer->items).Key("one_in").Number(answer->one_in).Key("facets").Begin('[');
  for (const auto& facet : answer->facets) {
    json.Begin('{').Key("field").String(facet.field).Key("items").Number(facet.items);
    json.Key("one_in").Number(facet.one_in).Key("is_cut").Bool(facet.is_cut).Key("values").Begin('[');
    for (const auto& value : facet.values) {
      json.Begin('{').Key("literal").String(value.literal).Key("items").Number(value.items).End('}');
    }
    json.End(']').End('}');
  }
  json.End(']');
  WriteScanned(json, answer->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
