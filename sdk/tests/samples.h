// Records of each signal with every kind of value that they can have; e2e/sdk_samples.py has the same ones as messages.
#pragma once

#include "otel/log_data.h"
#include "otel/metric_data.h"
#include "otel/span_data.h"

namespace otel::testing {

// All live as long as the program.
const SpanBatch& SampleSpans();
const LogBatch& SampleLogs();
const MetricBatch& SampleMetrics();

}  // namespace otel::testing
