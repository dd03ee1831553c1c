#include "transport/http_text.h"

#include <algorithm>

namespace otel::internal {

std::string HttpUrl(const OtlpOptions& options, const Signal& signal) {
  if (!options.url.empty()) return options.url;
  std::string url = options.endpoint.empty() ? "http://localhost:4318" : options.endpoint;
  while (url.ends_with('/')) url.pop_back();
  return url.append(signal.http_path);
}

std::string WithoutUser(std::string_view url) {
  const size_t scheme = url.find("://");
  const size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  const std::string_view authority = url.substr(host, url.find_first_of("/?#", host) - host);
  const size_t at = authority.rfind('@');
  std::string shown(url);
  if (at != std::string_view::npos) shown.erase(host, at + 1);
  return shown;
}

// https://www.rfc-editor.org/rfc/rfc9110#name-tokens
bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool IsHeaderValue(std::string_view value) {
  return std::ranges::all_of(value,
                             [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

std::optional<Encoding> EncodingOf(std::string_view content_type) {
  if (content_type.starts_with("application/json")) return Encoding::kJson;
  if (content_type.starts_with("application/x-protobuf")) return Encoding::kProtobuf;
  return std::nullopt;
}

std::string_view PlainText(std::string_view body) {
  constexpr size_t kShownMax = 200;
  body = body.substr(0, std::min(body.find_first_of("\r\n"), kShownMax));
  const bool readable = std::ranges::all_of(body, [](char c) { return c >= 0x20 && c < 0x7f; });
  return readable && !body.starts_with('<') ? body : std::string_view();
}

}  // namespace otel::internal
