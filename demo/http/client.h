// A blocking HTTP client over libcurl that keeps its connections.
// Data: request -> sockets -> answer.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "demo/common/error.h"

namespace demo::http {

struct ClientRequest {
  std::string url;
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds timeout{5000};
  // For telemetry: the path with few values, "/page/summary/{title}", and how often it was tried before.
  std::string_view url_template = {};
  int resend_count = 0;
};

struct ClientResponse {
  int status = 0;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case

  std::string_view Header(std::string_view name) const;  // `name` in lower case; "" if absent
};

// Each request is a client span, as the semantic conventions have it, and carries the span's context on.
// Follows a few redirects; an answer of any status is an answer. Error types: "TimeoutError", "ConnectError",
// "ProtocolError".
// Thread: one at a time.
class Client {
 public:
  static constexpr size_t kBodyBytesMax = 4 << 20;

  Client();
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  Result<ClientResponse> Send(const ClientRequest& request);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace demo::http
