#include "serve/api_server.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.h"
#include "otlp/attribute_text.h"
#include "query/database_calls.h"
#include "query/deployments.h"
#include "query/exceptions.h"
#include "query/explain.h"
#include "query/facets.h"
#include "query/fields.h"
#include "query/item_set.h"
#include "query/logs.h"
#include "query/metrics.h"
#include "query/sampling.h"
#include "query/service_graph.h"
#include "query/services.h"
#include "query/silent_failures.h"
#include "query/span_groups.h"
#include "query/span_heatmap.h"
#include "query/span_list.h"
#include "query/span_series.h"
#include "query/tail.h"
#include "query/traces.h"
#include "query/whole_spans.h"
#include "serve/api_call.h"
#include "serve/api_error.h"
#include "serve/dashboards_api.h"
#include "serve/exceptions_api.h"
#include "serve/export_api.h"
#include "serve/fields_api.h"
#include "serve/logs_api.h"
#include "serve/metrics_api.h"
#include "serve/metrics_query_api.h"
#include "serve/notifications_api.h"
#include "serve/query_api.h"
#include "serve/router.h"
#include "serve/running_calls.h"
#include "serve/sampling_api.h"
#include "serve/search_sql_api.h"
#include "serve/service_graph_api.h"
#include "serve/services_api.h"
#include "serve/silent_failures_api.h"
#include "serve/slos_api.h"
#include "serve/sql_api.h"
#include "serve/tail_api.h"
#include "serve/traces_api.h"
#include "serve/ui_files.h"
#include "serve/views_api.h"
#include "serve/worker_pool.h"

