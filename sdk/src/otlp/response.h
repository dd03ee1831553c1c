// What servers answer. All of it comes from outside: whatever it holds, reading it is safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "otlp/encode.h"

namespace otel::internal {

// https://opentelemetry.io/docs/specs/otlp/#partial-success: all zero where everything was accepted. A message without
// rejected records is a warning.
struct PartialSuccess {
  int64_t rejected = 0;
  std::string message;
};

// The Export...ServiceResponse of any signal; nothing for what is none.
std::optional<PartialSuccess> ReadExportResponse(std::string_view body, Encoding encoding);

// google.rpc.Status, by which servers say why they refuse.
struct RpcStatus {
  std::string message;
  std::optional<std::chrono::milliseconds> retry_delay;  // of a RetryInfo; in protobuf only
};

std::optional<RpcStatus> ReadRpcStatus(std::string_view body, Encoding encoding);

}  // namespace otel::internal
