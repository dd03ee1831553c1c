// The HTTP API on port 8080, version 1, and the start page. Data: HTTP requests -> typed questions or SQL -> JSON,
// streams, Prometheus text.
//
//   GET  /                     what is running, what has arrived, how to send more (for people)
//   GET  /healthz              200 while the process answers
//   GET  /readyz               200 when everything is ready, else 503 with the reason
//   GET  /metrics              Prometheus text format
//   POST /api/v1/sql           body: one read-only SQL statement; ?format=NAME
//   GET  /api/v1/traces        ?service=&last=|from=&to=&errors=&slower_than=&limit=
//   GET  /api/v1/traces/{id}   the whole trace; a unique prefix of its id will do
//   GET  /api/v1/status        counts, sizes and newest times by signal
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "net/http_server.h"
#include "query/sql.h"
#include "serve/api_json.h"
#include "store/clickhouse.h"

namespace sightline::serve {

struct ApiOptions {
  std::string address = "127.0.0.1:8080";
  int http_threads = 1;
  int query_threads = 3;
  size_t queries_waiting_max = 64;      // further ones: 503
  uint64_t sql_bytes_max = 256 * 1024;  // of a request body
  uint32_t trace_limit_default = 50;
  query::SqlLimits sql;
  std::string database = "sightline";  // of the schema
  std::vector<otlp::HotAttribute> hot_attributes = otlp::DefaultHotAttributes();
  std::vector<std::string> allowed_hosts, allowed_origins;  // net::HttpServerOptions says what they mean
};

// What the rest of the program says about itself; called from any thread, and must not block.
using ProgramStatusProvider = std::function<ProgramStatus()>;

// Questions to the store run on threads of their own, never on the HTTP server's. Thread: any.
class ApiServer {
 public:
  // What is borrowed must outlive the server.
  static Result<std::unique_ptr<ApiServer>> Start(ApiOptions options, store::ClickHouse& clickhouse,
                                                  MetricsRegistry& metrics, ProgramStatusProvider program,
                                                  const Clock& clock = Clock::System());
  virtual ~ApiServer() = default;  // stops
  virtual std::string address() const = 0;
  // Cancels running queries after `grace_seconds`.
  virtual void Stop(int grace_seconds) = 0;
};

}  // namespace sightline::serve
