// An HTTP/1.1 server with plain callbacks over Boost.Beast; the only header that HTTP handlers need.
// Data: sockets -> HttpRequest -> handler -> HttpResponse (whole or streamed) -> sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sightline::net {

// Header names are compared without case.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;                                      // "POST"
  std::string path;                                        // decoded, without the query: "/v1/traces"
  std::vector<std::pair<std::string, std::string>> query;  // decoded
  HttpHeaders headers;
  std::string body;            // as sent, still compressed; at most body_bytes_max
  bool from_loopback = false;  // the connection comes from this machine

  std::string_view Header(std::string_view name) const;        // "" if absent
  const std::string* QueryValue(std::string_view name) const;  // first of that name; nullptr if absent
};

// A request that the server does not hand to its handler.
struct HttpRefusal {
  int status = 400;
  std::string message;
  std::string parameter;  // the query's that is at fault; "" if it is something else
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  HttpHeaders headers;
  std::string body;
};

// Answers one request, from any thread, now or later. Dropping it unanswered sends 500. Copyable handle.
// Thread: any.
class HttpResponder {
 public:
  void Send(HttpResponse response) const;

  // Streams a body of unknown length (chunked): head first, then pieces, then End. Write blocks while more than a
  // bounded amount waits for the socket, and returns false once the client is gone (stop producing then). On a thread
  // of the server it cannot wait: there a stream that outruns the socket by the bound is aborted.
  void Begin(HttpResponse head) const;  // body ignored
  bool Write(std::string_view piece) const;
  // `trailers` are fields that are known only now (RFC 9110, 6.5); who speaks HTTP/1.0, or does not look, misses them.
  void End(HttpHeaders trailers = {}) const;
  // The stream cannot be finished truthfully: sends what was written, then closes the connection without the final
  // chunk, so that the client sees an error.
  void Abort() const;

  // True once the peer has closed the connection, if only its sending half: an answer is written all the same.
  // `action` is called once when that happens (at once if it already has), on a thread of the server, and dropped when
  // the answer is complete; it must not own the responder. A peer that sent a further request meanwhile is not watched.
  bool client_gone() const;
  void OnClientGone(std::function<void()> action) const;

  class Impl;
  explicit HttpResponder(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<Impl> impl_;
};

// Runs on one of the server's threads and must not block for long; what takes time goes to another thread.
using HttpHandler = std::function<void(HttpRequest request, HttpResponder responder)>;

struct HttpServerOptions {
  std::string address;  // "127.0.0.1:4318", "[::1]:0"; port 0 takes a free one
  int threads = 1;
  uint64_t body_bytes_max = 64 << 20;  // 413 beyond it, before the body is read when Content-Length tells
  // Of bodies that are still arriving, over all connections: 503 to the one that goes beyond it.
  uint64_t arriving_bytes_max = 512 << 20;
  uint32_t header_bytes_max = 64 << 10;  // 431
  uint32_t connections_max = 1024;       // further ones are accepted, answered 503 and closed
  int request_timeout_seconds = 30;      // from first byte to whole request (slow clients): 408
  int idle_timeout_seconds = 120;        // of keep-alive connections, and of clients that stop reading an answer
  // Host header values that are served (421 otherwise): loopback names and the bound address always are. "*" serves
  // all.
  std::vector<std::string> allowed_hosts;
  // Origins of browsers that may call, e.g. "http://localhost:3000"; "*" for any. An Origin that is not listed and not
  // our own: 403. Listed ones get CORS headers, and OPTIONS preflights are answered here.
  std::vector<std::string> allowed_origins;
  // Shapes the body of errors that the server answers itself (413, 408, 421, 403 ...).
  std::function<HttpResponse(const HttpRequest& head, const HttpRefusal& refusal)> error_response;
};

// Thread: Stop from any thread that is not the server's.
class HttpServer {
 public:
  static Result<std::unique_ptr<HttpServer>> Start(HttpServerOptions options, HttpHandler handler);
  virtual ~HttpServer() = default;  // stops

  virtual std::string address() const = 0;  // with the real port: "127.0.0.1:4318"

  // Stops accepting, lets requests that were read be answered for up to `grace_seconds`, closes all connections.
  virtual void Stop(int grace_seconds) = 0;
};

// "127.0.0.1:4318" -> host and port. kInvalidArgument if it is neither that nor "[v6]:port".
struct HostPort {
  std::string host;
  uint16_t port = 0;
};
Result<HostPort> ParseHostPort(const std::string& text);

}  // namespace sightline::net
