#include "base/units.h"

#include <fmt/format.h>

#include <array>
#include <iterator>
#include <optional>

namespace sightline {
namespace {

__extension__ using Wide = unsigned __int128;  // holds 18 digits times the largest unit

struct Unit {
  std::string_view name;
  uint64_t size;
};

constexpr std::array<Unit, 9> kTimes = {{{"w", 604'800'000'000'000},
                                         {"d", 86'400'000'000'000},
                                         {"h", 3'600'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"s", 1'000'000'000},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"\xC2\xB5s", 1'000},
                                         {"ns", 1}}};

constexpr std::array<Unit, 8> kSizes = {{{"TiB", 1ULL << 40},
                                         {"GiB", 1ULL << 30},
                                         {"MiB", 1ULL << 20},
                                         {"KiB", 1ULL << 10},
                                         {"TB", 1'000'000'000'000},
                                         {"GB", 1'000'000'000},
                                         {"MB", 1'000'000},
                                         {"kB", 1'000}}};

// "12" or "1.5" at the front of `text`, times 10^-decimals. At most 18 digits, so that nothing overflows unseen.
struct Decimal {
  Wide digits = 0;
  uint64_t scale = 1;
};

std::optional<Decimal> TakeDecimal(std::string_view& text) {
  Decimal number;
  size_t i = 0, digits = 0;
  bool point = false;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !point && digits > 0) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    if (++digits > 18) return std::nullopt;
    number.digits = number.digits * 10 + static_cast<unsigned>(c - '0');
    if (point) number.scale *= 10;
  }
  if (digits == 0 || text[i - 1] == '.') return std::nullopt;
  text.remove_prefix(i);
  return number;
}

// number * unit, if that is whole and below 2^63.
std::optional<uint64_t> Times(const Decimal& number, uint64_t unit) {
  const Wide product = number.digits * unit;
  if (product % number.scale != 0) return std::nullopt;
  const Wide value = product / number.scale;
  if (value >= static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<uint64_t>(value);
}

bool SameLetters(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if ((a[i] | 0x20) != (b[i] | 0x20)) return false;
  }
  return true;
}

std::unexpected<Error> BadDuration(std::string_view text) {
  return Fail(Code::kInvalidArgument, "\"{}\" is not a duration such as 500ms, 1h30m, 30d or forever", text);
}

std::unexpected<Error> BadBytes(std::string_view text) {
  return Fail(Code::kInvalidArgument, "\"{}\" is not a size such as 64MiB, 4GB or a plain number of bytes", text);
}

}  // namespace

Result<int64_t> ParseDuration(std::string_view text) {
  if (text == "forever") return kForeverNanos;
  if (text == "0") return 0;
  std::string_view rest = text;
  uint64_t total = 0, last_unit = UINT64_MAX;
  while (!rest.empty()) {
    const std::optional<Decimal> number = TakeDecimal(rest);
    if (!number) return BadDuration(text);
    const std::string_view name = rest.substr(0, rest.find_first_of("0123456789."));
    const Unit* unit = nullptr;
    for (const Unit& candidate : kTimes) {
      if (candidate.name == name) unit = &candidate;
    }
    if (unit == nullptr || unit->size >= last_unit) return BadDuration(text);
    const std::optional<uint64_t> nanos = Times(*number, unit->size);
    if (!nanos || *nanos >= static_cast<uint64_t>(INT64_MAX) - total) {
      return Fail(Code::kInvalidArgument, "\"{}\" is not a whole number of nanoseconds below 292 years", text);
    }
    total += *nanos;
    last_unit = unit->size;
    rest.remove_prefix(name.size());
  }
  if (last_unit == UINT64_MAX) return BadDuration(text);
  return static_cast<int64_t>(total);
}

std::string PrintDuration(int64_t nanos) {
  if (nanos == kForeverNanos) return "forever";
  if (nanos == 0) return "0";
  std::string out;
  uint64_t rest = nanos < 0 ? 0 - static_cast<uint64_t>(nanos) : static_cast<uint64_t>(nanos);
  if (nanos < 0) out += '-';
  for (const Unit& unit : kTimes) {
    // Weeks are for input only: "30d" reads better than "4w2d".
    if (unit.name == "w" || rest < unit.size) continue;
    fmt::format_to(std::back_inserter(out), "{}{}", rest / unit.size, unit.name);
    rest %= unit.size;
  }
  return out;
}

Result<uint64_t> ParseBytes(std::string_view text) {
  std::string_view rest = text;
  const std::optional<Decimal> number = TakeDecimal(rest);
  if (!number) return BadBytes(text);
  if (rest.size() > 1 && rest[0] == ' ') rest.remove_prefix(1);
  uint64_t unit = rest.empty() || rest == "B" || rest == "b" ? 1 : 0;
  for (const Unit& candidate : kSizes) {
    if (SameLetters(candidate.name, rest)) unit = candidate.size;
  }
  if (unit == 0) return BadBytes(text);
  const std::optional<uint64_t> bytes = Times(*number, unit);
  if (!bytes) return Fail(Code::kInvalidArgument, "\"{}\" is not a whole number of bytes below 8 EiB", text);
  return *bytes;
}

std::string PrintBytes(uint64_t bytes) {
  const Unit* best = nullptr;
  for (const Unit& unit : kSizes) {
    if (bytes == 0 || bytes % unit.size != 0) continue;
    if (best == nullptr || unit.size > best->size) best = &unit;
  }
  if (best == nullptr) return fmt::format("{}", bytes);
  return fmt::format("{}{}", bytes / best->size, best->name);
}

}  // namespace sightline
