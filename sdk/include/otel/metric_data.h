// One collection of metrics, as readers make it and exporters read it.
// https://opentelemetry.io/docs/specs/otel/metrics/data-model/
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "otel/attributes.h"
#include "otel/exporter.h"
#include "otel/ids.h"
#include "otel/scope.h"

namespace otel {

// Values are OTLP's.
enum class Temporality : uint8_t { kDelta = 1, kCumulative = 2 };

using Number = std::variant<int64_t, double>;

struct Exemplar {
  UnixNanos time = 0;
  Number value;
  TraceId trace_id;
  SpanId span_id;
  Attributes filtered_attributes;  // those that the point's attributes leave out
};

// What all kinds of points have.
struct MetricPoint {
  Attributes attributes;
  UnixNanos start = 0;  // 0 for gauges
  UnixNanos time = 0;
  std::vector<Exemplar> exemplars;
};

struct NumberPoint : MetricPoint {
  Number value;
};

struct HistogramPoint : MetricPoint {
  uint64_t count = 0;
  std::optional<double> sum;  // none where values may be negative
  std::optional<double> min, max;
  std::vector<double> bounds;    // upper, inclusive
  std::vector<uint64_t> counts;  // one more than bounds, or none
};

struct ExponentialBuckets {
  int32_t offset = 0;
  std::vector<uint64_t> counts;
};

struct ExponentialHistogramPoint : MetricPoint {
  uint64_t count = 0;
  std::optional<double> sum;  // none where values may be negative
  std::optional<double> min, max;
  int32_t scale = 0;
  uint64_t zero_count = 0;
  double zero_threshold = 0;
  ExponentialBuckets positive, negative;
};

struct GaugeData {
  std::vector<NumberPoint> points;
};
struct SumData {
  std::vector<NumberPoint> points;
  Temporality temporality = Temporality::kCumulative;
  bool is_monotonic = false;
};
struct HistogramData {
  std::vector<HistogramPoint> points;
  Temporality temporality = Temporality::kCumulative;
};
struct ExponentialHistogramData {
  std::vector<ExponentialHistogramPoint> points;
  Temporality temporality = Temporality::kCumulative;
};

struct MetricData {
  std::string name;
  std::string description;
  std::string unit;
  std::variant<GaugeData, SumData, HistogramData, ExponentialHistogramData> data;
};

struct ScopeMetrics {
  const InstrumentationScope* scope = nullptr;  // lives as long as the program
  std::vector<MetricData> metrics;
};

struct MetricBatch {
  const Resource& resource;
  std::vector<ScopeMetrics> scopes;
};

using MetricExporter = Exporter<MetricBatch>;

}  // namespace otel
