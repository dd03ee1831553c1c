#include "net/http_text.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

#include "net/http_server.h"

namespace sightline::net {
namespace {

constexpr int64_t kSecondNanos = 1'000'000'000;
constexpr int64_t kRetryAfterSecondsMax = 86'400;

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = Lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// False on a bad escape or an encoded NUL.
bool PercentDecode(std::string_view text, bool plus_is_space, std::string* out) {
  out->clear();
  out->reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      *out += ' ';
    } else if (text[i] != '%') {
      *out += text[i];
    } else {
      if (i + 2 >= text.size()) return false;
      const int high = HexDigit(text[i + 1]);
      const int low = HexDigit(text[i + 2]);
      if (high < 0 || low < 0 || (high | low) == 0) return false;
      *out += static_cast<char>(high << 4 | low);
      i += 2;
    }
  }
  return true;
}

constexpr std::string_view kBadEscape = "has a bad escape: % and two hex digits that are not 00 are understood";

std::expected<void, BadTarget> ParseQuery(std::string_view text, Target* target) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = std::min(pair.find('='), pair.size());
    auto& [name, value] = target->query.emplace_back();
    if (!PercentDecode(pair.substr(0, equals), true, &name)) {
      return std::unexpected(BadTarget{fmt::format("the name of a parameter {}", kBadEscape), ""});
    }
    if (equals < pair.size() && !PercentDecode(pair.substr(equals + 1), true, &value)) {
      return std::unexpected(BadTarget{fmt::format("the value of a parameter {}", kBadEscape), name});
    }
  }
  return {};
}

}  // namespace

bool EqualsNoCase(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return Lower(x) == Lower(y); });
}

bool IsToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    const char lower = Lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
  });
}

bool IsFieldValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

std::expected<Target, BadTarget> ParseTarget(std::string_view target) {
  Target result;
  if (const size_t scheme = target.find("://"); !target.starts_with('/') && scheme != std::string_view::npos) {
    target.remove_prefix(scheme + 3);
    const size_t end = std::min(target.find_first_of("/?"), target.size());
    result.authority = target.substr(0, end);
    target.remove_prefix(end);
  } else if (!target.starts_with('/') && target != "*") {
    return std::unexpected(BadTarget{fmt::format("request target \"{}\" is not a path", target), ""});
  }
  target = target.substr(0, target.find('#'));
  const size_t question = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, question);
  if (!PercentDecode(path.empty() ? "/" : path, false, &result.path)) {
    return std::unexpected(BadTarget{fmt::format("request target \"{}\" {}", target, kBadEscape), ""});
  }
  if (question < target.size()) SIGHTLINE_TRY(ParseQuery(target.substr(question + 1), &result));
  return result;
}

std::string HostName(std::string_view authority) {
  std::string_view host = authority;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    host = end == std::string_view::npos ? std::string_view() : host.substr(1, end - 1);
  } else {
    host = host.substr(0, host.find(':'));
  }
  std::string name(host);
  std::transform(name.begin(), name.end(), name.begin(), Lower);
  return name;
}

std::string_view HttpRequest::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (EqualsNoCase(key, name)) return value;
  }
  return {};
}

const std::string* HttpRequest::QueryValue(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return &value;
  }
  return nullptr;
}

Result<HostPort> ParseHostPort(const std::string& text) {
  const auto bad = [&] {
    return Fail(Code::kInvalidArgument, "address \"{}\" is neither host:port nor [v6]:port", text);
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return bad();
  HostPort result;
  result.host = text.substr(0, colon);
  const bool bracketed = result.host.starts_with('[') && result.host.ends_with(']');
  if (bracketed) result.host = result.host.substr(1, result.host.size() - 2);
  if (result.host.empty() || (!bracketed && result.host.find_first_of(":[]") != std::string::npos)) return bad();
  const char* begin = text.data() + colon + 1;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(begin, end, result.port);
  if (begin == end || stop != end || error != std::errc()) return bad();
  return result;
}

std::optional<int64_t> RetryAfterNanos(std::string_view value, int64_t now_unix_nanos) {
  if (value.empty()) return std::nullopt;
  int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || end != value.data() + value.size()) {
    std::tm date{};
    const std::string text(value);
    if (strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date) == nullptr) return std::nullopt;
    seconds = timegm(&date) - now_unix_nanos / kSecondNanos;
  }
  return std::clamp<int64_t>(seconds, 0, kRetryAfterSecondsMax) * kSecondNanos;
}

}  // namespace sightline::net
