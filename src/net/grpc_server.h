// A gRPC server for unary methods on raw bytes (grpc::CallbackGenericService, gRPC's own message decompression off): no
// generated classes, and the handler decides how far a message may inflate.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace sightline::net {

// The numbers are gRPC's.
enum class GrpcCode : int {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16
};
GrpcCode ToGrpcCode(Code code);

struct GrpcRequest {
  std::string method;    // "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
  std::string encoding;  // "identity", "gzip", "deflate", "zstd": how `message` is compressed
  std::string message;   // as sent, contiguous
  std::string peer;
};

struct GrpcResponse {
  GrpcCode code = GrpcCode::kOk;
  std::string error_message;
  std::string message;         // serialized response when OK
  std::string status_details;  // serialized google.rpc.Status for the grpc-status-details-bin trailer (RetryInfo ...);
                               // may be empty
};

// Called exactly once, from any thread.
using GrpcReply = std::function<void(GrpcResponse)>;

// Runs on a thread of gRPC and must not block for long. Unknown methods should be answered kUnimplemented by the
// handler.
using GrpcHandler = std::function<void(GrpcRequest request, GrpcReply reply)>;

// Calls that end before a handler sees them.
enum class GrpcRefusal : uint8_t {
  kTooLarge,   // RESOURCE_EXHAUSTED
  kNoMessage,  // INVALID_ARGUMENT, as the next one: the methods are unary
  kSeveralMessages,
  kBrokenOff,  // by the client, or because too much was arriving at once
};

struct GrpcServerOptions {
  std::string address;  // "127.0.0.1:4317"; port 0 takes a free one
  uint32_t recv_message_bytes_max = 64 << 20;
  uint32_t concurrent_streams_max = 1024;               // a connection
  uint64_t memory_bytes_max = 512 << 20;                // of messages that are still arriving, over all connections
  std::function<void(GrpcRefusal refusal)> on_refused;  // from any thread; may be empty
};

// Thread: any.
class GrpcServer {
 public:
  static Result<std::unique_ptr<GrpcServer>> Start(GrpcServerOptions options, GrpcHandler handler);
  virtual ~GrpcServer() = default;  // stops
  virtual std::string address() const = 0;
  // Refuses new calls, waits up to `grace_seconds` for calls under way, then cancels them.
  virtual void Stop(int grace_seconds) = 0;
};

// google.rpc.Status bytes with RetryInfo{retry_delay} and, if `field` is not empty, BadRequest{field_violations}.
// https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
std::string RpcStatus(GrpcCode code, std::string_view message, int64_t retry_delay_millis = 0,
                      std::string_view bad_field = {});

// How long serialized google.rpc.Status says to wait before trying again; empty if it says nothing.
std::optional<int64_t> RetryDelayNanosOf(std::string_view rpc_status);
// The message in serialized google.rpc.Status; empty for other bytes.
std::string RpcStatusMessage(std::string_view rpc_status);

}  // namespace sightline::net
