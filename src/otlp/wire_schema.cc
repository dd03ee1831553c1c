#include "otlp/wire_schema.h"

#include <initializer_list>

namespace sightline::otlp {
namespace {

struct Row {
  uint32_t number;
  std::string_view name;
  FieldKind kind;
  Message message = Message::kNone;
};

constexpr uint8_t WireTypesOf(FieldKind kind) {
  constexpr auto bit = [](WireType type) { return static_cast<uint8_t>(1 << static_cast<int>(type)); };
  switch (kind) {
    case FieldKind::kUnknown:
      return 0;
    case FieldKind::kMessage:
    case FieldKind::kString:
    case FieldKind::kBytes:
    case FieldKind::kId:
      return bit(WireType::kBytes);
    case FieldKind::kBool:
    case FieldKind::kEnum:
    case FieldKind::kInt64:
    case FieldKind::kUint32:
    case FieldKind::kSint32:
      return bit(WireType::kVarint);
    case FieldKind::kFixed32:
      return bit(WireType::kFixed32);
    case FieldKind::kFixed64:
    case FieldKind::kSfixed64:
    case FieldKind::kDouble:
      return bit(WireType::kFixed64);
    case FieldKind::kFixed64s:
    case FieldKind::kDoubles:
      return bit(WireType::kFixed64) | bit(WireType::kBytes);
    case FieldKind::kUint64s:
      return bit(WireType::kVarint) | bit(WireType::kBytes);
  }
  return 0;
}

// Of these messages a field never holds just one, except of AnyValue, which a KeyValue holds once and an array often.
constexpr bool Repeated(const Row& row) {
  switch (row.message) {
    case Message::kNone:
      return row.kind == FieldKind::kFixed64s || row.kind == FieldKind::kDoubles || row.kind == FieldKind::kUint64s;
    case Message::kResource:
    case Message::kInstrumentationScope:
    case Message::kStatus:
    case Message::kGauge:
    case Message::kSum:
    case Message::kHistogram:
    case Message::kExponentialHistogram:
    case Message::kSummary:
    case Message::kBuckets:
    case Message::kArrayValue:
    case Message::kKeyValueList:
      return false;
    case Message::kAnyValue:
      return row.name == "values";
    default:
      return true;
  }
}

// lowerCamelCase of a field's name, as protobuf's JSON mapping has it.
constexpr void SetJsonName(FieldInfo& field) {
  bool upper = false;
  for (const char c : field.name) {
    if (c == '_') {
      upper = true;
      continue;
    }
    field.json_name[field.json_name_size++] = upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
}

constexpr MessageInfo Describe(std::string_view name, std::initializer_list<Row> rows) {
  MessageInfo message;
  message.name = name;
  // GCC 12 leaves default member values out of arrays of aggregates that it builds at compile time: without this an
  // unknown field would hold message 0 instead of none.
  for (FieldInfo& field : message.fields) field.message = Message::kNone;
  for (const Row& row : rows) {
    FieldInfo& field = message.fields[row.number];
    field.kind = row.kind;
    field.message = row.message;
    field.wire_types = WireTypesOf(row.kind);
    field.name = row.name;
    field.repeated = Repeated(row);
    if (row.message != Message::kEntityRef) SetJsonName(field);
  }
  return message;
}

using enum FieldKind;
using M = Message;

constexpr MessageInfo ResourceItems(std::string_view name, std::string_view scopes, Message scope_items) {
  return Describe(
      name, {{1, "resource", kMessage, M::kResource}, {2, scopes, kMessage, scope_items}, {3, "schema_url", kString}});
}

constexpr MessageInfo ScopeItems(std::string_view name, std::string_view items, Message item) {
  return Describe(
      name, {{1, "scope", kMessage, M::kInstrumentationScope}, {2, items, kMessage, item}, {3, "schema_url", kString}});
}

constexpr size_t Index(Message message) {
  return static_cast<size_t>(message);
}

using Messages = std::array<MessageInfo, kMessages>;

constexpr void AddTraces(Messages& messages) {
  messages[Index(M::kTracesRequest)] =
      Describe("ExportTraceServiceRequest", {{1, "resource_spans", kMessage, M::kResourceSpans}});
  messages[Index(M::kResourceSpans)] = ResourceItems("ResourceSpans", "scope_spans", M::kScopeSpans);
  messages[Index(M::kScopeSpans)] = ScopeItems("ScopeSpans", "spans", M::kSpan);
  messages[Index(M::kSpan)] = Describe("Span", {{1, "trace_id", kId},
                                                {2, "span_id", kId},
                                                {3, "trace_state", kString},
                                                {4, "parent_span_id", kId},
                                                {5, "name", kString},
                                                {6, "kind", kEnum},
                                                {7, "start_time_unix_nano", kFixed64},
                                                {8, "end_time_unix_nano", kFixed64},
                                                {9, "attributes", kMessage, M::kKeyValue},
                                                {10, "dropped_attributes_count", kUint32},
                                                {11, "events", kMessage, M::kEvent},
                                                {12, "dropped_events_count", kUint32},
                                                {13, "links", kMessage, M::kLink},
                                                {14, "dropped_links_count", kUint32},
                                                {15, "status", kMessage, M::kStatus},
                                                {16, "flags", kFixed32}});
  messages[Index(M::kEvent)] = Describe("Span.Event", {{1, "time_unix_nano", kFixed64},
                                                       {2, "name", kString},
                                                       {3, "attributes", kMessage, M::kKeyValue},
                                                       {4, "dropped_attributes_count", kUint32}});
  messages[Index(M::kLink)] = Describe("Span.Link", {{1, "trace_id", kId},
                                                     {2, "span_id", kId},
                                                     {3, "trace_state", kString},
                                                     {4, "attributes", kMessage, M::kKeyValue},
                                                     {5, "dropped_attributes_count", kUint32},
                                                     {6, "flags", kFixed32}});
  messages[Index(M::kStatus)] = Describe("Status", {{2, "message", kString}, {3, "code", kEnum}});
}

constexpr void AddLogs(Messages& messages) {
  messages[Index(M::kLogsRequest)] =
      Describe("ExportLogsServiceRequest", {{1, "resource_logs", kMessage, M::kResourceLogs}});
  messages[Index(M::kResourceLogs)] = ResourceItems("ResourceLogs", "scope_logs", M::kScopeLogs);
  messages[Index(M::kScopeLogs)] = ScopeItems("ScopeLogs", "log_records", M::kLogRecord);
  messages[Index(M::kLogRecord)] = Describe("LogRecord", {{1, "time_unix_nano", kFixed64},
                                                          {2, "severity_number", kEnum},
                                                          {3, "severity_text", kString},
                                                          {5, "body", kMessage, M::kAnyValue},
                                                          {6, "attributes", kMessage, M::kKeyValue},
                                                          {7, "dropped_attributes_count", kUint32},
                                                          {8, "flags", kFixed32},
                                                          {9, "trace_id", kId},
                                                          {10, "span_id", kId},
                                                          {11, "observed_time_unix_nano", kFixed64},
                                                          {12, "event_name", kString}});
}

constexpr void AddMetrics(Messages& messages) {
  messages[Index(M::kMetricsRequest)] =
      Describe("ExportMetricsServiceRequest", {{1, "resource_metrics", kMessage, M::kResourceMetrics}});
  messages[Index(M::kResourceMetrics)] = ResourceItems("ResourceMetrics", "scope_metrics", M::kScopeMetrics);
  messages[Index(M::kScopeMetrics)] = ScopeItems("ScopeMetrics", "metrics", M::kMetric);
  messages[Index(M::kMetric)] = Describe("Metric", {{1, "name", kString},
                                                    {2, "description", kString},
                                                    {3, "unit", kString},
                                                    {5, "gauge", kMessage, M::kGauge},
                                                    {7, "sum", kMessage, M::kSum},
                                                    {9, "histogram", kMessage, M::kHistogram},
                                                    {10, "exponential_histogram", kMessage, M::kExponentialHistogram},
                                                    {11, "summary", kMessage, M::kSummary},
                                                    {12, "metadata", kMessage, M::kKeyValue}});
  messages[Index(M::kGauge)] = Describe("Gauge", {{1, "data_points", kMessage, M::kNumberDataPoint}});
  messages[Index(M::kSum)] = Describe("Sum", {{1, "data_points", kMessage, M::kNumberDataPoint},
                                              {2, "aggregation_temporality", kEnum},
                                              {3, "is_monotonic", kBool}});
  messages[Index(M::kHistogram)] = Describe(
      "Histogram", {{1, "data_points", kMessage, M::kHistogramDataPoint}, {2, "aggregation_temporality", kEnum}});
  messages[Index(M::kExponentialHistogram)] = Describe(
      "ExponentialHistogram",
      {{1, "data_points", kMessage, M::kExponentialHistogramDataPoint}, {2, "aggregation_temporality", kEnum}});
  messages[Index(M::kSummary)] = Describe("Summary", {{1, "data_points", kMessage, M::kSummaryDataPoint}});
}

constexpr void AddDataPoints(Messages& messages) {
  messages[Index(M::kNumberDataPoint)] = Describe("NumberDataPoint", {{2, "start_time_unix_nano", kFixed64},
                                                                      {3, "time_unix_nano", kFixed64},
                                                                      {4, "as_double", kDouble},
                                                                      {5, "exemplars", kMessage, M::kExemplar},
                                                                      {6, "as_int", kSfixed64},
                                                                      {7, "attributes", kMessage, M::kKeyValue},
                                                                      {8, "flags", kUint32}});
  messages[Index(M::kHistogramDataPoint)] = Describe("HistogramDataPoint", {{2, "start_time_unix_nano", kFixed64},
                                                                            {3, "time_unix_nano", kFixed64},
                                                                            {4, "count", kFixed64},
                                                                            {5, "sum", kDouble},
                                                                            {6, "bucket_counts", kFixed64s},
                                                                            {7, "explicit_bounds", kDoubles},
                                                                            {8, "exemplars", kMessage, M::kExemplar},
                                                                            {9, "attributes", kMessage, M::kKeyValue},
                                                                            {10, "flags", kUint32},
                                                                            {11, "min", kDouble},
                                                                            {12, "max", kDouble}});
  messages[Index(M::kExponentialHistogramDataPoint)] =
      Describe("ExponentialHistogramDataPoint", {{1, "attributes", kMessage, M::kKeyValue},
                                                 {2, "start_time_unix_nano", kFixed64},
                                                 {3, "time_unix_nano", kFixed64},
                                                 {4, "count", kFixed64},
                                                 {5, "sum", kDouble},
                                                 {6, "scale", kSint32},
                                                 {7, "zero_count", kFixed64},
                                                 {8, "positive", kMessage, M::kBuckets},
                                                 {9, "negative", kMessage, M::kBuckets},
                                                 {10, "flags", kUint32},
                                                 {11, "exemplars", kMessage, M::kExemplar},
                                                 {12, "min", kDouble},
                                                 {13, "max", kDouble},
                                                 {14, "zero_threshold", kDouble}});
  messages[Index(M::kBuckets)] =
      Describe("ExponentialHistogramDataPoint.Buckets", {{1, "offset", kSint32}, {2, "bucket_counts", kUint64s}});
  messages[Index(M::kSummaryDataPoint)] =
      Describe("SummaryDataPoint", {{2, "start_time_unix_nano", kFixed64},
                                    {3, "time_unix_nano", kFixed64},
                                    {4, "count", kFixed64},
                                    {5, "sum", kDouble},
                                    {6, "quantile_values", kMessage, M::kValueAtQuantile},
                                    {7, "attributes", kMessage, M::kKeyValue},
                                    {8, "flags", kUint32}});
  messages[Index(M::kValueAtQuantile)] =
      Describe("SummaryDataPoint.ValueAtQuantile", {{1, "quantile", kDouble}, {2, "value", kDouble}});
  messages[Index(M::kExemplar)] = Describe("Exemplar", {{2, "time_unix_nano", kFixed64},
                                                        {3, "as_double", kDouble},
                                                        {4, "span_id", kId},
                                                        {5, "trace_id", kId},
                                                        {6, "as_int", kSfixed64},
                                                        {7, "filtered_attributes", kMessage, M::kKeyValue}});
}

constexpr void AddCommon(Messages& messages) {
  messages[Index(M::kResource)] = Describe("Resource", {{1, "attributes", kMessage, M::kKeyValue},
                                                        {2, "dropped_attributes_count", kUint32},
                                                        {3, "entity_refs", kMessage, M::kEntityRef}});
  messages[Index(M::kEntityRef)] = Describe(
      "EntityRef",
      {{1, "schema_url", kString}, {2, "type", kString}, {3, "id_keys", kString}, {4, "description_keys", kString}});
  messages[Index(M::kInstrumentationScope)] =
      Describe("InstrumentationScope", {{1, "name", kString},
                                        {2, "version", kString},
                                        {3, "attributes", kMessage, M::kKeyValue},
                                        {4, "dropped_attributes_count", kUint32}});
  messages[Index(M::kKeyValue)] = Describe("KeyValue", {{1, "key", kString}, {2, "value", kMessage, M::kAnyValue}});
  messages[Index(M::kAnyValue)] = Describe("AnyValue", {{1, "string_value", kString},
                                                        {2, "bool_value", kBool},
                                                        {3, "int_value", kInt64},
                                                        {4, "double_value", kDouble},
                                                        {5, "array_value", kMessage, M::kArrayValue},
                                                        {6, "kvlist_value", kMessage, M::kKeyValueList},
                                                        {7, "bytes_value", kBytes}});
  messages[Index(M::kArrayValue)] = Describe("ArrayValue", {{1, "values", kMessage, M::kAnyValue}});
  messages[Index(M::kKeyValueList)] = Describe("KeyValueList", {{1, "values", kMessage, M::kKeyValue}});
}

constexpr Messages Table() {
  Messages messages;
  AddTraces(messages);
  AddLogs(messages);
  AddMetrics(messages);
  AddDataPoints(messages);
  AddCommon(messages);
  return messages;
}

}  // namespace

constinit const std::array<MessageInfo, kMessages> kMessageInfos = Table();

}  // namespace sightline::otlp
