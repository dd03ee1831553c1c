// Which metrics have more series than limits.metric_series_max. Data: metric_series -> services, and the attribute that
// makes the series of each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "query/filters.h"
#include "query/metrics.h"
#include "query/rows.h"

namespace sightline::query {

// Of a row's LimitedBy that is not empty.
LimitedSeries ReadLimitedBy(std::string_view limited_by);

struct LimitedMetric {
  std::string name;
  LimitedSeries limited;
};
// Of the metrics that meet `conditions`, and of which further series came since then; by name and service.
Result<std::vector<LimitedMetric>> ReadLimited(Question& question, Conditions conditions, int64_t since_unix_seconds);

}  // namespace sightline::query