namespace sightline::serve {
namespace {

// How late a question may be ended.
constexpr std::chrono::milliseconds kOverdueCheckEvery{250};
constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kExpireNanos = 2 * kSecondNanos;  // from the cancelling to an answer without the engine

class ApiServerImpl final : public ApiServer {
 public:
  ApiServerImpl(ApiOptions options, store::ClickHouse& clickhouse, MetricsRegistry& metrics,
                ProgramStatusProvider program, const Clock& clock)
      : options_(std::move(options)),
        metrics_(metrics),
        clock_(clock),
        items_(clickhouse, options_.hot_attributes, options_.database),
        database_call_reader_(items_),
        deployment_reader_(items_),
        exception_reader_(clickhouse, options_.exception_decisions, options_.database),
        explainer_(items_),
        facet_reader_(items_),
        field_reader_(clickhouse, options_.hot_attributes, options_.database),
        group_reader_(items_),
        log_group_reader_(items_),
        heatmap_reader_(items_),
        metric_reader_(clickhouse, options_.database),
        exemplar_reader_(items_),
        span_series_reader_(items_),
        trace_reader_(clickhouse, options_.hot_attributes, options_.database),
        span_list_reader_(items_, trace_reader_),
        log_reader_(clickhouse, options_.database),
        tail_reader_(items_),
        whole_span_reader_(items_),
        service_reader_(clickhouse, options_.database, {.minute_seconds = options_.metrics_retention_seconds},
                        options_.apdex),
        service_graph_reader_(clickhouse, options_.database, options_.metrics_retention_seconds),
        silent_failure_reader_(clickhouse, options_.hot_attributes, options_.database,
                               options_.metrics_retention_seconds),
        sampling_reader_(clickhouse, metric_reader_, options_.database, options_.metrics_retention_seconds),
        exceptions_api_(exception_reader_, options_.exception_decisions),
        export_api_({span_list_reader_, trace_reader_, log_reader_, whole_span_reader_}),
        fields_api_(field_reader_, facet_reader_),
        logs_api_(log_reader_, log_group_reader_),
        metrics_api_(metric_reader_, exemplar_reader_),
        metrics_query_api_(metric_reader_, clickhouse, options_.database),
        query_api_({span_series_reader_, group_reader_, heatmap_reader_, span_list_reader_, explainer_}),
        program_api_(clickhouse, options_.database, metrics, std::move(program)),
        sampling_api_(sampling_reader_, options_.sampling, metrics),
        service_graph_api_(service_graph_reader_),
        services_api_(service_reader_, database_call_reader_, deployment_reader_),
        silent_failures_api_(silent_failure_reader_),
        search_sql_api_(items_, clickhouse, options_.sql, options_.database),
        sql_api_(clickhouse, options_.sql, options_.database),
        tail_api_(tail_reader_),
        traces_api_(trace_reader_, log_reader_, options_.sampling),
        requests_(metrics.GetCounter("sightline.api.requests", "{request}", "Requests to the HTTP API")),
        refused_busy_(metrics.GetCounter("sightline.api.refused_busy", "{request}",
                                         "Requests refused because too many queries waited")),
        cancelled_(metrics.GetCounter("sightline.api.cancelled", "{request}",
                                      "Requests that their client or a stop of the program ended before the answer")),
        broken_off_(metrics.GetCounter("sightline.api.broken_off", "{request}",
                                       "Answers that had begun when the store failed, and ended there")),
        pool_(options_.query_threads, options_.queries_waiting_max),
        sql_pool_(options_.sql_threads, options_.queries_waiting_max),
        export_pool_(options_.export_threads, options_.queries_waiting_max) {
    exceptions_api_.AddTo(router_);
    export_api_.AddTo(router_);
    if (options_.views != nullptr) views_api_.emplace(*options_.views);
    if (options_.notify_store != nullptr) notifications_api_.emplace(*options_.notify_store, *options_.dispatcher);
    if (options_.dashboards != nullptr) {
      ready_dashboards_.emplace(metric_reader_, field_reader_, clock_);
      dashboards_api_.emplace(*options_.dashboards, *options_.dashboard_files, *ready_dashboards_);
    }
    if (options_.slos != nullptr) slos_api_.emplace(*options_.slos);
    fields_api_.AddTo(router_);
    logs_api_.AddTo(router_);
    metrics_api_.AddTo(router_);
    metrics_query_api_.AddTo(router_);
    program_api_.AddTo(router_);
    query_api_.AddTo(router_);
    sampling_api_.AddTo(router_);
    service_graph_api_.AddTo(router_);
    services_api_.AddTo(router_);
    silent_failures_api_.AddTo(router_);
    search_sql_api_.AddTo(router_);
    sql_api_.AddTo(router_);
    tail_api_.AddTo(router_);
    traces_api_.AddTo(router_);
    if (views_api_) views_api_->AddTo(router_);
    if (dashboards_api_) dashboards_api_->AddTo(router_);
    if (options_.alerts) alerts_api_.emplace(*options_.alerts).AddTo(router_);
    if (slos_api_) slos_api_->AddTo(router_);
    if (notifications_api_) notifications_api_->AddTo(router_);
    metrics_.SetGauge("sightline.api.running", "{request}", "Requests that wait for the store or are being answered",
                      {}, [this] { return static_cast<double>(running_.count()); });
    watch_ = std::thread([this] { WatchTime(); });
  }

  ~ApiServerImpl() override {
    Stop(0);
    metrics_.Unregister("sightline.api.running");
  }

  Result<void> Listen() {
    net::HttpServerOptions http;
    http.address = options_.address;
    http.threads = options_.http_threads;
    http.body_bytes_max = options_.sql_bytes_max;
    http.allowed_hosts = options_.allowed_hosts;
    http.allowed_origins = options_.allowed_origins;
    http.error_response = [](const net::HttpRequest&, const net::HttpRefusal& refusal) {
      const bool is_text = otlp::IsValidUtf8(refusal.parameter);
      return HttpErrorResponse(refusal.status, refusal.message, "", is_text ? refusal.parameter : "");
    };
    auto server =
        net::HttpServer::Start(std::move(http), [this](net::HttpRequest request, net::HttpResponder responder) {
          requests_.Add(1);
          Answer(std::move(request), std::move(responder));
        });
    if (!server) return std::unexpected(server.error());
    server_ = std::move(*server);
    return {};
  }

  std::string address() const override { return server_->address(); }
  uint64_t questions() const override { return questions_; }

