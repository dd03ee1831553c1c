#include "otlp/json_values.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <system_error>

#include "base/hex.h"

namespace sightline::otlp {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

struct NumberForm {
  bool valid = false;
  bool whole = false;  // neither fraction nor exponent
};

// RFC 8259, section 6.
NumberForm FormOf(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t from = at;
    while (at < text.size() && IsDigit(text[at])) ++at;
    return at - from;
  };
  const auto take = [&](std::string_view any) {
    const bool found = at < text.size() && any.find(text[at]) != std::string_view::npos;
    at += found ? 1 : 0;
    return found;
  };
  take("-");
  const bool leading_zero = at < text.size() && text[at] == '0';
  const size_t whole_digits = digits();
  if (whole_digits == 0 || (leading_zero && whole_digits > 1)) return {};
  bool whole = true;
  if (take(".")) {
    whole = false;
    if (digits() == 0) return {};
  }
  if (take("eE")) {
    whole = false;
    take("+-");
    if (digits() == 0) return {};
  }
  return {at == text.size(), whole};
}

template <typename Int>
std::optional<Int> ParseWhole(std::string_view text, double from, double below) {
  const NumberForm form = FormOf(text);
  if (!form.valid) return std::nullopt;
  if (form.whole) {
    Int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size()) return value;
    if (text != "-0") return std::nullopt;
  }
  const std::optional<double> value = ParseDouble(text);
  if (!value || *value != std::trunc(*value) || *value < from || *value >= below) return std::nullopt;
  return static_cast<Int>(*value);
}

constexpr int kNone = -1;

constexpr std::array<int8_t, 256> kBase64Digits = [] {
  constexpr std::string_view kStandard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<int8_t, 256> digits{};
  digits.fill(kNone);
  for (size_t i = 0; i < kStandard.size(); ++i) digits[static_cast<uint8_t>(kStandard[i])] = static_cast<int8_t>(i);
  digits['-'] = 62;
  digits['_'] = 63;
  return digits;
}();

}  // namespace

std::optional<int64_t> ParseInt64(std::string_view text) {
  return ParseWhole<int64_t>(text, -0x1p63, 0x1p63);
}

std::optional<uint64_t> ParseUint64(std::string_view text) {
  return ParseWhole<uint64_t>(text, 0, 0x1p64);
}

std::optional<double> ParseDouble(std::string_view text) {
  if (!FormOf(text).valid) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  // Too small for a double is (nearly) zero, too large is no number here; strtod tells which.
  value = std::strtod(std::string(text).c_str(), nullptr);
  if (std::isfinite(value)) return value;
  return std::nullopt;
}

std::string HexIdBytes(std::string_view text) {
  std::string bytes(text.size() / 2, '\0');
  return HexDecode(text, bytes.data()) ? bytes : std::string(1, '\xff');
}

std::optional<std::string> Base64Bytes(std::string_view text) {
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int digit = kBase64Digits[static_cast<uint8_t>(c)];
    if (digit == kNone) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count));
  }
  return bytes;
}

}  // namespace sightline::otlp
