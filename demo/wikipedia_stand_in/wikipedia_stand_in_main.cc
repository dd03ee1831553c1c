// wikipedia-stand-in: answers where there is no Wikipedia.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "demo/common/program.h"
#include "demo/http/server.h"
#include "demo/wikipedia_stand_in/service.h"

int main(int argc, char** argv) {
  CLI::App app("Answers GET /api/rest_v1/page/summary/{title} as Wikipedia does, and goes wrong on demand");
  demo::http::ServerOptions options{.port = 8001, .workers = 32};  // slow answers sleep
  app.add_option("--address", options.address, "Listens here")->capture_default_str();
  app.add_option("--port", options.port, "0 takes a free one")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  demo::StopSignal stop;
  demo::wikipedia_stand_in::Service service;
  const auto server = demo::http::Server::Start(
      options, [&](const demo::http::Request& request, size_t) { return service.Handle(request); });
  if (!server) {
    fmt::print(stderr, "wikipedia-stand-in: {}\n", server.error().message);
    return 1;
  }
  demo::PrintReady(options.address, (*server)->port());
  stop.Wait();
  return 0;
}
