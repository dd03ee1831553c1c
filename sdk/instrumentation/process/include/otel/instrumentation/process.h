// Metrics of the process itself, as the semantic conventions name them, and of its C++ runtime. The target
// sightline_otel::process.
//
//   using namespace otel::instrumentation;
//   const auto telemetry = otel::Configure({.instrumentations = {ObserveProcess, ObserveRuntime}});
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

// What operator new and malloc hold: of a C++ program's runtime all that can be seen. The conventions have names for
// other languages' runtimes (go.memory.used), and leave that of C++ open.
//
// glibc.malloc.memory.used with glibc.malloc.memory.type = "allocated": the program has it, or "free": it is kept for
// later. Together they are what was taken from the system and not given back: where "free" grows beside a steady
// "allocated", memory is fragmented. And glibc.malloc.mapping.count: blocks so large that each is mapped by itself.
// Nothing with another C library, or one before glibc 2.33. To collect it holds the allocator's locks for a walk
// through its free lists: some microseconds, more where they are long. Another malloc that the program links is not
// seen.
class RuntimeMetrics {
 public:
  RuntimeMetrics();  // with a meter of the global provider
  explicit RuntimeMetrics(const Meter& meter);

 private:
  std::vector<ObservableRegistration> registrations_;
};

// For TelemetryOptions::instrumentations.
std::shared_ptr<void> ObserveProcess();
std::shared_ptr<void> ObserveRuntime();

}  // namespace otel::instrumentation
