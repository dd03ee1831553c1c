// The fields of OTLP's messages that are read here, as tags (number and wire type): opentelemetry-proto 1.x,
// collector/{trace,metrics,logs}/v1, {trace,metrics,logs,common,resource}/v1. Names are the specification's.
// A repeated number may come packed (kBytes) or one by one (k...Unpacked); readers must take both, even mixed.
// Where a field that is not repeated comes more than once, the last one counts, embedded messages included (they are
// not merged); of a oneof, the last member. docs/oddities.md says so to users.
#pragma once

#include <cstdint>

#include "otlp/wire.h"

namespace sightline::otlp::field {

namespace internal {
constexpr uint32_t Varint(uint32_t number) {
  return Tag(number, WireType::kVarint);
}
constexpr uint32_t Fixed64(uint32_t number) {
  return Tag(number, WireType::kFixed64);
}
constexpr uint32_t Fixed32(uint32_t number) {
  return Tag(number, WireType::kFixed32);
}
constexpr uint32_t Bytes(uint32_t number) {
  return Tag(number, WireType::kBytes);
}
}  // namespace internal

// Export{Trace,Metrics,Logs}ServiceRequest; Resource{Spans,Metrics,Logs}; Scope{Spans,Metrics,Logs}: the same numbers
// for all three signals.
namespace request {
inline constexpr uint32_t kResources = internal::Bytes(1);  // resource_spans, resource_metrics, resource_logs
}
namespace resource_items {
inline constexpr uint32_t kResource = internal::Bytes(1);
inline constexpr uint32_t kScopes = internal::Bytes(2);  // scope_spans, scope_metrics, scope_logs
inline constexpr uint32_t kSchemaUrl = internal::Bytes(3);
}  // namespace resource_items
namespace scope_items {
inline constexpr uint32_t kScope = internal::Bytes(1);
inline constexpr uint32_t kItems = internal::Bytes(2);  // spans, metrics, log_records
inline constexpr uint32_t kSchemaUrl = internal::Bytes(3);
}  // namespace scope_items

// common/v1, resource/v1
namespace any_value {
inline constexpr uint32_t kString = internal::Bytes(1);
inline constexpr uint32_t kBool = internal::Varint(2);
inline constexpr uint32_t kInt = internal::Varint(3);  // int64
inline constexpr uint32_t kDouble = internal::Fixed64(4);
inline constexpr uint32_t kArray = internal::Bytes(5);   // ArrayValue
inline constexpr uint32_t kKvlist = internal::Bytes(6);  // KeyValueList
inline constexpr uint32_t kBytes = internal::Bytes(7);
}  // namespace any_value
namespace array_value {
inline constexpr uint32_t kValues = internal::Bytes(1);  // AnyValue
}
namespace key_value_list {
inline constexpr uint32_t kValues = internal::Bytes(1);  // KeyValue
}
namespace key_value {
inline constexpr uint32_t kKey = internal::Bytes(1);
inline constexpr uint32_t kValue = internal::Bytes(2);  // AnyValue
}  // namespace key_value
namespace instrumentation_scope {
inline constexpr uint32_t kName = internal::Bytes(1);
inline constexpr uint32_t kVersion = internal::Bytes(2);
inline constexpr uint32_t kAttributes = internal::Bytes(3);
inline constexpr uint32_t kDroppedAttributesCount = internal::Varint(4);
}  // namespace instrumentation_scope
namespace resource {
inline constexpr uint32_t kAttributes = internal::Bytes(1);
inline constexpr uint32_t kDroppedAttributesCount = internal::Varint(2);
inline constexpr uint32_t kEntityRefs = internal::Bytes(3);
}  // namespace resource
namespace entity_ref {
inline constexpr uint32_t kSchemaUrl = internal::Bytes(1);
inline constexpr uint32_t kType = internal::Bytes(2);
inline constexpr uint32_t kIdKeys = internal::Bytes(3);           // repeated string
inline constexpr uint32_t kDescriptionKeys = internal::Bytes(4);  // repeated string
}  // namespace entity_ref

// trace/v1
namespace span {
inline constexpr uint32_t kTraceId = internal::Bytes(1);
inline constexpr uint32_t kSpanId = internal::Bytes(2);
inline constexpr uint32_t kTraceState = internal::Bytes(3);
inline constexpr uint32_t kParentSpanId = internal::Bytes(4);
inline constexpr uint32_t kName = internal::Bytes(5);
inline constexpr uint32_t kKind = internal::Varint(6);
inline constexpr uint32_t kStartTimeUnixNano = internal::Fixed64(7);
inline constexpr uint32_t kEndTimeUnixNano = internal::Fixed64(8);
inline constexpr uint32_t kAttributes = internal::Bytes(9);
inline constexpr uint32_t kDroppedAttributesCount = internal::Varint(10);
inline constexpr uint32_t kEvents = internal::Bytes(11);
inline constexpr uint32_t kDroppedEventsCount = internal::Varint(12);
inline constexpr uint32_t kLinks = internal::Bytes(13);
inline constexpr uint32_t kDroppedLinksCount = internal::Varint(14);
inline constexpr uint32_t kStatus = internal::Bytes(15);
inline constexpr uint32_t kFlags = internal::Fixed32(16);
}  // namespace span
namespace event {
inline constexpr uint32_t kTimeUnixNano = internal::Fixed64(1);
inline constexpr uint32_t kName = internal::Bytes(2);
inline constexpr uint32_t kAttributes = internal::Bytes(3);
inline constexpr uint32_t kDroppedAttributesCount = internal::Varint(4);
}  // namespace event
namespace link {
inline constexpr uint32_t kTraceId = internal::Bytes(1);
inline constexpr uint32_t kSpanId = internal::Bytes(2);
inline constexpr uint32_t kTraceState = internal::Bytes(3);
inline constexpr uint32_t kAttributes = internal::Bytes(4);
inline constexpr uint32_t kDroppedAttributesCount = internal::Varint(5);
inline constexpr uint32_t kFlags = internal::Fixed32(6);
}  // namespace link
namespace status {
inline constexpr uint32_t kMessage = internal::Bytes(2);
inline constexpr uint32_t kCode = internal::Varint(3);
}  // namespace status

// logs/v1
namespace log_record {
inline constexpr uint32_t kTimeUnixNano = internal::Fixed64(1);
inline constexpr uint32_t kSeverityNumber = internal::Varint(2);
inline constexpr uint32_t kSeverityText = internal::Bytes(3);
inline constexpr uint32_t kBody = internal::Bytes(5);  // AnyValue
inline constexpr uint32_t kAttributes = internal::Bytes(6);
inline constexpr uint32_t kDroppedAttributesCount = internal::Varint(7);
inline constexpr uint32_t kFlags = internal::Fixed32(8);
inline constexpr uint32_t kTraceId = internal::Bytes(9);
inline constexpr uint32_t kSpanId = internal::Bytes(10);
inline constexpr uint32_t kObservedTimeUnixNano = internal::Fixed64(11);
inline constexpr uint32_t kEventName = internal::Bytes(12);
}  // namespace log_record

// metrics/v1
namespace metric {
inline constexpr uint32_t kName = internal::Bytes(1);
inline constexpr uint32_t kDescription = internal::Bytes(2);
inline constexpr uint32_t kUnit = internal::Bytes(3);
inline constexpr uint32_t kGauge = internal::Bytes(5);
inline constexpr uint32_t kSum = internal::Bytes(7);
inline constexpr uint32_t kHistogram = internal::Bytes(9);
inline constexpr uint32_t kExponentialHistogram = internal::Bytes(10);
inline constexpr uint32_t kSummary = internal::Bytes(11);
inline constexpr uint32_t kMetadata = internal::Bytes(12);  // KeyValue
}  // namespace metric
// Gauge, Sum, Histogram, ExponentialHistogram, Summary: the same numbers where a field exists.
namespace metric_data {
inline constexpr uint32_t kDataPoints = internal::Bytes(1);
inline constexpr uint32_t kAggregationTemporality = internal::Varint(2);  // Sum, Histogram, ExponentialHistogram
inline constexpr uint32_t kIsMonotonic = internal::Varint(3);             // Sum
}  // namespace metric_data
// Of every kind of data point.
namespace data_point {
inline constexpr uint32_t kStartTimeUnixNano = internal::Fixed64(2);
inline constexpr uint32_t kTimeUnixNano = internal::Fixed64(3);
}  // namespace data_point
namespace number_data_point {
inline constexpr uint32_t kAsDouble = internal::Fixed64(4);
inline constexpr uint32_t kExemplars = internal::Bytes(5);
inline constexpr uint32_t kAsInt = internal::Fixed64(6);  // sfixed64
inline constexpr uint32_t kAttributes = internal::Bytes(7);
inline constexpr uint32_t kFlags = internal::Varint(8);
}  // namespace number_data_point
namespace histogram_data_point {
inline constexpr uint32_t kCount = internal::Fixed64(4);
inline constexpr uint32_t kSum = internal::Fixed64(5);  // double, optional
inline constexpr uint32_t kBucketCounts = internal::Bytes(6);
inline constexpr uint32_t kBucketCountsUnpacked = internal::Fixed64(6);
inline constexpr uint32_t kExplicitBounds = internal::Bytes(7);
inline constexpr uint32_t kExplicitBoundsUnpacked = internal::Fixed64(7);
inline constexpr uint32_t kExemplars = internal::Bytes(8);
inline constexpr uint32_t kAttributes = internal::Bytes(9);
inline constexpr uint32_t kFlags = internal::Varint(10);
inline constexpr uint32_t kMin = internal::Fixed64(11);  // double, optional
inline constexpr uint32_t kMax = internal::Fixed64(12);  // double, optional
}  // namespace histogram_data_point
namespace exponential_histogram_data_point {
inline constexpr uint32_t kAttributes = internal::Bytes(1);
inline constexpr uint32_t kCount = internal::Fixed64(4);
inline constexpr uint32_t kSum = internal::Fixed64(5);   // double, optional
inline constexpr uint32_t kScale = internal::Varint(6);  // sint32
inline constexpr uint32_t kZeroCount = internal::Fixed64(7);
inline constexpr uint32_t kPositive = internal::Bytes(8);  // Buckets
inline constexpr uint32_t kNegative = internal::Bytes(9);  // Buckets
inline constexpr uint32_t kFlags = internal::Varint(10);
inline constexpr uint32_t kExemplars = internal::Bytes(11);
inline constexpr uint32_t kMin = internal::Fixed64(12);            // double, optional
inline constexpr uint32_t kMax = internal::Fixed64(13);            // double, optional
inline constexpr uint32_t kZeroThreshold = internal::Fixed64(14);  // double
}  // namespace exponential_histogram_data_point
namespace buckets {
inline constexpr uint32_t kOffset = internal::Varint(1);       // sint32
inline constexpr uint32_t kBucketCounts = internal::Bytes(2);  // packed uint64 varints
inline constexpr uint32_t kBucketCountsUnpacked = internal::Varint(2);
}  // namespace buckets
namespace summary_data_point {
inline constexpr uint32_t kCount = internal::Fixed64(4);
inline constexpr uint32_t kSum = internal::Fixed64(5);           // double
inline constexpr uint32_t kQuantileValues = internal::Bytes(6);  // ValueAtQuantile
inline constexpr uint32_t kAttributes = internal::Bytes(7);
inline constexpr uint32_t kFlags = internal::Varint(8);
}  // namespace summary_data_point
namespace value_at_quantile {
inline constexpr uint32_t kQuantile = internal::Fixed64(1);  // double
inline constexpr uint32_t kValue = internal::Fixed64(2);     // double
}  // namespace value_at_quantile
namespace exemplar {
inline constexpr uint32_t kTimeUnixNano = internal::Fixed64(2);
inline constexpr uint32_t kAsDouble = internal::Fixed64(3);
inline constexpr uint32_t kSpanId = internal::Bytes(4);
inline constexpr uint32_t kTraceId = internal::Bytes(5);
inline constexpr uint32_t kAsInt = internal::Fixed64(6);  // sfixed64
inline constexpr uint32_t kFilteredAttributes = internal::Bytes(7);
}  // namespace exemplar

}  // namespace sightline::otlp::field
