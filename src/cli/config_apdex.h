// The key services.apdex_thresholds: a list of {service, threshold}.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/config.h"

namespace sightline::cli {

inline constexpr int64_t kApdexThresholdNanosMax = 3'600'000'000'000;

struct ServiceThreshold {
  std::string key;  // the service
  int64_t nanos = 0;
};

// `field` must outlive the key.
ConfigKey ApdexThresholdsKey(std::string path, std::vector<ServiceThreshold>& field, std::string doc);

}  // namespace sightline::cli
