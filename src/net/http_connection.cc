#include "net/http_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <utility>

#include "net/http_exchange.h"
#include "net/http_text.h"

namespace sightline::net {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kReadBytes = 16 << 10;            // at a time, of heads and of what comes while a handler works
constexpr size_t kChunkedReadBytes = 64 << 10;     // at a time, of chunked bodies
constexpr size_t kIdleBufferBytesMax = 16 << 10;   // kept by a connection that waits for its next request
constexpr auto kLinger = std::chrono::seconds(5);  // for a refused client to finish sending and read why

using Strand = asio::strand<asio::io_context::executor_type>;
using Socket = asio::basic_stream_socket<tcp, Strand>;
using Timer = asio::basic_waitable_timer<SteadyClock, asio::wait_traits<SteadyClock>, Strand>;

// IPv4 as such, also where the socket speaks IPv6.
asio::ip::address Unmapped(const asio::ip::address& address) {
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address;
  return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
}

// All private methods run on the strand. At most one read and one write are under way; the read that waits for the next
// request also watches for the peer's end while a handler works, so that nothing ever needs cancelling.
// Thread: strand, on the server's threads.
class Connection final : public HttpConnection, public HttpWire, public std::enable_shared_from_this<Connection> {
 public:
  Connection(std::shared_ptr<HttpShared> shared, int socket)
      : shared_(std::move(shared)),
        strand_(asio::make_strand(*shared_->io)),
        socket_(strand_),
        timer_(strand_),
        native_socket_(socket) {}

  void Run(bool refused) {
    asio::dispatch(strand_, [self = shared_from_this(), refused] { self->Open(refused); });
  }

  void Wake() override {
    // Weak: a responder that is used after the server's end must not keep a queue alive that holds this connection.
    asio::dispatch(strand_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Pump();
    });
  }
  bool OnServerThread() const override { return shared_->io->get_executor().running_in_this_thread(); }

  void Drain() override {
    asio::post(strand_, [self = shared_from_this()] {
      self->draining_ = true;
      if (self->phase_ != Phase::kAnswering) self->Shut();
    });
  }
  void Close() override {
    asio::post(strand_, [self = shared_from_this()] { self->Shut(); });
  }

 private:
  enum class Phase { kIdle, kReading, kAnswering, kLingering, kClosed };

  void Open(bool refused);
  void Shut();

  void WatchSocket();
  void OnBytes(error_code error, size_t size);
  void BecomeIdle();

  void ReadHead();
  void OnHead(error_code error);
  void ReadBody();
  void ReadSizedBody(uint64_t length);
  void ReadRestOfBody(size_t have);
  void ReadChunkedBody();
  bool HasRoomFor(uint64_t body_bytes);
  bool StillReading(error_code error);
  void OnReadError(error_code error);
  void OnWholeRequest();
  bool TranslateHead();
  void Answer(bool keep_alive);
  void Refuse(const HttpRefusal& refusal);
  void Refuse(int status, std::string message) { Refuse({.status = status, .message = std::move(message)}); }

  void Pump();
  void WriteSome();
  void OnWritten(error_code error, size_t size);
  void OnResponseDone();
  void Break();
  void Linger();
  void Discard();

  void SetDeadline(SteadyClock::duration from_now);
  void ClearDeadline() { deadline_ = SteadyClock::time_point::max(); }
  void WaitForDeadline();
  void OnDeadline();

  const std::shared_ptr<HttpShared> shared_;  // first: owns the io_context that the next ones use
  Strand strand_;
  Socket socket_;
  Timer timer_;
  int native_socket_;
  std::string local_ip_;
  bool from_loopback_ = false;
  Phase phase_ = Phase::kIdle;
  bool draining_ = false;

