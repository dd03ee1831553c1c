#include "otlp/response.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <protozero/pbf_reader.hpp>

namespace otel::internal {
namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

bool Is(const pbf_reader& reader, uint32_t field, pbf_wire_type type) {
  return reader.tag() == field && reader.wire_type() == type;
}

PartialSuccess PartialSuccessOf(pbf_reader message) {
  PartialSuccess partial;
  while (message.next()) {
    if (Is(message, 1, pbf_wire_type::varint)) {
      partial.rejected = message.get_int64();
    } else if (Is(message, 2, pbf_wire_type::length_delimited)) {
      partial.message = message.get_string();
    } else {
      message.skip();
    }
  }
  return partial;
}

PartialSuccess PartialSuccessOfResponse(pbf_reader response) {
  PartialSuccess partial;
  while (response.next()) {
    if (Is(response, 1, pbf_wire_type::length_delimited)) {
      partial = PartialSuccessOf(response.get_message());
    } else {
      response.skip();
    }
  }
  return partial;
}

std::chrono::milliseconds DurationOf(pbf_reader message) {
  int64_t seconds = 0, nanos = 0;
  while (message.next()) {
    if (Is(message, 1, pbf_wire_type::varint)) {
      seconds = message.get_int64();
    } else if (Is(message, 2, pbf_wire_type::varint)) {
      nanos = message.get_int32();
    } else {
      message.skip();
    }
  }
  constexpr int64_t kSecondsMax = 365 * 24 * 3600;  // far above any deadline, far below an overflow
  return std::chrono::seconds(std::clamp<int64_t>(seconds, 0, kSecondsMax)) +
         std::chrono::milliseconds(std::clamp<int64_t>(nanos / 1'000'000, 0, 999));
}

// Of a google.protobuf.Any, if it holds one.
std::optional<std::chrono::milliseconds> RetryDelayOf(pbf_reader any) {
  std::string_view type;
  pbf_reader value;
  while (any.next()) {
    if (Is(any, 1, pbf_wire_type::length_delimited)) {
      const protozero::data_view text = any.get_view();
      type = {text.data(), text.size()};
    } else if (Is(any, 2, pbf_wire_type::length_delimited)) {
      value = any.get_message();
    } else {
      any.skip();
    }
  }
  if (!type.ends_with("/google.rpc.RetryInfo")) return std::nullopt;
  while (value.next()) {
    if (Is(value, 1, pbf_wire_type::length_delimited)) return DurationOf(value.get_message());
    value.skip();
  }
  return std::nullopt;
}

RpcStatus StatusOf(pbf_reader message) {
  RpcStatus status;
  while (message.next()) {
    if (Is(message, 2, pbf_wire_type::length_delimited)) {
      status.message = message.get_string();
    } else if (Is(message, 3, pbf_wire_type::length_delimited)) {
      if (const auto delay = RetryDelayOf(message.get_message())) status.retry_delay = delay;
    } else {
      message.skip();
    }
  }
  return status;
}

// Protobuf's JSON has 64-bit integers as text; some write numbers.
int64_t Int64Of(simdjson::dom::element value) {
  if (int64_t number; value.get_int64().get(number) == simdjson::SUCCESS) return number;
  int64_t number = 0;
  if (std::string_view text; value.get_string().get(text) == simdjson::SUCCESS) {
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

std::optional<PartialSuccess> ReadExportResponseJson(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::object response, partial_success;
  if (parser.parse(body.data(), body.size()).get_object().get(response) != simdjson::SUCCESS) return std::nullopt;
  PartialSuccess partial;
  if (response["partialSuccess"].get_object().get(partial_success) != simdjson::SUCCESS) return partial;
  for (const auto& [key, value] : partial_success) {
    if (key.starts_with("rejected")) {  // Spans, DataPoints, LogRecords
      partial.rejected = Int64Of(value);
    } else if (std::string_view text; key == "errorMessage" && value.get_string().get(text) == simdjson::SUCCESS) {
      partial.message = text;
    }
  }
  return partial;
}

std::optional<RpcStatus> ReadRpcStatusJson(std::string_view body) {
  simdjson::dom::parser parser;
  std::string_view message;
  if (parser.parse(body.data(), body.size())["message"].get_string().get(message) != simdjson::SUCCESS)
    return std::nullopt;
  return RpcStatus{.message = std::string(message)};
}

}  // namespace

std::optional<PartialSuccess> ReadExportResponse(std::string_view body, Encoding encoding) {
  if (body.empty()) return PartialSuccess{};
  if (encoding == Encoding::kJson) return ReadExportResponseJson(body);
  try {
    return PartialSuccessOfResponse(pbf_reader(body.data(), body.size()));
  } catch (const protozero::exception&) {
    return std::nullopt;
  }
}

std::optional<RpcStatus> ReadRpcStatus(std::string_view body, Encoding encoding) {
  if (encoding == Encoding::kJson) return ReadRpcStatusJson(body);
  try {
    return StatusOf(pbf_reader(body.data(), body.size()));
  } catch (const protozero::exception&) {
    return std::nullopt;
  }
}

}  // namespace otel::internal
