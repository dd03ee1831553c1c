// The text rules of HTTP that the transports need.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "otel/otlp_exporter.h"
#include "otlp/encode.h"
#include "otlp/signal.h"

namespace otel::internal {

// Where the signal is sent to.
std::string HttpUrl(const OtlpOptions& options, const Signal& signal);

// Without "user:password@", to be shown.
std::string WithoutUser(std::string_view url);

bool IsHeaderName(std::string_view name);
bool IsHeaderValue(std::string_view value);

// Of a Content-Type; nothing for one that is not OTLP's.
std::optional<Encoding> EncodingOf(std::string_view content_type);

// The beginning of a body that a person can read; nothing where it is something else.
std::string_view PlainText(std::string_view body);

}  // namespace otel::internal
