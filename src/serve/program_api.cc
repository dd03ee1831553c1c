#include "serve/program_api.h"

#include "query/status.h"
#include "serve/api_error.h"
#include "serve/ui_files.h"

namespace sightline::serve {
namespace {

net::HttpResponse Text(std::string body, std::string type = "text/plain; charset=utf-8") {
  net::HttpResponse response;
  response.content_type = std::move(type);
  response.body = std::move(body);
  return response;
}

void WriteSignal(JsonWriter& json, const query::SignalStatus& stored, const std::vector<ReceivedSignal>& received) {
  ReceivedSignal arrived;  // nothing, as long as the receivers are not open
  for (const auto& signal : received) {
    if (signal.signal == stored.signal) arrived = signal;
  }
  json.Key(stored.signal).Begin('{').Key("rows").UInt(stored.rows).Key("bytes_on_disk").UInt(stored.bytes_on_disk);
  json.Key("newest_unix_nano").NanosOrNull(stored.newest_unix_nanos);
  json.Key("accepted_since_start").UInt(arrived.items_accepted);
  json.Key("refused_since_start").UInt(arrived.items_refused);
  json.Key("last_arrival_unix_nano").NanosOrNull(arrived.last_unix_nanos).End('}');
}

}  // namespace

void ProgramApi::AddTo(Router& router) {
  constexpr auto kHere = RunsOn::kHttpThread;
  router.Add({"GET", "/healthz", [](ApiCall& call) -> Result<void> { return call.Send(Text("ok\n")), Result<void>(); },
              kHere});
  router.Add({"GET", "/readyz", [this](ApiCall& call) { return Ready(call); }, kHere});
  router.Add({"GET", "/metrics", [this](ApiCall& call) { return Metrics(call); }, kHere});
  router.Add({"GET", "/api/v1/status", [this](ApiCall& call) { return Status(call); }});
  router.Add({"GET", "/api/v1/openapi.yaml",
              [](ApiCall& call) -> Result<void> {
                SIGHTLINE_TRY(call.params.Check());
                call.Send(Text(std::string(ApiDescription()), "application/yaml"));
                return {};
              },
              kHere});
}

Result<void> ProgramApi::Metrics(ApiCall& call) {
  if (IsPage(call.request)) return call.Send(UiResponse(call.request)), Result<void>();
  auto text = Text(PrometheusText(metrics_.Snapshot()), "text/plain; version=0.0.4; charset=utf-8");
  text.headers.emplace_back("Vary", "Accept");
  call.Send(std::move(text));
  return {};
}

Result<void> ProgramApi::Ready(ApiCall& call) {
  const auto reason = program_().not_ready_reason;
  call.Send(reason.empty() ? Text("ready\n") : ErrorResponse({Code::kUnavailable, reason}, "readiness"));
  return {};
}

Result<void> ProgramApi::Status(ApiCall& call) {
  SIGHTLINE_TRY(call.params.Check());
  auto stored = query::ReadStatus(clickhouse_, database_, call.cancellation());
  if (!stored) return std::unexpected(stored.error());
  const ProgramStatus program = program_();
  JsonWriter& json = call.json;
  json.Begin('{').Key("version").String(program.version).Key("start_unix_nano").Nanos(program.start_unix_nanos);
  json.Key("now_unix_nano").Nanos(call.now_unix_nanos);
  json.Key("ready").Bool(program.not_ready_reason.empty()).Key("reason").String(program.not_ready_reason);
  json.Key("otlp_grpc").String(program.otlp_grpc_address).Key("otlp_http").String(program.otlp_http_address);
  json.Key("signals").Begin('{');
  for (const auto& signal : *stored) WriteSignal(json, signal, program.received);
  json.End('}').End('}');
  return {};
}

}  // namespace sightline::serve
