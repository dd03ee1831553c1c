#include "forward/metric_writer.h"

#include <bit>
#include <cmath>

#include "base/version.h"
#include "otlp/wire_fields.h"

namespace sightline::forward {
namespace {

namespace field = otlp::field;

constexpr uint64_t kCumulative = 2;  // OTLP's number

uint64_t Rounded(double count) {
  return static_cast<uint64_t>(std::llround(count));
}

}  // namespace

void WriteAttribute(otlp::WireWriter& out, uint32_t tag, std::string_view key, std::string_view value) {
  const size_t attribute = out.Begin(tag);
  out.Bytes(field::key_value::kKey, key);
  const size_t any = out.Begin(field::key_value::kValue);
  if (key == kOverflow) {
    out.Varint(field::any_value::kBool, 1);
  } else {
    out.Bytes(field::any_value::kString, value);
  }
  out.End(any);
  out.End(attribute);
}

OpenScope BeginScope(otlp::WireWriter& out, MetricAttributes resource) {
  OpenScope open;
  open.resource_metrics = out.Begin(field::request::kResources);
  const size_t resource_message = out.Begin(field::resource_items::kResource);
  for (const auto& [key, value] : resource) WriteAttribute(out, field::resource::kAttributes, key, value);
  out.End(resource_message);
  open.scope_metrics = out.Begin(field::resource_items::kScopes);
  const size_t scope = out.Begin(field::scope_items::kScope);
  out.Bytes(field::instrumentation_scope::kName, "sightline.gateway");
  out.Bytes(field::instrumentation_scope::kVersion, Version());
  out.End(scope);
  return open;
}

void EndScope(otlp::WireWriter& out, const OpenScope& scope) {
  out.End(scope.scope_metrics);
  out.End(scope.resource_metrics);
}

void MetricWriter::BeginSum(std::string_view name, std::string_view unit, std::string_view description) {
  BeginMetric(name, unit, description, field::metric::kSum);
  out_.Varint(field::metric_data::kIsMonotonic, 1);
}

void MetricWriter::BeginHistogram(std::string_view name, std::string_view unit, std::string_view description) {
  BeginMetric(name, unit, description, field::metric::kHistogram);
}

void MetricWriter::BeginMetric(std::string_view name, std::string_view unit, std::string_view description,
                               uint32_t data_tag) {
  metric_ = out_.Begin(field::scope_items::kItems);
  out_.Bytes(field::metric::kName, name);
  out_.Bytes(field::metric::kDescription, description);
  out_.Bytes(field::metric::kUnit, unit);
  data_ = out_.Begin(data_tag);
  out_.Varint(field::metric_data::kAggregationTemporality, kCumulative);
}

void MetricWriter::End() {
  out_.End(data_);
  out_.End(metric_);
}

size_t MetricWriter::BeginPoint(uint32_t attributes_tag, MetricAttributes attributes) {
  const size_t point = out_.Begin(field::metric_data::kDataPoints);
  out_.Fixed64(field::data_point::kStartTimeUnixNano, static_cast<uint64_t>(times_.start_unix_nanos));
  out_.Fixed64(field::data_point::kTimeUnixNano, static_cast<uint64_t>(times_.now_unix_nanos));
  for (const auto& [key, value] : attributes) WriteAttribute(out_, attributes_tag, key, value);
  return point;
}

void MetricWriter::WriteExemplar(uint32_t tag, const MetricExemplar* exemplar) {
  if (exemplar == nullptr) return;
  const size_t message = out_.Begin(tag);
  out_.Fixed64(field::exemplar::kTimeUnixNano, exemplar->unix_nanos);
  out_.Fixed64(field::exemplar::kAsDouble, std::bit_cast<uint64_t>(exemplar->value));
  out_.Bytes(field::exemplar::kSpanId, exemplar->span_id);
  out_.Bytes(field::exemplar::kTraceId, exemplar->trace_id);
  out_.End(message);
}

void MetricWriter::SumPoint(double value, MetricAttributes attributes, const MetricExemplar* exemplar) {
  const size_t point = BeginPoint(field::number_data_point::kAttributes, attributes);
  out_.Fixed64(field::number_data_point::kAsInt, Rounded(value));
  WriteExemplar(field::number_data_point::kExemplars, exemplar);
  out_.End(point);
}

void MetricWriter::HistogramPoint(std::span<const double> buckets, std::span<const double> bounds, double sum,
                                  MetricAttributes attributes, const MetricExemplar* exemplar) {
  const size_t point = BeginPoint(field::histogram_data_point::kAttributes, attributes);
  uint64_t count = 0;  // of the rounded ones, as it must be their sum
  for (const double bucket : buckets) count += Rounded(bucket);
  out_.Fixed64(field::histogram_data_point::kCount, count);
  out_.Fixed64(field::histogram_data_point::kSum, std::bit_cast<uint64_t>(sum));
  const size_t counts = out_.Begin(field::histogram_data_point::kBucketCounts);
  for (const double bucket : buckets) out_.RawFixed64(Rounded(bucket));
  out_.End(counts);
  const size_t explicit_bounds = out_.Begin(field::histogram_data_point::kExplicitBounds);
  for (const double bound : bounds) out_.RawFixed64(std::bit_cast<uint64_t>(bound));
  out_.End(explicit_bounds);
  WriteExemplar(field::histogram_data_point::kExemplars, exemplar);
  out_.End(point);
}

}  // namespace sightline::forward
