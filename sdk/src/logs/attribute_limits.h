// Applies the limits of log records to attributes as they were given to a call.
#pragma once

#include "common/arena.h"
#include "otel/logger_provider.h"

namespace otel::internal {

struct LimitedAttributes {
  AttributesView attributes;  // each key once, with the last value that was given
  uint32_t dropped = 0;
};

// Mostly `given` itself; where something has to be left out or cut, a list that lies in `arena`.
LimitedAttributes ApplyLimits(AttributesView given, const LogRecordLimits& limits, Arena& arena);

}  // namespace otel::internal
