#include "serve/api_server.h"

#include <atomic>
#include <mutex>
#include <set>

#include "query/traces.h"
#include "serve/api_error.h"
#include "serve/start_page.h"
#include "serve/trace_params.h"
#include "serve/worker_pool.h"

namespace sightline::serve {
namespace {

constexpr std::string_view kTracePath = "/api/v1/traces/";

net::HttpResponse Text(int status, std::string body, std::string type = "text/plain; charset=utf-8") {
  net::HttpResponse response;
  response.status = status;
  response.content_type = std::move(type);
  response.body = std::move(body);
  return response;
}

net::HttpResponse Json(std::string body) {
  return Text(200, std::move(body), "application/json");
}

// Cancellations of what runs now, so that stopping can end it. Thread: any.
class RunningQueries {
 public:
  std::shared_ptr<store::Cancellation> Add() {
    auto cancellation = std::make_shared<store::Cancellation>();
    const std::lock_guard lock(mutex_);
    running_.insert(cancellation);
    if (stopping_) cancellation->Cancel();
    return cancellation;
  }
  void Remove(const std::shared_ptr<store::Cancellation>& cancellation) {
    const std::lock_guard lock(mutex_);
    running_.erase(cancellation);
  }
  void CancelAll() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& cancellation : running_) cancellation->Cancel();
  }

 private:
  std::mutex mutex_;
  std::set<std::shared_ptr<store::Cancellation>> running_;  // guarded by mutex_
  bool stopping_ = false;                                   // guarded by mutex_
};

class ApiServerImpl final : public ApiServer {
 public:
  ApiServerImpl(ApiOptions options, store::ClickHouse& clickhouse, MetricsRegistry& metrics,
                ProgramStatusProvider program, const Clock& clock)
      : options_(std::move(options)),
        metrics_(metrics),
        program_(std::move(program)),
        clock_(clock),
        traces_(clickhouse, options_.hot_attributes, options_.database),
        sql_(clickhouse, options_.sql, options_.database),
        requests_(metrics.GetCounter("sightline.api.requests", "{request}", "Requests to the HTTP API")),
        refused_busy_(metrics.GetCounter("sightline.api.refused_busy", "{request}",
                                         "Requests refused because too many queries waited")),
        pool_(options_.query_threads, options_.queries_waiting_max) {}

  ~ApiServerImpl() override { Stop(0); }

  Result<void> Listen() {
    net::HttpServerOptions http;
    http.address = options_.address;
    http.threads = options_.http_threads;
    http.body_bytes_max = options_.sql_bytes_max;
    http.allowed_hosts = options_.allowed_hosts;
    http.allowed_origins = options_.allowed_origins;
    http.error_response = [](const net::HttpRequest&, int status, const std::string& message) {
      return HttpErrorResponse(status, message);
    };
    auto server =
        net::HttpServer::Start(std::move(http), [this](net::HttpRequest request, net::HttpResponder responder) {
          requests_.Add(1);
          Route(std::move(request), responder);
        });
    if (!server) return std::unexpected(server.error());
    server_ = std::move(*server);
    return {};
  }

  std::string address() const override { return server_->address(); }

  void Stop(int grace_seconds) override {
    if (stopped_.exchange(true)) return;
    if (grace_seconds <= 0) running_.CancelAll();
    if (server_ != nullptr) server_->Stop(grace_seconds);
    running_.CancelAll();
    pool_.Stop();
  }

 private:
  void Route(net::HttpRequest request, const net::HttpResponder& responder) {
    const std::string& path = request.path;
    const bool sql = path == "/api/v1/sql";
    const bool known = sql || path == "/" || path == "/healthz" || path == "/readyz" || path == "/metrics" ||
                       path == "/api/v1/traces" || path == "/api/v1/status" || path.starts_with(kTracePath);
    if (!known) {
      return responder.Send(HttpErrorResponse(404, "there is nothing at " + path, "GET / says what there is"));
    }
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (sql ? request.method != "POST" : !reads) {
      auto response = HttpErrorResponse(405, request.method + " is not served at " + path);
      response.headers.emplace_back("Allow", sql ? "POST" : "GET, HEAD");
      return responder.Send(std::move(response));
    }
    if (path == "/") return responder.Send(Page());
    if (path == "/healthz") return responder.Send(Text(200, "ok\n"));
    if (path == "/readyz") return responder.Send(Ready());
    if (path == "/metrics") {
      return responder.Send(Text(200, PrometheusText(metrics_.Snapshot()), "text/plain; version=0.0.4; charset=utf-8"));
    }
    if (sql) return Post(responder, [this, request, responder] { RunSql(request, responder); });
    Post(responder, [this, request = std::move(request), responder] { responder.Send(Answer(request)); });
  }

