// Where a gateway sends what it keeps, as it is configured.
// Data: "grpc://host:4317", "https://host:4318/base", "none" -> Endpoint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sightline::forward {

enum class Protocol : uint8_t { kAuto, kGrpc, kHttp };

struct Endpoint {
  bool none = false;  // nothing is sent
  Protocol protocol = Protocol::kGrpc;
  bool tls = false;
  std::string address;  // gRPC: "host:port"; HTTP: the URL before /v1/traces
};

// grpc:// and grpcs:// are gRPC, http:// and https:// HTTP, unless `protocol` says kGrpc: then they are gRPC too, as
// OTEL_EXPORTER_OTLP_ENDPOINT has it. Without a port gRPC has 4317, HTTP 4318.
Result<Endpoint> ParseEndpoint(std::string_view text, Protocol protocol = Protocol::kAuto);

}  // namespace sightline::forward
