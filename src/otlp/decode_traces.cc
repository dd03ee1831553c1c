// Span messages -> the spans table, and what is counted of them (span_metrics.h).
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "otlp/critical_path.h"
#include "otlp/decode.h"
#include "otlp/http_status.h"
#include "otlp/kept_spans.h"
#include "otlp/predictions.h"
#include "otlp/service_graph_edges.h"
#include "otlp/span_dimensions.h"
#include "otlp/span_metrics.h"
#include "otlp/wire_fields.h"

namespace sightline::otlp {
namespace {

// The fields of one span before they are written: where the row goes depends on its start, which may come last.
struct SpanFields {
  std::string_view trace_id, span_id, parent_span_id, trace_state, name, status;
  uint64_t start = 0, end = 0, kind = 0;
  uint32_t flags = 0, dropped_attributes = 0, dropped_events = 0, dropped_links = 0;
  std::vector<std::string_view> attributes, events, links;

  void Read(std::string_view message);
};

void SpanFields::Read(std::string_view message) {
  trace_id = span_id = parent_span_id = trace_state = name = status = {};
  start = end = kind = 0;
  flags = dropped_attributes = dropped_events = dropped_links = 0;
  attributes.clear();
  events.clear();
  links.clear();
  for (FieldReader fields(message); fields.Next();) {
    switch (fields.tag()) {
      case field::span::kAttributes:
        attributes.push_back(fields.bytes());
        break;
      case field::span::kTraceId:
        trace_id = fields.bytes();
        break;
      case field::span::kSpanId:
        span_id = fields.bytes();
        break;
      case field::span::kTraceState:
        trace_state = fields.bytes();
        break;
      case field::span::kParentSpanId:
        parent_span_id = fields.bytes();
        break;
      case field::span::kName:
        name = fields.bytes();
        break;
      case field::span::kKind:
        kind = fields.Uint();
        break;
      case field::span::kStartTimeUnixNano:
        start = fields.Uint();
        break;
      case field::span::kEndTimeUnixNano:
        end = fields.Uint();
        break;
      case field::span::kDroppedAttributesCount:
        dropped_attributes = fields.Uint32();
        break;
      case field::span::kEvents:
        events.push_back(fields.bytes());
        break;
      case field::span::kDroppedEventsCount:
        dropped_events = fields.Uint32();
        break;
      case field::span::kLinks:
        links.push_back(fields.bytes());
        break;
      case field::span::kDroppedLinksCount:
        dropped_links = fields.Uint32();
        break;
      case field::span::kStatus:
        status = fields.bytes();
        break;
      case field::span::kFlags:
        flags = fields.Uint32();
        break;
      default:
        break;
    }
  }
}

struct Interval {
  int64_t start;
  uint64_t duration;
};

Interval MendInterval(const ItemTimes& times, uint64_t sent_start, uint64_t sent_end, Marks& marks, bool& start_clamped,
                      bool& end_replaced) {
  bool end_clamped = false;
  int64_t start = times.Clamp(sent_start, start_clamped);
  int64_t end = times.Clamp(sent_end, end_clamped);
  end_replaced = end_clamped;
  if (start_clamped || end_clamped) marks.Set(Marks::kTimeClamped);
  if (sent_start == 0 || sent_end == 0) {
    marks.Set(Marks::kTimeMissing);
    if (sent_start == 0) start = sent_end == 0 ? times.received : end;
    if (sent_end == 0) end = start;
  }
  if (end < start) {
    marks.Set(Marks::kEndBeforeStart);
    end_replaced = true;
    end = start;
  }
  return {start, static_cast<uint64_t>(end) - static_cast<uint64_t>(start)};
}

Predictions::Span PredictionOf(const SpanFields& span, std::string_view service_name, uint8_t status,
                               const Interval& interval) {
  constexpr std::string_view kCodeNames[] = {"Unset", "Ok", "Error"};
  static_assert(std::size(kCodeNames) == SpanTable::kCodes);
  return {.trace_id = span.trace_id,
          .span_id = span.span_id,
          .name = span.name,
          .service_name = service_name,
          .status = kCodeNames[status],
          .start_unix_nanos = interval.start,
          .duration_nanos = interval.duration,
          .weight = span.trace_state.empty() ? 1 : SpanWeight(span.trace_state),
          .attributes = span.attributes};
}

// Thread: writer of the signal.
class TracesBuilder final : public BuilderBase {
 public:
  explicit TracesBuilder(Options options)
      : BuilderBase(std::move(options)),
        hot_keys_written_(options_.remembered_sets_max),
        metrics_(options_.span_metrics),
        dimensions_(options_.span_metrics.dimensions, options_.limits),
        prediction_names_(options_.predictions),
        predictions_(options_.predictions, mender_) {}

