// Which library, or which part of the service, makes telemetry.
#pragma once

#include <string>

#include "otel/attributes.h"
#include "otel/resource.h"

namespace otel {

// https://opentelemetry.io/docs/specs/otel/common/instrumentation-scope/
struct InstrumentationScope {
  std::string name;
  std::string version;
  std::string schema_url;
  Attributes attributes;

  friend bool operator==(const InstrumentationScope&, const InstrumentationScope&) = default;
};

}  // namespace otel
