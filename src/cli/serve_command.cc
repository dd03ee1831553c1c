// `sightline serve`.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/process.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/config_flags.h"
#include "cli/running.h"
#include "cli/server.h"

namespace sightline::cli {
namespace {

// Scripts and tests wait for this line; it is the only thing that goes to stdout.
void PrintReady(LogFormat format, const Server& server) {
  const std::string grpc = server.receiver().grpc_address(), otlp_http = server.receiver().http_address();
  const std::string http = server.api().address();
  if (format == LogFormat::kJson) {
    fmt::print("{{\"otlp_grpc\":\"{}\",\"otlp_http\":\"{}\",\"http\":\"{}\"}}\n", grpc, otlp_http, http);
  } else {
    fmt::print("ready: OTLP/gRPC {}  OTLP/HTTP {}  HTTP http://{}\n", grpc, otlp_http, http);
  }
  std::fflush(stdout);
}

}  // namespace

int RunServe(ConfigSources sources) {
  sources.environment = ConfigEnvironment();
  Config config;
  const std::vector<ConfigProblem> problems = LoadConfig(sources, config);
  for (const ConfigProblem& problem : problems) std::fprintf(stderr, "%s\n", problem.Text().c_str());
  if (!problems.empty()) return kExitWrongUse;

  SetLog(config.log.level, config.log.format);
  LimitMallocHeaps();
  ShutdownSignal shutdown;
  const Result<uint64_t> descriptors = RaiseFdLimit();
  if (!descriptors) Log(LogLevel::kWarning, "the limit of open files stays", {{"error", descriptors.error().message}});
  const LogFormat format = config.log.format;
  Result<std::unique_ptr<Server>> server = Server::Start(std::move(config));
  if (!server) {
    Log(LogLevel::kError, "cannot start", {{"error", server.error().message}});
    return kExitFailed;
  }
  PrintReady(format, **server);
  shutdown.Wait(-1, [&] {
    Reload(
        sources, [&](const Config& changed) { (*server)->Reload(changed); },
        [&](std::string problem) { (*server)->RefuseReload(std::move(problem)); });
  });
  Log(LogLevel::kInfo, "stopping: storing what was accepted", {{"signal", shutdown.reason()}});
  shutdown.LetNextSignalKill();
  const ExitDeadline deadline;
  if (!(*server)->Stop()) Log(LogLevel::kWarning, "something is only in the journal; the next start stores it");
  server->reset();
  Log(LogLevel::kInfo, "stopped");
  return kExitDone;
}

}  // namespace sightline::cli
