// The small text rules of HTTP that need no server: tokens, field values, targets, addresses.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace sightline::net {

bool EqualsNoCase(std::string_view a, std::string_view b);  // ASCII
bool IsToken(std::string_view text);                        // RFC 9110, 5.6.2: a header's name
bool IsFieldValue(std::string_view text);                   // no control characters but tab

struct Target {
  std::string path;                                        // decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded, "+" is a space
  std::string authority;                                   // of the absolute form ("GET http://host/ …"), else empty
};
struct BadTarget {
  std::string message;
  std::string parameter;  // decoded name of the one whose value is at fault; "" if it is something else
};
// A bad escape, a NUL, or a form that is neither origin, absolute nor "*", are errors.
std::expected<Target, BadTarget> ParseTarget(std::string_view target);

// Host and port of a Host header or an authority: lower case, brackets of IPv6 removed, port dropped.
std::string HostName(std::string_view authority);

// A Retry-After header: seconds, or a date. At most a day; none: it is neither.
std::optional<int64_t> RetryAfterNanos(std::string_view value, int64_t now_unix_nanos);

}  // namespace sightline::net
