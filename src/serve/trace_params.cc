#include "serve/trace_params.h"

#include <charconv>

#include "base/units.h"

namespace sightline::serve {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kHour = 3600 * kSecond;
// Clients' clocks run ahead: "last" reaches a little into the future.
constexpr int64_t kClockSkew = 60 * kSecond;

template <typename T>
Result<T> Number(const std::string& text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Fail(Code::kInvalidArgument, "\"{}\" is not a whole number in range", text);
  }
  return value;
}

struct Range {
  bool has_last = false, has_bounds = false;
};

Result<void> Apply(query::TraceFilter& filter, const std::string& name, const std::string& value, int64_t now,
                   Range& range) {
  if (name == "service") {
    filter.service = value;
  } else if (name == "errors") {
    if (value != "true" && value != "false" && value != "1" && value != "0" && !value.empty()) {
      return Fail(Code::kInvalidArgument, "\"{}\" is neither true nor false", value);
    }
    filter.errors_only = value != "false" && value != "0";
  } else if (name == "last" || name == "slower_than") {
    auto nanos = ParseDuration(value);
    if (!nanos) return std::unexpected(nanos.error());
    if (name == "slower_than") {
      filter.slower_than_nanos = static_cast<uint64_t>(*nanos);
    } else {
      filter.from_unix_nanos = *nanos >= now ? 0 : now - *nanos;
      range.has_last = true;
    }
  } else if (name == "from" || name == "to") {
    auto nanos = Number<int64_t>(value);
    if (!nanos) return Fail(Code::kInvalidArgument, "\"{}\" is no time in nanoseconds since 1970", value);
    (name == "from" ? filter.from_unix_nanos : filter.to_unix_nanos) = *nanos;
    range.has_bounds = true;
  } else if (name == "limit") {
    auto limit = Number<uint32_t>(value);
    if (!limit) return std::unexpected(limit.error());
    filter.limit = *limit;
  } else {
    return Fail(Code::kInvalidArgument,
                "there is no parameter \"{}\"\nservice, last, from, to, errors, slower_than and "
                "limit are known",
                name);
  }
  return {};
}

}  // namespace

Result<query::TraceFilter> ParseTraceParams(const net::HttpRequest& request, int64_t now_unix_nanos,
                                            uint32_t limit_default, std::string& where) {
  query::TraceFilter filter;
  filter.limit = limit_default;
  filter.from_unix_nanos = now_unix_nanos - kHour;
  filter.to_unix_nanos = now_unix_nanos + kClockSkew;
  Range range;
  for (const auto& [name, value] : request.query) {
    where = name;
    SIGHTLINE_TRY(Apply(filter, name, value, now_unix_nanos, range));
  }
  where = "";
  if (range.has_last && range.has_bounds) {
    where = "last";
    return Fail(Code::kInvalidArgument, "give either last, or from and to");
  }
  return filter;
}

}  // namespace sightline::serve
