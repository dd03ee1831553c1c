#include "serve/services_api.h"

#include <algorithm>
#include <cmath>

namespace sightline::serve {
namespace {

constexpr int64_t kMinuteSeconds = 60;
// Rates are over what of the range has passed, so that it ends at now.
constexpr Params::RangeRules kUntilNow = {.allow_clock_skew = false};

// 0: the reader chooses, as it knows how far the range is widened.
int64_t ReadStep(Params& params, const TimeRange& range) {
  const bool is_given = !params.Text("step").empty();
  const int64_t step = params.StepSeconds(range, kMinuteSeconds);
  return is_given ? step : 0;
}

std::optional<query::ServiceCursor> ReadServiceCursor(Params& params, const query::ServiceSearch& search) {
  const auto fields = params.Position(1);
  if (fields.empty()) return std::nullopt;
  return query::ServiceCursor{search.from_unix_nanos, search.to_unix_nanos, search.step_seconds, fields[0]};
}

// Position: the ranked ones; the last one's name, kind and "1" for an entry, or three times nothing.
std::optional<query::OperationCursor> ReadOperationCursor(Params& params, const query::OperationSearch& search) {
  const auto fields = params.Position(4);
  if (fields.empty()) return std::nullopt;
  query::OperationCursor cursor{search.from_unix_nanos, search.to_unix_nanos, {}, {}};
  if (!UnpackIds(fields[0], cursor.ranked) || cursor.ranked.size() > query::kOperationsRankedMax) {
    params.Refuse("cursor", NoCursor());
  }
  if (!fields[2].empty()) cursor.last = {fields[1], fields[2], fields[3] == "1"};
  return cursor;
}

std::optional<std::string> NextCursor(const Params& params, const std::optional<query::OperationCursor>& next) {
  if (!next) return std::nullopt;
  if (!next->last) return params.NextCursor({PackIds(next->ranked), "", "", ""});
  return params.NextCursor({PackIds(next->ranked), next->last->name, next->last->kind, next->last->entry ? "1" : "0"});
}

// Quantiles are read from buckets: parts of a nanosecond would only pretend.
void WriteNanos(JsonWriter& json, double nanos) {
  json.Number(std::round(nanos));
}

double SecondsPassed(const TimeRange& range, int64_t now_unix_nanos) {
  const int64_t end = std::min(range.to_unix_nanos, now_unix_nanos);
  return std::max(1.0, static_cast<double>(end - range.from_unix_nanos) / 1e9);
}

void WriteFigures(JsonWriter& json, const query::CallFigures& figures) {
  json.Key("calls").Number(figures.calls).Key("errors").Number(figures.errors);
  json.Key("calls_per_second").Number(figures.calls_per_second);
  WriteNanos(json.Key("p50_nano"), figures.p50_nanos);
  WriteNanos(json.Key("p90_nano"), figures.p90_nanos);
  WriteNanos(json.Key("p95_nano"), figures.p95_nanos);
  WriteNanos(json.Key("p99_nano"), figures.p99_nanos);
  json.Key("max_nano").UInt(figures.max_nanos);
}

void WriteRunning(JsonWriter& json, const query::ServiceFigures& figures, double seconds) {
  json.Key("first_unix_nano").Nanos(figures.first_unix_nanos).Key("last_unix_nano").Nanos(figures.last_unix_nanos);
  json.Key("calls").Number(figures.calls).Key("errors").Number(figures.errors);
  json.Key("calls_per_second").Number(figures.calls / seconds);
  WriteNanos(json.Key("p50_nano"), figures.p50_nanos);
  WriteNanos(json.Key("p90_nano"), figures.p90_nanos);
  WriteNanos(json.Key("p95_nano"), figures.p95_nanos);
  WriteNanos(json.Key("p99_nano"), figures.p99_nanos);
}

void WriteRange(JsonWriter& json, const query::MinuteRange& range) {
  json.Key("from_unix_nano").Nanos(range.from_unix_nanos).Key("to_unix_nano").Nanos(range.to_unix_nanos);
}

void WriteQuantiles(JsonWriter& json, std::string_view key, const std::vector<double>& nanos) {
  json.Key(key).Begin('[');
  for (const double value : nanos) WriteNanos(json, value);
  json.End(']');
}

void WriteService(JsonWriter& json, const query::ServiceSummary& service) {
  json.Begin('{').Key("service").String(service.service);
  WriteFigures(json, service.figures);
  json.Key("apdex").Number(service.apdex).Key("apdex_threshold_nano").Int(service.apdex_threshold_nanos);
  json.Key("last_seen_unix_nano").Nanos(service.last_seen_unix_nanos).Key("series").Begin('{');
  json.Key("calls").Begin('[');
  for (const double calls : service.calls) json.Number(calls);
  json.End(']').Key("errors").Begin('[');
  for (const double errors : service.errors) json.Number(errors);
  json.End(']');
  WriteQuantiles(json, "p50_nano", service.p50_nanos);
  WriteQuantiles(json, "p90_nano", service.p90_nanos);
  WriteQuantiles(json, "p95_nano", service.p95_nanos);
  WriteQuantiles(json, "p99_nano", service.p99_nanos);
  json.End('}').End('}');
}

}  // namespace

// Services are named by users: with "/" in the name, or not at all.
void ServicesApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/services", [this](ApiCall& call) { return List(call); }});
  router.Add({"GET", "/api/v1/services/{service*}/operations", [this](ApiCall& call) { return ListOperations(call); }});
  router.Add(
      {"GET", "/api/v1/services/{service*}/database-calls", [this](ApiCall& call) { return ListDatabaseCalls(call); }});
  router.Add(
      {"GET", "/api/v1/services/{service*}/deployments", [this](ApiCall& call) { return ListDeployments(call); }});
}