  void Append(std::string_view request, const Scan& scan, const ItemRef& item, int64_t received_unix_nanos,
              const SpanStanding& standing) override {
    const std::string_view message = item.message.In(request);
    const ItemTimes times(received_unix_nanos, options_.future_nanos_max);
    span_.Read(message);
    Marks marks;
    const Interval interval = IntervalOf(times, marks);
    const int32_t day = DayOf(interval.start);
    SpanTable& table = spans_.For(day, options_.hot_attributes);
    const ScopeContext& context = sets_.For(request, scan.scopes[item.scope], received_unix_nanos);
    marks.Merge(context.marks);
    SetScope(table.scope, table.rows(), context);
    WriteSpan(table, interval, marks);
    if (!table.hot.newly_in_map().empty()) [[unlikely]]
      WriteHotKeysInMaps(table.hot, day);
    WriteEvents(table, times, interval.start, marks);
    WriteLinks(table, marks);
    WriteRepairs(marks, table.repairs, table.rows());
    table.adjusted_count.Append(standing.adjusted_count);
    if (!standing.policy.empty()) table.sampling_policy.Set(table.rows(), standing.policy);
    if (standing.is_counted_here) {
      metrics_.SetReceived(received_unix_nanos);
      Count(table, context, interval, scan.scopes[item.scope].resource.In(request));
      if (prediction_names_.Match(span_.name)) {
        predictions_.Add(PredictionOf(span_, context.service_name, status_, interval), attributes_);
      }
    }
    kept_.Add({.service_name = context.service_name,
               .policy = standing.policy,
               .start_unix_nanos = interval.start,
               .message_bytes = message.size(),
               .trace_hash = item.trace_hash,
               .adjusted_count = standing.adjusted_count});
    if (!standing.is_counted_here) NotePath(table, context, item.trace_hash, interval, standing.has_trace);
    table.EndSpan();
    Added(1, message.size());
  }

  std::vector<TableBlock> Finish(uint64_t block) override {
    std::vector<TableBlock> out;
    FinishSets(out);
    WritePath();
    FinishTable(hot_keys_in_maps_, 0, out);
    spans_.Finish(block, out);
    metrics_.Finish(block, out);
    graph_.Finish(block, out);
    kept_.Finish(block, out);
    predictions_.Finish(block, out);
    Reset();
    return out;
  }

  void AddGraph(std::string_view encoded) override { SIGHTLINE_CHECK(graph_.Merge(encoded)); }

  void ForgetWrittenSets() override {
    sets_.ForgetWritten();
    hot_keys_written_.Clear();
  }
  void ReleaseMemory() override {
    spans_.ReleaseMemory();
    predictions_.ReleaseMemory();
  }
  uint64_t overflowed_spans() const override { return metrics_.overflowed(); }

 private:
  size_t ColumnBytesNow() const override {
    return spans_.bytes() + metrics_.bytes() + graph_.bytes() + kept_.bytes() + predictions_.bytes();
  }
  size_t DayTables() const override { return spans_.days() + predictions_.days(); }
  Interval IntervalOf(const ItemTimes& times, Marks& marks);
  void WriteSpan(SpanTable& table, const Interval& interval, Marks& marks);
  void WriteHotKeysInMaps(HotColumns& hot, int32_t day);
  void WriteStatus(SpanTable& table, Marks& marks);
  void WriteEvents(SpanTable& table, const ItemTimes& times, int64_t span_start, Marks& marks);
  void WriteLinks(SpanTable& table, Marks& marks);
  void Count(const SpanTable& table, const ScopeContext& context, const Interval& interval, std::string_view resource);
  void NotePath(SpanTable& table, const ScopeContext& context, uint64_t trace_hash, const Interval& interval,
                bool has_trace);
  void WritePath();

  // Kept spans of one trace, which come one after the other, until their critical path is known.
  struct PathRow {
    SpanTable* table = nullptr;
    uint64_t row = 0;
  };
  std::vector<PathSpan> path_;
  std::vector<PathRow> path_rows_;
  uint64_t path_trace_ = 0;
  bool path_is_known_ = false;  // not only late spans

