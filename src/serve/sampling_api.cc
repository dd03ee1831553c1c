#include "serve/sampling_api.h"

#include <map>

#include "serve/api_error.h"

namespace sightline::serve {
namespace {

constexpr int64_t kOwnMetricsSeconds = 10;  // how often the program stores its own metrics, by default

std::string_view OriginName(PoliciesInForce::Origin origin) {
  return origin == PoliciesInForce::Origin::kApi ? "api" : "configuration";
}

void WritePolicy(JsonWriter& json, const sample::PolicySpec& policy, std::string_view yaml) {
  json.Begin('{').Key("name").String(policy.name).Key("type").String(policy.type).Key("yaml").String(yaml);
  json.Key("services").Begin('[');
  for (const std::string& service : policy.services) json.String(service);
  json.End(']').Key("sub_policies").Begin('[');
  for (const sample::PolicySpec& child : policy.children) {
    json.Begin('{').Key("name").String(child.name).Key("type").String(child.type).End('}');
  }
  json.End(']').End('}');
}

void WriteInForce(JsonWriter& json, const SamplingState& state) {
  const PoliciesInForce& in_force = state.in_force;
  const sample::PolicyConfig& config = in_force.policies->config();
  json.Begin('{').Key("since_unix_nano").Nanos(in_force.since_unix_nanos);
  json.Key("origin").String(OriginName(in_force.origin)).Key("place").String(in_force.place);
  json.Key("yaml").String(in_force.yaml);
  json.Key("decision_wait_nano").Int(config.decision_wait_nanos);
  json.Key("decision_wait_after_root_received_nano").Int(config.decision_wait_after_root_received_nanos);
  json.Key("sample_on_first_match").Bool(config.sample_on_first_match);
  json.Key("policies").Begin('[');
  for (size_t i = 0; i < config.policies.size(); ++i) {
    WritePolicy(json, config.policies[i], i < in_force.definitions.size() ? in_force.definitions[i] : "");
  }
  json.End(']').Key("warnings").Begin('[');
  for (const YamlFault& warning : config.warnings) json.String(warning.message);
  json.End(']').End('}');
}

// Counters of the running program: policy -> what became of traces and spans, and the rest by name and label.
struct Counted {
  struct Decided {
    uint64_t kept_traces = 0, kept_spans = 0, dropped_traces = 0, dropped_spans = 0;
  };
  std::map<std::string, Decided> policies;
  std::map<std::string, uint64_t> early, late;
  uint64_t too_large = 0;
};

Counted CountedSinceStart(const MetricsRegistry& metrics) {
  Counted counted;
  const auto label = [](const MetricsRegistry::Sample& sample, std::string_view key) {
    for (const auto& [name, value] : sample.labels) {
      if (name == key) return value;
    }
    return std::string();
  };
  for (const MetricsRegistry::Sample& sample : metrics.Snapshot()) {
    if (!sample.name.starts_with("sightline.sampling.")) continue;
    const auto value = static_cast<uint64_t>(sample.value);
    const bool of_traces = sample.name == "sightline.sampling.traces";
    if (of_traces || sample.name == "sightline.sampling.spans") {
      if (value == 0) continue;
      Counted::Decided& decided = counted.policies[label(sample, "policy")];
      const bool kept = label(sample, "decision") == "kept";
      (of_traces ? (kept ? decided.kept_traces : decided.dropped_traces)
                 : (kept ? decided.kept_spans : decided.dropped_spans)) = value;
    }
    if (sample.name == "sightline.sampling.early_decisions") counted.early[label(sample, "reason")] = value;
    if (sample.name == "sightline.sampling.late_spans") counted.late[label(sample, "decision")] = value;
    if (sample.name == "sightline.sampling.too_large_traces") counted.too_large = value;
  }
  return counted;
}

void WriteCounted(JsonWriter& json, const Counted& counted) {
  json.Begin('{').Key("policies").Begin('[');
  for (const auto& [policy, decided] : counted.policies) {
    json.Begin('{').Key("policy").String(policy);
    json.Key("kept_traces").UInt(decided.kept_traces).Key("kept_spans").UInt(decided.kept_spans);
    json.Key("dropped_traces").UInt(decided.dropped_traces).Key("dropped_spans").UInt(decided.dropped_spans).End('}');
  }
  json.End(']').Key("early_decisions").Begin('{');
  for (const char* reason : {"memory", "journal", "num_traces"}) {
    const auto found = counted.early.find(reason);
    json.Key(reason).UInt(found == counted.early.end() ? 0 : found->second);
  }
  json.End('}').Key("late_spans").Begin('{');
  for (const char* decision : {"kept", "dropped"}) {
    const auto found = counted.late.find(decision);
    json.Key(decision).UInt(found == counted.late.end() ? 0 : found->second);
  }
  json.End('}').Key("too_large_traces").UInt(counted.too_large).End('}');
}

void WriteUse(JsonWriter& json, std::string_view key, uint64_t bytes, uint64_t bytes_max) {
  json.Key(key).Begin('{').Key("used_bytes").UInt(bytes).Key("limit_bytes").UInt(bytes_max).End('}');
}

void WriteKept(JsonWriter& json, const query::KeptFigures& kept) {
  json.Key("traces").UInt(kept.traces).Key("spans").UInt(kept.spans).Key("stand_for").Number(kept.stand_for);
  json.Key("bytes_received").UInt(kept.bytes_received);
  json.Key("bytes_on_disk").UInt(static_cast<uint64_t>(kept.bytes_on_disk));
}

void WritePolicies(JsonWriter& json, const std::vector<query::KeptByPolicy>& policies) {
  json.Key("policies").Begin('[');
  for (const query::KeptByPolicy& policy : policies) {
    WriteKept(json.Begin('{').Key("policy").String(policy.policy), policy.kept);
    json.End('}');
  }
  json.End(']');
}

}  // namespace

void SamplingApi::AddTo(Router& router) {
  router.Add({"GET", "/api/v1/sampling", [this](ApiCall& call) { return State(call); }, RunsOn::kHttpThread});
  router.Add({"GET", "/api/v1/sampling/totals", [this](ApiCall& call) { return Totals(call); }});
  router.Add({"GET", "/api/v1/sampling/history", [this](ApiCall& call) { return History(call); }});
  router.Add({"PUT", "/api/v1/sampling/policies", [this](ApiCall& call) { return SetPolicies(call); }});
}

Result<void> SamplingApi::State(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  const SamplingState state = control_ == nullptr ? SamplingState() : control_->State();
  JsonWriter& json = call.json;
  json.Begin('{').Key("now_unix_nano").Nanos(call.now_unix_nanos);
  json.Key("in_force");
  state.in_force.policies == nullptr ? void(json.Null()) : WriteInForce(json, state);
  json.Key("refused");
  if (state.refused) {
    json.Begin('{').Key("unix_nano").Nanos(state.refused->unix_nanos);
    json.Key("origin").String(OriginName(state.refused->origin));
    json.Key("message").String(state.refused->message).End('}');
  } else {
    json.Null();
  }
  WriteCounted(json.Key("since_start"), CountedSinceStart(metrics_));
  json.Key("undecided_traces").UInt(state.sampler.undecided_traces);
  json.Key("undecided_spans").UInt(state.sampler.undecided_spans);
  WriteUse(json, "memory", state.sampler.memory_bytes, state.memory_bytes_max);
  WriteUse(json, "journal", state.journal_bytes, state.journal_bytes_max);
  WriteUse(json, "records", state.records.bytes, state.records.bytes_max);
  json.Key("oldest_record_unix_nano").NanosOrNull(state.records.oldest_unix_nanos).End('}');
  return {};
}

Result<void> SamplingApi::Totals(ApiCall& call) {
  const TimeRange range = call.params.Range({.all_times_by_default = false, .allow_clock_skew = false});
  SIGHTLINE_TRY(call.params.Check());
  auto totals = reader_.GetTotals(range.from_unix_nanos, range.to_unix_nanos, call.now_unix_nanos, call.cancellation());
  if (!totals) return std::unexpected(totals.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(totals->from_unix_nanos);
  json.Key("to_unix_nano").Nanos(totals->to_unix_nanos);
  WriteKept(json, totals->kept);
  json.Key("seen").Number(totals->seen).Key("bytes_per_span").Number(totals->bytes_per_span);
  WritePolicies(json, totals->policies);
  json.Key("services").Begin('[');
  for (const query::KeptByService& service : totals->services) {
    if (!json.wanted()) return {};
    WriteKept(json.Begin('{').Key("service").String(service.service), service.kept);
    json.Key("seen").Number(service.seen);
    WritePolicies(json, service.policies);
    json.End('}');
  }
  json.End(']').Key("is_cut").Bool(totals->is_cut);
  WriteScanned(json, totals->scanned);
  json.End('}');
  return {};
}

Result<void> SamplingApi::History(ApiCall& call) {
  const TimeRange range = call.params.Range({.all_times_by_default = false, .allow_clock_skew = false});
  const int64_t step = call.params.StepSeconds(range, kOwnMetricsSeconds);
  SIGHTLINE_TRY(call.params.Check());
  auto history = reader_.GetHistory(range.from_unix_nanos, range.to_unix_nanos, step, call.cancellation());
  if (!history) return std::unexpected(history.error());
  JsonWriter& json = call.json;
  json.Begin('{').Key("from_unix_nano").Nanos(history->from_unix_nanos);
  json.Key("to_unix_nano").Nanos(history->to_unix_nanos).Key("step_seconds").Int(history->step_seconds);
  json.Key("series").Begin('[');
  for (const query::SamplingSeries& series : history->series) {
    json.Begin('{').Key("name").String(series.name).Key("labels").Begin('{');
    for (const auto& [key, value] : series.labels) json.Key(key).String(value);
    json.End('}').Key("values").Begin('[');
    for (const double value : series.values) json.Number(value);
    json.End(']').End('}');
  }
  json.End(']');
  WriteScanned(json, history->scanned);
  json.End('}');
  return {};
}

Result<void> SamplingApi::SetPolicies(ApiCall& call) {
  const bool check_only = call.params.Choice<bool>("check_only", false, {{"true", true}, {"false", false}});
  SIGHTLINE_TRY(call.params.Check());
  if (!call.request.Header("Content-Encoding").empty()) {
    call.Send(HttpErrorResponse(415, "the policies must be sent uncompressed"));
    return {};
  }
  Result<void> done = control_ == nullptr ? Fail(Code::kFailedPrecondition, "tail sampling is off")
                                          : control_->SetPolicies(call.request.body, check_only);
  if (done) {
    call.json.Begin('{').Key("applied").Bool(!check_only).End('}');
    return {};
  }
  // "3:5: …": the place, then what is wrong there.
  Error error = done.error();
  const size_t place = error.message.find_first_not_of("0123456789:");
  if (error.code != Code::kInvalidArgument || place < 4 || error.message[place] != ' ') return std::unexpected(error);
  std::string where = error.message.substr(0, place - 1);
  error.message.erase(0, place + 1);
  return call.Blame(std::move(where), std::move(error));
}

}  // namespace sightline::serve
