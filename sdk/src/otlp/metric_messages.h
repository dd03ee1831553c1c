// https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/metrics/v1/metrics.proto
#pragma once

#include <variant>

#include "otel/metric_data.h"
#include "otlp/common_messages.h"

namespace otel::internal {

template <typename W>
void WriteNumber(W& w, Field as_int, Field as_double, const Number& number) {
  if (const auto* integer = std::get_if<int64_t>(&number)) {
    w.Sfixed64Value(as_int, *integer);
  } else {
    w.DoubleValue(as_double, std::get<double>(number));
  }
}

template <typename W>
void WriteTimes(W& w, const MetricPoint& point) {  // every kind of point has them there
  w.Fixed64({2, "startTimeUnixNano"}, static_cast<uint64_t>(point.start));
  w.Fixed64({3, "timeUnixNano"}, static_cast<uint64_t>(point.time));
}

template <typename W>
void WriteExemplars(W& w, Field field, const std::vector<Exemplar>& exemplars) {
  w.Messages(field, exemplars, [&](const Exemplar& exemplar) {
    w.Fixed64({2, "timeUnixNano"}, static_cast<uint64_t>(exemplar.time));
    WriteNumber(w, {6, "asInt"}, {3, "asDouble"}, exemplar.value);
    w.Id({4, "spanId"}, exemplar.span_id);
    w.Id({5, "traceId"}, exemplar.trace_id);
    WriteAttributes(w, {7, "filteredAttributes"}, exemplar.filtered_attributes.view());
  });
}

template <typename W>
void WritePoint(W& w, const NumberPoint& point) {
  WriteAttributes(w, {7, "attributes"}, point.attributes.view());
  WriteTimes(w, point);
  WriteNumber(w, {6, "asInt"}, {4, "asDouble"}, point.value);
  WriteExemplars(w, {5, "exemplars"}, point.exemplars);
}

template <typename W>
void WriteIfKnown(W& w, Field field, std::optional<double> value) {
  if (value) w.DoubleValue(field, *value);
}

template <typename W>
void WritePoint(W& w, const HistogramPoint& point) {
  WriteAttributes(w, {9, "attributes"}, point.attributes.view());
  WriteTimes(w, point);
  w.Fixed64({4, "count"}, point.count);
  WriteIfKnown(w, {5, "sum"}, point.sum);
  w.Fixed64s({6, "bucketCounts"}, point.counts);
  w.Doubles({7, "explicitBounds"}, point.bounds);
  WriteExemplars(w, {8, "exemplars"}, point.exemplars);
  WriteIfKnown(w, {11, "min"}, point.min);
  WriteIfKnown(w, {12, "max"}, point.max);
}

template <typename W>
void WriteBuckets(W& w, Field field, const ExponentialBuckets& buckets) {
  w.Message(field, [&] {
    w.Sint32({1, "offset"}, buckets.offset);
    w.Uint64s({2, "bucketCounts"}, buckets.counts);
  });
}

template <typename W>
void WritePoint(W& w, const ExponentialHistogramPoint& point) {
  WriteAttributes(w, {1, "attributes"}, point.attributes.view());
  WriteTimes(w, point);
  w.Fixed64({4, "count"}, point.count);
  WriteIfKnown(w, {5, "sum"}, point.sum);
  w.Sint32({6, "scale"}, point.scale);
  w.Fixed64({7, "zeroCount"}, point.zero_count);
  WriteBuckets(w, {8, "positive"}, point.positive);
  WriteBuckets(w, {9, "negative"}, point.negative);
  WriteExemplars(w, {11, "exemplars"}, point.exemplars);
  WriteIfKnown(w, {12, "min"}, point.min);
  WriteIfKnown(w, {13, "max"}, point.max);
  w.Double({14, "zeroThreshold"}, point.zero_threshold);
}

inline Field DataField(const GaugeData&) {
  return {5, "gauge"};
}
inline Field DataField(const SumData&) {
  return {7, "sum"};
}
inline Field DataField(const HistogramData&) {
  return {9, "histogram"};
}
inline Field DataField(const ExponentialHistogramData&) {
  return {10, "exponentialHistogram"};
}

template <typename W, typename Data>
void WriteData(W& w, const Data& data) {
  w.Message(DataField(data), [&] {
    w.Messages({1, "dataPoints"}, data.points, [&](const auto& point) { WritePoint(w, point); });
    if constexpr (requires { data.temporality; }) {
      w.Uint32({2, "aggregationTemporality"}, static_cast<uint32_t>(data.temporality));
    }
    if constexpr (requires { data.is_monotonic; }) w.Bool({3, "isMonotonic"}, data.is_monotonic);
  });
}

template <typename W>
void WriteMetric(W& w, const MetricData& metric) {
  w.Text({1, "name"}, metric.name);
  w.Text({2, "description"}, metric.description);
  w.Text({3, "unit"}, metric.unit);
  std::visit([&](const auto& data) { WriteData(w, data); }, metric.data);
}

}  // namespace otel::internal
