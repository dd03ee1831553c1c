#include "net/http_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "net/http_connection.h"

namespace sightline::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int kListenBacklog = 1024;
constexpr uint32_t kRefusedConnectionsMax = 64;  // told 503 at the same time; more are closed without a word
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // when the process has no descriptors left

// Thread: start and stop from outside; accepting on a strand.
class Server final : public HttpServer {
 public:
  explicit Server(std::shared_ptr<HttpShared> shared)
      : shared_(std::move(shared)),
        work_(shared_->io->get_executor()),
        strand_(asio::make_strand(*shared_->io)),
        acceptor_(strand_),
        pause_(strand_) {}
  ~Server() override { Stop(0); }

  Result<void> Listen(const HostPort& host_port) {
    error_code error;
    const auto fail = [&](std::string_view what) {
      return Fail(Code::kUnavailable, "{} {}: {}", what, shared_->options.address, error.message());
    };
    tcp::resolver resolver(*shared_->io);
    const auto found = resolver.resolve(host_port.host, std::to_string(host_port.port),
                                        tcp::resolver::passive | tcp::resolver::numeric_service, error);
    if (error || found.empty()) return fail("resolve");
    const tcp::endpoint endpoint = found.begin()->endpoint();
    acceptor_.open(endpoint.protocol(), error);
    if (error) return fail("open a socket for");
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    acceptor_.bind(endpoint, error);
    if (error) return fail("bind");
    acceptor_.listen(kListenBacklog, error);
    if (error) return fail("listen on");
    const bool v6 = host_port.host.find(':') != std::string::npos;
    address_ =
        fmt::format("{}{}{}:{}", v6 ? "[" : "", host_port.host, v6 ? "]" : "", acceptor_.local_endpoint().port());
    return {};
  }

  void Run() {
    asio::post(strand_, [this] { Accept(); });
    const int threads = std::max(1, shared_->options.threads);
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([io = shared_->io] { io->run(); });
    }
  }

  std::string address() const override { return address_; }

  void Stop(int grace_seconds) override {
    const std::lock_guard lock(stop_mutex_);
    if (threads_.empty()) return;
    asio::post(strand_, [this] {
      error_code ignored;
      acceptor_.close(ignored);
      pause_.cancel();
    });
    shared_->book.Drain();
    if (!shared_->book.WaitEmpty(std::chrono::seconds(std::max(0, grace_seconds)))) shared_->book.CloseAll();
    work_.reset();
    for (auto& thread : threads_) thread.join();
    threads_.clear();
  }

 private:
  void Accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (!error) {
        TakeOver(std::move(socket));
        return Accept();
      }
      if (error == asio::error::connection_aborted || error == asio::error::interrupted) return Accept();
      Log(LogLevel::kWarning, "a connection could not be accepted",
          {{"address", address_}, {"error", error.message()}});
      pause_.expires_after(kAcceptPause);
      pause_.async_wait([this](error_code cancelled) {
        if (!cancelled && acceptor_.is_open()) Accept();
      });
    });
  }

  void TakeOver(tcp::socket socket) {
    const size_t connections = shared_->book.size();
    const uint32_t max = shared_->options.connections_max;
    if (connections >= max + kRefusedConnectionsMax) return;
    error_code error;
    const int native = socket.release(error);
    if (!error) HttpConnection::Start(shared_, native, connections >= max);
  }

  const std::shared_ptr<HttpShared> shared_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::strand<asio::io_context::executor_type> strand_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::string address_;
  std::mutex stop_mutex_;
  std::vector<std::thread> threads_;  // guarded by stop_mutex_ after Run
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options, HttpHandler handler) {
  auto host_port = ParseHostPort(options.address);
  if (!host_port) return std::unexpected(host_port.error());
  try {
    HttpAccess access(options.allowed_hosts, options.allowed_origins, host_port->host);
    auto io = std::make_shared<asio::io_context>(std::max(1, options.threads));
    const uint64_t arriving_bytes_max = options.arriving_bytes_max;
    std::shared_ptr<HttpShared> shared(new HttpShared{std::move(io),
                                                      std::move(options),
                                                      std::move(handler),
                                                      std::move(access),
                                                      MemoryBudget(arriving_bytes_max),
                                                      {}});
    auto server = std::make_unique<Server>(std::move(shared));
    SIGHTLINE_TRY(server->Listen(*host_port));
    server->Run();
    return server;
  } catch (const std::exception& error) {
    return Fail(Code::kInternal, "start an HTTP server: {}", error.what());
  }
}

}  // namespace sightline::net
