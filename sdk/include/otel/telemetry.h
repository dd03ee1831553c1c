// One call sets everything up, from the OTEL_* variables of the environment and what the code says:
//
//   int main() {
//     const auto telemetry = otel::Configure({.service_name = "shop"});
//     ...
//   }  // what is still here is sent
//
// Before and after, what instrumented code does has no effect and costs next to nothing. sdk/README.md lists the
// variables.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "otel/logger_provider.h"
#include "otel/logs.h"
#include "otel/meter_provider.h"
#include "otel/metrics.h"
#include "otel/otlp_exporter.h"
#include "otel/propagation.h"
#include "otel/resource.h"
#include "otel/trace.h"
#include "otel/tracer_provider.h"

namespace otel {

// Starts to observe something, such as otel::instrumentation::ObserveProcess, until what it returns is destroyed.
using Instrumentation = std::function<std::shared_ptr<void>()>;

// What is given here wins over the environment; what is not comes from there, or else is the specification's default.
struct TelemetryOptions {
  std::string service_name = {};
  Resource resource = {};  // over Resource::Default()

  // Instead of the OTEL_EXPORTER_OTLP_* variables, of all signals.
  std::optional<OtlpOptions> otlp = {};
  // Instead of the exporters that OTEL_{TRACES,METRICS,LOGS}_EXPORTER name.
  std::unique_ptr<SpanExporter> span_exporter = {};
  std::unique_ptr<MetricExporter> metric_exporter = {};
  std::unique_ptr<LogExporter> log_exporter = {};

  std::shared_ptr<const TextMapPropagator> propagator = {};

  std::shared_ptr<const Sampler> sampler = {};
  std::optional<SpanLimits> span_limits = {};
  std::optional<BatchSpanProcessorOptions> span_batches = {};
  std::vector<std::shared_ptr<SpanProcessor>> span_processors = {};  // come before those with exporters
  std::shared_ptr<IdGenerator> id_generator = {};

  std::vector<View> views = {};
  std::optional<PeriodicReaderOptions> metric_reader = {};         // of each exporter
  std::vector<std::shared_ptr<MetricReader>> metric_readers = {};  // beside it
  std::optional<ExemplarFilter> exemplar_filter = {};

  Severity minimum_severity = Severity::kUnset;
  std::optional<LogRecordLimits> log_record_limits = {};
  std::optional<BatchLogRecordProcessorOptions> log_batches = {};
  std::vector<std::shared_ptr<LogRecordProcessor>> log_record_processors = {};  // come before those with exporters

  std::vector<Instrumentation> instrumentations = {};  // started last; end after the last collection
};

// Of a process's telemetry: as long as it lives, telemetry is recorded and sent.
class [[nodiscard]] Telemetry {
 public:
  static constexpr std::chrono::milliseconds kFlushTimeout{30'000};
  static constexpr std::chrono::milliseconds kShutdownTimeout{10'000};

  Telemetry(Telemetry&& other) noexcept
      : running_(std::exchange(other.running_, false)), observing_(std::move(other.observing_)) {}
  Telemetry& operator=(Telemetry&& other) noexcept;
  Telemetry(const Telemetry&) = delete;
  Telemetry& operator=(const Telemetry&) = delete;
  ~Telemetry() { Shutdown(); }

  // Sends what is still here. False where not all of it could be sent in time.
  bool ForceFlush(std::chrono::milliseconds timeout = kFlushTimeout) const;
  // And nothing more is recorded.
  bool Shutdown(std::chrono::milliseconds timeout = kShutdownTimeout);

 private:
  friend Telemetry Configure(TelemetryOptions options);

  explicit Telemetry(bool running) : running_(running) {}

  bool running_;                                  // the global providers are this one's to shut down
  std::vector<std::shared_ptr<void>> observing_;  // of the instrumentations
};

// Once at a time: a second one while a first one lives is reported, and changes nothing.
Telemetry Configure(TelemetryOptions options = {});

}  // namespace otel
