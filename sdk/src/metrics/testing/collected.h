// A provider with a reader and a clock that a test moves, and what the reader collects.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "otel/meter_provider.h"

namespace otel::testing {

// Thread: of the test; what it hands out is for any.
class Collected {
 public:
  explicit Collected(MeterProviderOptions options = {}, MetricReaderOptions reader_options = {})
      : reader(std::make_shared<ManualReader>(std::move(reader_options))), provider(With(std::move(options))) {}

  // Collects now. What it returns before stays valid no longer.
  const Collected& Collect() {
    batch_.emplace(reader->Collect().value());
    return *this;
  }

  size_t metrics() const {
    size_t count = 0;
    for (const auto& scope : batch_->scopes) count += scope.metrics.size();
    return count;
  }
  // The first one with the name, nothing without any.
  const MetricData* Find(std::string_view name) const {
    for (const auto& scope : batch_->scopes) {
      for (const auto& metric : scope.metrics) {
        if (metric.name == name) return &metric;
      }
    }
    return nullptr;
  }
  // Data is SumData, GaugeData, ...; none where the metric is another kind or not there.
  template <typename Data>
  const Data* Get(std::string_view name) const {
    const MetricData* const metric = Find(name);
    return metric == nullptr ? nullptr : std::get_if<Data>(&metric->data);
  }
  // The point with exactly these attributes.
  template <typename Data>
  auto Point(std::string_view name, const Attributes& attributes = {}) const -> const
      typename decltype(Data::points)::value_type* {
    const Data* const data = Get<Data>(name);
    if (data == nullptr) return nullptr;
    for (const auto& point : data->points) {
      if (point.attributes == attributes) return &point;
    }
    return nullptr;
  }
  // Of a sum; -1 where there is no such point.
  template <typename T = int64_t>
  T Sum(std::string_view name, const Attributes& attributes = {}) const {
    const auto* const point = Point<SumData>(name, attributes);
    return point == nullptr ? T{-1} : std::get<T>(point->value);
  }
  const MetricBatch& batch() const { return *batch_; }

  const std::shared_ptr<std::atomic<UnixNanos>> now = std::make_shared<std::atomic<UnixNanos>>(100);
  const std::shared_ptr<ManualReader> reader;
  MeterProvider provider;
  const Meter meter = provider.GetMeter("meter", "1.0");

 private:
  MeterProviderOptions With(MeterProviderOptions options) const {
    options.readers.push_back(reader);
    options.clock = [now = now] { return now->load(); };
    return options;
  }

  std::optional<MetricBatch> batch_;
};

}  // namespace otel::testing
