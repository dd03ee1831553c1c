// ClickHouse's HTTP interface over the embedded engine, as far as clients need it: the remote adapter's counterpart in
// tests and sanitizer builds, and a way to read a data directory with other tools.
// Data: HTTP request (SQL in ?query= and body, param_x, settings) -> EmbeddedClickHouse -> rows or an error in the
// body.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/http_server.h"
#include "store/embedded.h"

namespace sightline::store {

struct HttpGatewayOptions {
  std::string user, password;  // asked for when `user` is not empty
  int workers = 16;            // statements that run at the same time
  size_t waiting_max = 256;    // requests that wait for a worker; further ones are answered 503
  uint64_t body_bytes_max = 256 << 20;
};

// Statements run on its workers, as the server's threads must not block. When it dies it cancels what runs; the server
// must have stopped before. Thread: any.
class HttpGateway {
 public:
  HttpGateway(EmbeddedClickHouse& clickhouse, HttpGatewayOptions options);
  ~HttpGateway();
  HttpGateway(const HttpGateway&) = delete;
  HttpGateway& operator=(const HttpGateway&) = delete;

  void Handle(net::HttpRequest request, net::HttpResponder responder);

 private:
  struct Work {
    net::HttpRequest request;
    net::HttpResponder responder;
  };

  void RunWorker();
  void Run(net::HttpRequest& request, const net::HttpResponder& responder);
  void RunQuery(const std::string& sql, const QueryOptions& options, const std::string& query_id,
                const net::HttpResponder& responder);
  bool IsAllowed(const net::HttpRequest& request) const;
  void Kill(const std::string& query_id);

  EmbeddedClickHouse& clickhouse_;
  const HttpGatewayOptions options_;
  std::mutex mutex_;
  std::condition_variable work_added_;
  std::deque<Work> waiting_;                                           // guarded by mutex_
  std::multimap<std::string, std::shared_ptr<Cancellation>> running_;  // by query id; guarded by mutex_
  bool stopping_ = false;                                              // guarded by mutex_
  std::vector<std::thread> workers_;
};

}  // namespace sightline::store
