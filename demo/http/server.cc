#include "demo/http/server.h"

#include <otel/instrumentation/http_server.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <thread>

#include "demo/common/text.h"
#include "demo/http/worker_pool.h"

namespace demo::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;
using BeastRequest = beast::http::request<beast::http::string_body>;
using BeastResponse = beast::http::response<beast::http::string_body>;

// Stream over the one io_context's executor, without type erasure. One thread runs it, so nothing needs a strand.
using Stream = beast::basic_stream<tcp, asio::io_context::executor_type, beast::unlimited_rate_policy>;

Request FromBeast(BeastRequest&& from) {
  Request request;
  request.method = from.method_string();
  request.target = from.target();
  const std::string_view target = request.target;
  const size_t mark = std::min(target.find('?'), target.size());
  request.path = PercentDecode(target.substr(0, mark));
  if (mark < target.size()) request.query = ParseQueryString(target.substr(mark + 1));
  for (const auto& field : from) request.headers.emplace_back(field.name_string(), field.value());
  request.body = std::move(from.body());
  return request;
}

BeastResponse ToBeast(Response&& from, bool keep_alive) {
  BeastResponse response(static_cast<beast::http::status>(from.status), 11);
  response.set(beast::http::field::content_type, from.content_type);
  for (const auto& [name, value] : from.headers) response.set(name, value);
  response.keep_alive(keep_alive);
  response.body() = std::move(from.body);
  response.prepare_payload();
  return response;
}

bool EqualNoCase(std::string_view a, std::string_view b) {
  return beast::iequals({a.data(), a.size()}, {b.data(), b.size()});
}

}  // namespace

std::optional<std::string_view> Request::Query(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Request::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualNoCase(key, name)) return value;
  }
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> ParseQueryString(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  while (!text.empty()) {
    const auto piece = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(piece.size() + 1, text.size()));
    if (piece.empty()) continue;
    const size_t equals = std::min(piece.find('='), piece.size());
    const auto value = piece.substr(std::min(equals + 1, piece.size()));
    pairs.emplace_back(PercentDecode(piece.substr(0, equals), true), PercentDecode(value, true));
  }
  return pairs;
}

// Thread: accepting, reading and writing on io_thread_; handlers on the pool's.
class Server::Impl {
 public:
  Impl(ServerOptions options, Handler handler)
      : options_(std::move(options)), handler_(std::move(handler)), acceptor_(io_) {}

  ~Impl() {
    if (pool_) pool_->Stop();
    io_.stop();
    if (io_thread_.joinable()) io_thread_.join();
  }

  Result<void> Start() {
    try {
      const auto address = asio::ip::make_address(options_.address);
      acceptor_.open(address.is_v6() ? tcp::v6() : tcp::v4());
      acceptor_.set_option(tcp::acceptor::reuse_address(true));
      acceptor_.bind({address, options_.port});
      acceptor_.listen(tcp::acceptor::max_listen_connections);
    } catch (const boost::system::system_error& error) {
      return Fail("OSError", "listen on {}:{}: {}", options_.address, options_.port, error.what());
    }
    port_ = acceptor_.local_endpoint().port();
    pool_ = std::make_unique<WorkerPool>(options_.workers, options_.waiting_requests_max);
    Accept();
    io_thread_ = std::thread([this] { io_.run(); });
    return {};
  }

  uint16_t port() const { return port_; }

 private:
  class Connection;
  void Accept();

  const ServerOptions options_;
  const Handler handler_;
  size_t connections_ = 0;  // io_thread_'s; outlives the connections that io_ still holds at the end
  asio::io_context io_{1};
  asio::basic_socket_acceptor<tcp, asio::io_context::executor_type> acceptor_;
  uint16_t port_ = 0;
  std::thread io_thread_;
  std::unique_ptr<WorkerPool> pool_;
};

// Reads a request, has it answered, writes the answer, and begins again.
// Thread: the server's io_thread_.
class Server::Impl::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Impl& server, Stream::socket_type socket) : server_(server), stream_(std::move(socket)) {
    ++server_.connections_;
    error_code ignored;
    (void)stream_.socket().set_option(tcp::no_delay(true), ignored);
    if (const auto peer = stream_.socket().remote_endpoint(ignored); !ignored) {
      peer_address_ = peer.address().to_string();
      peer_port_ = peer.port();
    }
  }
  ~Connection() { --server_.connections_; }

  void Read() {
    parser_.emplace();
    parser_->body_limit(server_.options_.body_bytes_max);
    stream_.expires_after(std::chrono::seconds(server_.options_.idle_seconds));
    beast::http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t) {
      if (error == beast::http::error::body_limit) return self->Refuse(413, "the body is too long");
      if (error) return;  // the peer is gone, silent, or does not speak HTTP
      self->Dispatch();
    });
  }

 private:
  void Dispatch() {
    keep_alive_ = parser_->get().keep_alive();
    stream_.expires_never();
    const auto received = std::chrono::steady_clock::now();
    auto task = [self = shared_from_this(), request = parser_->release(), received](size_t worker) mutable {
      auto response = ToBeast(self->Answer(std::move(request), worker, received), self->keep_alive_);
      auto& io = self->server_.io_;  // before `self` is moved: arguments are evaluated in any order
      asio::post(
          io, [self = std::move(self), response = std::move(response)]() mutable { self->Write(std::move(response)); });
    };
    if (!server_.pool_->Post(std::move(task))) {
      Write(ToBeast({.status = 503, .body = R"({"detail":"too many requests wait"})"}, keep_alive_));
    }
  }

  // Thread: the worker's.
  Response Answer(BeastRequest request, size_t worker, std::chrono::steady_clock::time_point received) {
    otel::instrumentation::HttpServerSpan span(
        request, {.peer_address = peer_address_, .peer_port = peer_port_, .received = received});
    const otel::Scope scope(span.context());
    Response response = server_.handler_(FromBeast(std::move(request)), worker);
    span.SetRoute(response.route);
    span.End(response.status);
    return response;
  }

  void Refuse(int status, std::string_view why) {
    keep_alive_ = false;
    Write(ToBeast({.status = status, .body = fmt::format(R"({{"detail":"{}"}})", why)}, false));
  }

  void Write(BeastResponse response) {
    response_ = std::move(response);
    stream_.expires_after(std::chrono::seconds(server_.options_.idle_seconds));
    beast::http::async_write(stream_, response_, [self = shared_from_this()](error_code error, size_t) {
      if (!error && self->keep_alive_) return self->Read();
      error_code ignored;
      (void)self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  Impl& server_;
  Stream stream_;
  beast::flat_buffer buffer_;
  std::optional<beast::http::request_parser<beast::http::string_body>> parser_;
  BeastResponse response_;
  bool keep_alive_ = true;
  std::string peer_address_;
  int peer_port_ = 0;
};

void Server::Impl::Accept() {
  acceptor_.async_accept([this](error_code error, Stream::socket_type socket) {
    if (error == asio::error::operation_aborted) return;
    if (!error && connections_ < options_.connections_max) {
      std::make_shared<Connection>(*this, std::move(socket))->Read();
    }
    Accept();
  });
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;
uint16_t Server::port() const {
  return impl_->port();
}

Result<std::unique_ptr<Server>> Server::Start(ServerOptions options, Handler handler) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(handler));
  if (auto started = impl->Start(); !started) return std::unexpected(started.error());
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

}  // namespace demo::http