  boost::beast::flat_buffer buffer_;
  bool reading_ = false;      // WatchSocket's read, or one that was overtaken by a timeout, is under way
  bool peer_closed_ = false;  // no further bytes will come
  std::optional<http::request_parser<http::string_body>> parser_;
  HttpRequest request_;
  MemoryBudget::Reservation arriving_;  // of request_.body, or of the parser's
  HttpAccess::Verdict verdict_;

  std::shared_ptr<HttpExchange> exchange_;
  HttpExchange::Output output_;
  std::array<asio::const_buffer, 3> unwritten_;
  bool writing_ = false;
  bool http_1_0_ = false;
  bool linger_ = false;  // the request was not read to its end

  SteadyClock::time_point deadline_ = SteadyClock::time_point::max();
  bool timer_waiting_ = false;
};

void Connection::Open(bool refused) {
  error_code error;
  sockaddr_storage name{};
  socklen_t name_size = sizeof name;
  ::getsockname(native_socket_, reinterpret_cast<sockaddr*>(&name), &name_size);
  socket_.assign(name.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), native_socket_, error);
  if (error) ::close(native_socket_);
  if (!error) socket_.set_option(tcp::no_delay(true), error);
  if (!error) {
    local_ip_ = Unmapped(socket_.local_endpoint(error).address()).to_string();
    error_code gone;  // a client that has left already is found by reading
    from_loopback_ = Unmapped(socket_.remote_endpoint(gone).address()).is_loopback();
  }
  if (error || !shared_->book.Add(shared_from_this())) return Shut();
  if (refused) return Refuse(503, fmt::format("more than {} connections", shared_->options.connections_max));
  BecomeIdle();
}

void Connection::Shut() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  if (exchange_ != nullptr) std::exchange(exchange_, nullptr)->Lost();
  shared_->book.Remove(this);
}

// --- waiting -------------------------------------------------------------------------------------------------------

void Connection::WatchSocket() {
  // Bytes of a next request end the watch: they must be parsed when its turn comes, without a read in the way.
  if (reading_ || peer_closed_ || buffer_.size() > 0) return;
  reading_ = true;
  socket_.async_read_some(buffer_.prepare(kReadBytes),
                          [self = shared_from_this()](error_code error, size_t size) { self->OnBytes(error, size); });
}

void Connection::OnBytes(error_code error, size_t size) {
  reading_ = false;
  if (phase_ == Phase::kClosed) return;
  buffer_.commit(size);
  if (error) {
    peer_closed_ = true;
    // After a FIN the peer may still read: the answer is written all the same. Anything else is the end.
    if (error != asio::error::eof || phase_ == Phase::kIdle) return Shut();
    if (exchange_ != nullptr) exchange_->PeerClosed();
    return;
  }
  if (phase_ == Phase::kIdle) return ReadHead();
  if (phase_ == Phase::kLingering) Discard();
}

void Connection::BecomeIdle() {
  phase_ = Phase::kIdle;
  if (draining_ || (peer_closed_ && buffer_.size() == 0)) return Shut();
  if (buffer_.size() > 0) return ReadHead();  // pipelined
  if (!reading_ && buffer_.capacity() > kIdleBufferBytesMax) buffer_ = {};
  SetDeadline(std::chrono::seconds(shared_->options.idle_timeout_seconds));
  WatchSocket();
}

// --- reading a request ---------------------------------------------------------------------------------------------

void Connection::ReadHead() {
  phase_ = Phase::kReading;
  SetDeadline(std::chrono::seconds(shared_->options.request_timeout_seconds));
  request_ = {};
  arriving_.Release();
  verdict_ = {};
  parser_.emplace();
  parser_->header_limit(shared_->options.header_bytes_max);
  parser_->body_limit(shared_->options.body_bytes_max);
  http::async_read_header(socket_, buffer_, *parser_,
                          [self = shared_from_this()](error_code error, size_t) { self->OnHead(error); });
}

