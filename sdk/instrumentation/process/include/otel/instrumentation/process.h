// Metrics of the process itself, as the semantic conventions name them. The target sightline_otel::process.
//
//   const auto telemetry = otel::Configure({.instrumentations = {otel::instrumentation::ObserveProcess}});
//
// process.cpu.time, process.memory.usage, process.memory.virtual, process.disk.io, process.thread.count,
// process.open_file_descriptor.count, process.context_switches, process.paging.faults, process.uptime; all of them are
// read from the kernel when a reader collects, and cost nothing between.
// https://opentelemetry.io/docs/specs/semconv/system/process-metrics/
#pragma once

#include <memory>
#include <vector>

#include "otel/metrics.h"

namespace otel::instrumentation {

// Observes the process as long as it lives.
class ProcessMetrics {
 public:
  ProcessMetrics();  // with a meter of the global provider
  explicit ProcessMetrics(const Meter& meter);

 private:
  std::vector<ObservableRegistration> registrations_;
};

// For TelemetryOptions::instrumentations.
std::shared_ptr<void> ObserveProcess();

}  // namespace otel::instrumentation
