// recommender: the service of the article, over HTTP.
#include <fmt/format.h>
#include <otel/instrumentation/process.h>
#include <otel/instrumentation/spdlog.h>
#include <otel/telemetry.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "demo/common/program.h"
#include "demo/recommender/service.h"

namespace {

otel::Telemetry ConfigureTelemetry() {
  otel::TelemetryOptions options{.service_name = "recommender"};
  options.resource.attributes = {{"service.version", "1.0.0"}, {"service.namespace", "ml-demo"}};
  options.instrumentations = {otel::instrumentation::ObserveProcess, otel::instrumentation::ObserveRuntime};
  return otel::Configure(std::move(options));
}

// What the program itself says goes to stderr, and as log records to where the rest of its telemetry goes.
void LogToTelemetryToo() {
  spdlog::set_default_logger(std::make_shared<spdlog::logger>(
      "recommender", spdlog::sinks_init_list{std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                                             std::make_shared<otel::instrumentation::SpdlogSink>()}));
}

int Run(const demo::http::ServerOptions& listen, const demo::recommender::ServiceOptions& options) {
  demo::StopSignal stop;
  // That is all of it: where to send to, and the rest, the OTEL_* variables say.
  const auto telemetry = ConfigureTelemetry();
  LogToTelemetryToo();
  const auto service = demo::recommender::Service::Create(options);
  if (!service) {
    spdlog::critical("No service: {}", service.error().message);
    return 1;
  }
  const auto server = demo::http::Server::Start(
      listen, [&](const demo::http::Request& request, size_t worker) { return (*service)->Handle(request, worker); });
  if (!server) {
    spdlog::critical("No server: {}", server.error().message);
    return 1;
  }
  demo::PrintReady(listen.address, (*server)->port());
  spdlog::info("Answers on {}:{} with {} workers, asks {}", listen.address, (*server)->port(), listen.workers,
               options.wikipedia.base_url);
  stop.Wait();
  spdlog::info("Stops");
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Searches documents, asks a model and Wikipedia about them, and ranks what it finds");
  demo::http::ServerOptions listen{.port = 8000, .workers = 32};
  demo::recommender::ServiceOptions options;
  const std::string name = fmt::format("recommender-{}.db", getpid());
  options.database_path = (std::filesystem::temp_directory_path() / name).string();
  int64_t timeout_ms = options.wikipedia.timeout.count();
  app.add_option("--address", listen.address, "Listens here")->capture_default_str();
  app.add_option("--port", listen.port, "0 takes a free one")->capture_default_str();
  app.add_option("--workers", listen.workers, "Requests that are answered at the same time")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--wikipedia", options.wikipedia.base_url, "Its REST API, or the stand-in's")->capture_default_str();
  app.add_option("--wikipedia-timeout-ms", timeout_ms, "Of each try")
      ->check(CLI::Range(1, 60'000))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  options.wikipedia.timeout = std::chrono::milliseconds(timeout_ms);
  options.workers = listen.workers;
  return Run(listen, options);
}
