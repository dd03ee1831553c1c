#include "net/http_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "net/http_text.h"

namespace sightline::net {
namespace {

constexpr std::string_view kPreflightSeconds = "7200";  // browsers cap it themselves

// "http://host[:port]" of the very address that was asked for; https where a proxy ends TLS before us.
bool IsOwnOrigin(std::string_view origin, std::string_view host_header) {
  const size_t scheme = origin.find("://");
  if (scheme == std::string_view::npos || host_header.empty()) return false;
  const std::string_view name = origin.substr(0, scheme);
  return (name == "http" || name == "https") && EqualsNoCase(origin.substr(scheme + 3), host_header);
}

bool IsHeaderNameList(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c == ',' || c == ' ' || IsToken(std::string_view(&c, 1)); });
}

}  // namespace

HttpAccess::HttpAccess(std::vector<std::string> allowed_hosts, std::vector<std::string> allowed_origins,
                       std::string bound_host)
    : hosts_{"localhost", "127.0.0.1", "::1"}, origins_(std::move(allowed_origins)) {
  hosts_.push_back(HostName(bound_host.find(':') == std::string::npos ? bound_host : "[" + bound_host + "]"));
  for (const std::string& host : allowed_hosts) {
    if (host == "*") any_host_ = true;
    // A bare IPv6 address may be listed without brackets.
    const bool bare_v6 = std::count(host.begin(), host.end(), ':') > 1 && !host.starts_with('[');
    hosts_.push_back(HostName(bare_v6 ? "[" + host + "]" : host));
  }
  any_origin_ = std::find(origins_.begin(), origins_.end(), "*") != origins_.end();
}

bool HttpAccess::HostAllowed(const std::string& host, std::string_view local_ip) const {
  return any_host_ || host == local_ip || std::find(hosts_.begin(), hosts_.end(), host) != hosts_.end();
}

HttpAccess::Verdict HttpAccess::Check(const HttpRequest& head, std::string_view local_ip) const {
  Verdict verdict;
  const std::string_view host_header = head.Header("Host");
  // HTTP/1.0 may come without Host; no browser does.
  if (!host_header.empty() && !HostAllowed(HostName(host_header), local_ip)) {
    verdict.refused_status = 421;
    verdict.message = fmt::format("host \"{}\" is not served here; add it to the allowed hosts", host_header);
    return verdict;
  }
  const std::string_view origin = head.Header("Origin");
  if (origin.empty() || IsOwnOrigin(origin, host_header)) return verdict;
  const bool listed = std::find(origins_.begin(), origins_.end(), origin) != origins_.end();
  if (!listed && !any_origin_) {
    verdict.refused_status = 403;
    verdict.message = fmt::format("origin \"{}\" is not among the allowed origins", origin);
    return verdict;
  }
  // Credentials (navigator.sendBeacon always asks with them) only for origins that were named one by one.
  verdict.cors.emplace_back("Access-Control-Allow-Origin", listed ? std::string(origin) : "*");
  verdict.cors.emplace_back("Vary", "Origin");
  if (listed) verdict.cors.emplace_back("Access-Control-Allow-Credentials", "true");
  if (head.method != "OPTIONS" || head.Header("Access-Control-Request-Method").empty()) {
    verdict.cors.emplace_back("Access-Control-Expose-Headers", "Retry-After");
    return verdict;
  }
  verdict.preflight = true;
  verdict.cors.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  if (const std::string_view names = head.Header("Access-Control-Request-Headers"); IsHeaderNameList(names)) {
    verdict.cors.emplace_back("Access-Control-Allow-Headers", std::string(names));
  }
  if (head.Header("Access-Control-Request-Private-Network") == "true") {
    verdict.cors.emplace_back("Access-Control-Allow-Private-Network", "true");
  }
  verdict.cors.emplace_back("Access-Control-Max-Age", std::string(kPreflightSeconds));
  return verdict;
}

}  // namespace sightline::net