  void Post(const net::HttpResponder& responder, std::function<void()> job) {
    if (pool_.TryPost(std::move(job))) return;
    refused_busy_.Add(1);
    responder.Send(ErrorResponse({Code::kUnavailable, "too many queries are waiting\ntry again in a second"}));
  }

  net::HttpResponse Page() const {
    auto response = Text(200, StartPage(program_()), "text/html; charset=utf-8");
    response.headers.emplace_back("Content-Security-Policy",
                                  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                                  "connect-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'");
    response.headers.emplace_back("Cache-Control", "no-store");
    return response;
  }

  net::HttpResponse Ready() const {
    const auto reason = program_().not_ready_reason;
    if (reason.empty()) return Text(200, "ready\n");
    return ErrorResponse({Code::kUnavailable, reason}, "readiness");
  }

  // Typed questions. Thread: worker.
  net::HttpResponse Answer(const net::HttpRequest& request) {
    if (request.path == "/api/v1/status") {
      auto stored = traces_.Status();
      if (!stored) return ErrorResponse(stored.error());
      return Json(StatusJson(program_(), *stored));
    }
    if (request.path == "/api/v1/traces") {
      std::string where;
      auto filter = ParseTraceParams(request, clock_.UnixNanos(), options_.trace_limit_default, where);
      if (!filter) return ErrorResponse(filter.error(), where);
      auto traces = traces_.FindTraces(*filter);
      if (!traces) return ErrorResponse(traces.error());
      return Json(TracesJson(*traces));
    }
    auto trace = traces_.GetTrace(request.path.substr(kTracePath.size()));
    if (!trace) return ErrorResponse(trace.error(), "id");
    return Json(TraceJson(*trace));
  }

  // Thread: worker.
  void RunSql(const net::HttpRequest& request, const net::HttpResponder& responder) {
    if (responder.client_gone()) return;
    for (const auto& [name, value] : request.query) {
      if (name != "format") {
        return responder.Send(ErrorResponse({Code::kInvalidArgument, "there is no parameter \"" + name + "\""}, name));
      }
    }
    if (!request.Header("Content-Encoding").empty()) {
      return responder.Send(HttpErrorResponse(415, "the SQL text must be sent uncompressed"));
    }
    const std::string* format = request.QueryValue("format");
    auto checked = sql_.Check(request.body, format == nullptr ? "" : *format);
    if (!checked) return responder.Send(ErrorResponse(checked.error()));

    const auto cancellation = running_.Add();
    responder.OnClientGone([cancellation] { cancellation->Cancel(); });
    bool begun = false;
    auto begin = [&] {
      if (begun) return;
      begun = true;
      net::HttpResponse head;
      head.content_type = std::string(query::ContentType(checked->format));
      head.headers.emplace_back("X-Sightline-Format", checked->format);
      responder.Begin(head);
    };
    auto stats = sql_.Run(
        *checked,
        [&](std::string_view piece) {
          begin();
          return responder.Write(piece);
        },
        cancellation.get());
    running_.Remove(cancellation);
    if (stats) {
      begin();
      responder.End();
    } else if (begun) {
      responder.Abort();
    } else {
      responder.Send(ErrorResponse(stats.error()));
    }
  }

  const ApiOptions options_;
  MetricsRegistry& metrics_;
  const ProgramStatusProvider program_;
  const Clock& clock_;
  query::TraceReader traces_;
  query::SqlRunner sql_;
  Counter& requests_;
  Counter& refused_busy_;
  RunningQueries running_;
  std::atomic<bool> stopped_ = false;
  WorkerPool pool_;
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
