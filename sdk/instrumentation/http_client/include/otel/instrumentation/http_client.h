// Requests with libcurl as client spans that the server's spans belong to, and the metric http.client.request.duration.
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span The target sightline_otel::http_client.
//
//   curl_easy_setopt(curl, CURLOPT_URL, "https://example.org/users/7");
//   for (int retry = 0; retry < 3; ++retry) {
//     const CURLcode code = otel::instrumentation::Perform(  // in place of curl_easy_perform(curl)
//         curl, {.url = "https://example.org/users/7", .url_template = "/users/{id}", .resend_count = retry});
//     ...
//   }
//
// A span is one attempt. libcurl tells nothing of its own redirects: they belong to the attempt.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "otel/context.h"

namespace otel::instrumentation {

// What libcurl does not tell of a handle. Borrowed for the call that gets it, except for the headers.
struct HttpClientRequest {
  std::string_view method = "GET";
  std::string_view url = {};           // as CURLOPT_URL has it
  std::string_view url_template = {};  // with few values, for names: "/users/{id}"
  int resend_count = 0;                // how often it was tried before
  // In place of CURLOPT_HTTPHEADER, which is set to these and those that carry the context. Lives until the end.
  curl_slist* headers = nullptr;
  // Parameters of the query whose values nobody may see, beside the known ones.
  std::span<const std::string> secret_parameters = {};
};

// The span of one attempt with a handle, for the multi interface: made before the transfer is added, ended with what
// curl_multi_info_read says. The handle must live as long, and is used for nothing else meanwhile.
// Thread: one at a time.
//
// Attributes: http.request.method (and method_original), http.request.resend_count, url.full (user, password and secret
// parameters are REDACTED), url.template, server.address, server.port, network.protocol.version,
// network.peer.address and port, http.response.status_code, error.type: the status from 400 on, or libcurl's error.
// Both set the status ERROR.
class HttpClientSpan {
 public:
  HttpClientSpan(CURL* curl, const HttpClientRequest& request);
  ~HttpClientSpan();  // without End: the attempt was given up
  HttpClientSpan(const HttpClientSpan&) = delete;
  HttpClientSpan& operator=(const HttpClientSpan&) = delete;

  const Context& context() const { return context_; }  // with the span
  void End(CURLcode code);

 private:
  void SetHeaders(curl_slist* headers);

  CURL* curl_;  // null after the end
  Context context_;
  Span span_;
  std::vector<std::string> injected_;     // "traceparent: ..."
  std::vector<curl_slist> header_nodes_;  // of them; the caller's follow
  curl_slist* headers_;                   // the caller's
  // For the metric.
  std::string_view method_;  // lives as long as the program
  std::string server_address_, url_template_;
  int server_port_ = 0;
  std::chrono::steady_clock::time_point begin_;
};

// curl_easy_perform as one attempt, with its span as the current one.
CURLcode Perform(CURL* curl, const HttpClientRequest& request);

}  // namespace otel::instrumentation