  DailyTables<SpanTable> spans_;
  HotKeysInMapsTable hot_keys_in_maps_;
  Written hot_keys_written_;
  SpanMetrics metrics_;
  DimensionReader dimensions_;
  ServiceGraphEdges graph_;
  KeptSpans kept_;
  const PredictionNames prediction_names_;
  Predictions predictions_;
  SpanFields span_;
  uint32_t name_number_ = 0;  // of the span's name in its table
  uint8_t kind_ = 0, status_ = 0;
  std::vector<std::string_view> key_values_;  // of an event or link
};

Interval TracesBuilder::IntervalOf(const ItemTimes& times, Marks& marks) {
  bool start_clamped = false, end_replaced = false;
  const Interval interval = MendInterval(times, span_.start, span_.end, marks, start_clamped, end_replaced);
  if (start_clamped) attributes_.AddOriginal(kOriginalStart, span_.start);
  if (end_replaced) attributes_.AddOriginal(kOriginalEnd, span_.end);
  return interval;
}

void TracesBuilder::WriteSpan(SpanTable& table, const Interval& interval, Marks& marks) {
  const uint64_t row = table.rows();
  table.timestamp.Append(interval.start);
  table.duration.Append(interval.duration);
  table.trace_id.Set(row, span_.trace_id);
  table.span_id.Set(row, span_.span_id);
  if (!span_.parent_span_id.empty()) table.parent_span_id.Set(row, IdOrNone(span_.parent_span_id, 8, marks));
  if (!span_.trace_state.empty()) table.trace_state.Set(row, mender_.Clean(span_.trace_state, marks));
  if (span_.flags != 0) table.flags.Set(row, span_.flags);
  name_number_ = InternName(table.span_name, span_.name, mender_, marks);
  table.span_name.SetNumber(row, name_number_);
  kind_ = span_.kind < SpanTable::kKinds ? static_cast<uint8_t>(span_.kind) : 0;
  table.span_kind.AppendNumber(kind_ + 1);
  WriteStatus(table, marks);
  const AttributeTarget target{table.attributes, table.attribute_types, &table.hot};
  const uint32_t dropped = span_.dropped_attributes + attributes_.Write(span_.attributes, row, target, marks);
  if (dropped != 0) table.dropped_attributes_count.Set(row, dropped);
}

void TracesBuilder::WriteHotKeysInMaps(HotColumns& hot, int32_t day) {
  for (const HotColumns::Entry* entry : hot.newly_in_map()) {
    if (!hot_keys_written_.Due(HashBytes(fmt::format("{} {}", day, entry->key)), day)) continue;
    hot_keys_in_maps_.key.Set(hot_keys_in_maps_.rows(), entry->key);
    hot_keys_in_maps_.first_day.Append(day);
    hot_keys_in_maps_.last_day.Append(day);
    hot_keys_in_maps_.EndRow();
  }
  hot.newly_in_map().clear();
}

void TracesBuilder::WriteStatus(SpanTable& table, Marks& marks) {
  uint64_t code = 0;
  if (!span_.status.empty()) {
    std::string_view message;
    for (FieldReader fields(span_.status); fields.Next();) {
      if (fields.tag() == field::status::kCode) code = fields.Uint();
      if (fields.tag() == field::status::kMessage) message = fields.bytes();
    }
    if (!message.empty()) table.status_message.Set(table.rows(), mender_.Clean(message, marks));
  }
  status_ = code < SpanTable::kCodes ? static_cast<uint8_t>(code) : 0;
  table.status_code.AppendNumber(status_ + 1);
}

void TracesBuilder::WriteEvents(SpanTable& table, const ItemTimes& times, int64_t span_start, Marks& marks) {
  size_t count = span_.events.size();
  if (count > options_.limits.events_per_span_max) {
    span_.dropped_events += static_cast<uint32_t>(count - options_.limits.events_per_span_max);
    count = options_.limits.events_per_span_max;
    marks.Set(Marks::kEventsCut);
  }
  if (span_.dropped_events != 0) table.dropped_events_count.Set(table.rows(), span_.dropped_events);
  if (count == 0) return;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t element = table.event_timestamp.elements().rows();
    uint64_t time = 0;
    uint32_t dropped = 0;
    std::string_view name;
    key_values_.clear();
    for (FieldReader fields(span_.events[i]); fields.Next();) {
      switch (fields.tag()) {
        case field::event::kTimeUnixNano:
          time = fields.Uint();
          break;
        case field::event::kName:
          name = fields.bytes();
          break;
        case field::event::kAttributes:
          key_values_.push_back(fields.bytes());
          break;
        case field::event::kDroppedAttributesCount:
          dropped = fields.Uint32();
          break;
        default:
          break;
      }
    }
    table.event_timestamp.elements().Append(times.Mend(time, span_start, marks));
    LowCardinalityColumn& names = table.event_name.elements();
    names.SetNumber(element, InternName(names, name, mender_, marks));
    dropped += attributes_.Write(key_values_, element,
                                 {table.event_attributes.elements(), table.event_attribute_types.elements()}, marks);
    if (dropped != 0) table.event_dropped_attributes_count.elements().Set(element, dropped);
  }
  table.event_timestamp.Close(table.rows());
}

void TracesBuilder::WriteLinks(SpanTable& table, Marks& marks) {
  size_t count = span_.links.size();
  if (count > options_.limits.links_per_span_max) {
    span_.dropped_links += static_cast<uint32_t>(count - options_.limits.links_per_span_max);
    count = options_.limits.links_per_span_max;
    marks.Set(Marks::kLinksCut);
  }
  if (span_.dropped_links != 0) table.dropped_links_count.Set(table.rows(), span_.dropped_links);
  if (count == 0) return;
  const uint64_t first = table.link_offsets.last();
  for (size_t i = 0; i < count; ++i) {
    const uint64_t element = first + i;
    std::string_view trace_id, span_id, trace_state;
    uint32_t dropped = 0, flags = 0;
    key_values_.clear();
    for (FieldReader fields(span_.links[i]); fields.Next();) {
      switch (fields.tag()) {
        case field::link::kTraceId:
          trace_id = fields.bytes();
          break;
        case field::link::kSpanId:
          span_id = fields.bytes();
          break;
        case field::link::kTraceState:
          trace_state = fields.bytes();
          break;
        case field::link::kAttributes:
          key_values_.push_back(fields.bytes());
          break;
        case field::link::kDroppedAttributesCount:
          dropped = fields.Uint32();
          break;
        case field::link::kFlags:
          flags = fields.Uint32();
          break;
        default:
          break;
      }
    }
    table.link_trace_id.elements().Set(element, IdOrNone(trace_id, 16, marks));
    table.link_span_id.elements().Set(element, IdOrNone(span_id, 8, marks));
    if (!trace_state.empty()) table.link_trace_state.elements().Set(element, mender_.Clean(trace_state, marks));
    dropped += attributes_.Write(key_values_, element,
                                 {table.link_attributes.elements(), table.link_attribute_types.elements()}, marks);
    if (dropped != 0) table.link_dropped_attributes_count.elements().Set(element, dropped);
    if (flags != 0) table.link_flags.elements().Set(element, flags);
  }
  table.link_offsets.Close(table.rows(), first + count);
}

void TracesBuilder::NotePath(SpanTable& table, const ScopeContext& context, uint64_t trace_hash,
                             const Interval& interval, bool has_trace) {
  if (trace_hash != path_trace_) WritePath();
  path_trace_ = trace_hash;
  path_is_known_ |= has_trace;
  const auto id = [](std::string_view bytes) {
    uint64_t number = 0;
    if (bytes.size() == sizeof(number)) std::memcpy(&number, bytes.data(), sizeof(number));
    return number;
  };
  constexpr uint8_t kConsumer = 5;  // SpanKind
  path_.push_back({.start_unix_nanos = interval.start,
                   .duration_nanos = interval.duration,
                   .span_id = id(span_.span_id),
                   .parent_span_id = id(span_.parent_span_id),
                   .service = HashText(context.service_name),
                   .is_consumer = kind_ == kConsumer});
  path_rows_.push_back({&table, table.rows()});
}

// Late spans, which come in another block than the trace they belong to, get none.
void TracesBuilder::WritePath() {
  if (path_is_known_) {
    const std::vector<uint64_t> self = CriticalPathSelfTimes(path_);
    for (size_t i = 0; i < self.size(); ++i) {
      if (self[i] != 0) path_rows_[i].table->critical_path_self_time.Set(path_rows_[i].row, self[i]);
    }
  }
  path_.clear();
  path_rows_.clear();
  path_is_known_ = false;
}

// What is counted is what is stored: the mended name, kind, times. A 5xx counts as an error, whatever the span says.
void TracesBuilder::Count(const SpanTable& table, const ScopeContext& context, const Interval& interval,
                          std::string_view resource) {
  const std::string_view parent = span_.parent_span_id.size() == 8 ? span_.parent_span_id : std::string_view();
  HttpStatusNote http_status;
  for (const std::string_view attribute : span_.attributes) http_status.Look(attribute);
  metrics_.Add({.service_name = context.service_name,
                .span_name = table.span_name.interner().at(name_number_),
                .dimensions = dimensions_.Read(span_.attributes, resource),
                .kind = kind_,
                .status = IsServerError(http_status.status()) ? kErrorCode : status_,
                .entry = IsEntrySpan(kind_, parent, span_.flags),
                .start_unix_nanos = interval.start,
                .duration_nanos = interval.duration,
                .weight = span_.trace_state.empty() ? 1 : SpanWeight(span_.trace_state)});
}

// Counts from the heads of spans. What is counted is what would be stored. Thread: writer of span metrics.
class SpanMetricsBuilder final : public BuilderBase {
 public:
  explicit SpanMetricsBuilder(Options options)
      : BuilderBase(std::move(options)),
        metrics_(options_.span_metrics),
        prediction_names_(options_.predictions),
        predictions_(options_.predictions, mender_) {}

