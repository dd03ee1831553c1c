// Each finds out some attributes of a resource; what cannot be found out is left out.
// Names: https://opentelemetry.io/docs/specs/semconv/resource/
#pragma once

#include <string>
#include <string_view>

#include "common/environment.h"
#include "otel/attributes.h"

namespace otel::internal {

Attributes DetectSdk();      // telemetry.sdk.*
Attributes DetectProcess();  // process.*, without the arguments, in which secrets stand
Attributes DetectHost();     // host.*
Attributes DetectOs();       // os.*
// service.name, unknown_service:EXECUTABLE, and service.instance.id.
Attributes DetectService();
// OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME.
Attributes DetectEnvironment(const Environment& environment);

// PRETTY_NAME="Debian GNU/Linux 12 (bookworm)" in /etc/os-release; empty where there is no such key.
std::string OsReleaseValue(std::string_view file, std::string_view key);

}  // namespace otel::internal
