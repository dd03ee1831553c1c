// The identifiers of the W3C Trace Context: https://www.w3.org/TR/trace-context-1/#traceparent-header-field-values
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace otel {

// Bytes in the order of the wire; all zero means none.
template <size_t kSize>
struct Id {
  std::array<uint8_t, kSize> bytes{};

  constexpr bool IsValid() const { return *this != Id{}; }
  std::string Hex() const;  // lower case
  // Nothing for what is not exactly 2 * kSize lower-case digits.
  static std::optional<Id> FromHex(std::string_view hex);

  friend constexpr auto operator<=>(const Id&, const Id&) = default;
};

using TraceId = Id<16>;
using SpanId = Id<8>;

extern template struct Id<16>;
extern template struct Id<8>;
extern template struct Id<1>;

// The flags octet.
struct TraceFlags {
  static constexpr uint8_t kSampled = 0x01, kRandom = 0x02;
  uint8_t bits = 0;

  constexpr bool sampled() const { return (bits & kSampled) != 0; }
  friend constexpr bool operator==(TraceFlags, TraceFlags) = default;
};

}  // namespace otel