  void Append(std::string_view request, const Scan& scan, const ItemRef& item, int64_t received_unix_nanos,
              const SpanStanding& standing) override {
    SIGHTLINE_CHECK(scan.heads.size() == scan.items.size());
    const auto number = static_cast<size_t>(&item - scan.items.data());
    const SpanHead& head = scan.heads[number];
    const ScopeContext& context = sets_.For(request, scan.scopes[item.scope], received_unix_nanos);
    const ItemTimes times(received_unix_nanos, options_.future_nanos_max);
    Marks marks;
    bool start_clamped = false, end_replaced = false;
    const Interval interval =
        MendInterval(times, head.start_unix_nanos, head.end_unix_nanos, marks, start_clamped, end_replaced);
    const std::string_view parent(reinterpret_cast<const char*>(&head.parent_span_id), sizeof(head.parent_span_id));
    const std::string_view trace_state = head.trace_state.In(request);
    metrics_.SetReceived(received_unix_nanos);
    const std::string_view name = head.name.In(request);
    if (prediction_names_.Match(name)) {
      span_.Read(item.message.In(request));
      predictions_.Add(PredictionOf(span_, context.service_name, head.status, interval), attributes_);
    }
    metrics_.Add({.service_name = context.service_name,
                  .span_name = mender_.CleanName(name, marks),
                  .dimensions = scan.dimensions.empty() ? std::string_view() : scan.dimensions[number].In(request),
                  .kind = head.kind,
                  .status = IsServerError(head.http_status) ? kErrorCode : head.status,
                  .entry = IsEntrySpan(head.kind, parent, head.flags),
                  .start_unix_nanos = interval.start,
                  .duration_nanos = interval.duration,
                  .weight = trace_state.empty() ? 1 : SpanWeight(trace_state)});
    Added(1, item.message.size);
  }

  std::vector<TableBlock> Finish(uint64_t block) override {
    std::vector<TableBlock> out;
    FinishSets(out);
    out.clear();  // the sets are written with the spans
    metrics_.Finish(block, out);
    predictions_.Finish(block, out);
    Reset();
    return out;
  }

  void ForgetWrittenSets() override { sets_.ForgetWritten(); }
  void ReleaseMemory() override { predictions_.ReleaseMemory(); }
  uint64_t overflowed_spans() const override { return metrics_.overflowed(); }

 private:
  size_t ColumnBytesNow() const override { return metrics_.bytes() + predictions_.bytes(); }
  size_t DayTables() const override { return 1 + predictions_.days(); }

  SpanMetrics metrics_;
  SpanFields span_;  // of a prediction
  const PredictionNames prediction_names_;
  Predictions predictions_;
};

}  // namespace

std::unique_ptr<BlockBuilder> CreateSpanMetricsBuilder(BlockBuilder::Options options) {
  return std::make_unique<SpanMetricsBuilder>(std::move(options));
}

std::unique_ptr<BlockBuilder> CreateTracesBuilder(BlockBuilder::Options options) {
  return std::make_unique<TracesBuilder>(std::move(options));
}

}  // namespace sightline::otlp
