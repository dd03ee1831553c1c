#include "otlp/encode.h"

#include <algorithm>
#include <span>
#include <vector>

#include "common/prefetch.h"
#include "otlp/json_writer.h"
#include "otlp/log_messages.h"
#include "otlp/metric_messages.h"
#include "otlp/protobuf_writer.h"
#include "otlp/span_messages.h"

namespace otel::internal {
namespace {

template <typename Record>
struct ScopeRecords {
  const InstrumentationScope* scope;
  std::vector<const Record*> records;
};

// Scopes are few, and records of one often follow each other.
template <typename Record>
std::vector<ScopeRecords<Record>> GroupByScope(std::span<const Record* const> records) {
  std::vector<ScopeRecords<Record>> groups;
  size_t group = 0;
  for (const Record* record : records) {
    if (groups.empty() || groups[group].scope != record->scope) {
      group =
          static_cast<size_t>(std::ranges::find(groups, record->scope, &ScopeRecords<Record>::scope) - groups.begin());
    }
    if (group == groups.size()) groups.push_back({record->scope, {}});
    groups[group].records.push_back(record);
  }
  return groups;
}

// The spans lie in the caches of other cores: of the next one what it holds, of the one after it where that is.
void PrefetchAfter(const SpanData* const* span, const SpanData* const* end) {
  constexpr size_t kHeldBytes = 1024;  // attributes, and mostly their texts
  if (end - span > 2) Prefetch(span[2], sizeof(SpanData));
  if (end - span > 1) Prefetch(span[1]->attributes.data(), kHeldBytes);
}

// Resource and scopes stand around the records of all signals, with the same field numbers.
template <typename W, typename Groups, typename Fields>
void WriteRequest(W& w, const Resource& resource, Field resources, Field scopes, const Groups& groups,
                  Fields&& fields) {
  w.Messages(resources, std::span(&resource, 1), [&](const Resource&) {
    WriteResource(w, resource);
    w.Messages(scopes, groups, [&](const auto& group) {
      static const InstrumentationScope none;
      const InstrumentationScope& scope = group.scope != nullptr ? *group.scope : none;
      WriteScope(w, scope);
      fields(group);
      w.Text({3, "schemaUrl"}, scope.schema_url);
    });
    w.Text({3, "schemaUrl"}, resource.schema_url);
  });
}

template <typename W>
void Write(W& w, const SpanBatch& batch) {
  WriteRequest(w, batch.resource, {1, "resourceSpans"}, {2, "scopeSpans"}, GroupByScope(batch.spans),
               [&](const auto& group) {
                 const SpanData* const* const end = group.records.data() + group.records.size();
                 w.Messages({2, "spans"}, group.records, [&](const SpanData* const& span) {
                   PrefetchAfter(&span, end);
                   WriteRecord(w, *span);
                 });
               });
}

template <typename W>
void Write(W& w, const LogBatch& batch) {
  WriteRequest(w, batch.resource, {1, "resourceLogs"}, {2, "scopeLogs"}, GroupByScope(batch.records),
               [&](const auto& group) {
                 w.Messages({2, "logRecords"}, group.records, [&](const LogData* record) { WriteRecord(w, *record); });
               });
}

template <typename W>
void Write(W& w, const MetricBatch& batch) {
  WriteRequest(w, batch.resource, {1, "resourceMetrics"}, {2, "scopeMetrics"}, batch.scopes,
               [&](const ScopeMetrics& group) {
                 w.Messages({2, "metrics"}, group.metrics, [&](const MetricData& metric) { WriteMetric(w, metric); });
               });
}

template <typename Batch>
std::string_view EncodeBatch(const Batch& batch, Encoding encoding, std::string* buffer) {
  if (encoding == Encoding::kProtobuf) {
    ProtobufWriter writer(buffer);
    Write(writer, batch);
    return writer.written();
  }
  buffer->clear();
  JsonWriter writer(buffer);
  writer.Object([&] { Write(writer, batch); });
  return *buffer;
}

}  // namespace

std::string_view Encode(const SpanBatch& batch, Encoding encoding, std::string* buffer) {
  return EncodeBatch(batch, encoding, buffer);
}
std::string_view Encode(const LogBatch& batch, Encoding encoding, std::string* buffer) {
  return EncodeBatch(batch, encoding, buffer);
}
std::string_view Encode(const MetricBatch& batch, Encoding encoding, std::string* buffer) {
  return EncodeBatch(batch, encoding, buffer);
}

}  // namespace otel::internal
