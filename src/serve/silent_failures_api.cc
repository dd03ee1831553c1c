#include "serve/silent_failures_api.h"

namespace sightline::serve {
namespace {

query::SilentSearch ReadSearch(ApiCall& call) {
  query::SilentSearch search;
  search.service = call.params.OptionalText("service");
  const TimeRange range = call.params.Range({.allow_clock_skew = false});
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  search.now_unix_nanos = call.now_unix_nanos;
  return search;
}

JsonWriter& NumberOrNull(JsonWriter& json, std::optional<double> value) {
  return value ? json.Number(*value) : json.Null();
}

void WriteHead(JsonWriter& json, const query::MinuteRange& range, const query::Examined& examined) {
  json.Begin('{').Key("from_unix_nano").Nanos(range.from_unix_nanos).Key("to_unix_nano").Nanos(range.to_unix_nanos);
  json.Key("examined").Begin('{').Key("from_unix_nano").Nanos(examined.from_unix_nanos);
  json.Key("traces").UInt(examined.traces).Key("spans").UInt(examined.spans);
  json.Key("is_complete").Bool(examined.is_complete).End('}');
}

void WriteSamples(JsonWriter& json, const std::vector<query::SilentSample>& samples) {
  json.Key("samples").Begin('[');
  for (const auto& sample : samples) {
    json.Begin('{').Key("trace_id").String(sample.trace_id).Key("span_id").String(sample.span_id);
    json.Key("start_unix_nano").Nanos(sample.unix_nanos).Key("message").String(sample.message).End('}');
  }
  json.End(']');
}

void WriteGroup(JsonWriter& json, const query::SilentGroup& group) {
  json.Begin('{').Key("service").String(group.service).Key("name").String(group.name).Key("kind").String(group.kind);
  json.Key("message").String(group.shape).Key("target").String(group.target);
  json.Key("requests").Number(group.requests);
  NumberOrNull(json.Key("requests_in_all"), group.requests_in_all);
  json.Key("retried_requests").Number(group.retried_requests);
  json.Key("requests_per_second").Number(group.requests_per_second).Key("series").Begin('[');
  for (const double requests : group.series) json.Number(requests);
  json.End(']').Key("first_seen_unix_nano");
  if (group.first_seen_unix_nanos)
    json.Nanos(*group.first_seen_unix_nanos);
  else
    json.Null();
  json.Key("last_seen_unix_nano").Nanos(group.last_seen_unix_nanos).Key("versions").Begin('[');
  for (const auto& version : group.versions) json.String(version);
  json.End(']').Key("entries").Begin('[');
  for (const auto& entry : group.entries) {
    json.Begin('{').Key("service").String(entry.service).Key("name").String(entry.name).Key("kind").String(entry.kind);
    NumberOrNull(json.Key("requests").Number(entry.requests).Key("requests_in_all"), entry.requests_in_all).End('}');
  }
  json.End(']').Key("entries_in_all").UInt(group.entries_in_all);
  WriteSamples(json, group.samples);
  json.End('}');
}

}  // namespace

void SilentFailuresApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/silent-failures", [this](ApiCall& call) { return List(call); }});
  router.Add({"GET", "/api/v1/silent-failures/services", [this](ApiCall& call) { return CountByService(call); }});
}

Result<void> SilentFailuresApi::List(ApiCall& call) {
  query::SilentSearch search = ReadSearch(call);
  search.limit = call.params.Limit(kPageItemsDefault, query::kSilentGroupsMax);
  search.wants_first_seen = call.params.Choice<bool>("first_seen", true, {{"true", true}, {"false", false}});
  SIGHTLINE_TRY(call.params.Check());
  auto failures = reader_.Read(search, call.cancellation());
  if (!failures) return std::unexpected(failures.error());
  JsonWriter& json = call.json;
  WriteHead(json, failures->range, failures->examined);
  json.Key("step_seconds").Int(failures->range.step_seconds).Key("first_seen_since_unix_nano");
  json.NanosOrNull(failures->first_seen_since_unix_nanos).Key("requests").Number(failures->requests);
  json.Key("failures_in_all").UInt(failures->groups_in_all).Key("failures").Begin('[');
  for (const auto& group : failures->groups) {
    if (!json.wanted()) return {};
    WriteGroup(json, group);
  }
  json.End(']');
  WriteScanned(json, failures->scanned);
  json.End('}');
  return {};
}

Result<void> SilentFailuresApi::CountByService(ApiCall& call) {
  const query::SilentSearch search = ReadSearch(call);
  SIGHTLINE_TRY(call.params.Check());
  auto counts = reader_.CountByService(search, call.cancellation());
  if (!counts) return std::unexpected(counts.error());
  JsonWriter& json = call.json;
  WriteHead(json, counts->range, counts->examined);
  json.Key("services").Begin('[');
  for (const auto& service : counts->services) {
    json.Begin('{').Key("service").String(service.service).Key("requests").Number(service.requests);
    json.Key("requests_in_all").Number(service.requests_in_all).End('}');
  }
  json.End(']');
  WriteScanned(json, counts->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
