// A server of plain TCP for tests: what it does with a connection is the test's, so it can be as bad as servers are.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace otel::internal::testing {

struct HttpRequest {
  std::string head;  // with the empty line after it
  std::string body;
};

class Connection {
 public:
  explicit Connection(int socket) : socket_(socket) {}

  // Nothing where the client has gone, or the server ends.
  std::optional<HttpRequest> ReadRequest() {
    size_t head_end;
    while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!Fill()) return std::nullopt;
    }
    HttpRequest request{.head = buffer_.substr(0, head_end + 4), .body = {}};
    buffer_.erase(0, request.head.size());
    const size_t length = request.head.find("Content-Length: ");
    const size_t size =
        length == std::string::npos ? 0 : std::strtoull(request.head.c_str() + length + 16, nullptr, 10);
    while (buffer_.size() < size) {
      if (!Fill()) return std::nullopt;
    }
    request.body = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return request;
  }
  // Waits for any bytes and forgets them; false at the end.
  bool Drain() {
    buffer_.clear();
    return Fill();
  }
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // Until the client closes it, or the server ends.
  void WaitForEnd() {
    while (Drain()) {
    }
  }

 private:
  bool Fill() {
    char bytes[16 << 10];
    const ssize_t size = recv(socket_, bytes, sizeof bytes, 0);
    if (size <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(size));
    return true;
  }

  int socket_;
  std::string buffer_;
};

// "HTTP/1.1 200 OK" and so on; `headers` are whole lines.
inline std::string HttpAnswer(int status, std::string_view headers, std::string_view body) {
  return "HTTP/1.1 " + std::to_string(status) + " text\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

// Each connection has a thread, which calls the handler; it is closed when that returns.
class TcpServer {
 public:
  using Handler = std::function<void(Connection&)>;

  explicit TcpServer(Handler handler)
      : handler_(std::move(handler)), socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(socket_, 16) != 0 ||
        getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { Accept(); });
  }
  ~TcpServer() {
    shutdown(socket_, SHUT_RDWR);  // ends accept
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int open : open_) shutdown(open, SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
    close(socket_);
  }
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  size_t connections() {
    const std::lock_guard lock(mutex_);
    return connections_;
  }

 private:
  void Accept() {
    for (;;) {
      const int client = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (client < 0) return;
      const std::lock_guard lock(mutex_);
      ++connections_;
      open_.push_back(client);
      threads_.emplace_back([this, client] { Serve(client); });
    }
  }
  void Serve(int client) {
    Connection connection(client);
    handler_(connection);
    const std::lock_guard lock(mutex_);
    std::erase(open_, client);
    close(client);
  }

  const Handler handler_;
  const int socket_;
  int port_ = 0;
  std::mutex mutex_;
  size_t connections_ = 0;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace otel::internal::testing
