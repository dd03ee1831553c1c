#include "otlp/block_builder_tables.h"

namespace sightline::otlp {
namespace {

constexpr char kLow[] = "LowCardinality(String)";
constexpr char kTime[] = "DateTime64(9)";
constexpr char kMap[] = "Map(LowCardinality(String), String)";

// A table that holds this much more memory than its last block needed, beyond the first allowance, is given back: it
// grew in a burst and would now sit there at rest.
constexpr size_t kKeptBytesAlways = 4 << 20;
constexpr size_t kKeptTimes = 4;

std::string ArrayOf(std::string_view type) {
  return "Array(" + std::string(type) + ")";
}

}  // namespace

bool Table::Drain(uint64_t block, std::string& out) {
  block_.set_value(block);
  WriteBlock(columns_, rows_, out);
  size_t held = 0;
  for (const NamedColumn& named : columns_) held += named.column->capacity();
  ClearColumns(columns_);
  rows_ = 0;
  Cleared();
  return held > kKeptBytesAlways && held > kKeptTimes * out.size();
}

AttributeSetTable::AttributeSetTable() {
  Add("Id", "String", id);
  Add("Seen", "DateTime", seen);
  Add("Keys", ArrayOf("String"), keys);
  Add("Values", ArrayOf("String"), values);
  Add("Types", "String", types);
  Add("SchemaUrl", "String", schema_url);
  Add("DroppedAttributesCount", "UInt32", dropped_attributes_count);
}

HotKeysInMapsTable::HotKeysInMapsTable() {
  Add("Key", kLow, key);
  Add("FirstDay", "Int32", first_day);
  Add("LastDay", "Int32", last_day);
}

SpanTable::SpanTable(const std::vector<HotAttribute>& hot_attributes) : hot(hot_attributes) {
  AddBlock();
  Add("Timestamp", kTime, timestamp);
  Add("TraceId", "FixedString(16)", trace_id);
  Add("SpanId", "FixedString(8)", span_id);
  Add("ParentSpanId", "FixedString(8)", parent_span_id);
  Add("TraceState", "String", trace_state);
  Add("Flags", "UInt32", flags);
  Add("SpanName", kLow, span_name);
  Add("SpanKind", kLow, span_kind);
  Add("ServiceName", kLow, scope.service_name);
  Add("StatusCode", kLow, status_code);
  Add("StatusMessage", "String", status_message);
  Add("Duration", "UInt64", duration);
  Add("ResourceId", kLow, scope.resource_id);
  Add("ScopeName", kLow, scope.scope_name);
  Add("ScopeVersion", kLow, scope.scope_version);
  Add("ScopeId", kLow, scope.scope_id);
  hot.AddTo(columns_);
  Add("SpanAttributes", kMap, attributes);
  Add("SpanAttributeTypes", kLow, attribute_types);
  Add("DroppedAttributesCount", "UInt32", dropped_attributes_count);
  Add("DroppedEventsCount", "UInt32", dropped_events_count);
  Add("DroppedLinksCount", "UInt32", dropped_links_count);
  Add("Events.Timestamp", ArrayOf(kTime), event_timestamp);
  Add("Events.Name", ArrayOf(kLow), event_name);
  Add("Events.Attributes", ArrayOf(kMap), event_attributes);
  Add("Events.AttributeTypes", ArrayOf(kLow), event_attribute_types);
  Add("Events.DroppedAttributesCount", ArrayOf("UInt32"), event_dropped_attributes_count);
  Add("Links.TraceId", ArrayOf("FixedString(16)"), link_trace_id);
  Add("Links.SpanId", ArrayOf("FixedString(8)"), link_span_id);
  Add("Links.TraceState", ArrayOf("String"), link_trace_state);
  Add("Links.Attributes", ArrayOf(kMap), link_attributes);
  Add("Links.AttributeTypes", ArrayOf(kLow), link_attribute_types);
  Add("Links.DroppedAttributesCount", ArrayOf("UInt32"), link_dropped_attributes_count);
  Add("Links.Flags", ArrayOf("UInt32"), link_flags);
  Add("Repairs", kLow, repairs);
  Add("AdjustedCount", "Float64", adjusted_count);
  Add("SamplingPolicy", kLow, sampling_policy);
  Add("CriticalPathSelfTime", "UInt64", critical_path_self_time);
  filled.Watch(columns_);
  Add("FilledColumns", kLow, filled_columns);
  Cleared();
}

void SpanTable::Cleared() {
  constexpr std::string_view kKindNames[kKinds] = {"Unspecified", "Internal", "Server",
                                                   "Client",      "Producer", "Consumer"};
  constexpr std::string_view kCodeNames[kCodes] = {"Unset", "Ok", "Error"};
  for (const std::string_view name : kKindNames) span_kind.interner().Intern(name);
  for (const std::string_view name : kCodeNames) status_code.interner().Intern(name);
  scope.numbers = {};
  hot.Cleared();
  filled.Cleared();
}

LogTable::LogTable() {
  AddBlock();
  Add("Timestamp", kTime, timestamp);
  Add("TimeUnixNano", "UInt64", time_unix_nano);
  Add("ObservedTimestamp", kTime, observed_timestamp);
  Add("TraceId", "FixedString(16)", trace_id);
  Add("SpanId", "FixedString(8)", span_id);
  Add("Flags", "UInt32", flags);
  Add("SeverityText", kLow, severity_text);
  Add("SeverityNumber", "UInt8", severity_number);
  Add("ServiceName", kLow, scope.service_name);
  Add("Body", "String", body);
  Add("BodyType", kLow, body_type);
  Add("EventName", kLow, event_name);
  Add("ResourceId", kLow, scope.resource_id);
  Add("ScopeName", kLow, scope.scope_name);
  Add("ScopeVersion", kLow, scope.scope_version);
  Add("ScopeId", kLow, scope.scope_id);
  Add("LogAttributes", kMap, attributes);
  Add("LogAttributeTypes", kLow, attribute_types);
  Add("DroppedAttributesCount", "UInt32", dropped_attributes_count);
  Add("Repairs", kLow, repairs);
}

void LogTable::Cleared() {
  scope.numbers = {};
}

SeriesTable::SeriesTable() {
  Add("SeriesId", "UInt64", series_id);
  Add("Seen", "DateTime", seen);
  Add("MetricName", kLow, metric_name);
  Add("MetricType", kLow, metric_type);
  Add("Description", "String", description);
  Add("Unit", kLow, unit);
  Add("AggregationTemporality", "Int32", aggregation_temporality);
  Add("IsMonotonic", "Bool", is_monotonic);
  Add("ServiceName", kLow, service_name);
  Add("ResourceId", "String", resource_id);
  Add("ScopeName", kLow, scope_name);
  Add("ScopeVersion", kLow, scope_version);
  Add("ScopeId", "String", scope_id);
  Add("Attributes", kMap, attributes);
  Add("AttributeTypes", kLow, attribute_types);
  Add("Metadata", "String", metadata);
  Add("LimitedBy", kLow, limited_by);
}

void PointsTable::AddFront() {
  Add("SeriesId", "UInt64", series_id);
  Add("Timestamp", kTime, timestamp);
  Add("StartTimestamp", kTime, start_timestamp);
}

void PointsTable::AddExemplars() {
  Add("Exemplars.FilteredAttributes", ArrayOf(kMap), exemplars.filtered_attributes);
  Add("Exemplars.AttributeTypes", ArrayOf(kLow), exemplars.attribute_types);
  Add("Exemplars.Timestamp", ArrayOf(kTime), exemplars.timestamp);
  Add("Exemplars.Value", ArrayOf("Float64"), exemplars.value);
  Add("Exemplars.IsInt", ArrayOf("Bool"), exemplars.is_int);
  Add("Exemplars.SpanId", ArrayOf("FixedString(8)"), exemplars.span_id);
  Add("Exemplars.TraceId", ArrayOf("FixedString(16)"), exemplars.trace_id);
}

void PointsTable::AddBack() {
  Add("Repairs", kLow, repairs);
  AddBlock();
}

NumberPointsTable::NumberPointsTable() {
  AddFront();
  Add("Value", "Float64", value);
  Add("IsInt", "Bool", is_int);
  Add("IntResidual", "Int64", int_residual);
  Add("Flags", "UInt32", flags);
  AddExemplars();
  AddBack();
}

HistogramsTable::HistogramsTable() {
  AddFront();
  Add("Count", "UInt64", count);
  Add("Sum", "Float64", sum);
  Add("Min", "Float64", min);
  Add("Max", "Float64", max);
  Add("Has", "UInt8", has);
  Add("BucketCounts", ArrayOf("UInt64"), bucket_counts);
  Add("ExplicitBounds", ArrayOf("Float64"), explicit_bounds);
  Add("Flags", "UInt32", flags);
  AddExemplars();
  AddBack();
}

ExponentialHistogramsTable::ExponentialHistogramsTable() {
  AddFront();
  Add("Count", "UInt64", count);
  Add("Sum", "Float64", sum);
  Add("Min", "Float64", min);
  Add("Max", "Float64", max);
  Add("Has", "UInt8", has);
  Add("Scale", "Int32", scale);
  Add("ZeroCount", "UInt64", zero_count);
  Add("ZeroThreshold", "Float64", zero_threshold);
  Add("PositiveOffset", "Int32", positive_offset);
  Add("PositiveBucketCounts", ArrayOf("UInt64"), positive_bucket_counts);
  Add("NegativeOffset", "Int32", negative_offset);
  Add("NegativeBucketCounts", ArrayOf("UInt64"), negative_bucket_counts);
  Add("Flags", "UInt32", flags);
  AddExemplars();
  AddBack();
}

SummariesTable::SummariesTable() {
  AddFront();
  Add("Count", "UInt64", count);
  Add("Sum", "Float64", sum);
  Add("ValueAtQuantiles.Quantile", ArrayOf("Float64"), quantile);
  Add("ValueAtQuantiles.Value", ArrayOf("Float64"), quantile_value);
  Add("Flags", "UInt32", flags);
  AddBack();
}

}  // namespace sightline::otlp
