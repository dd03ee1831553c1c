// One request to a server and its answer, over HTTP or gRPC: what both have in common.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "otel/otlp_exporter.h"
#include "otlp/response.h"
#include "otlp/signal.h"

namespace otel::internal {

struct Answer {
  enum class Kind : uint8_t {
    kAccepted,
    kRetry,   // the same request may be accepted later
    kFailed,  // it will not
  };
  Kind kind = Kind::kFailed;
  std::string message;                                   // why not, for people
  std::optional<std::chrono::milliseconds> retry_after;  // what the server asks for
  PartialSuccess partial;                                // where it is accepted
};

// Thread: Send of one at a time, Interrupt of any.
class Transport {
 public:
  virtual ~Transport() = default;

  // Returns by the deadline, or a little later. Never throws.
  virtual Answer Send(std::string_view request, Deadline deadline) = 0;
  // Ends a Send that waits; later ones fail at once.
  virtual void Interrupt() = 0;
};

// The options must make sense: see CheckOptions.
std::unique_ptr<Transport> MakeHttpTransport(const OtlpOptions& options, const Signal& signal);
std::unique_ptr<Transport> MakeGrpcTransport(const OtlpOptions& options, const Signal& signal);

// "OTel-OTLP-Exporter-Cpp/1.2.3", as the specification wants it.
const std::string& UserAgent();

}  // namespace otel::internal
