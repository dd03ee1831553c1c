#include "store/remote_url.h"

#include <cstdlib>
#include <string_view>

namespace sightline::store {
namespace {

std::string Decode(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      const std::string digits(text.substr(i + 1, 2));
      char* end = nullptr;
      const long byte = std::strtol(digits.c_str(), &end, 16);
      if (end == digits.c_str() + 2) {
        decoded += static_cast<char>(byte);
        i += 2;
        continue;
      }
    }
    decoded += text[i];
  }
  return decoded;
}

}  // namespace

Result<RemoteUrl> ParseRemoteUrl(const std::string& url) {
  constexpr std::string_view kForm = "http(s)://user:password@host:8123/database";
  std::string_view rest = url;
  const size_t scheme_end = rest.find("://");
  const std::string_view scheme = rest.substr(0, scheme_end == std::string_view::npos ? 0 : scheme_end);
  if (scheme != "http" && scheme != "https") {
    return Fail(Code::kInvalidArgument, "the address of ClickHouse must read {}", kForm);
  }
  rest.remove_prefix(scheme_end + 3);
  RemoteUrl parsed;
  const size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) parsed.database = Decode(rest.substr(slash + 1));
  if (const size_t at = authority.rfind('@'); at != std::string_view::npos) {
    const std::string_view login = authority.substr(0, at);
    const size_t colon = login.find(':');
    parsed.user = Decode(login.substr(0, colon));
    if (colon != std::string_view::npos) parsed.password = Decode(login.substr(colon + 1));
    authority.remove_prefix(at + 1);
  }
  if (authority.empty() || parsed.database.find_first_of("/?#") != std::string::npos) {
    return Fail(Code::kInvalidArgument, "the address of ClickHouse must read {}", kForm);
  }
  const size_t bracket = authority.rfind(']');  // "[::1]:8123"
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  parsed.endpoint = fmt::format("{}://{}{}/", scheme, authority, has_port ? "" : scheme == "https" ? ":8443" : ":8123");
  return parsed;
}

}  // namespace sightline::store
