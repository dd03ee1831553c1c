#include "serve/fields_api.h"

#include "serve/attribute_json.h"

namespace sightline::serve {
namespace {

query::FieldSearch ReadSearch(Params& params) {
  query::FieldSearch search;
  search.signal = params.Choice("signal", otlp::Signal::kTraces,
                                {{"traces", otlp::Signal::kTraces}, {"logs", otlp::Signal::kLogs}});
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

}  // namespace sightline::serve
