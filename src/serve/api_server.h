// The HTTP API on port 8080, and the start page. Data: HTTP requests -> endpoints (*_api.h) -> JSON, streams,
// Prometheus text. openapi.yaml describes what stands under /api/v1.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "net/http_server.h"
#include "notify/dispatcher.h"
#include "notify/store.h"
#include "otlp/block_builder.h"
#include "query/services.h"
#include "query/sql.h"
#include "serve/alerts_api.h"
#include "serve/program_api.h"
#include "serve/sampling_api.h"
#include "slo/service.h"
#include "state/dashboard_files.h"
#include "state/dashboards.h"
#include "state/exception_decisions.h"
#include "state/saved_views.h"
#include "store/clickhouse.h"

namespace sightline::serve {

struct ApiOptions {
  std::string address = "127.0.0.1:8080";
  int http_threads = 1;
  int query_threads = 3;
  int sql_threads = 2;
  int export_threads = 2;
  size_t queries_waiting_max = 64;      // for each kind of threads; further ones: 503
  uint64_t sql_bytes_max = 256 * 1024;  // of a request body
  query::SqlLimits sql;
  std::string database = "sightline";     // of the schema
  int64_t metrics_retention_seconds = 0;  // 0: forever
  std::vector<otlp::HotAttribute> hot_attributes = otlp::DefaultHotAttributes();
  query::ApdexThresholds apdex;
  SamplingControl* sampling = nullptr;                       // must outlive the server; null: every span is kept
  state::SavedViews* views = nullptr;                        // must outlive the server; null: none are kept
  state::Dashboards* dashboards = nullptr;                   // the same
  state::DashboardFiles* dashboard_files = nullptr;          // with dashboards
  state::ExceptionDecisions* exception_decisions = nullptr;  // must outlive the server; null: none can be made
  std::optional<AlertParts> alerts;                          // none: there are no alerts
  slo::Service* slos = nullptr;                              // must outlive the server; null: there are none
  notify::NotifyStore* notify_store = nullptr;               // must outlive the server; null: nobody is notified
  notify::Dispatcher* dispatcher = nullptr;                  // with notify_store
  std::vector<std::string> allowed_hosts, allowed_origins;   // net::HttpServerOptions says what they mean
};

// Questions to the store run on threads of their own, never on the HTTP server's. Thread: any.
class ApiServer {
 public:
  // What is borrowed must outlive the server.
  static Result<std::unique_ptr<ApiServer>> Start(ApiOptions options, store::ClickHouse& clickhouse,
                                                  MetricsRegistry& metrics, ProgramStatusProvider program,
                                                  const Clock& clock = Clock::System());
  virtual ~ApiServer() = default;  // stops
  virtual std::string address() const = 0;
  // Calls of endpoints that ask the store or the state (saved views), since the start.
  virtual uint64_t questions() const = 0;
  // Cancels running queries after `grace_seconds`.
  virtual void Stop(int grace_seconds) = 0;
  // Method and path (as router.h writes them) of all endpoints.
  virtual std::vector<std::pair<std::string, std::string>> Endpoints() const = 0;
};

}  // namespace sightline::serve
