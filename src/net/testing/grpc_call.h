// One gRPC call with a real client, for tests of folders that may not include gRPC.
#pragma once

#include <string>
#include <string_view>

namespace sightline::net::testing {

struct GrpcResult {
  int code = -1;
  std::string error_message;
  std::string details;  // google.rpc.Status bytes
  std::string message;
};

// `compression` is "", "gzip" or "deflate".
GrpcResult CallGrpc(const std::string& address, const std::string& method, std::string_view message,
                    std::string_view compression = {});

}  // namespace sightline::net::testing