void Connection::OnHead(error_code error) {
  if (!StillReading(error)) return;
  if (error && error != http::error::body_limit) return OnReadError(error);
  if (!TranslateHead()) return;
  verdict_ = shared_->access.Check(request_, local_ip_);
  if (verdict_.refused_status != 0) return Refuse(verdict_.refused_status, verdict_.message);
  if (error) return OnReadError(error);
  const auto& head = parser_->get();
  if (head.find(http::field::transfer_encoding) != head.end() && !parser_->chunked()) {
    return Refuse(501, "the only transfer encoding that is understood is chunked");
  }
  const std::string_view expect = request_.Header("Expect");
  if (expect.empty() || head.version() < 11 || buffer_.size() > 0) return ReadBody();
  if (!EqualsNoCase(expect, "100-continue")) {
    return Refuse(417, fmt::format("expectation \"{}\" is not understood", expect));
  }
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  writing_ = true;
  asio::async_write(socket_, asio::buffer(kContinue), [self = shared_from_this()](error_code write_error, size_t) {
    self->writing_ = false;
    if (self->phase_ == Phase::kAnswering) return self->Pump();  // a timeout came first
    if (self->phase_ != Phase::kReading) return;
    if (write_error) return self->Shut();
    self->ReadBody();
  });
}

// Fills request_ but for the body. False if the request was refused.
bool Connection::TranslateHead() {
  const auto& head = parser_->get();
  request_.method = std::string(head.method_string());
  request_.from_loopback = from_loopback_;
  for (const auto& field : head) request_.headers.emplace_back(field.name_string(), field.value());
  auto target = ParseTarget(std::string_view(head.target().data(), head.target().size()));
  if (!target) {
    Refuse({.message = target.error().message, .parameter = target.error().parameter});
    return false;
  }
  request_.path = std::move(target->path);
  request_.query = std::move(target->query);
  const auto hosts = head.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && head.version() >= 11)) {
    Refuse(400, hosts > 1 ? "more than one Host header" : "no Host header");
    return false;
  }
  if (head.count("Origin") > 1) {
    Refuse(400, "more than one Origin header");
    return false;
  }
  // RFC 9112, 3.2.2: the authority of an absolute target stands for the Host header.
  if (!target->authority.empty()) {
    for (auto& [name, value] : request_.headers) {
      if (EqualsNoCase(name, "Host")) value = target->authority;
    }
  }
  return true;
}

void Connection::ReadBody() {
  if (parser_->chunked()) return ReadChunkedBody();
  ReadSizedBody(parser_->content_length().value_or(0));
}

// Straight into the request's memory, past the parser.
void Connection::ReadSizedBody(uint64_t length) {
  std::string& body = request_.body;
  const size_t here = std::min<uint64_t>(length, buffer_.size());
  // The rest is not touched before bytes arrive for it: what a client only claims costs address space, not memory.
  // libstdc++ 12 hands the capacity to the operation, not the size that was asked for: only `length` is right.
  body.resize_and_overwrite(length, [&](char* to, size_t /*capacity*/) {
    std::copy_n(static_cast<const char*>(buffer_.cdata().data()), here, to);
    return length;
  });
  buffer_.consume(here);
  ReadRestOfBody(here);
}

void Connection::ReadRestOfBody(size_t have) {
  if (!HasRoomFor(have)) return;
  std::string& body = request_.body;
  if (have == body.size()) return OnWholeRequest();
  socket_.async_read_some(asio::buffer(body.data() + have, body.size() - have),
                          [self = shared_from_this(), have](error_code error, size_t size) {
                            if (!self->StillReading(error)) return;
                            if (error) return self->OnReadError(error);
                            self->ReadRestOfBody(have + size);
                          });
}

void Connection::ReadChunkedBody() {
  if (!HasRoomFor(parser_->get().body().size())) return;
  if (parser_->is_done()) {
    request_.body = std::move(parser_->get().body());
    return OnWholeRequest();
  }
  buffer_.reserve(kChunkedReadBytes);
  http::async_read_some(socket_, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t) {
    if (!self->StillReading(error)) return;
    if (error) return self->OnReadError(error);
    self->ReadChunkedBody();
  });
}

