// Sightline's own metrics: counters and gauges in one registry, read by /metrics (Prometheus text) and by the exporter
// that stores them in Sightline itself as OTLP. Names are OpenTelemetry's (dots); each reader translates.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sightline {

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

// Monotonic. Lives as long as its registry. Thread: any.
class Counter {
 public:
  void Add(uint64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

// Thread: any.
class MetricsRegistry {
 public:
  // The same name and labels give the same counter. `name` as "sightline.receive.items"; unit in UCUM ("By", "{span}",
  // "s").
  Counter& GetCounter(const std::string& name, const std::string& unit, const std::string& help,
                      MetricLabels labels = {});

  // `read` is called from any thread that takes a snapshot, and must stay callable until the registry dies or
  // Unregister.
  void SetGauge(const std::string& name, const std::string& unit, const std::string& help, MetricLabels labels,
                std::function<double()> read);

  struct Sample {
    std::string name, unit, help;
    MetricLabels labels;
    bool monotonic = false;
    double value = 0;
  };
  // Sorted by name, then labels.
  std::vector<Sample> Snapshot() const;

 private:
  struct Entry {
    std::string unit, help;
    std::unique_ptr<Counter> counter;  // one of the two is set
    std::function<double()> read_gauge;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, MetricLabels>, Entry> entries_;  // guarded by mutex_
};

// Prometheus text format 0.0.4: dots become underscores, counters end in _total.
std::string PrometheusText(const std::vector<MetricsRegistry::Sample>& samples);

}  // namespace sightline
