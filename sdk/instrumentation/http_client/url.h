// The parts of a URL that telemetry tells. https://www.rfc-editor.org/rfc/rfc3986#section-3
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace otel::instrumentation {

struct UrlParts {
  std::string redacted;      // url.full
  std::string_view address;  // server.address; an IPv6 address without its brackets
  int port = 0;              // server.port, the scheme's where none is given; 0 where that is not known
};

// Of what is no URL it tells what looks like one. The address lies in `url`.
UrlParts ParseUrl(std::string_view url, std::span<const std::string> secret_parameters = {});

}  // namespace otel::instrumentation
