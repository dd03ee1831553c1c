// The HTTP status of a span, for whoever must know whether it failed: many servers' instrumentation leaves the span's
// own status Unset on a 5xx. Data: a span's attributes, one by one, as bytes -> a status.
#pragma once

#include <cstdint>
#include <string_view>

#include "otlp/plain_attribute.h"
#include "otlp/wire.h"
#include "otlp/wire_fields.h"

namespace sightline::otlp {

// A status that came as text, as Envoy and what came from Zipkin or OpenTracing send it; 0 for all but up to three
// digits.
inline uint16_t HttpStatusOfText(std::string_view text) {
  constexpr size_t kDigitsMax = 3;
  if (text.size() > kDigitsMax) return 0;
  uint16_t number = 0;
  for (const char digit : text) {
    if (digit < '0' || digit > '9') return 0;
    number = static_cast<uint16_t>(number * 10 + (digit - '0'));
  }
  return number;
}

// http.response.status_code, else the older http.status_code; a number, or a text of digits.
class HttpStatusNote {
 public:
  // A KeyValue message.
  void Look(std::string_view key_value) {
    PlainAttribute plain;
    if (SplitPlain(key_value, plain)) return Look(plain);
    std::string_view key, value;
    for (FieldReader fields(key_value); fields.Next();) {
      if (fields.tag() == field::key_value::kKey) key = fields.bytes();
      if (fields.tag() == field::key_value::kValue) value = fields.bytes();
    }
    Look({key, value});
  }
  // Few keys have these lengths.
  [[gnu::always_inline]] void Look(const PlainAttribute& attribute) {
    if (attribute.key.size() != kKey.size() && attribute.key.size() != kOldKey.size()) [[likely]]
      return;
    if (attribute.key == kKey) status_ = Number(attribute.value);
    if (attribute.key == kOldKey) old_status_ = Number(attribute.value);
  }

  // 0: neither, or beyond 999.
  uint16_t status() const { return status_ != 0 ? status_ : old_status_; }

 private:
  static constexpr std::string_view kKey = "http.response.status_code", kOldKey = "http.status_code";

  static uint16_t Number(std::string_view any_value) {
    constexpr uint64_t kStatusMax = 999;
    uint64_t number = 0;
    for (FieldReader fields(any_value); fields.Next();) {
      number = 0;  // of a oneof the last member counts
      if (fields.tag() == field::any_value::kInt) number = fields.Uint();
      if (fields.tag() == field::any_value::kString) number = HttpStatusOfText(fields.bytes());
    }
    return number <= kStatusMax ? static_cast<uint16_t>(number) : 0;
  }

  uint16_t status_ = 0, old_status_ = 0;
};

// Whether a status that the span does not call an error is one: of servers and clients alike.
inline constexpr uint8_t kErrorCode = 2;  // OTLP's STATUS_CODE_ERROR
inline bool IsServerError(uint16_t http_status) {
  return http_status >= 500;
}

}  // namespace sightline::otlp
