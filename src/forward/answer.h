// What a backend's answer to an export means, by OTLP's rules.
// https://opentelemetry.io/docs/specs/otlp/ (failures, partial success, throttling)
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/grpc_server.h"
#include "net/http_client.h"

namespace sightline::forward {

struct Answer {
  enum class Outcome : uint8_t {
    kTaken,    // all, but for `rejected` items, which must not be sent again
    kRetry,    // the same request may be taken later
    kRefused,  // it never will be
  };
  Outcome outcome = Outcome::kRetry;
  uint64_t rejected = 0;                   // items, with kTaken
  std::string message;                     // why, or a warning
  std::string reason;                      // short, for metrics: "UNAVAILABLE", "503", "no answer"
  std::optional<int64_t> wait_nanos = {};  // what the backend asks to wait before the next try
};

Answer FromGrpc(const net::GrpcResponse& response);

// `now_unix_nanos` for a Retry-After that is a date.
Answer FromHttp(const net::HttpReply& reply, int64_t now_unix_nanos);

}  // namespace sightline::forward
