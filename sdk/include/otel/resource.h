// The service, process and host that telemetry comes from.
// https://opentelemetry.io/docs/specs/otel/resource/sdk/
#pragma once

#include <string>

#include "otel/attributes.h"

namespace otel {

struct Resource {
  Attributes attributes = {};
  std::string schema_url = {};

  // With the attributes of `other`, which win. Where both name different schemas the result names none.
  Resource MergedWith(const Resource& other) const;

  // What is found out about this process, its host and its operating system, over that OTEL_RESOURCE_ATTRIBUTES and
  // over that OTEL_SERVICE_NAME. service.instance.id is new with every program started, and the same within it.
  static Resource Default();

  friend bool operator==(const Resource&, const Resource&) = default;
};

}  // namespace otel