  void Stop(int grace_seconds) override {
    if (stopped_.exchange(true)) return;
    if (grace_seconds <= 0) running_.CancelAll();
    if (server_ != nullptr) server_->Stop(grace_seconds);
    running_.CancelAll();
    pool_.Stop();
    sql_pool_.Stop();
    export_pool_.Stop();
    {
      const std::lock_guard lock(watch_mutex_);
      watch_ends_ = true;
    }
    watch_wake_.notify_all();
    watch_.join();
  }

  std::vector<std::pair<std::string, std::string>> Endpoints() const override {
    std::vector<std::pair<std::string, std::string>> endpoints;
    for (const Route& route : router_.routes()) endpoints.emplace_back(route.method, route.path);
    return endpoints;
  }

 private:
  // What is no endpoint may be a file or a page of the web UI.
  static net::HttpResponse WithoutRoute(const net::HttpRequest& request, net::HttpResponse refused) {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    return reads && refused.status == 404 && !request.path.starts_with("/api/") ? UiResponse(request)
                                                                                : std::move(refused);
  }

  // Names are stored as valid UTF-8: nothing could be found by others, and no answer could repeat them.
  static std::optional<net::HttpResponse> RefuseWhatIsNoText(const net::HttpRequest& request) {
    const auto refuse = [](const std::string& where) {
      return HttpErrorResponse(400, "path and parameters must be valid UTF-8", "", where);
    };
    if (!otlp::IsValidUtf8(request.path)) return refuse("");
    for (const auto& [name, value] : request.query) {
      if (!otlp::IsValidUtf8(name)) return refuse("");
      if (!otlp::IsValidUtf8(value)) return refuse(name);
    }
    return std::nullopt;
  }

  // Thread: the HTTP server's.
  void Answer(net::HttpRequest request, net::HttpResponder responder) {
    if (auto refused = RefuseWhatIsNoText(request)) return responder.Send(std::move(*refused));
    Router::Match match = router_.Find(request.method, request.path);
    if (match.route == nullptr) return responder.Send(WithoutRoute(request, std::move(match.refused)));
    const Route& route = *match.route;
    if (route.runs_on == RunsOn::kHttpThread) {
      ApiCall call(std::move(request), std::move(match.parts), std::move(responder), clock_.UnixNanos(),
                   std::make_shared<store::Cancellation>());
      return call.Finish(route.endpoint(call));
    }
    ++questions_;
    auto cancellation = running_.Add();
    auto call = std::make_shared<ApiCall>(std::move(request), std::move(match.parts), std::move(responder),
                                          clock_.UnixNanos(), cancellation);
    if (PoolFor(route.runs_on).TryPost([this, &route, call, cancellation] { Run(route, call, cancellation); })) return;
    refused_busy_.Add(1);
    running_.Remove(cancellation);
    call->Finish(Fail(Code::kUnavailable, "too many queries are waiting\ntry again in a second"));
  }

  WorkerPool& PoolFor(RunsOn runs_on) {
    if (runs_on == RunsOn::kSqlThread) return sql_pool_;
    return runs_on == RunsOn::kExportThread ? export_pool_ : pool_;
  }

  void Run(const Route& route, const std::shared_ptr<ApiCall>& shared_call,
           const std::shared_ptr<store::Cancellation>& cancellation) {
    ApiCall& call = *shared_call;
    // Who left while the call waited needs no query.
    const bool left = cancellation->cancelled();
    running_.Start(cancellation, clock_.MonotonicNanos() + options_.sql.seconds_max * kSecondNanos, kExpireNanos,
                   [this, shared_call] { shared_call->Expire(TookTooLong()); });
    call.on_begin = [this, &cancellation] { running_.StopClock(cancellation); };
    Result<void> done = left ? Fail(Code::kCancelled, "the client left") : route.endpoint(call);
    const bool overdue = running_.Remove(cancellation);
    if (overdue && !done && done.error().code == Code::kCancelled) done = std::unexpected(TookTooLong());
    call.Finish(done);
    if (cancellation->cancelled() && !overdue) cancelled_.Add(1);
    // The client sees only that it ends.
    if (call.begun() && !done && done.error().code != Code::kCancelled) {
      broken_off_.Add(1);
      Log(LogLevel::kError, "an answer was broken off", {{"path", route.path}, {"error", done.error().message}});
    }
  }

