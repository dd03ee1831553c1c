// The texts that OTLP/JSON puts values into: numbers, hex, base64. Data: text -> value, or nothing if it is none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sightline::otlp {

// A JSON number that is whole and in range, also as 5.0 or 1e3.
std::optional<int64_t> ParseInt64(std::string_view text);
std::optional<uint64_t> ParseUint64(std::string_view text);

// A finite JSON number.
std::optional<double> ParseDouble(std::string_view text);

// Hex digits of any case. Whatever is no hex becomes one byte, which is no valid id of any kind.
std::string HexIdBytes(std::string_view text);

// Standard or URL-safe alphabet, padding optional.
std::optional<std::string> Base64Bytes(std::string_view text);

}  // namespace sightline::otlp
