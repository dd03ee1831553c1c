// Readers: when metrics are collected, and what becomes of them.
// https://opentelemetry.io/docs/specs/otel/metrics/sdk/#metricreader
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "otel/metric_data.h"
#include "otel/view.h"

namespace otel {

// OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE. Delta: of counters and histograms. Low memory: of synchronous
// counters and histograms. All other sums are cumulative.
enum class TemporalityPreference : uint8_t { kCumulative, kDelta, kLowMemory };
Temporality TemporalityOf(TemporalityPreference preference, InstrumentKind kind);

// A source of metrics that are made elsewhere.
// Thread: that which collects.
class MetricProducer {
 public:
  virtual ~MetricProducer() = default;
  virtual void Produce(std::vector<ScopeMetrics>& scopes) noexcept = 0;
};

struct MetricReaderOptions {
  TemporalityPreference temporality = TemporalityPreference::kCumulative;
  // For instruments without a view that says otherwise. Default: by the kind of the instrument.
  std::function<Aggregation(InstrumentKind)> aggregation = {};
  // Sets of attributes of a metric. What is measured with others is added up under otel.metric.overflow = true.
  size_t cardinality_limit = 2000;
  std::vector<std::shared_ptr<MetricProducer>> producers = {};
  // Of a callback. One that takes longer is left out, now and in later collections until it has returned.
  std::chrono::milliseconds callback_timeout{5'000};
};

namespace internal {
class Pipeline;
struct ReaderAccess;
}  // namespace internal

// Belongs to one MeterProvider.
// Thread: any.
class MetricReader {
 public:
  explicit MetricReader(MetricReaderOptions options) : options_(std::move(options)) {}
  virtual ~MetricReader() = default;
  MetricReader(const MetricReader&) = delete;
  MetricReader& operator=(const MetricReader&) = delete;

  // All metrics as of now; nothing before a provider has the reader, and after Shutdown. Calls the callbacks of
  // observable instruments. The batch refers to this reader.
  std::optional<MetricBatch> Collect();

  // False where it failed or took too long. Shutdown counts once.
  virtual bool ForceFlush(Deadline deadline) = 0;
  bool Shutdown(Deadline deadline);

  const MetricReaderOptions& options() const { return options_; }

 protected:
  // The provider has the reader: from now on it collects.
  virtual void OnStart() {}
  // Collect still works within.
  virtual bool OnShutdown(Deadline deadline) = 0;
  // In a process that was just forked, which has none of the threads. Runs before any other code of the process does.
  virtual void OnForkedChild() {}
  // In such a process, when it measures for the first time, or flushes. Must not wait, nor measure.
  virtual void OnFirstMeasurement() {}

 private:
  friend struct internal::ReaderAccess;
  enum class State : uint8_t { kNew, kTaken, kShutDown };

  const MetricReaderOptions options_;
  std::shared_ptr<internal::Pipeline> pipeline_;  // does not change once state_ says that it is there
  std::atomic<State> state_{State::kNew};
  std::atomic<bool> shutting_down_{false};
};

// Collects when it is asked to: for tests and scrapers.
class ManualReader : public MetricReader {
 public:
  explicit ManualReader(MetricReaderOptions options = {}) : MetricReader(std::move(options)) {}
  bool ForceFlush(Deadline) override { return true; }

 private:
  bool OnShutdown(Deadline) override { return true; }
};

struct PeriodicReaderOptions : MetricReaderOptions {
  std::chrono::milliseconds interval{60'000};        // OTEL_METRIC_EXPORT_INTERVAL
  std::chrono::milliseconds export_timeout{30'000};  // OTEL_METRIC_EXPORT_TIMEOUT
};

// Exports to one exporter every interval, when flushed, and a last time when shut down, all on a thread of its own; in
// the child of a fork it begins with the first measurement there, or when flushed. Whatever exporter and callbacks do,
// ForceFlush and Shutdown return by their deadline or soon after. What does not end even then keeps the thread, which
// is left behind.
class PeriodicReader : public MetricReader {
 public:
  explicit PeriodicReader(std::unique_ptr<MetricExporter> exporter, const PeriodicReaderOptions& options = {});
  // Shuts down where that was not done, waiting at most five seconds.
  ~PeriodicReader() override;

  bool ForceFlush(Deadline deadline) override;

 private:
  class Worker;

  void OnStart() override;
  bool OnShutdown(Deadline deadline) override;
  void OnForkedChild() override;
  void OnFirstMeasurement() override;

  std::shared_ptr<Worker> worker_;  // shared with the thread; replaced in the child of a fork
};

}  // namespace otel
