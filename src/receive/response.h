// What a client is told, in the words of OTLP: the answer to an export as protobuf, JSON, HTTP status and gRPC code.
// https://opentelemetry.io/docs/specs/otlp/
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/grpc_server.h"
#include "net/http_server.h"
#include "otlp/signal.h"

namespace sightline::receive {

enum class Format : uint8_t { kProtobuf, kJson };

enum class Outcome : uint8_t {
  kAccepted,             // kept; `rejected` items of it never will be: the client must not send them again
  kInvalid,              // not a request of this kind; it stays so
  kUnsupportedEncoding,  // compressed in a way that is not known here
  kTooLarge,             // over a limit, before or after decompression; it stays so
  kRetryLater,           // nothing wrong with the request: no room for it now
  kInternal,             // a fault of ours
};
inline constexpr size_t kOutcomes = 6;
std::string_view OutcomeName(Outcome outcome);  // "accepted", ...

struct Answer {
  Outcome outcome = Outcome::kAccepted;
  uint64_t rejected = 0;  // items, with kAccepted
  std::string message;    // why; about the first one if items were rejected
};

// How long a client that is pushed back should wait.
inline constexpr int64_t kRetryDelayMillis = 1000;

net::HttpResponse ToHttp(otlp::Signal signal, Format format, std::string_view content_type, const Answer& answer);
net::GrpcResponse ToGrpc(otlp::Signal signal, const Answer& answer);

// A body for an error that has no export behind it: google.rpc.Status as protobuf or JSON.
std::string StatusBody(Format format, net::GrpcCode code, std::string_view message, int64_t retry_delay_millis = 0,
                       std::string_view bad_field = {});
net::GrpcCode CodeOfHttpStatus(int status);

}  // namespace sightline::receive
