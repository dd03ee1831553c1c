// `sightline gateway`.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/process.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/config_flags.h"
#include "cli/gateway.h"
#include "cli/running.h"

namespace sightline::cli {
namespace {

// As that of serve.
void PrintReady(LogFormat format, const Gateway& gateway) {
  const char* text = format == LogFormat::kJson ? "{{\"otlp_grpc\":\"{}\",\"otlp_http\":\"{}\",\"http\":\"{}\"}}\n"
                                                : "ready: OTLP/gRPC {}  OTLP/HTTP {}  HTTP http://{}\n";
  fmt::print(fmt::runtime(text), gateway.grpc_address(), gateway.otlp_http_address(), gateway.http_address());
  std::fflush(stdout);
}

}  // namespace

int RunGateway(ConfigSources sources) {
  sources.environment = ConfigEnvironment();
  Config config;
  std::vector<ConfigProblem> problems = LoadConfig(sources, config);
  if (const auto options = ForwardOptions(config); problems.empty() && !options) {
    problems.push_back({"--forward", "", options.error().message});
  }
  for (const ConfigProblem& problem : problems) std::fprintf(stderr, "%s\n", problem.Text().c_str());
  if (!problems.empty()) return kExitWrongUse;

  SetLog(config.log.level, config.log.format);
  LimitMallocHeaps();
  ShutdownSignal shutdown;
  const Result<uint64_t> descriptors = RaiseFdLimit();
  if (!descriptors) Log(LogLevel::kWarning, "the limit of open files stays", {{"error", descriptors.error().message}});
  const LogFormat format = config.log.format;
  Result<std::unique_ptr<Gateway>> gateway = Gateway::Start(std::move(config));
  if (!gateway) {
    Log(LogLevel::kError, "cannot start", {{"error", gateway.error().message}});
    return kExitFailed;
  }
  PrintReady(format, **gateway);
  shutdown.Wait(-1, [&] { Reload(sources, [&](const Config& changed) { (*gateway)->Reload(changed); }); });
  Log(LogLevel::kInfo, "stopping: sending what was kept", {{"signal", shutdown.reason()}});
  shutdown.LetNextSignalKill();
  const ExitDeadline deadline;
  if (!(*gateway)->Stop()) Log(LogLevel::kWarning, "something is only in the journal; the next start sends it");
  gateway->reset();
  Log(LogLevel::kInfo, "stopped");
  return kExitDone;
}

}  // namespace sightline::cli
