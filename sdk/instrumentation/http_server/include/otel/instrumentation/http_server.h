// Requests that a server answers as server spans, and the metrics http.server.request.duration and
// http.server.active_requests. https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
// The target sightline_otel::http_server.
//
//   beast::http::request<beast::http::string_body> request = ...;
//   otel::instrumentation::HttpServerSpan span(request, {.peer_address = peer});  // belongs to the caller's trace
//   const otel::Scope scope(span.context());                                     // and what is done here to it
//   span.SetRoute("/users/{id}");
//   ... response ...
//   span.End(response.result_int());
//
// Requests of Boost.Beast are taken as they are, of any body and fields; this header includes nothing of Boost. Those
// of other servers are described by HttpServerRequest.
#pragma once

#include <chrono>
#include <concepts>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>

#include "otel/context.h"
#include "otel/propagation.h"

namespace otel::instrumentation {

// Borrowed for the constructor of the span.
struct HttpServerRequest {
  std::string_view method = {};
  std::string_view target = {};               // as sent: "/search?q=x"
  std::string_view protocol_version = "1.1";  // "1.0", "1.1", "2", "3"
};

// What a request does not say about itself. Borrowed too.
struct HttpServerOptions {
  std::string_view scheme = "http";
  std::string_view route = {};  // its template, where it is known already
  std::string_view peer_address = {};
  int peer_port = 0;
  // When the request was there, where it has waited since.
  std::optional<std::chrono::steady_clock::time_point> received = {};
};

// boost::beast::http::request<Body, Fields>
template <typename T>
concept BeastRequest = requires(const T& request) {
  { request.method_string().data() } -> std::convertible_to<const char*>;
  { request.target().data() } -> std::convertible_to<const char*>;
  { request.version() } -> std::convertible_to<unsigned>;
  request.equal_range(request.target());
};

// The span of one request. Ends in any thread; one that is dropped without End was not answered.
// Thread: one at a time.
//
// Attributes: http.request.method (and method_original), url.scheme, url.path, url.query (secret parameters are
// REDACTED), http.route, http.response.status_code, client.address (the first of X-Forwarded-For, or the peer),
// network.peer.address and port, server.address and port (of Host), user_agent.original, network.protocol.version,
// error.type: the status from 500 on, which sets the status ERROR too.
class HttpServerSpan {
 public:
  // `header` gives a header of the request by its name in lower case, and is called only here.
  HttpServerSpan(const HttpServerRequest& request, TextMapGetter header, const HttpServerOptions& options = {});
  template <BeastRequest Request>
  explicit HttpServerSpan(const Request& request, const HttpServerOptions& options = {})
      : HttpServerSpan({.method = View(request.method_string()),
                        .target = View(request.target()),
                        .protocol_version = request.version() == 10 ? "1.0" : "1.1"},
                       HeaderOf<Request>{request}, options) {}
  HttpServerSpan(HttpServerSpan&& other) noexcept;
  HttpServerSpan& operator=(HttpServerSpan&& other) = delete;
  ~HttpServerSpan();

  // The caller's baggage and this span: what a Scope makes current.
  const Context& context() const { return context_; }
  const Span& span() const { return span_; }

  void SetRoute(std::string_view route);
  void End(int status);
  // It was not answered: "timeout", or what cut it off. Also the status ERROR.
  void Fail(std::string_view error_type);

 private:
  template <typename StringView>
  static std::string_view View(const StringView& text) {
    return {text.data(), text.size()};
  }
  // Headers of the same name are joined, as propagators ask for it.
  template <typename Request>
  struct HeaderOf {
    const Request& request;
    std::string joined = {};

    std::optional<std::string_view> operator()(std::string_view name) {
      const auto [first, last] = request.equal_range({name.data(), name.size()});
      if (first == last) return std::nullopt;
      if (std::next(first) == last) return View(first->value());
      joined.clear();
      for (auto field = first; field != last; ++field) {
        if (!joined.empty()) joined += ',';
        joined += View(field->value());
      }
      return joined;
    }
  };

  void Finish(int status, std::string_view error_type);

  bool has_ended_ = false;
  Context context_;
  Span span_;
  std::string_view method_;  // lives as long as the program
  std::string scheme_, protocol_version_, route_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace otel::instrumentation
