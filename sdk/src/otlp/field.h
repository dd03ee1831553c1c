// A field of an OTLP message, by the names that both encodings have for it.
#pragma once

#include <cstdint>
#include <string_view>

namespace otel::internal {

struct Field {
  uint32_t number;        // protobuf
  std::string_view name;  // JSON, lowerCamelCase: needs no escapes
};

}  // namespace otel::internal
