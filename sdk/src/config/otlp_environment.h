// The OTEL_EXPORTER_OTLP_* variables: https://opentelemetry.io/docs/specs/otel/protocol/exporter/
#pragma once

#include "common/environment.h"
#include "otel/otlp_exporter.h"

namespace otel::internal {

enum class Signal : uint8_t { kTraces, kMetrics, kLogs };

// The options of a signal's exporter: the signal's own variables win over those for all signals.
OtlpOptions ReadOtlpOptions(const Environment& environment, Signal signal);

}  // namespace otel::internal
