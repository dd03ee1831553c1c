// One accepted connection of the HTTP server, and the book that the server keeps of all of them.
// Data: socket -> request head -> access check -> body -> handler; HttpExchange -> socket.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "base/memory_budget.h"
#include "net/http_access.h"
#include "net/http_server.h"

namespace boost::asio {
class io_context;
}

namespace sightline::net {

class HttpConnection;

// Thread: any.
class HttpConnectionBook {
 public:
  // False once Drain was called: the connection must not start.
  bool Add(const std::shared_ptr<HttpConnection>& connection);
  void Remove(const HttpConnection* connection);
  size_t size() const;

  void Drain();     // every connection ends after the answer it owes; no further one is added
  void CloseAll();  // now
  // False if some are left when `grace` is over.
  bool WaitEmpty(std::chrono::milliseconds grace);

 private:
  void ForEach(void (HttpConnection::*action)());

  mutable std::mutex mutex_;
  std::condition_variable empty_;
  bool draining_ = false;                                                                 // guarded by mutex_
  std::unordered_map<const HttpConnection*, std::weak_ptr<HttpConnection>> connections_;  // guarded by mutex_
};

// What all connections of a server share. Responders may outlive the server, so connections own a part of it.
struct HttpShared {
  std::shared_ptr<boost::asio::io_context> io;
  HttpServerOptions options;
  HttpHandler handler;
  HttpAccess access;
  MemoryBudget arriving;
  HttpConnectionBook book;
};

class HttpConnection {
 public:
  // Takes over `socket`. `refused`: it is one too many, and is told so with 503.
  static void Start(const std::shared_ptr<HttpShared>& shared, int socket, bool refused);

  virtual ~HttpConnection() = default;
  virtual void Drain() = 0;  // from any thread
  virtual void Close() = 0;  // from any thread
};

}  // namespace sightline::net
