// Sends many HTTP requests at the same time from one thread, over libcurl's multi interface.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "demo/common/error.h"

namespace demo::traffic {

struct LoadAnswer {
  int status = 0;
  std::string body;
};

// Thread: one; what is called back is called by Run, and may send more.
class LoadClient {
 public:
  using Done = std::function<void(Result<LoadAnswer>)>;

  LoadClient(std::string base_url, std::chrono::milliseconds timeout, size_t connections_max);
  ~LoadClient();  // drops what is under way

  // A GET, or a POST where there is a body. Never waits.
  void Send(const std::string& target, const std::string& body, Done done);
  size_t in_flight() const;
  // Lets requests make progress until then, or returns earlier.
  void Run(std::chrono::steady_clock::time_point until);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace demo::traffic
