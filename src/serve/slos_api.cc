#include "serve/slos_api.h"

#include <cmath>
#include <optional>
#include <utility>

#include "query/request_counts.h"
#include "serve/body_member.h"
#include "serve/document_body.h"
#include "slo/budget.h"

namespace sightline::serve {
namespace {

constexpr uint32_t kEventsDefault = 200;

// Its members, into an object that has begun.
void WriteMembers(JsonWriter& json, const slo::Slo& slo) {
  json.Key("id").String(slo.id).Key("origin").String(slo.of_file ? "file" : "own").Key("version").Int(slo.version);
  if (slo.created_unix_nanos > 0) json.Key("created_unix_nano").Nanos(slo.created_unix_nanos);
  if (slo.updated_unix_nanos > 0) json.Key("updated_unix_nano").Nanos(slo.updated_unix_nanos);
  json.Key("document").Raw(slo.document.json);
}

void WriteSeconds(JsonWriter& json, std::string_view key, std::optional<int64_t> seconds) {
  json.Key(key);
  seconds ? json.Int(*seconds) : json.Null();
}

void WriteNanosOrNull(JsonWriter& json, std::string_view key, std::optional<int64_t> nanos) {
  json.Key(key);
  nanos ? json.Nanos(*nanos) : json.Null();
}

void WriteNumberOrNull(JsonWriter& json, std::string_view key, std::optional<double> number) {
  json.Key(key);
  number ? json.Number(*number) : json.Null();
}

void WriteBurn(JsonWriter& json, const slo::BurnOfWindow& one) {
  json.Begin('{').Key("window").String(one.window.name).Key("window_seconds").Int(one.window.seconds);
  WriteNumberOrNull(json, "rate", one.burn.measured ? std::optional(one.burn.rate) : std::nullopt);
  json.Key("events").Number(one.burn.events).Key("measured").Bool(one.burn.measured);
  json.Key("reason").String(one.burn.reason);
  WriteSeconds(json, "exhausted_in_seconds", one.exhausted_in_seconds);
  json.End('}');
}

void WriteStatus(JsonWriter& json, const slo::Slo& slo, const slo::SloStatus& status) {
  const int64_t now_end = (status.now_minute + 1) * slo::kMinuteNanos;
  json.Begin('{').Key("measured").Bool(status.measured);
  json.Key("not_measured_because").String(status.not_measured_because);
  json.Key("window").Begin('{').Key("from_unix_nano").Nanos(status.period.begin * slo::kMinuteNanos);
  json.Key("to_unix_nano").Nanos(now_end);
  json.Key("ends_unix_nano").Nanos(status.period.end * slo::kMinuteNanos).End('}');
  WriteNanosOrNull(json, "valid_from_unix_nano", status.valid_from_unix_nanos);
  WriteNanosOrNull(json, "computed_to_unix_nano", status.counted_to_unix_nanos);
  json.Key("objective").Number(slo.document.objective).Key("minimum_events").Number(slo.document.minimum_events);
  json.Key("good").Number(status.counted.good).Key("total").Number(status.counted.total);
  WriteNumberOrNull(json, "sli", status.sli);
  json.Key("budget").Begin('{').Key("allowed").Number(status.allowed_bad);
  json.Key("spent").Number(status.counted.bad());
  WriteNumberOrNull(json, "remaining", status.budget_remaining);
  WriteSeconds(json, "exhausted_in_seconds", status.exhausted_in_seconds);
  json.End('}').Key("burn_rates").Begin('[');
  for (const auto& one : status.burn_rates) WriteBurn(json, one);
  json.End(']');
  const auto* requests = std::get_if<slo::RequestsSli>(&slo.document.sli);
  if (requests != nullptr && requests->latency_under_nanos > 0) {
    const auto [from, to] = query::LatencyBucket(requests->latency_under_nanos);
    json.Key("latency_bucket").Begin('{').Key("from_nano").Number(from).Key("to_nano").Number(to).End('}');
  }
  json.End('}');
}

void WriteHistory(JsonWriter& json, const slo::SloHistory& history, double objective) {
  const auto list = [&](std::string_view key, const auto& value_of) {
    json.Key(key).Begin('[');
    for (const slo::Tally& step : history.counted) json.Number(value_of(step));
    json.End(']');
  };
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  json.Key("from_unix_nano").Nanos(history.from_unix_nanos).Key("to_unix_nano").Nanos(history.to_unix_nanos);
  json.Key("step_seconds").Int(history.step_seconds);
  list("good", [](const slo::Tally& step) { return step.good; });
  list("total", [](const slo::Tally& step) { return step.total; });
  list("sli", [](const slo::Tally& step) { return step.total > 0 ? step.good / step.total : kNone; });
  list("burn_rate", [&](const slo::Tally& step) { return step.total > 0 ? slo::BurnRateOf(step, objective) : kNone; });
  json.Key("budget_remaining").Begin('[');
  for (const double remaining : history.budget_remaining) json.Number(remaining);
  json.End(']');
}

void WriteConsumers(JsonWriter& json, std::string_view key, std::string_view name,
                    const std::vector<slo::Consumer>& consumers, double bad) {
  json.Key(key).Begin('[');
  for (const auto& one : consumers) {
    json.Begin('{').Key(name).String(one.name).Key("bad").Number(one.bad).Key("total").Number(one.total);
    json.Key("share").Number(bad > 0 ? one.bad / bad : 0).End('}');
  }
  json.End(']');
}

}  // namespace

void SlosApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/slos", [this](ApiCall& call) { return List(call); }});
  router.Add({"POST", "/api/v1/slos", [this](ApiCall& call) { return Create(call); }});
  router.Add({"GET", "/api/v1/slos/{id}", [this](ApiCall& call) { return Get(call); }});
  router.Add({"PUT", "/api/v1/slos/{id}", [this](ApiCall& call) { return Update(call); }});
  router.Add({"DELETE", "/api/v1/slos/{id}", [this](ApiCall& call) { return Delete(call); }});
  router.Add({"GET", "/api/v1/slos/{id}/status", [this](ApiCall& call) { return GetStatus(call); }});
  router.Add({"GET", "/api/v1/slos/{id}/history", [this](ApiCall& call) { return GetHistory(call); }});
  router.Add({"GET", "/api/v1/slos/{id}/events", [this](ApiCall& call) { return ListEvents(call); }});
  router.Add({"GET", "/api/v1/slos/{id}/consumers", [this](ApiCall& call) { return GetConsumers(call); }});
  router.Add({"POST", "/api/v1/slos/preview", [this](ApiCall& call) { return Preview(call); }});
}

