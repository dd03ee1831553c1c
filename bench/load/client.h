// Sends serialized export requests over one connection and waits for each answer.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sightline::load {

enum class Answer : unsigned char { kAccepted, kPushedBack, kFailed };

// Thread: one.
class Client {
 public:
  virtual ~Client() = default;
  // `signal`: "traces", "metrics" or "logs". On kFailed, error() says why.
  virtual Answer Send(std::string_view signal, std::string_view request) = 0;
  const std::string& error() const { return error_; }

 protected:
  std::string error_;
};

std::unique_ptr<Client> ConnectGrpc(const std::string& address, bool gzip);
std::unique_ptr<Client> ConnectHttp(const std::string& address, bool gzip);

}  // namespace sightline::load
