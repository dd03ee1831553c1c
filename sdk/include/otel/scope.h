// Who makes telemetry: the library that was instrumented, and the service it runs in.
#pragma once

#include <string>

#include "otel/attributes.h"

namespace otel {

// https://opentelemetry.io/docs/specs/otel/common/instrumentation-scope/
struct InstrumentationScope {
  std::string name;
  std::string version;
  std::string schema_url;
  Attributes attributes;

  friend bool operator==(const InstrumentationScope&, const InstrumentationScope&) = default;
};

// https://opentelemetry.io/docs/specs/otel/resource/sdk/
struct Resource {
  Attributes attributes;
  std::string schema_url;

  // With the attributes of `other`, which win. Where both name different schemas the result names none.
  Resource MergedWith(const Resource& other) const;
};

}  // namespace otel
