// Sums and histograms as OTLP, for what a gateway counts itself. Data: numbers -> fields of a ScopeMetrics message.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

#include "otlp/wire_writer.h"

namespace sightline::forward {

// Counts by explicit bounds, of weighted observations; the last bucket has what is above all bounds.
template <size_t kBounds>
struct Histogram {
  std::array<double, kBounds + 1> buckets{};
  double count = 0, sum = 0;

  void Merge(const Histogram& other) {
    for (size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
    count += other.count;
    sum += other.sum;
  }
};

using MetricAttributes = std::span<const std::pair<std::string_view, std::string_view>>;

// The attribute, a bool, of the series for all that has none of its own.
inline constexpr std::string_view kOverflow = "otel.metric.overflow";

struct MetricTimes {
  int64_t start_unix_nanos = 0, now_unix_nanos = 0;
};

// A measurement behind a point, and where it was taken.
struct MetricExemplar {
  std::string_view trace_id, span_id;  // 16 and 8 bytes
  uint64_t unix_nanos = 0;
  double value = 0;
};

// A Metric message with a monotonic cumulative sum, or a histogram: Begin, points, End. Thread: one.
class MetricWriter {
 public:
  MetricWriter(otlp::WireWriter& out, const MetricTimes& times) : out_(out), times_(times) {}

  void BeginSum(std::string_view name, std::string_view unit, std::string_view description);
  void BeginHistogram(std::string_view name, std::string_view unit, std::string_view description);
  void End();

  // Counts are whole numbers in OTLP: weights make others of them, which are rounded. `exemplar`: null for none.
  void SumPoint(double value, MetricAttributes attributes, const MetricExemplar* exemplar = nullptr);
  void HistogramPoint(std::span<const double> buckets, std::span<const double> bounds, double sum,
                      MetricAttributes attributes, const MetricExemplar* exemplar = nullptr);

 private:
  void BeginMetric(std::string_view name, std::string_view unit, std::string_view description, uint32_t data_tag);
  size_t BeginPoint(uint32_t attributes_tag, MetricAttributes attributes);
  void WriteExemplar(uint32_t tag, const MetricExemplar* exemplar);

  otlp::WireWriter& out_;
  const MetricTimes times_;
  size_t metric_ = 0, data_ = 0;
};

// A KeyValue with a text.
void WriteAttribute(otlp::WireWriter& out, uint32_t tag, std::string_view key, std::string_view value);

// Begins ResourceMetrics with its resource, and in it ScopeMetrics of this program. What is returned goes to EndScope.
struct OpenScope {
  size_t resource_metrics = 0, scope_metrics = 0;
};
OpenScope BeginScope(otlp::WireWriter& out, MetricAttributes resource);
void EndScope(otlp::WireWriter& out, const OpenScope& scope);

}  // namespace sightline::forward
