// The limit on series of a metric, where it meets the store: what an earlier run admitted, and what is to be told.
// Data: metric_series -> MetricSeriesLimit -> the program's log and metrics.
#pragma once

#include <string>

#include "base/error.h"
#include "base/metrics.h"
#include "otlp/metric_series_limit.h"
#include "store/clickhouse.h"

namespace sightline::store {

// Of the last day on which series were announced: a restart neither admits as many again, nor takes rows of its own
// from a series that has points. A series is stored before its points, so what is stored of a block was admitted here.
Result<void> RestoreAdmittedSeries(ClickHouse& clickhouse, const std::string& database, otlp::MetricSeriesLimit& limit);

// Since the last call: counts points, and logs each metric that has reached the limit.
void ReportSeriesLimit(otlp::MetricSeriesLimit& limit, MetricsRegistry& metrics);

}  // namespace sightline::store
