#include "common/environment.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "common/report.h"

namespace otel::internal {
namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::optional<uint8_t> HexDigit(char c) {
  uint8_t digit = 0;
  if (std::from_chars(&c, &c + 1, digit, 16).ec != std::errc()) return std::nullopt;
  return digit;
}

template <typename Visit>
void ForEachItem(std::string_view list, const Visit& visit) {
  while (true) {
    const size_t comma = list.find(',');
    if (const auto item = Trimmed(list.substr(0, comma)); !item.empty()) visit(item);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

std::optional<std::pair<std::string, std::string>> Pair(std::string_view item) {
  const size_t equals = item.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  auto key = PercentDecoded(Trimmed(item.substr(0, equals)));
  auto value = PercentDecoded(Trimmed(item.substr(equals + 1)));
  if (!key || key->empty() || !value) return std::nullopt;
  return std::pair(std::move(*key), std::move(*value));
}

}  // namespace

std::optional<std::string> PercentDecoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const auto high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
    if (!high || !low) return std::nullopt;
    decoded.push_back(static_cast<char>(*high << 4 | *low));
    i += 2;
  }
  return decoded;
}

Environment::Environment()
    : lookup_([](const char* name) -> std::optional<std::string> {
        const char* const value = std::getenv(name);
        return value == nullptr ? std::nullopt : std::optional<std::string>(value);
      }),
      warn_([](std::string_view message) { Report("configuration", message); }) {}

std::optional<std::string> Environment::Text(const char* name) const {
  const auto value = lookup_(name);
  if (!value) return std::nullopt;
  const std::string_view text = Trimmed(*value);
  if (text.empty()) return std::nullopt;
  return std::string(text);
}

std::optional<bool> Environment::Flag(const char* name) const {
  const auto text = Text(name);
  if (!text) return std::nullopt;
  if (EqualsIgnoringCase(*text, "true")) return true;
  if (!EqualsIgnoringCase(*text, "false")) WarnOf(name, *text, "is neither true nor false; taken as false");
  return false;
}

std::optional<int64_t> Environment::Number(const char* name, int64_t min, int64_t max) const {
  const auto text = Text(name);
  if (!text) return std::nullopt;
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc() || end != text->data() + text->size()) {
    WarnOf(name, *text, "is not a whole number");
    return std::nullopt;
  }
  if (number < min || number > max) {
    WarnOf(name, *text, "is not within " + std::to_string(min) + " and " + std::to_string(max));
    return std::nullopt;
  }
  return number;
}

std::optional<double> Environment::Ratio(const char* name) const {
  const auto text = Text(name);
  if (!text) return std::nullopt;
  double ratio = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), ratio);
  if (error != std::errc() || end != text->data() + text->size() || !(ratio >= 0 && ratio <= 1)) {
    WarnOf(name, *text, "is not a number within 0 and 1");
    return std::nullopt;
  }
  return ratio;
}

std::optional<std::chrono::milliseconds> Environment::Milliseconds(const char* name) const {
  const auto number = Number(name);
  if (!number) return std::nullopt;
  return std::chrono::milliseconds(*number);
}

std::optional<std::chrono::milliseconds> Environment::Timeout(const char* name) const {
  const auto time = Milliseconds(name);
  if (time && time->count() == 0) return std::chrono::milliseconds(kNumberMax);
  return time;
}

std::optional<TextPairs> Environment::Pairs(const char* name) const {
  const auto text = Text(name);
  if (!text) return std::nullopt;
  TextPairs pairs;
  bool good = true;
  ForEachItem(*text, [&](std::string_view item) {
    auto pair = Pair(item);
    good = good && pair.has_value();
    if (pair) pairs.push_back(std::move(*pair));
  });
  if (good) return pairs;
  // The values may be secrets, as headers are.
  WarnOf(name, "...", "is not a list of key=value with values %-encoded");
  return std::nullopt;
}

std::optional<std::vector<std::string>> Environment::List(const char* name) const {
  const auto text = Text(name);
  if (!text) return std::nullopt;
  std::vector<std::string> items;
  ForEachItem(*text, [&](std::string_view item) {
    if (std::ranges::find(items, item) == items.end()) items.emplace_back(item);
  });
  return items;
}

void Environment::WarnOf(const char* name, std::string_view value, std::string_view what) const {
  std::string message(name);
  message.append("=").append(value).append(": ").append(what);
  warn_(message);
}

bool Environment::EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

}  // namespace otel::internal
