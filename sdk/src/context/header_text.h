// What the grammars of HTTP headers have in common: https://www.rfc-editor.org/rfc/rfc9110#name-tokens
#pragma once

#include <string_view>

namespace otel::internal {

constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsLowerLetter(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool IsTokenCharacter(char c) {
  return IsDigit(c) || IsLowerLetter(c) || (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
constexpr bool IsToken(std::string_view text) {
  for (const char c : text) {
    if (!IsTokenCharacter(c)) return false;
  }
  return !text.empty();
}

constexpr std::string_view TrimSpace(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// What stands before the separator, or all of it; `rest` keeps what stands after.
constexpr std::string_view TakeUntil(std::string_view& rest, char separator) {
  const size_t place = rest.find(separator);
  const std::string_view taken = rest.substr(0, place);
  rest.remove_prefix(place == std::string_view::npos ? rest.size() : place + 1);
  return taken;
}

}  // namespace otel::internal
