// sightline-clickhouse: ClickHouse's HTTP interface over libchdb.
//   sightline-clickhouse --path DIR [--listen 127.0.0.1:8123] [--library SO] [--user NAME --password TEXT]
// Prints one JSON line with its address when it is ready. SIGTERM or SIGINT ends it: exit 0.
#include <signal.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include "net/http_server.h"
#include "store/http_gateway.h"

namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kStopGraceSeconds = 5;
constexpr int kReadConnections = 16;
constexpr const char* kUsage =
    "Usage: sightline-clickhouse --path DIR [--listen 127.0.0.1:8123] [--library LIBCHDB.SO]\n"
    "                            [--user NAME --password TEXT]\n"
    "Serves ClickHouse's HTTP interface over the data directory DIR.\n";

int Fail(int code, const std::string& message) {
  std::fprintf(stderr, "sightline-clickhouse: %s\n", message.c_str());
  return code;
}

int Serve(std::map<std::string, std::string>& options, const sigset_t& ending) {
  using namespace sightline;
  auto clickhouse = store::EmbeddedClickHouse::Open({.data_directory = std::filesystem::absolute(options["--path"]),
                                                     .library = options["--library"],
                                                     .read_connections_max = kReadConnections});
  if (!clickhouse) return Fail(kExitFailed, clickhouse.error().message);
  auto version = (*clickhouse)->Version();
  if (!version) return Fail(kExitFailed, version.error().message);
  const store::HttpGatewayOptions gateway_options{.user = options["--user"], .password = options["--password"]};
  store::HttpGateway gateway(**clickhouse, gateway_options);
  auto server = net::HttpServer::Start({.address = options["--listen"],
                                        .body_bytes_max = gateway_options.body_bytes_max,
                                        .request_timeout_seconds = 300},
                                       [&](net::HttpRequest request, net::HttpResponder responder) {
                                         gateway.Handle(std::move(request), std::move(responder));
                                       });
  if (!server) return Fail(kExitFailed, server.error().message);
  std::printf("{\"address\":\"%s\",\"version\":\"%s\"}\n", (*server)->address().c_str(), version->c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ending, &signal);
  (*server)->Stop(kStopGraceSeconds);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options = {
      {"--path", ""}, {"--listen", "127.0.0.1:8123"}, {"--library", ""}, {"--user", ""}, {"--password", ""}};
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (name == "--help") return std::fputs(kUsage, stdout) < 0 ? kExitFailed : 0;
    if (!options.contains(name) || i + 1 >= argc) return Fail(kExitUsage, "wrong argument: " + name + "\n" + kUsage);
    options[name] = argv[i + 1];
  }
  if (options["--path"].empty()) return Fail(kExitUsage, std::string("--path is missing\n") + kUsage);

  // Before any thread starts, so that all of them leave these to sigwait.
  signal(SIGPIPE, SIG_IGN);
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  return Serve(options, ending);
}
