// Sends requests to a backend, over gRPC or HTTP. Data: a serialized request -> what the backend says about it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "forward/answer.h"
#include "forward/endpoint.h"
#include "net/tls_files.h"
#include "otlp/signal.h"

namespace sightline::forward {

struct ExporterOptions {
  Endpoint endpoint;
  std::vector<std::pair<std::string, std::string>> headers;  // also gRPC's metadata
  bool gzip = true;
  int64_t timeout_nanos = 10'000'000'000;  // of one call
  net::TlsFiles tls_files;
};

// Thread: one at a time.
class Exporter {
 public:
  // The endpoint is not none. kInvalidArgument: files or headers that cannot be used.
  static Result<std::unique_ptr<Exporter>> Create(const ExporterOptions& options, const Clock& clock);
  virtual ~Exporter() = default;

  // Waits for the answer; that of a connection that fails is kRetry. `cancelled` is polled and ends the call.
  virtual Answer Send(otlp::Signal signal, std::string_view request, const std::function<bool()>& cancelled) = 0;
};

}  // namespace sightline::forward
