// What the HTTP conventions say for both sides. https://opentelemetry.io/docs/specs/semconv/http/
#pragma once

#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace otel::instrumentation::http {

inline constexpr const char* kSchemaUrl = "https://opentelemetry.io/schemas/1.37.0";

// Upper bounds of the histograms of durations, in seconds.
inline std::vector<double> DurationBounds() {
  return {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};
}

// The methods that are told by their name: the conventions' list, or what this variable has, with commas between.
inline const std::vector<std::string>& KnownMethods() {
  static const auto* const methods = [] {
    const char* variable = std::getenv("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS");
    std::string_view list = "GET,POST,PUT,DELETE,HEAD,PATCH,OPTIONS,CONNECT,TRACE";
    if (variable != nullptr && *variable != '\0') list = variable;
    auto* const known = new std::vector<std::string>;
    while (!list.empty()) {
      const size_t size = std::min(list.find(','), list.size());
      if (size > 0) known->emplace_back(list.substr(0, size));
      list.remove_prefix(std::min(size + 1, list.size()));
    }
    return known;
  }();
  return *methods;
}

// "_OTHER" where it is none of them: what clients make up must not make new series. Lives as long as the program.
inline std::string_view KnownMethod(std::string_view method) {
  const auto& known = KnownMethods();
  const auto found = std::ranges::find(known, method);
  return found == known.end() ? std::string_view("_OTHER") : std::string_view(*found);
}
inline std::string SpanName(std::string_view known_method, std::string_view target) {
  std::string name(known_method == "_OTHER" ? std::string_view("HTTP") : known_method);
  if (!target.empty()) (name += ' ') += target;
  return name;
}

// Signatures of cloud storage: who has such a URL may read.
inline constexpr std::string_view kSecretParameters[] = {"AWSAccessKeyId",      "Signature",       "sig",
                                                         "X-Goog-Signature",    "X-Amz-Signature", "X-Amz-Credential",
                                                         "X-Amz-Security-Token"};

// A query without its "?", with REDACTED in place of what secret parameters have.
inline std::string RedactQuery(std::string_view query, std::span<const std::string> more_secrets = {}) {
  std::string redacted;
  redacted.reserve(query.size());
  for (bool first = true; first || !query.empty(); first = false) {
    if (!first) redacted += '&';
    const std::string_view pair = query.substr(0, query.find('&'));
    const std::string_view key = pair.substr(0, pair.find('='));
    const bool secret =
        key.size() < pair.size() && (std::ranges::find(kSecretParameters, key) != std::end(kSecretParameters) ||
                                     std::ranges::find(more_secrets, key) != more_secrets.end());
    if (secret) {
      (redacted += key) += "=REDACTED";
    } else {
      redacted += pair;
    }
    if (pair.size() == query.size()) break;
    query.remove_prefix(pair.size() + 1);
    if (query.empty()) redacted += '&';  // it ended with one
  }
  return redacted;
}

}  // namespace otel::instrumentation::http
