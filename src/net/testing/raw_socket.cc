#include "net/testing/raw_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "base/error.h"

namespace sightline::net::testing {

RawSocket::RawSocket(const std::string& address, int receive_buffer_bytes) {
  const auto host_port = ParseHostPort(address);
  SIGHTLINE_CHECK(host_port.has_value());
  addrinfo hints{.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  SIGHTLINE_CHECK(getaddrinfo(host_port->host.c_str(), std::to_string(host_port->port).c_str(), &hints, &found) == 0);
  socket_ = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SIGHTLINE_CHECK(socket_ >= 0);
  if (receive_buffer_bytes > 0) {
    setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes, sizeof receive_buffer_bytes);
  }
  const timeval send_deadline{.tv_sec = kDeadlineSeconds, .tv_usec = 0};
  setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &send_deadline, sizeof send_deadline);
  SIGHTLINE_CHECK(connect(socket_, found->ai_addr, found->ai_addrlen) == 0);
  freeaddrinfo(found);
}

RawSocket::~RawSocket() {
  Close();
}

bool RawSocket::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool RawSocket::Fill() {
  pollfd wait{.fd = socket_, .events = POLLIN, .revents = 0};
  if (poll(&wait, 1, kDeadlineSeconds * 1000) <= 0) return false;
  char bytes[16 << 10];
  const ssize_t size = recv(socket_, bytes, sizeof bytes, 0);
  if (size < 0) reset_ = errno == ECONNRESET;
  if (size <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(size));
  return true;
}

bool RawSocket::ReadUntil(std::string_view mark, std::string* out) {
  size_t at;
  while ((at = buffer_.find(mark)) == std::string::npos) {
    if (!Fill()) return false;
  }
  *out = buffer_.substr(0, at + mark.size());
  buffer_.erase(0, out->size());
  return true;
}

bool RawSocket::ReadExactly(size_t size, std::string* out) {
  while (buffer_.size() < size) {
    if (!Fill()) return false;
  }
  *out = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return true;
}

HttpReply RawSocket::ReadResponse(bool to_head) {
  HttpReply reply;
  std::string line;
  if (!ReadUntil("\r\n", &line) || line.size() < 12) return {};
  reply.status = std::atoi(line.c_str() + 9);
  while (ReadUntil("\r\n", &line) && line != "\r\n") {
    const size_t colon = line.find(": ");
    if (colon == std::string::npos) return {};
    reply.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2, line.size() - colon - 4));
  }
  if (to_head || reply.status == 100 || reply.status == 204) return reply;
  if (reply.Header("Transfer-Encoding") != "chunked") {
    const std::string length(reply.Header("Content-Length"));
    return ReadExactly(std::strtoull(length.c_str(), nullptr, 10), &reply.body) ? reply : HttpReply{};
  }
  for (;;) {
    std::string chunk;
    if (!ReadUntil("\r\n", &line)) return {};
    const size_t size = std::strtoull(line.c_str(), nullptr, 16);
    if (!ReadExactly(size + 2, &chunk)) return {};
    if (size == 0) return reply;
    reply.body.append(chunk, 0, size);
  }
}

std::string RawSocket::ReadToEnd(bool* reset) {
  while (Fill()) {
  }
  if (reset != nullptr) *reset = reset_;
  return std::exchange(buffer_, {});
}

size_t RawSocket::ReadSome() {
  if (buffer_.empty() && !Fill()) return 0;
  return std::exchange(buffer_, {}).size();
}

bool RawSocket::Readable(int millis) {
  pollfd wait{.fd = socket_, .events = POLLIN, .revents = 0};
  return !buffer_.empty() || poll(&wait, 1, millis) > 0;
}

void RawSocket::CloseSend() {
  shutdown(socket_, SHUT_WR);
}

void RawSocket::Reset() {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  setsockopt(socket_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  Close();
}

void RawSocket::Close() {
  if (socket_ >= 0) close(socket_);
  socket_ = -1;
}

bool WaitFor(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(kDeadlineSeconds);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace sightline::net::testing