  Error TookTooLong() const {
    return {
        Code::kDeadlineExceeded,
        fmt::format("the answer took longer than {} s, which is limits.query_seconds_max\nask for a shorter range, or "
                    "for fewer things in it",
                    options_.sql.seconds_max)};
  }

  // SQL has the engine's own limit as well, which goes on while the answer is sent.
  void WatchTime() {
    std::unique_lock lock(watch_mutex_);
    while (!watch_wake_.wait_for(lock, kOverdueCheckEvery, [this] { return watch_ends_; })) {
      running_.CancelOverdue(clock_.MonotonicNanos());
    }
  }

  const ApiOptions options_;
  MetricsRegistry& metrics_;
  const Clock& clock_;
  query::ItemSource items_;
  query::DatabaseCallReader database_call_reader_;
  query::DeploymentReader deployment_reader_;
  query::ExceptionReader exception_reader_;
  query::Explainer explainer_;
  query::FacetReader facet_reader_;
  query::FieldReader field_reader_;
  query::GroupReader group_reader_;
  query::LogGroupReader log_group_reader_;
  query::HeatmapReader heatmap_reader_;
  query::MetricReader metric_reader_;
  query::ExemplarReader exemplar_reader_;
  query::SpanSeriesReader span_series_reader_;
  query::TraceReader trace_reader_;
  query::SpanListReader span_list_reader_;
  query::LogReader log_reader_;
  query::TailReader tail_reader_;
  query::WholeSpanReader whole_span_reader_;
  query::ServiceReader service_reader_;
  query::ServiceGraphReader service_graph_reader_;
  query::SilentFailureReader silent_failure_reader_;
  query::SamplingReader sampling_reader_;
  ExceptionsApi exceptions_api_;
  ExportApi export_api_;
  FieldsApi fields_api_;
  LogsApi logs_api_;
  MetricsApi metrics_api_;
  MetricsQueryApi metrics_query_api_;
  QueryApi query_api_;
  ProgramApi program_api_;
  SamplingApi sampling_api_;
  ServiceGraphApi service_graph_api_;
  ServicesApi services_api_;
  SilentFailuresApi silent_failures_api_;
  SearchSqlApi search_sql_api_;
  SqlApi sql_api_;
  TailApi tail_api_;
  TracesApi traces_api_;
  std::optional<ViewsApi> views_api_;
  std::optional<ReadyDashboards> ready_dashboards_;
  std::optional<DashboardsApi> dashboards_api_;
  std::optional<AlertsApi> alerts_api_;
  std::optional<SlosApi> slos_api_;
  std::optional<NotificationsApi> notifications_api_;
  Router router_;  // of the endpoints above
  Counter& requests_;
  Counter& refused_busy_;
  Counter& cancelled_;
  Counter& broken_off_;
  RunningCalls running_;
  std::atomic<uint64_t> questions_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex watch_mutex_;
  std::condition_variable watch_wake_;
  bool watch_ends_ = false;  // guarded by watch_mutex_
  std::thread watch_;
  // What people write, and what they take away, takes no thread from the screens.
  WorkerPool pool_, sql_pool_, export_pool_;
  std::unique_ptr<net::HttpServer> server_;  // last: its handler uses all of the above
};

}  // namespace

Result<std::unique_ptr<ApiServer>> ApiServer::Start(ApiOptions options, store::ClickHouse& clickhouse,
                                                    MetricsRegistry& metrics, ProgramStatusProvider program,
                                                    const Clock& clock) {
  auto server = std::make_unique<ApiServerImpl>(std::move(options), clickhouse, metrics, std::move(program), clock);
  SIGHTLINE_TRY(server->Listen());
  return std::unique_ptr<ApiServer>(std::move(server));
}

}  // namespace sightline::serve
