// A small HTTP/1.1 server: reads requests on one thread, answers them on others. The only part that knows Boost.Beast.
// Data: sockets -> Request -> handler -> Response -> sockets. Each request is a server span, which is current while the
// handler runs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "demo/common/error.h"

namespace demo::http {

struct Request {
  std::string method;
  std::string path;                                        // decoded, without the query
  std::string target;                                      // as sent
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  std::optional<std::string_view> Query(std::string_view name) const;   // the first of that name
  std::optional<std::string_view> Header(std::string_view name) const;  // compared without case
};

struct Response {
  int status = 200;
  std::string body;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view route =
      {};  // the template that the request's path fits, for telemetry; lives as long as the program
};

// `worker` is the index of the thread that runs it, so that a handler can keep what only one thread may use.
using Handler = std::function<Response(const Request&, size_t worker)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0 takes a free one
  size_t workers = 8;
  size_t waiting_requests_max = 1024;  // for a worker; 503 beyond it
  size_t connections_max = 512;        // further ones are closed
  size_t body_bytes_max = 64 << 10;    // 413
  int idle_seconds = 60;               // of a connection, also in the middle of a request
};

// Thread: any.
class Server {
 public:
  static Result<std::unique_ptr<Server>> Start(ServerOptions options, Handler handler);
  ~Server();  // stops: answers what has begun, drops the rest

  uint16_t port() const;

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// "q=neural+networks&limit=5" -> decoded pairs.
std::vector<std::pair<std::string, std::string>> ParseQueryString(std::string_view text);

}  // namespace demo::http
