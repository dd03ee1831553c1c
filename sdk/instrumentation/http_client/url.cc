#include "url.h"

#include <algorithm>
#include <charconv>

#include "../http/http_attributes.h"

namespace otel::instrumentation {
namespace {

int DefaultPort(std::string_view scheme) {
  const auto is = [&](std::string_view name) {
    return std::ranges::equal(scheme, name, {}, [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  };
  return is("http") ? 80 : is("https") ? 443 : 0;
}

}  // namespace

UrlParts ParseUrl(std::string_view url, std::span<const std::string> secret_parameters) {
  UrlParts parts;
  const size_t mark = url.find("://");
  // libcurl takes a URL without a scheme for HTTP.
  const std::string_view scheme = mark == std::string_view::npos ? "http" : url.substr(0, mark);
  const size_t begin = mark == std::string_view::npos ? 0 : mark + 3;
  const size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  std::string_view authority = url.substr(begin, end - begin);
  parts.redacted = url.substr(0, begin);
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const bool has_password = authority.substr(0, at).find(':') != std::string_view::npos;
    parts.redacted += has_password ? "REDACTED:REDACTED@" : "REDACTED@";
    authority.remove_prefix(at + 1);
  }
  parts.redacted += authority;

  parts.port = DefaultPort(scheme);
  const size_t bracket = authority.starts_with('[') ? authority.find(']') : std::string_view::npos;
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  parts.address = authority.substr(0, colon);
  if (bracket != std::string_view::npos) parts.address = authority.substr(1, bracket - 1);
  if (colon != std::string_view::npos) {
    std::from_chars(authority.data() + colon + 1, authority.data() + authority.size(), parts.port);
  }

  const std::string_view rest = url.substr(end);
  const size_t fragment = std::min(rest.find('#'), rest.size());
  const size_t query = std::min(rest.find('?'), fragment);
  parts.redacted += rest.substr(0, query);
  if (query < fragment) {
    (parts.redacted += '?') += http::RedactQuery(rest.substr(query + 1, fragment - query - 1), secret_parameters);
  }
  parts.redacted += rest.substr(fragment);
  return parts;
}

}  // namespace otel::instrumentation