// Whether the part of the body that is there fits beside those of all other connections; the request is refused if not.
// No read may be under way.
bool Connection::HasRoomFor(uint64_t body_bytes) {
  const uint64_t more = body_bytes - std::min(body_bytes, arriving_.bytes());
  if (more == 0 || shared_->arriving.TryGrow(arriving_, more)) return true;
  request_.body = {};
  parser_->get().body() = {};
  arriving_.Release();
  Refuse(503, fmt::format("more than {} bytes are arriving now over all connections", shared_->arriving.bytes_max()));
  return false;
}

// False for a read that a timeout has overtaken: the request was answered already.
bool Connection::StillReading(error_code error) {
  if (phase_ == Phase::kReading) return true;
  reading_ = false;
  peer_closed_ = peer_closed_ || error;
  if (phase_ == Phase::kLingering) Discard();
  return false;
}

void Connection::OnReadError(error_code error) {
  if (error == http::error::body_limit) {
    return Refuse(413, fmt::format("the body is larger than the limit of {} bytes", shared_->options.body_bytes_max));
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return Refuse(431, fmt::format("the head is larger than the limit of {} bytes", shared_->options.header_bytes_max));
  }
  static const auto& http_category = http::make_error_code(http::error::bad_method).category();
  if (error.category() == http_category && error != http::error::end_of_stream &&
      error != http::error::partial_message) {
    return Refuse(400, fmt::format("malformed HTTP: {}", error.message()));
  }
  Shut();  // the client broke off
}

void Connection::OnWholeRequest() {
  Answer(parser_->get().keep_alive());
  parser_.reset();
  WatchSocket();
  if (verdict_.preflight) return exchange_->Send({.status = 204, .content_type = ""});
  HttpResponder responder(std::make_shared<HttpResponder::Impl>(exchange_));
  arriving_.Release();  // what a request holds from here on is the handler's to count
  shared_->handler(std::move(request_), std::move(responder));
}

// --- answering -----------------------------------------------------------------------------------------------------

void Connection::Answer(bool keep_alive) {
  phase_ = Phase::kAnswering;
  ClearDeadline();
  if (!parser_) parser_.emplace();  // refused before anything was read
  HttpExchange::Shape shape{.head_only = request_.method == "HEAD", .keep_alive = keep_alive};
  http_1_0_ = parser_->get().version() < 11;
  shape.http_1_0 = http_1_0_;
  shape.extra = std::move(verdict_.cors);
  exchange_ = std::make_shared<HttpExchange>(weak_from_this(), std::move(shape));
}

// The server's own answer to a request that it does not read to its end.
void Connection::Refuse(const HttpRefusal& refusal) {
  HttpResponse response{.status = refusal.status, .content_type = "text/plain", .body = refusal.message + "\n"};
  if (shared_->options.error_response) response = shared_->options.error_response(request_, refusal);
  Answer(false);
  linger_ = true;
  exchange_->Send(std::move(response));
}

void Connection::Pump() {
  if (writing_ || exchange_ == nullptr || phase_ != Phase::kAnswering) return;
  output_ = exchange_->Take(draining_);
  if (output_.empty()) return;
  if (output_.close && !output_.last) return Break();
  unwritten_ = {asio::buffer(output_.head), asio::buffer(output_.body), asio::buffer(output_.tail)};
  writing_ = true;
  WriteSome();
}

void Connection::WriteSome() {
  SetDeadline(std::chrono::seconds(shared_->options.idle_timeout_seconds));  // without any progress
  socket_.async_write_some(
      unwritten_, [self = shared_from_this()](error_code error, size_t size) { self->OnWritten(error, size); });
}

