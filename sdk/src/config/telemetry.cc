#include "otel/telemetry.h"

#include <atomic>
#include <exception>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "common/report.h"
#include "config/settings.h"
#include "otel/console_exporter.h"

namespace otel {
namespace {

using internal::ExporterKind;
using internal::ExportSettings;
using internal::Settings;

std::atomic<bool> configured = false;

Resource MakeResource(const TelemetryOptions& options) {
  Resource resource = Resource::Default().MergedWith(options.resource);
  if (!options.service_name.empty()) {
    resource.attributes = resource.attributes.MergedWith({{"service.name", options.service_name}});
  }
  return resource;
}

template <typename Batch>
struct ChosenExporter {
  std::unique_ptr<Exporter<Batch>> exporter;
  bool at_once = false;  // for people, who wait for it
};

template <typename Batch>
std::vector<ChosenExporter<Batch>> MakeExporters(std::unique_ptr<Exporter<Batch>> given, const ExportSettings& settings,
                                                 const std::optional<OtlpOptions>& otlp) {
  std::vector<ChosenExporter<Batch>> exporters;
  if (given != nullptr) {
    exporters.push_back({std::move(given)});
    return exporters;
  }
  for (const ExporterKind kind : settings.exporters) {
    if (kind == ExporterKind::kConsole) {
      exporters.push_back({std::make_unique<ConsoleExporter<Batch>>(), true});
    } else {
      exporters.push_back({std::make_unique<OtlpExporter<Batch>>(otlp.value_or(settings.otlp))});
    }
  }
  return exporters;
}

// The processors of the application, and one for each exporter.
template <typename Simple, typename Batching, typename Processor, typename Batch, typename BatchOptions>
std::vector<std::shared_ptr<Processor>> MakeProcessors(std::vector<std::shared_ptr<Processor>> given,
                                                       std::vector<ChosenExporter<Batch>> exporters,
                                                       const BatchOptions& options) {
  for (auto& [exporter, at_once] : exporters) {
    if (at_once) {
      given.push_back(std::make_shared<Simple>(std::move(exporter)));
    } else {
      given.push_back(std::make_shared<Batching>(std::move(exporter), options));
    }
  }
  return given;
}

void StartTraces(TelemetryOptions& options, const Settings& settings, const Resource& resource) {
  auto exporters = MakeExporters(std::move(options.span_exporter), settings.traces, options.otlp);
  TracerProvider::Global().Start({.resource = resource,
                                  .processors = MakeProcessors<SimpleSpanProcessor, BatchSpanProcessor>(
                                      std::move(options.span_processors), std::move(exporters),
                                      options.span_batches.value_or(settings.span_batches)),
                                  .sampler = options.sampler ? options.sampler : settings.sampler,
                                  .limits = options.span_limits.value_or(settings.span_limits),
                                  .id_generator = options.id_generator,
                                  .clock = {}});
}

void StartMetrics(TelemetryOptions& options, const Settings& settings, const Resource& resource) {
  auto readers = std::move(options.metric_readers);
  for (auto& chosen : MakeExporters(std::move(options.metric_exporter), settings.metrics, options.otlp)) {
    const auto& usual = chosen.at_once ? settings.console_metric_reader : settings.metric_reader;
    readers.push_back(
        std::make_shared<PeriodicReader>(std::move(chosen.exporter), options.metric_reader.value_or(usual)));
  }
  if (readers.empty()) return;
  MeterProvider::Global().Start({.resource = resource,
                                 .readers = std::move(readers),
                                 .views = std::move(options.views),
                                 .exemplar_filter = options.exemplar_filter.value_or(settings.exemplar_filter),
                                 .clock = {}});
}

void StartLogs(TelemetryOptions& options, const Settings& settings, const Resource& resource) {
  auto exporters = MakeExporters(std::move(options.log_exporter), settings.logs, options.otlp);
  LoggerProvider::Global().Start({.resource = resource,
                                  .processors = MakeProcessors<SimpleLogRecordProcessor, BatchLogRecordProcessor>(
                                      std::move(options.log_record_processors), std::move(exporters),
                                      options.log_batches.value_or(settings.log_batches)),
                                  .limits = options.log_record_limits.value_or(settings.log_record_limits),
                                  .minimum_severity = options.minimum_severity,
                                  .clock = {}});
}

std::vector<std::shared_ptr<void>> StartInstrumentations(const std::vector<Instrumentation>& instrumentations) {
  std::vector<std::shared_ptr<void>> observing;
  for (const Instrumentation& start : instrumentations) {
    try {
      observing.push_back(start());
    } catch (const std::exception& error) {
      internal::Report("configuration", std::string("an instrumentation did not start: ") + error.what());
    }
  }
  return observing;
}

// Of all providers at the same time: a backend that does not answer takes all the time that there is.
template <typename Call>
bool InParallel(const Call& call) {
  bool results[3] = {};
  std::thread threads[2];
  const auto start = [](std::thread& thread, auto run) {
    try {
      thread = std::thread(run);
    } catch (const std::system_error&) {
      run();
    }
  };
  start(threads[0], [&] { results[0] = call(TracerProvider::Global()); });
  start(threads[1], [&] { results[1] = call(MeterProvider::Global()); });
  results[2] = call(LoggerProvider::Global());
  for (std::thread& thread : threads) {
    if (thread.joinable()) thread.join();
  }
  return results[0] && results[1] && results[2];
}

}  // namespace

Telemetry Configure(TelemetryOptions options) {
  if (configured.exchange(true)) {
    internal::Report("configuration", "Configure was called while an earlier Telemetry lives; ignored");
    return Telemetry(false);
  }
  const Settings settings = internal::ReadSettings(internal::Environment());
  internal::SayOnStderr(settings.says_errors);
  SetPropagator(options.propagator ? options.propagator : settings.propagator);
  if (settings.disabled) return Telemetry(true);
  const Resource resource = MakeResource(options);
  StartTraces(options, settings, resource);
  StartMetrics(options, settings, resource);
  StartLogs(options, settings, resource);
  Telemetry telemetry(true);
  telemetry.observing_ = StartInstrumentations(options.instrumentations);
  return telemetry;
}

Telemetry& Telemetry::operator=(Telemetry&& other) noexcept {
  if (this == &other) return *this;
  Shutdown();
  running_ = std::exchange(other.running_, false);
  observing_ = std::move(other.observing_);
  return *this;
}

bool Telemetry::ForceFlush(std::chrono::milliseconds timeout) const {
  if (!running_) return true;
  const Deadline deadline = std::chrono::steady_clock::now() + timeout;
  return InParallel([deadline](auto& provider) { return provider.ForceFlush(deadline); });
}

bool Telemetry::Shutdown(std::chrono::milliseconds timeout) {
  if (!std::exchange(running_, false)) return true;
  const Deadline deadline = std::chrono::steady_clock::now() + timeout;
  const bool good = InParallel([deadline](auto& provider) { return provider.Shutdown(deadline); });
  observing_.clear();
  internal::SayRest();
  configured = false;
  return good;
}

}  // namespace otel
