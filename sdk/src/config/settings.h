// All that the OTEL_* variables say, over the specification's defaults; the OTLP exporters' have a file of their own.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/environment.h"
#include "otel/logger_provider.h"
#include "otel/metric_reader.h"
#include "otel/otlp_exporter.h"
#include "otel/propagation.h"
#include "otel/sampler.h"
#include "otel/tracer_provider.h"

namespace otel::internal {

enum class ExporterKind : uint8_t { kOtlp, kConsole };

// How the telemetry of one signal leaves the process.
struct ExportSettings {
  std::vector<ExporterKind> exporters;  // none: the signal is switched off
  OtlpOptions otlp;
};

struct Settings {
  bool disabled = false;
  bool says_errors = true;  // of the SDK itself, on stderr
  std::shared_ptr<const TextMapPropagator> propagator;
  std::shared_ptr<const Sampler> sampler;

  ExportSettings traces, metrics, logs;
  SpanLimits span_limits;
  LogRecordLimits log_record_limits;
  BatchSpanProcessorOptions span_batches;
  BatchLogRecordProcessorOptions log_batches;
  PeriodicReaderOptions metric_reader;
  // People wait for it: sooner, and without what is said of OTLP.
  // https://opentelemetry.io/docs/specs/otel/metrics/sdk_exporters/stdout/
  PeriodicReaderOptions console_metric_reader;
  ExemplarFilter exemplar_filter = ExemplarFilter::kTraceBased;
};

Settings ReadSettings(const Environment& environment);

}  // namespace otel::internal
