// What a gateway answers over HTTP: /healthz, /readyz and /metrics, and nothing else.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/metrics.h"
#include "net/http_server.h"

namespace sightline::cli {

struct HealthOptions {
  std::string address;
  std::vector<std::string> allowed_hosts, allowed_origins;  // net::HttpServerOptions says what they mean
};

// `not_ready_reason` says why the program is not ready, "" if it is; called from the server's thread. What is borrowed
// must outlive the server.
Result<std::unique_ptr<net::HttpServer>> StartHealthServer(const HealthOptions& options, MetricsRegistry& metrics,
                                                           std::function<std::string()> not_ready_reason);

}  // namespace sightline::cli
