// One answer on its way from the handler (any thread) to its connection: a bounded pipe, without sockets.
// Data: HttpResponse or stream pieces -> bytes for the socket, taken by the connection when it can write.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace sightline::net {

// The connection, as the pipe sees it.
class HttpWire {
 public:
  virtual ~HttpWire() = default;
  virtual void Wake() = 0;                  // there is output to take; from any thread
  virtual bool OnServerThread() const = 0;  // then Write must not wait: it would wait for itself
};

// Status line and fields, up to and with the empty line. `length` is the value of Content-Length; -1: none is written.
// Fields of the handler that are no valid header text, or that frame the message, are left out.
std::string FormatResponseHead(const HttpResponse& response, const HttpHeaders& extra, int64_t length, bool chunked,
                               bool keep_alive);

// Invariant: what is taken is exactly one response, in order; after `last` nothing more comes.
// Thread: any; the Take and the two notices belong to the connection.
class HttpExchange {
 public:
  static constexpr size_t kStreamBufferBytesMax = 256 << 10;

  // How this response must look on the wire.
  struct Shape {
    bool head_only = false;  // answer to HEAD
    bool http_1_0 = false;   // no chunks: the end of a stream is the end of the connection
    bool keep_alive = true;  // asked for by the client
    HttpHeaders extra;       // CORS
  };
  HttpExchange(std::weak_ptr<HttpWire> wire, Shape shape) : wire_(std::move(wire)), shape_(std::move(shape)) {}

  // What HttpResponder says.
  void Send(HttpResponse response);
  void Begin(HttpResponse head);
  bool Write(std::string_view piece);
  void End(HttpHeaders trailers = {});
  void Abort();
  void Abandon();  // the last responder is gone
  bool client_gone() const;
  void OnClientGone(std::function<void()> action);

  // What the connection says.
  struct Output {
    std::string head, body, tail;  // to be written in this order
    bool last = false;             // the response is complete with this
    bool close = false;            // the connection ends after this (not a complete response if !last)
    bool empty() const { return head.empty() && body.empty() && tail.empty() && !last && !close; }
  };
  Output Take(bool draining);
  void PeerClosed();  // the peer will send nothing more; it may still read
  void Lost();        // nothing can be written any more

 private:
  enum class State { kWaiting, kWhole, kStreaming, kEnded, kAborted };

  void Wake() const;
  Output TakeWhole(bool draining);
  Output TakePiece(bool draining);
  void RunGoneAction();

  const std::weak_ptr<HttpWire> wire_;
  const Shape shape_;
  mutable std::mutex mutex_;
  std::condition_variable room_;
  // Guarded by mutex_.
  State state_ = State::kWaiting;
  HttpResponse response_;  // whole, or the head of the stream
  std::string pending_;    // of the stream
  HttpHeaders trailers_;   // behind it
  bool head_taken_ = false;
  bool finished_ = false;  // all was taken
  bool close_after_ = false;
  bool peer_closed_ = false;
  bool lost_ = false;
  std::function<void()> gone_action_;
};

// The handle behind HttpResponder; its destructor answers for a handler that forgot.
class HttpResponder::Impl {
 public:
  explicit Impl(std::shared_ptr<HttpExchange> exchange) : exchange_(std::move(exchange)) {}
  ~Impl() { exchange_->Abandon(); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  HttpExchange& exchange() { return *exchange_; }

 private:
  const std::shared_ptr<HttpExchange> exchange_;
};

}  // namespace sightline::net
