// Blocking HTTP client over libcurl, for the CLI, the remote ClickHouse and tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_server.h"
#include "net/tls_files.h"

namespace sightline::net {

struct HttpCall {
  std::string method = "GET";
  std::string url;
  HttpHeaders headers;
  std::string_view body;  // borrowed until Call returns
  int connect_timeout_seconds = 5;
  int timeout_seconds = 0;  // whole call; 0: none
  size_t body_bytes_max = 0;  // of an answer; what is beyond is not waited for; 0: no limit
  TlsFiles tls_files;         // of https
  // If set, pieces of a 2xx body go here instead of HttpReply::body; false ends the call with kCancelled.
  std::function<bool(std::string_view)> sink;
  // Polled about ten times a second; true ends the call with kCancelled.
  std::function<bool()> cancelled;
};

struct HttpReply {
  int status = 0;
  HttpHeaders headers;
  std::string body;
  std::string_view Header(std::string_view name) const;
};

// Keeps connections alive between calls. kUnavailable when no answer came, with libcurl's reason.
// Thread: one at a time.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  Result<HttpReply> Call(const HttpCall& call);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string UrlEncode(std::string_view text);

}  // namespace sightline::net
