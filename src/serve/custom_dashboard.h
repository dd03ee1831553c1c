// The dashboard of the metrics that a service makes up itself. Data: metrics -> a document with a panel for each.
#pragma once

#include <string>
#include <vector>

#include "query/metrics.h"

namespace sightline::serve {

inline constexpr size_t kCustomPanelsMax = 60;

// Those beyond kCustomPanelsMax are left out, and the description says so.
std::string CustomDashboardJson(const std::vector<query::MetricInfo>& metrics);

}  // namespace sightline::serve
