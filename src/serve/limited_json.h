// What is said of metrics that have more series than limits.metric_series_max.
#pragma once

#include <vector>

#include "query/metrics.h"
#include "serve/json_writer.h"

namespace sightline::serve {

// "limited":[{...}]; nothing where there is none.
void WriteLimited(JsonWriter& json, const std::vector<query::LimitedSeries>& limited);

}  // namespace sightline::serve
