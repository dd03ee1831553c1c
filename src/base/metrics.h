// Sightline's own metrics: counters and gauges in one registry, read by /metrics (Prometheus text) and by the exporter
// that stores them in Sightline itself as OTLP. Names are OpenTelemetry's (dots); each reader translates.
#pragma once

#include <atomic>
#include <cstdint>
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

// Labels in another order are the same labels. All of one name are made by the same function. Thread: any.
class MetricsRegistry {
 public:
  // The same name and labels give the same counter; its first unit and help stay. `name` as "sightline.receive.items";
  // unit in UCUM ("By", "{span}", "s").
  Counter& GetCounter(const std::string& name, const std::string& unit, const std::string& help,
                      MetricLabels labels = {});

  // `read` is called from any thread that takes a snapshot, and must stay callable until the registry dies or
  // Unregister. Replaces an earlier gauge of that name and labels. `read` may take locks but must not call SetGauge or
  // Unregister.
  void SetGauge(const std::string& name, const std::string& unit, const std::string& help, MetricLabels labels,
                std::function<double()> read);

  // The same for a number that only rises and that something else counts, such as the process's CPU time.
  void SetCounter(const std::string& name, const std::string& unit, const std::string& help, MetricLabels labels,
                  std::function<double()> read);

  // Forgets what SetGauge or SetCounter made; once it returns, `read` is not running and will not run again. Unknown:
  // nothing happens. Those of GetCounter stay for the registry's life, as others hold references to them.
  void Unregister(const std::string& name, MetricLabels labels = {});

  struct Sample {
    std::string name, unit, help;
    MetricLabels labels;
    bool monotonic = false;
    bool whole = false;  // counted in whole numbers
    double value = 0;
  };
  // Sorted by name, then labels.
  std::vector<Sample> Snapshot() const;

 private:
  using Key = std::pair<std::string, MetricLabels>;
  struct Entry {
    std::string unit, help;
    bool monotonic = false;
    std::unique_ptr<Counter> counter;  // one of the two is set
    std::function<double()> read;
  };
  void CheckOneKind(const std::string& name, bool monotonic, bool is_read) const;  // needs mutex_
  void SetRead(bool monotonic, const std::string& name, const std::string& unit, const std::string& help,
               MetricLabels labels, std::function<double()> read);

  // Two locks, so that GetCounter never waits for a `read` (which may wait for whoever calls GetCounter).
  mutable std::mutex reading_;    // held while they are read; taken before mutex_
  mutable std::mutex mutex_;      // held for lookups only
  std::map<Key, Entry> entries_;  // guarded by mutex_
};

// Prometheus text format 0.0.4: dots become underscores, counters end in _total.
std::string PrometheusText(const std::vector<MetricsRegistry::Sample>& samples);

}  // namespace sightline
