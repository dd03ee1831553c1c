// A gRPC client for unary methods on raw bytes (grpc::GenericStub): no generated classes. Blocking, for threads that
// have nothing else to do than to wait for the answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/grpc_server.h"
#include "net/tls_files.h"

namespace sightline::net {

struct GrpcClientOptions {
  std::string address;  // "host:4317"
  bool tls = false;
  TlsFiles tls_files;
};

struct GrpcCall {
  std::string method;                                         // "/package.Service/Method"
  std::vector<std::pair<std::string, std::string>> metadata;  // names in lower case
  std::string_view message;                                   // borrowed until Call returns
  bool gzip = false;
  int64_t timeout_nanos = 0;
  // Polled about ten times a second; true ends the call with kCancelled.
  std::function<bool()> cancelled;
};

// Thread: one at a time.
class GrpcClient {
 public:
  // kInvalidArgument: a file of the options does not read. Does not connect: the first call does, and a call after a
  // broken connection does again.
  static Result<std::unique_ptr<GrpcClient>> Create(const GrpcClientOptions& options);
  virtual ~GrpcClient() = default;

  // What the server answered, or gRPC in its place: kUnavailable without a connection, kDeadlineExceeded, kCancelled.
  virtual GrpcResponse Call(const GrpcCall& call) = 0;
};

}  // namespace sightline::net