Result<void> ServicesApi::List(ApiCall& call) {
  query::ServiceSearch search;
  search.service = call.params.OptionalText("service");
  const TimeRange range = call.params.Range(kUntilNow);
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  search.step_seconds = ReadStep(call.params, range);
  search.now_unix_nanos = call.now_unix_nanos;
  search.limit = call.params.Limit();
  search.cursor = ReadServiceCursor(call.params, search);
  SIGHTLINE_TRY(call.params.Check());
  auto page = reader_.List(search, call.cancellation());
  // Range and limit were checked above: what the reader refuses is too many steps, for the range or for the page.
  if (!page) return call.Blame("step", page.error());
  JsonWriter& json = call.json;
  WriteRange(json.Begin('{'), page->range);
  json.Key("step_seconds").Int(page->range.step_seconds).Key("services").Begin('[');
  for (const auto& service : page->services) {
    if (!json.wanted()) return {};
    WriteService(json, service);
  }
  json.End(']');
  WriteNextCursor(json, page->next ? std::optional(call.params.NextCursor({page->next->service})) : std::nullopt);
  WriteScanned(json, page->scanned);
  json.End('}');
  return {};
}

Result<void> ServicesApi::ListOperations(ApiCall& call) {
  query::OperationSearch search;
  search.service = call.part("service");
  const TimeRange range = call.params.Range(kUntilNow);
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  search.now_unix_nanos = call.now_unix_nanos;
  search.limit = call.params.Limit();
  search.cursor = ReadOperationCursor(call.params, search);
  SIGHTLINE_TRY(call.params.Check());
  auto page = reader_.ListOperations(search, call.cancellation());
  if (!page) return std::unexpected(page.error());
  JsonWriter& json = call.json;
  WriteRange(json.Begin('{'), page->range);
  json.Key("operations").Begin('[');
  for (const auto& operation : page->operations) {
    json.Begin('{').Key("name").String(operation.name).Key("kind").String(operation.kind);
    json.Key("entry").Bool(operation.entry);
    WriteFigures(json, operation.figures);
    json.End('}');
  }
  json.End(']');
  WriteNextCursor(json, NextCursor(call.params, page->next));
  WriteScanned(json, page->scanned);
  json.End('}');
  return {};
}

Result<void> ServicesApi::ListDatabaseCalls(ApiCall& call) {
  query::DatabaseCallSearch search;
  search.service = call.part("service");
  const TimeRange range = call.params.Range(kUntilNow);
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  search.limit = call.params.Limit();
  SIGHTLINE_TRY(call.params.Check());
  auto answer = database_calls_.Read(search, call.cancellation());
  if (!answer) return std::unexpected(answer.error());
  const double seconds = SecondsPassed(range, call.now_unix_nanos);
  JsonWriter& json = call.json;
  json.Begin('{').Key("calls").Begin('[');
  for (const auto& one : answer->calls) {
    json.Begin('{').Key("system").String(one.system).Key("database").String(one.database);
    json.Key("statement").String(one.statement).Key("calls").Number(one.calls).Key("errors").Number(one.errors);
    json.Key("calls_per_second").Number(one.calls / seconds);
    WriteNanos(json.Key("p50_nano"), one.p50_nanos);
    WriteNanos(json.Key("p90_nano"), one.p90_nanos);
    WriteNanos(json.Key("p95_nano"), one.p95_nanos);
    WriteNanos(json.Key("p99_nano"), one.p99_nanos);
    json.Key("max_nano").UInt(one.max_nanos);
    WriteNanos(json.Key("total_nano"), one.total_nanos);
    json.End('}');
  }
  json.End(']').Key("shape_count").UInt(answer->calls_in_all).Key("estimated").Bool(answer->is_estimate);
  WriteScanned(json, answer->scanned);
  json.End('}');
  return {};
}

Result<void> ServicesApi::ListDeployments(ApiCall& call) {
  query::DeploymentSearch search;
  search.service = call.part("service");
  const TimeRange range = call.params.Range(kUntilNow);
  search.from_unix_nanos = range.from_unix_nanos;
  search.to_unix_nanos = range.to_unix_nanos;
  SIGHTLINE_TRY(call.params.Check());
  auto answer = deployments_.Read(search, call.cancellation());
  if (!answer) return std::unexpected(answer.error());
  const double seconds = SecondsPassed(range, call.now_unix_nanos);
  JsonWriter& json = call.json;
  json.Begin('{').Key("versions").Begin('[');
  for (const auto& one : answer->versions) {
    json.Begin('{').Key("version").String(one.version).Key("instances").UInt(one.instances);
    WriteRunning(json, one, seconds);
    json.End('}');
  }
  json.End(']').Key("instances").Begin('[');
  for (const auto& one : answer->instances) {
    json.Begin('{').Key("instance").String(one.instance).Key("version").String(one.version);
    WriteRunning(json, one, seconds);
    json.End('}');
  }
  json.End(']').Key("deployments").Begin('[');
  for (const auto& one : answer->deployments) {
    json.Begin('{').Key("unix_nano").Nanos(one.unix_nanos).Key("version").String(one.version);
    json.Key("previous").String(one.previous).End('}');
  }
  json.End(']').Key("estimated").Bool(answer->is_estimate);
  WriteScanned(json, answer->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