void Connection::OnWritten(error_code error, size_t size) {
  if (phase_ == Phase::kClosed) return;
  if (error) return Shut();
  for (auto& part : unwritten_) {
    const size_t step = std::min(size, part.size());
    part += step;
    size -= step;
  }
  if (asio::buffer_size(unwritten_) > 0) return WriteSome();
  writing_ = false;
  ClearDeadline();
  if (output_.last) return OnResponseDone();
  Pump();
}

void Connection::OnResponseDone() {
  exchange_.reset();
  const bool close = output_.close;
  output_ = {};
  if (!close) return BecomeIdle();
  if (linger_ && !draining_) return Linger();
  Shut();
}

// An aborted stream: a client sees the missing final chunk, or, where there are no chunks, a reset.
void Connection::Break() {
  error_code ignored;
  if (http_1_0_) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
  Shut();
}

// Closing with unread bytes would send a reset, and the reset would take the answer with it.
void Connection::Linger() {
  phase_ = Phase::kLingering;
  error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  SetDeadline(kLinger);
  Discard();
}

void Connection::Discard() {
  if (peer_closed_) return Shut();
  if (reading_) return;  // that read goes on, and its end comes back here
  buffer_.clear();
  socket_.async_read_some(buffer_.prepare(kReadBytes), [self = shared_from_this()](error_code error, size_t) {
    if (self->phase_ != Phase::kLingering) return;
    if (error) return self->Shut();
    self->Discard();
  });
}

// --- time ----------------------------------------------------------------------------------------------------------

// Most deadlines are moved before they come, so the timer is not touched for those that only move further away.
void Connection::SetDeadline(SteadyClock::duration from_now) {
  deadline_ = SteadyClock::now() + from_now;
  if (!timer_waiting_ || timer_.expiry() > deadline_) WaitForDeadline();
}

void Connection::WaitForDeadline() {
  timer_waiting_ = true;
  timer_.expires_at(deadline_);
  timer_.async_wait([self = shared_from_this()](error_code error) {
    if (error) return;  // set anew, or closed
    self->timer_waiting_ = false;
    self->OnDeadline();
  });
}

void Connection::OnDeadline() {
  if (phase_ == Phase::kClosed || deadline_ == SteadyClock::time_point::max()) return;
  if (SteadyClock::now() < deadline_) return WaitForDeadline();
  if (phase_ != Phase::kReading) return Shut();
  // The read stays under way; its completion finds another phase.
  reading_ = true;
  Refuse(408, fmt::format("the request did not arrive within {} s", shared_->options.request_timeout_seconds));
}

}  // namespace

bool HttpConnectionBook::Add(const std::shared_ptr<HttpConnection>& connection) {
  const std::lock_guard lock(mutex_);
  if (draining_) return false;
  connections_.emplace(connection.get(), connection);
  return true;
}

void HttpConnectionBook::Remove(const HttpConnection* connection) {
  const std::lock_guard lock(mutex_);
  connections_.erase(connection);
  if (connections_.empty()) empty_.notify_all();
}

size_t HttpConnectionBook::size() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

void HttpConnectionBook::ForEach(void (HttpConnection::*action)()) {
  std::vector<std::shared_ptr<HttpConnection>> connections;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, weak] : connections_) connections.push_back(weak.lock());
  }
  for (const auto& connection : connections) {
    if (connection != nullptr) (connection.get()->*action)();
  }
}

void HttpConnectionBook::Drain() {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
  }
  ForEach(&HttpConnection::Drain);
}

void HttpConnectionBook::CloseAll() {
  ForEach(&HttpConnection::Close);
}

bool HttpConnectionBook::WaitEmpty(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, grace, [this] { return connections_.empty(); });
}

void HttpConnection::Start(const std::shared_ptr<HttpShared>& shared, int socket, bool refused) {
  std::make_shared<Connection>(shared, socket)->Run(refused);
}

}  // namespace sightline::net
