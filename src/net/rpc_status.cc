#include <algorithm>
#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>

#include "net/grpc_server.h"

namespace sightline::net {
namespace {

// Field numbers of google/rpc/status.proto, error_details.proto and google/protobuf/{any,duration}.proto.
enum StatusField : uint32_t { kCode = 1, kMessage = 2, kDetails = 3 };
enum AnyField : uint32_t { kTypeUrl = 1, kValue = 2 };

void AddDetail(protozero::pbf_writer* status, std::string_view type, const std::string& message) {
  protozero::pbf_writer any(*status, kDetails);
  any.add_string(kTypeUrl, "type.googleapis.com/" + std::string(type));
  any.add_bytes(kValue, message);
}

std::string RetryInfo(int64_t retry_delay_millis) {
  std::string bytes;
  protozero::pbf_writer info(bytes);
  protozero::pbf_writer duration(info, 1);
  duration.add_int64(1, retry_delay_millis / 1000);
  duration.add_int32(2, static_cast<int32_t>(retry_delay_millis % 1000) * 1'000'000);
  return bytes;
}

std::string BadRequest(std::string_view field, std::string_view description) {
  std::string bytes;
  protozero::pbf_writer request(bytes);
  protozero::pbf_writer violation(request, 1);
  violation.add_string(1, field.data(), field.size());
  violation.add_string(2, description.data(), description.size());
  return bytes;
}

}  // namespace

std::string RpcStatus(GrpcCode code, std::string_view message, int64_t retry_delay_millis, std::string_view bad_field) {
  std::string bytes;
  protozero::pbf_writer status(bytes);
  status.add_int32(kCode, static_cast<int32_t>(code));
  status.add_string(kMessage, message.data(), message.size());
  if (retry_delay_millis > 0) AddDetail(&status, "google.rpc.RetryInfo", RetryInfo(retry_delay_millis));
  if (!bad_field.empty()) AddDetail(&status, "google.rpc.BadRequest", BadRequest(bad_field, message));
  return bytes;
}

std::optional<int64_t> RetryDelayNanosOf(std::string_view rpc_status) {
  constexpr std::string_view kType = "google.rpc.RetryInfo";
  constexpr int64_t kSecondsMax = 86'400, kNanosMax = 999'999'999;
  try {
    protozero::pbf_reader status(rpc_status.data(), rpc_status.size());
    while (status.next(kDetails, protozero::pbf_wire_type::length_delimited)) {
      protozero::pbf_reader any = status.get_message();
      std::string_view type, value;
      while (any.next()) {
        if (any.wire_type() != protozero::pbf_wire_type::length_delimited) {
          any.skip();
          continue;
        }
        const uint32_t field = any.tag();
        const protozero::data_view bytes = any.get_view();
        if (field == kTypeUrl) type = {bytes.data(), bytes.size()};
        if (field == kValue) value = {bytes.data(), bytes.size()};
      }
      if (!type.ends_with(kType)) continue;
      int64_t seconds = 0, nanos = 0;
      protozero::pbf_reader info(value.data(), value.size());
      while (info.next(1, protozero::pbf_wire_type::length_delimited)) {
        protozero::pbf_reader duration = info.get_message();
        while (duration.next()) {
          const bool is_number = duration.wire_type() == protozero::pbf_wire_type::varint;
          if (is_number && duration.tag() == 1) {
            seconds = duration.get_int64();
          } else if (is_number && duration.tag() == 2) {
            nanos = duration.get_int32();
          } else {
            duration.skip();
          }
        }
      }
      return std::clamp<int64_t>(seconds, 0, kSecondsMax) * 1'000'000'000 + std::clamp<int64_t>(nanos, 0, kNanosMax);
    }
  } catch (const protozero::exception&) {  // what is no such message says nothing
  }
  return std::nullopt;
}

std::string RpcStatusMessage(std::string_view rpc_status) {
  try {
    protozero::pbf_reader status(rpc_status.data(), rpc_status.size());
    while (status.next(kMessage, protozero::pbf_wire_type::length_delimited)) return status.get_string();
  } catch (const protozero::exception&) {
  }
  return {};
}

GrpcCode ToGrpcCode(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return GrpcCode::kInvalidArgument;
    case Code::kNotFound:
      return GrpcCode::kNotFound;
    case Code::kAlreadyExists:
      return GrpcCode::kAlreadyExists;
    case Code::kFailedPrecondition:
      return GrpcCode::kFailedPrecondition;
    case Code::kResourceExhausted:
      return GrpcCode::kResourceExhausted;
    case Code::kUnavailable:
      return GrpcCode::kUnavailable;
    case Code::kDeadlineExceeded:
      return GrpcCode::kDeadlineExceeded;
    case Code::kCancelled:
      return GrpcCode::kCancelled;
    case Code::kUnimplemented:
      return GrpcCode::kUnimplemented;
    case Code::kDataLoss:
      return GrpcCode::kDataLoss;
    case Code::kInternal:
      return GrpcCode::kInternal;
  }
  return GrpcCode::kUnknown;
}

}  // namespace sightline::net
