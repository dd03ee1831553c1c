#include "receive/response.h"

#include <fmt/format.h>

#include "otlp/attribute_text.h"
#include "otlp/wire_writer.h"

namespace sightline::receive {
namespace {

using net::GrpcCode;
using otlp::Signal;

// The specification recommends at most 4 MiB for a response and to shrink the message first; no reader wants so much.
constexpr size_t kMessageBytesMax = 4096;

// Valid UTF-8 of bounded length, as protobuf and JSON strings must be: messages quote what clients sent.
std::string Text(std::string_view message) {
  std::string text;
  otlp::RepairUtf8(message.substr(0, kMessageBytesMax), text);
  return text;
}

std::string JsonString(std::string_view valid_utf8) {
  std::string out = "\"";
  for (const char c : valid_utf8) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out += '"';
}

// Tags of Export…ServiceResponse and Export…PartialSuccess: the same numbers for all signals.
constexpr uint32_t kPartialSuccess = 1 << 3 | 2;
constexpr uint32_t kRejected = 1 << 3 | 0;
constexpr uint32_t kErrorMessage = 2 << 3 | 2;

std::string ResponseProtobuf(const Answer& answer) {
  if (answer.rejected == 0 && answer.message.empty()) return {};
  otlp::WireWriter out;
  const size_t partial = out.Begin(kPartialSuccess);
  if (answer.rejected > 0) out.Varint(kRejected, answer.rejected);
  if (!answer.message.empty()) out.Bytes(kErrorMessage, Text(answer.message));
  out.End(partial);
  return out.Take();
}

std::string_view RejectedField(Signal signal) {
  constexpr std::string_view kNames[] = {"rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"};
  return kNames[static_cast<uint8_t>(signal)];
}

std::string ResponseJson(Signal signal, const Answer& answer) {
  if (answer.rejected == 0 && answer.message.empty()) return "{}";
  // 64-bit integers are strings in protobuf's JSON.
  return fmt::format(R"({{"partialSuccess":{{"{}":"{}","errorMessage":{}}}}})", RejectedField(signal), answer.rejected,
                     JsonString(Text(answer.message)));
}

int HttpStatus(Outcome outcome) {
  constexpr int kStatus[] = {200, 400, 415, 413, 503, 500};
  return kStatus[static_cast<uint8_t>(outcome)];
}

GrpcCode CodeOf(Outcome outcome) {
  constexpr GrpcCode kCodes[] = {
      GrpcCode::kOk,          GrpcCode::kInvalidArgument, GrpcCode::kUnimplemented, GrpcCode::kResourceExhausted,
      GrpcCode::kUnavailable, GrpcCode::kInternal};
  return kCodes[static_cast<uint8_t>(outcome)];
}

// What BadRequest names: the request's one field.
std::string_view BadField(Signal signal, Outcome outcome) {
  constexpr std::string_view kNames[] = {"resource_spans", "resource_metrics", "resource_logs"};
  return outcome == Outcome::kInvalid ? kNames[static_cast<uint8_t>(signal)] : std::string_view();
}

int64_t RetryDelay(Outcome outcome) {
  return outcome == Outcome::kRetryLater ? kRetryDelayMillis : 0;
}

}  // namespace

std::string_view OutcomeName(Outcome outcome) {
  constexpr std::string_view kNames[] = {"accepted",  "invalid",     "unsupported_encoding",
                                         "too_large", "retry_later", "internal"};
  return kNames[static_cast<uint8_t>(outcome)];
}

std::string StatusBody(Format format, GrpcCode code, std::string_view message, int64_t retry_delay_millis,
                       std::string_view bad_field) {
  const std::string text = Text(message);
  if (format == Format::kProtobuf) return net::RpcStatus(code, text, retry_delay_millis, bad_field);
  const std::string quoted = JsonString(text);
  std::string details;
  if (retry_delay_millis > 0) {
    details = fmt::format(R"({{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"{}s"}})",
                          static_cast<double>(retry_delay_millis) / 1000);
  } else if (!bad_field.empty()) {
    details = fmt::format(
        R"({{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{{"field":"{}","description":{}}}]}})",
        bad_field, quoted);
  }
  return fmt::format(R"({{"code":{},"message":{},"details":[{}]}})", static_cast<int>(code), quoted, details);
}

net::HttpResponse ToHttp(Signal signal, Format format, std::string_view content_type, const Answer& answer) {
  net::HttpResponse response;
  response.status = HttpStatus(answer.outcome);
  response.content_type = content_type;
  if (answer.outcome == Outcome::kAccepted) {
    response.body = format == Format::kJson ? ResponseJson(signal, answer) : ResponseProtobuf(answer);
    return response;
  }
  response.body = StatusBody(format, CodeOf(answer.outcome), answer.message, RetryDelay(answer.outcome),
                             BadField(signal, answer.outcome));
  if (answer.outcome == Outcome::kRetryLater) {
    response.headers.emplace_back("Retry-After", std::to_string(kRetryDelayMillis / 1000));
  }
  if (answer.outcome == Outcome::kUnsupportedEncoding) {
    response.headers.emplace_back("Accept-Encoding", "gzip, deflate, zstd, identity");
  }
  return response;
}

net::GrpcResponse ToGrpc(Signal signal, const Answer& answer) {
  if (answer.outcome == Outcome::kAccepted) return {.message = ResponseProtobuf(answer)};
  const GrpcCode code = CodeOf(answer.outcome);
  const std::string text = Text(answer.message);
  return {.code = code,
          .error_message = text,
          .status_details = net::RpcStatus(code, text, RetryDelay(answer.outcome), BadField(signal, answer.outcome))};
}

GrpcCode CodeOfHttpStatus(int status) {
  switch (status) {
    case 403:
      return GrpcCode::kPermissionDenied;
    case 404:
      return GrpcCode::kNotFound;
    case 405:
      return GrpcCode::kUnimplemented;
    case 408:
      return GrpcCode::kDeadlineExceeded;
    case 413:
    case 431:
      return GrpcCode::kResourceExhausted;
    case 503:
      return GrpcCode::kUnavailable;
    default:
      return status >= 500 ? GrpcCode::kInternal : GrpcCode::kInvalidArgument;
  }
}

}  // namespace sightline::receive
