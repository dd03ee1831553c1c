// How calls of spans are told apart, and how many series there may be (span_metrics.h): what the configuration says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sightline::otlp {

struct Dimension {
  std::string key;                           // of a span's attribute, else of its resource's
  std::optional<std::string> default_value;  // where neither has it; none: then the series has no such dimension
};

struct SpanMetricsOptions {
  std::vector<Dimension> dimensions;
  // Series are those of a service, span name, kind, status and dimensions, within an hour of receipt; further ones are
  // counted together.
  uint32_t series_per_service_max = 10'000;
  uint32_t series_max = 100'000;  // of all services
};

}  // namespace sightline::otlp
