#include "serve/exceptions_api.h"

namespace sightline::serve {
namespace {

void WriteTexts(JsonWriter& json, std::string_view key, const std::vector<std::string>& texts) {
  json.Key(key).Begin('[');
  for (const std::string& text : texts) json.String(text);
  json.End(']');
}

void WriteGroup(JsonWriter& json, const query::ExceptionGroup& group) {
  json.Begin('{').Key("id").String(group.id).Key("service").String(group.service).Key("type").String(group.type);
  WriteTexts(json, "frames", group.frames);
  json.Key("message").String(group.message).Key("stacktrace").String(group.stack_trace);
  json.Key("count").Number(group.count).Key("estimated").Bool(group.is_estimate);
  json.Key("first_unix_nano").Nanos(group.first_unix_nanos).Key("last_unix_nano").Nanos(group.last_unix_nanos);
  json.Key("new");
  if (group.is_new) {
    json.Bool(*group.is_new);
  } else {
    json.Null();
  }
  WriteTexts(json, "versions", group.versions);
  json.Key("trend").Begin('[');
  for (const double count : group.trend) json.Number(count);
  json.End(']');
  WriteTexts(json, "trace_ids", group.trace_ids);
  json.End('}');
}

}  // namespace

void ExceptionsApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/exceptions", [this](ApiCall& call) { return List(call); }});
}

Result<void> ExceptionsApi::List(ApiCall& call) {
  query::ExceptionSearch search;
  search.service = call.params.OptionalText("service");
  const TimeRange range = call.params.Range({.allow_clock_skew = false});
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  search.limit = call.params.Limit(50, query::kExceptionsMax);
  SIGHTLINE_TRY(call.params.Check());
  auto list = reader_.Read(search, call.cancellation());
  if (!list) return std::unexpected(list.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(range.from_unix_nanos);
  json.Key("to_unix_nano").Nanos(range.to_unix_nanos);
  json.Key("looked_from_unix_nano").Nanos(list->looked_from_unix_nanos);
  json.Key("exceptions").Begin('[');
  for (const auto& group : list->groups) {
    if (!json.wanted()) return {};
    WriteGroup(json, group);
  }
  json.End(']').Key("exception_count").UInt(list->groups_in_all);
  WriteScanned(json, list->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
