#include "cli/health_server.h"

#include <utility>

namespace sightline::cli {
namespace {

constexpr uint64_t kBodyBytesMax = 4096;  // none of the requests has one

net::HttpResponse Text(int status, std::string body, std::string type = "text/plain; charset=utf-8") {
  net::HttpResponse response;
  response.status = status;
  response.content_type = std::move(type);
  response.body = std::move(body);
  return response;
}

net::HttpResponse Answer(const net::HttpRequest& request, MetricsRegistry& metrics,
                         const std::function<std::string()>& not_ready_reason) {
  const bool is_known = request.path == "/healthz" || request.path == "/readyz" || request.path == "/metrics";
  if (!is_known) return Text(404, "a gateway has /healthz, /readyz and /metrics here\n");
  if (request.method != "GET" && request.method != "HEAD") {
    net::HttpResponse refused = Text(405, "only GET\n");
    refused.headers.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  if (request.path == "/healthz") return Text(200, "ok\n");
  if (request.path == "/metrics") {
    return Text(200, PrometheusText(metrics.Snapshot()), "text/plain; version=0.0.4; charset=utf-8");
  }
  const std::string reason = not_ready_reason();
  return reason.empty() ? Text(200, "ready\n") : Text(503, reason + "\n");
}

}  // namespace

Result<std::unique_ptr<net::HttpServer>> StartHealthServer(const HealthOptions& options, MetricsRegistry& metrics,
                                                           std::function<std::string()> not_ready_reason) {
  net::HttpServerOptions http;
  http.address = options.address;
  http.body_bytes_max = kBodyBytesMax;
  http.allowed_hosts = options.allowed_hosts;
  http.allowed_origins = options.allowed_origins;
  return net::HttpServer::Start(std::move(http), [&metrics, reason = std::move(not_ready_reason)](
                                                     const net::HttpRequest& request, const net::HttpResponder& reply) {
    reply.Send(Answer(request, metrics, reason));
  });
}

}  // namespace sightline::cli