Result<void> SlosApi::List(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto list = slos_.slos().List();
  if (!list) return std::unexpected(list.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("slos").Begin('[');
  for (const slo::Slo& slo : list->slos) {
    const auto status = slos_.reader().Status(slo, call.now_unix_nanos);
    if (!status) return std::unexpected(status.error());
    json.Begin('{');
    WriteMembers(json, slo);
    json.Key("status");
    WriteStatus(json, slo, *status);
    json.End('}');
  }
  json.End(']').Key("broken").Begin('[');
  for (const auto& broken : list->broken) {
    json.Begin('{').Key("file").String(broken.file).Key("error").String(broken.error).End('}');
  }
  json.End(']').End('}');
  return {};
}

Result<void> SlosApi::Get(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto slo = slos_.slos().Get(call.part("id"));
  if (!slo) return call.Blame("id", slo.error());
  call.json.Begin('{');
  WriteMembers(call.json, *slo);
  call.json.End('}');
  return {};
}

Result<void> SlosApi::Create(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto body = ReadDocumentBody(call.request, {"document"});
  if (!body) return BlameMember(call, body.error());
  const auto made = slos_.slos().Create(body->document);
  if (!made) return BlameMember(call, made.error());
  slos_.recorder().Wake();
  JsonWriter json;
  json.Begin('{');
  WriteMembers(json, *made);
  json.End('}');
  SendCreated(call, json, "/api/v1/slos/" + made->id);
  return {};
}

Result<void> SlosApi::Update(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto body = ReadDocumentBody(call.request, {"document", "version"});
  if (!body) return BlameMember(call, body.error());
  const auto changed = slos_.slos().Update(call.part("id"), body->version, body->document);
  if (!changed) return BlameMember(call, changed.error());
  slos_.recorder().Wake();
  call.json.Begin('{');
  WriteMembers(call.json, *changed);
  call.json.End('}');
  return {};
}

Result<void> SlosApi::Delete(ApiCall& call) {
  const auto version = VersionParam(call);
  if (!version) return std::unexpected(version.error());
  const auto done = slos_.slos().Delete(call.part("id"), *version);
  if (!done) return call.Blame("id", done.error());
  SendNothing(call);
  return {};
}

Result<void> SlosApi::GetStatus(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto slo = slos_.slos().Get(call.part("id"));
  if (!slo) return call.Blame("id", slo.error());
  const auto status = slos_.reader().Status(*slo, call.now_unix_nanos);
  if (!status) return std::unexpected(status.error());
  WriteStatus(call.json, *slo, *status);
  return {};
}

Result<void> SlosApi::GetHistory(ApiCall& call) {
  const TimeRange range = call.params.Range({.allow_clock_skew = false});
  const int64_t step_seconds = call.params.StepSeconds(range, slo::kMinuteSeconds);
  SIGHTLINE_TRY(call.params.Check());
  const auto slo = slos_.slos().Get(call.part("id"));
  if (!slo) return call.Blame("id", slo.error());
  const auto history = slos_.reader().History(*slo, range.from_unix_nanos, range.to_unix_nanos, step_seconds);
  if (!history) return call.Blame("step", history.error());
  call.json.Begin('{');
  WriteHistory(call.json, *history, slo->document.objective);
  call.json.End('}');
  return {};
}

Result<void> SlosApi::ListEvents(ApiCall& call) {
  const uint32_t limit = call.params.Limit(kEventsDefault, slo::kSloEventsMax);
  SIGHTLINE_TRY(call.params.Check());
  const auto slo = slos_.slos().Get(call.part("id"));
  if (!slo) return call.Blame("id", slo.error());
  const auto events = slos_.rollups().Events(slo->id, limit);
  if (!events) return std::unexpected(events.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("events").Begin('[');
  for (const auto& event : *events) {
    json.Begin('{').Key("id").Int(event.id).Key("time_unix_nano").Nanos(event.at_unix_nanos);
    json.Key("kind").String(event.kind).Key("text").String(event.text).End('}');
  }
  json.End(']').End('}');
  return {};
}

Result<void> SlosApi::GetConsumers(ApiCall& call) {
  const TimeRange range = call.params.Range({.allow_clock_skew = false});
  SIGHTLINE_TRY(call.params.Check());
  const auto slo = slos_.slos().Get(call.part("id"));
  if (!slo) return call.Blame("id", slo.error());
  const auto consumers = slos_.consumers().Read(slo->document, range.from_unix_nanos, range.to_unix_nanos,
                                                call.now_unix_nanos, call.cancellation());
  if (!consumers) return std::unexpected(consumers.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(range.from_unix_nanos);
  json.Key("to_unix_nano").Nanos(range.to_unix_nanos);
  json.Key("not_available_because").String(consumers->not_available_because);
  json.Key("bad").Number(consumers->all.bad).Key("total").Number(consumers->all.total);
  WriteConsumers(json, "operations", "name", consumers->operations, consumers->all.bad);
  WriteConsumers(json, "versions", "version", consumers->versions, consumers->all.bad);
  json.Key("differences").Begin('[');
  for (const auto& one : consumers->differences) {
    json.Begin('{').Key("field").String(one.field).Key("value").String(one.value.literal);
    json.Key("selection").Number(one.value.selection).Key("baseline").Number(one.value.baseline);
    json.Key("condition").String(one.value.condition).End('}');
  }
  json.End(']').End('}');
  return {};
}

// What is asked for, else the window of the document up to now.
TimeRange SlosApi::PreviewRange(ApiCall& call, const slo::SloDocument& document) {
  for (const auto& [name, value] : call.request.query) {
    if (name == "last" || name == "from" || name == "to") return call.params.Range({.allow_clock_skew = false});
  }
  const auto period = slo::PeriodAt(document.window, slo::MinuteOf(call.now_unix_nanos));
  const int64_t begin = period ? period->begin : 0;
  return {begin * slo::kMinuteNanos, call.now_unix_nanos};
}

Result<void> SlosApi::Preview(ApiCall& call) {
  const auto body = ReadDocumentBody(call.request, {"document"});
  if (!body) return BlameMember(call, body.error());
  const auto document = slo::ReadSloDocument(body->document);
  if (!document) return BlameMember(call, document.error());
  const TimeRange range = PreviewRange(call, *document);
  const int64_t step_seconds = call.params.StepSeconds(range, slo::kMinuteSeconds);
  SIGHTLINE_TRY(call.params.Check());
  const auto components = slos_.slos().CheckComponents("", *document);
  if (!components) return BlameMember(call, components.error());
  const auto history = slos_.reader().Preview(*document, slos_.counter(), range.from_unix_nanos, range.to_unix_nanos,
                                              step_seconds, call.now_unix_nanos, call.cancellation());
  if (!history) return BlameMember(call, history.error());
  slo::Tally all;
  for (const slo::Tally& step : history->counted) all += step;
  JsonWriter& json = call.json;
  json.Begin('{').Key("objective").Number(document->objective).Key("minimum_events").Number(document->minimum_events);
  json.Key("good").Number(all.good).Key("total").Number(all.total);
  WriteNumberOrNull(json, "sli", all.total > 0 ? std::optional(all.good / all.total) : std::nullopt);
  json.Key("budget_remaining").Number(history->budget_remaining.back());
  json.Key("history").Begin('{');
  WriteHistory(json, *history, document->objective);
  json.End('}').End('}');
  return {};
}

}  // namespace sightline::serve
