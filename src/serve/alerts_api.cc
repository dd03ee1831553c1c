#include "serve/alerts_api.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "alert/backtest.h"
#include "serve/api_error.h"
#include "serve/body_member.h"
#include "serve/document_body.h"

namespace sightline::serve {
namespace {

constexpr std::string_view kFilePrefix = "file-";

std::unexpected<Error> NoRule(std::string_view id) {
  return Fail(Code::kNotFound, "there is no rule {:?}", id);
}

// Of people's own rules, which alone can be changed.
Result<int64_t> OwnId(const std::string& id) {
  if (const auto number = WholeNumber(id)) return *number;
  if (id.starts_with(kFilePrefix)) {
    return Fail(Code::kAlreadyExists, "{:?} comes from a file\nchange the file, or save a copy", id);
  }
  return NoRule(id);
}

void WriteLabels(JsonWriter& json, const alert::Labels& labels) {
  json.Begin('{');
  for (const auto& [key, value] : labels) json.Key(key).String(value);
  json.End('}');
}

void WriteSpans(JsonWriter& json, std::string_view key, const std::vector<alert::BacktestSpan>& spans) {
  json.Key(key).Begin('[');
  for (const auto& span : spans) {
    json.Begin('{').Key("from_unix_nano").Nanos(span.from_unix_nanos).Key("to_unix_nano").Nanos(span.to_unix_nanos);
    json.Key("severity").String(alert::LevelName(span.level)).End('}');
  }
  json.End(']');
}

void WriteBacktestSeries(JsonWriter& json, const alert::BacktestSeries& series) {
  json.Begin('{').Key("labels");
  WriteLabels(json, series.labels);
  json.Key("values").Begin('[');
  for (const double value : series.values) json.Number(value);
  json.End(']');
  if (!series.band.empty()) {
    json.Key("band").Begin('{').Key("lower").Begin('[');
    for (const auto& bounds : series.band) json.Number(bounds.low);
    json.End(']').Key("upper").Begin('[');
    for (const auto& bounds : series.band) json.Number(bounds.high);
    json.End(']').End('}');
  }
  WriteSpans(json, "firing", series.firing);
  WriteSpans(json, "pending", series.pending);
  WriteSpans(json, "no_data", series.no_data);
  json.End('}');
}

std::string_view ConditionName(alert::ConditionKind kind) {
  constexpr std::string_view kNames[] = {"threshold", "absent", "change", "anomaly", "burn_rate"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace

void AlertsApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/alerts", [this](ApiCall& call) { return ListAlerts(call); }});
  router.Add({"GET", "/api/v1/alerts/history", [this](ApiCall& call) { return History(call); }});
  router.Add({"POST", "/api/v1/alerts/backtest", [this](ApiCall& call) { return RunBacktest(call); }});
  router.Add({"GET", "/api/v1/alerts/rules", [this](ApiCall& call) { return ListRules(call); }});
  router.Add({"POST", "/api/v1/alerts/rules", [this](ApiCall& call) { return CreateRule(call); }});
  router.Add({"GET", "/api/v1/alerts/rules/{id}", [this](ApiCall& call) { return GetRule(call); }});
  router.Add({"PUT", "/api/v1/alerts/rules/{id}", [this](ApiCall& call) { return UpdateRule(call); }});
  router.Add({"DELETE", "/api/v1/alerts/rules/{id}", [this](ApiCall& call) { return DeleteRule(call); }});
}

// Checked as far as the engine is needed for it too.
Result<alert::RuleDocument> AlertsApi::Read(const std::string& json) {
  auto document = alert::ReadRule(json);
  if (!document) return document;
  SIGHTLINE_TRY(parts_.queries.Check(*document));
  return document;
}

Result<alert::Rule> AlertsApi::Find(const std::string& id) {
  if (const auto number = WholeNumber(id)) return parts_.rules.Get(*number);
  if (!id.starts_with(kFilePrefix)) return NoRule(id);
  auto files = parts_.files.List();
  if (!files) return std::unexpected(files.error());
  const auto found = std::ranges::find(files->rules, id, &alert::Rule::id);
  if (found == files->rules.end()) return NoRule(id);
  return std::move(*found);
}

void AlertsApi::WriteStatus(JsonWriter& json, const alert::Rule& rule) const {
  const auto status = parts_.evaluator.StatusOf(rule.id).value_or(alert::RuleStatus{.worst = "inactive"});
  json.Key("status").Begin('{').Key("state").String(rule.document.enabled ? status.worst : "disabled");
  json.Key("evaluated_unix_nano").NanosOrNull(status.evaluated_unix_nanos);
  json.Key("next_unix_nano").NanosOrNull(status.next_unix_nanos).Key("seconds").Number(status.seconds);
  json.Key("error").String(status.error).Key("instances").UInt(status.instances);
  json.Key("firing").UInt(status.firing).Key("pending").UInt(status.pending);
  json.Key("more_groups").Bool(status.is_over_max).End('}');
}

void AlertsApi::WriteRule(JsonWriter& json, const alert::Rule& rule) const {
  json.Begin('{').Key("id").String(rule.id).Key("origin").String(rule.is_file ? "file" : "own");
  json.Key("version").Int(rule.version);
  if (rule.created_unix_nanos > 0) json.Key("created_unix_nano").Nanos(rule.created_unix_nanos);
  json.Key("updated_unix_nano").Nanos(rule.updated_unix_nanos).Key("document").Raw(rule.document.json);
  WriteStatus(json, rule);
  json.End('}');
}

Result<void> AlertsApi::ListRules(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto own = parts_.rules.List();
  if (!own) return std::unexpected(own.error());
  auto files = parts_.files.List();
  if (!files) return std::unexpected(files.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("rules").Begin('[');
  for (const auto* rules : {&*own, &files->rules}) {
    for (const alert::Rule& rule : *rules) {
      const alert::RuleDocument& document = rule.document;
      json.Begin('{').Key("id").String(rule.id).Key("origin").String(rule.is_file ? "file" : "own");
      json.Key("version").Int(rule.version).Key("updated_unix_nano").Nanos(rule.updated_unix_nanos);
      json.Key("name").String(document.name).Key("description").String(document.description);
      json.Key("enabled").Bool(document.enabled).Key("condition").String(ConditionName(document.condition.kind));
      json.Key("interval_seconds").Int(document.interval_seconds).Key("labels");
      WriteLabels(json, document.labels);
      WriteStatus(json, rule);
      json.End('}');
    }
  }
  json.End(']').Key("broken").Begin('[');
  for (const auto& broken : files->broken) {
    json.Begin('{').Key("file").String(broken.file).Key("error").String(broken.error).End('}');
  }
  json.End(']').End('}');
  return {};
}

Result<void> AlertsApi::GetRule(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto rule = Find(call.part("id"));
  if (!rule) return call.Blame("id", rule.error());
  WriteRule(call.json, *rule);
  return {};
}

Result<void> AlertsApi::CreateRule(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto body = ReadDocumentBody(call.request, {"document"});
  if (!body) return BlameMember(call, body.error());
  auto document = Read(body->document);
  if (!document) return BlameMember(call, document.error());
  auto made = parts_.rules.Create(*std::move(document));
  if (!made) return std::unexpected(made.error());
  parts_.evaluator.RulesChanged();
  JsonWriter json;
  WriteRule(json, *made);
  SendCreated(call, json, "/api/v1/alerts/rules/" + made->id);
  return {};
}

Result<void> AlertsApi::UpdateRule(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const auto id = OwnId(call.part("id"));
  if (!id) return call.Blame("id", id.error());
  auto body = ReadDocumentBody(call.request, {"document", "version"});
  if (!body) return BlameMember(call, body.error());
  auto document = Read(body->document);
  if (!document) return BlameMember(call, document.error());
  auto changed = parts_.rules.Update(*id, body->version, *std::move(document));
  if (!changed) return call.Blame("id", changed.error());
  parts_.evaluator.RulesChanged();
  WriteRule(call.json, *changed);
  return {};
}

Result<void> AlertsApi::DeleteRule(ApiCall& call) {
  const auto version = VersionParam(call);
  if (!version) return std::unexpected(version.error());
  const auto id = OwnId(call.part("id"));
  if (!id) return call.Blame("id", id.error());
  auto done = parts_.rules.Delete(*id, *version);
  if (!done) return call.Blame("id", done.error());
  parts_.evaluator.RulesChanged();
  SendNothing(call);
  return {};
}

Result<void> AlertsApi::ListAlerts(ApiCall& call) {
  const auto states = call.params.Values("state", 5);
  const auto rule = call.params.OptionalText("rule");
  for (const auto& state : states) {
    const auto known = alert::ParseState(state);
    if (known && *known != alert::State::kInactive) continue;
    call.params.Refuse("state",
                       {Code::kInvalidArgument, fmt::format("{:?} is none of pending, firing, no_data, error", state)});
  }
  SIGHTLINE_TRY(call.params.Check());
  const std::vector<alert::Alert> alerts = parts_.evaluator.Alerts();
  Result<std::vector<AlertMarks::Mark>> marks(alerts.size());
  if (parts_.marks != nullptr) marks = parts_.marks->Of(alerts);
  if (!marks) return std::unexpected(marks.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("alerts").Begin('[');
  for (size_t i = 0; i < alerts.size(); ++i) {
    const alert::Alert& alert = alerts[i];
    const AlertMarks::Mark& mark = (*marks)[i];
    const std::string state(alert::StateName(alert.state));
    if (rule && alert.rule_id != *rule) continue;
    if (!states.empty() && std::ranges::find(states, state) == states.end()) continue;
    json.Begin('{').Key("fingerprint").String(alert.fingerprint).Key("rule_id").String(alert.rule_id);
    json.Key("rule_name").String(alert.rule_name).Key("state").String(state);
    json.Key("severity").String(alert::LevelName(alert.level)).Key("value").Number(alert.value);
    json.Key("since_unix_nano").Nanos(alert.since_unix_nanos).Key("labels");
    WriteLabels(json, alert.labels);
    json.Key("annotations");
    WriteLabels(json, alert.annotations);
    json.Key("flaps").UInt(alert.flaps).Key("message").String(alert.message);
    json.Key("acknowledged").Bool(mark.acknowledged).Key("silenced_by").Begin('[');
    for (const auto& id : mark.silenced_by) json.String(id);
    json.End(']').End('}');
  }
  json.End(']').End('}');
  return {};
}

Result<void> AlertsApi::History(ApiCall& call) {
  const TimeRange range = call.params.Range();
  alert::TransitionSearch search{.from_unix_nanos = range.from_unix_nanos, .to_unix_nanos = range.to_unix_nanos};
  search.rule_id = call.params.OptionalText("rule");
  search.limit = call.params.Limit();
  if (const auto position = call.params.Position(1); !position.empty()) {
    search.before_id = call.params.PositionNumber(position[0]);
  }
  SIGHTLINE_TRY(call.params.Check());
  const uint32_t limit = search.limit++;  // one more tells of a next page
  auto found = alert::ReadTransitions(parts_.database, search);
  if (!found) return std::unexpected(found.error());
  std::optional<std::string> next;
  if (found->size() > limit) {
    found->resize(limit);
    next = call.params.NextCursor({std::to_string(found->back().id)});
  }
  JsonWriter& json = call.json;
  json.Begin('{').Key("transitions").Begin('[');
  for (const alert::Transition& one : *found) {
    json.Begin('{').Key("at_unix_nano").Nanos(one.at_unix_nanos).Key("rule_id").String(one.rule_id);
    json.Key("rule_name").String(one.rule_name).Key("fingerprint").String(one.fingerprint).Key("labels");
    WriteLabels(json, one.labels);
    json.Key("from").String(alert::StateName(one.from)).Key("to").String(alert::StateName(one.to));
    json.Key("severity").String(one.severity).Key("value").Number(one.value).Key("message").String(one.message);
    json.End('}');
  }
  json.End(']');
  WriteNextCursor(json, next);
  json.End('}');
  return {};
}

Result<void> AlertsApi::RunBacktest(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto body = ReadDocumentBody(call.request, {"document", "from_unix_nano", "to_unix_nano"});
  if (!body) return BlameMember(call, body.error());
  int64_t range[2];
  for (const auto& [at, key] : {std::pair(&range[0], "from_unix_nano"), {&range[1], "to_unix_nano"}}) {
    const auto nanos = WholeNumber(body->texts[key]);
    if (!nanos) return call.Blame(key, {Code::kInvalidArgument, "Unix nanoseconds are wanted, as a text"});
    *at = *nanos;
  }
  const auto [from, to] = range;
  if (from >= to) {
    return call.Blame("to_unix_nano", {Code::kInvalidArgument, "the time range is empty"});
  }
  auto document = Read(body->document);
  if (!document) return BlameMember(call, document.error());
  auto backtest =
      alert::RunBacktest(parts_.queries, parts_.burns, *document, from, to, call.now_unix_nanos, call.cancellation());
  if (!backtest) return call.Blame("document", backtest.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(backtest->from_unix_nanos);
  json.Key("step_seconds").Int(backtest->step_seconds);
  json.Key("interval_seconds").Int(backtest->interval_seconds).Key("unit").String(backtest->unit);
  json.Key("series").Begin('[');
  for (const auto& series : backtest->series) {
    if (!json.wanted()) return {};
    WriteBacktestSeries(json, series);
  }
  json.End(']').Key("more_groups").Bool(backtest->has_more_groups);
  json.Key("summary").Begin('{').Key("times_fired").UInt(backtest->times_fired);
  json.Key("seconds_firing").Number(backtest->seconds_firing).Key("flaps").UInt(backtest->flaps);
  json.Key("notifications").UInt(backtest->notifications).End('}');
  WriteScanned(json, backtest->scanned);
  json.End('}');
  return {};
}

}  // namespace sightline::serve
