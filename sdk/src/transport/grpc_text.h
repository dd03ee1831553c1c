// How gRPC names what OTLP's options name.
#pragma once

#include <string>
#include <string_view>

#include "otel/otlp_exporter.h"

namespace otel::internal {

struct GrpcTarget {
  std::string name;
  bool tls;
};

// Of an http: or https: URL its host and port; what gRPC itself understands stays.
GrpcTarget GrpcTargetOf(const OtlpOptions& options);

std::string Lower(std::string_view text);

}  // namespace otel::internal
