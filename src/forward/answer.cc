#include "forward/answer.h"

#include <algorithm>

#include "net/http_text.h"
#include "otlp/wire.h"

namespace sightline::forward {
namespace {

using net::GrpcCode;

constexpr size_t kMessageBytesMax = 512;  // of what is logged

// Field numbers of Export*ServiceResponse and Export*PartialSuccess, the same for all signals.
constexpr uint32_t kPartialSuccess = otlp::Tag(1, otlp::WireType::kBytes);
constexpr uint32_t kRejected = otlp::Tag(1, otlp::WireType::kVarint);
constexpr uint32_t kErrorMessage = otlp::Tag(2, otlp::WireType::kBytes);

std::string Shortened(std::string_view text) {
  return std::string(text.substr(0, kMessageBytesMax));
}

Answer Taken(std::string_view response) {
  Answer answer{.outcome = Answer::Outcome::kTaken, .message = {}, .reason = {}};
  for (otlp::FieldReader fields(response); fields.Next();) {
    if (fields.tag() != kPartialSuccess) continue;
    for (otlp::FieldReader partial(fields.bytes()); partial.Next();) {
      if (partial.tag() == kRejected) answer.rejected = static_cast<uint64_t>(std::max<int64_t>(0, partial.Int()));
      if (partial.tag() == kErrorMessage) answer.message = Shortened(partial.bytes());
    }
  }
  return answer;
}

constexpr std::string_view kCodeNames[] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

bool IsRetryable(GrpcCode code, bool has_retry_info) {
  switch (code) {
    case GrpcCode::kCancelled:
    case GrpcCode::kDeadlineExceeded:
    case GrpcCode::kAborted:
    case GrpcCode::kOutOfRange:
    case GrpcCode::kUnavailable:
    case GrpcCode::kDataLoss:
      return true;
    case GrpcCode::kResourceExhausted:
      return has_retry_info;
    default:
      return false;
  }
}

}  // namespace

Answer FromGrpc(const net::GrpcResponse& response) {
  if (response.code == GrpcCode::kOk) return Taken(response.message);
  const auto number = static_cast<size_t>(response.code);
  const std::optional<int64_t> delay = net::RetryDelayNanosOf(response.status_details);
  return {
      .outcome = IsRetryable(response.code, delay.has_value()) ? Answer::Outcome::kRetry : Answer::Outcome::kRefused,
      .message = Shortened(response.error_message),
      .reason = std::string(number < std::size(kCodeNames) ? kCodeNames[number] : "UNKNOWN"),
      .wait_nanos = delay};
}

Answer FromHttp(const net::HttpReply& reply, int64_t now_unix_nanos) {
  if (reply.status / 100 == 2) return Taken(reply.body);
  const bool is_retryable = reply.status == 429 || reply.status == 502 || reply.status == 503 || reply.status == 504;
  return {.outcome = is_retryable ? Answer::Outcome::kRetry : Answer::Outcome::kRefused,
          .message = Shortened(net::RpcStatusMessage(reply.body)),
          .reason = std::to_string(reply.status),
          .wait_nanos = net::RetryAfterNanos(reply.Header("Retry-After"), now_unix_nanos)};
}

}  // namespace sightline::forward
