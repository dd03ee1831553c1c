// LogRecord messages -> the logs table.
#include "otlp/decode.h"
#include "otlp/wire_fields.h"

namespace sightline::otlp {
namespace {

struct LogFields {
  std::string_view severity_text, body, trace_id, span_id, event_name;
  uint64_t time = 0, observed = 0, severity_number = 0;
  uint32_t flags = 0, dropped_attributes = 0;
  std::vector<std::string_view> attributes;

  void Read(std::string_view message);
};

void LogFields::Read(std::string_view message) {
  severity_text = body = trace_id = span_id = event_name = {};
  time = observed = severity_number = 0;
  flags = dropped_attributes = 0;
  attributes.clear();
  for (FieldReader fields(message); fields.Next();) {
    switch (fields.tag()) {
      case field::log_record::kTimeUnixNano:
        time = fields.Uint();
        break;
      case field::log_record::kSeverityNumber:
        severity_number = fields.Uint();
        break;
      case field::log_record::kSeverityText:
        severity_text = fields.bytes();
        break;
      case field::log_record::kBody:
        body = fields.bytes();
        break;
      case field::log_record::kAttributes:
        attributes.push_back(fields.bytes());
        break;
      case field::log_record::kDroppedAttributesCount:
        dropped_attributes = fields.Uint32();
        break;
      case field::log_record::kFlags:
        flags = fields.Uint32();
        break;
      case field::log_record::kTraceId:
        trace_id = fields.bytes();
        break;
      case field::log_record::kSpanId:
        span_id = fields.bytes();
        break;
      case field::log_record::kObservedTimeUnixNano:
        observed = fields.Uint();
        break;
      case field::log_record::kEventName:
        event_name = fields.bytes();
        break;
      default:
        break;
    }
  }
}

// Thread: writer of the signal.
class LogsBuilder final : public BuilderBase {
 public:
  explicit LogsBuilder(Options options) : BuilderBase(std::move(options)) {}

  void Append(std::string_view request, const Scan& scan, const ItemRef& item, int64_t received_unix_nanos,
              const SpanStanding& standing) override {
    const std::string_view message = item.message.In(request);
    log_.Read(message);
    Marks marks;
    const ItemTimes times(received_unix_nanos, options_.future_nanos_max);
    bool clamped = false, observed_clamped = false;
    const int64_t observed = times.Clamp(log_.observed, observed_clamped);
    int64_t time = times.Clamp(log_.time, clamped);
    if (clamped) attributes_.AddOriginal(kOriginalTime, log_.time);
    if (observed_clamped) attributes_.AddOriginal(kOriginalObservedTime, log_.observed);
    if (clamped || observed_clamped) marks.Set(Marks::kTimeClamped);
    if (log_.time == 0) time = observed;
    if (log_.time == 0 && log_.observed == 0) {
      time = times.received;
      marks.Set(Marks::kTimeMissing);
    }
    LogTable& table = logs_.For(DayOf(time));
    const ScopeContext& context = sets_.For(request, scan.scopes[item.scope], received_unix_nanos);
    marks.Merge(context.marks);
    SetScope(table.scope, table.rows(), context);
    table.timestamp.Append(time);
    table.observed_timestamp.Append(observed);
    WriteRecord(table, marks);
    WriteRepairs(marks, table.repairs, table.rows());
    table.EndRow();
    Added(1, message.size());
  }

  std::vector<TableBlock> Finish(uint64_t block) override {
    std::vector<TableBlock> out;
    FinishSets(out);
    logs_.Finish(block, out);
    Reset();
    return out;
  }

  void ForgetWrittenSets() override { sets_.ForgetWritten(); }
  void ReleaseMemory() override { logs_.ReleaseMemory(); }

 private:
  size_t ColumnBytesNow() const override { return logs_.bytes(); }
  size_t DayTables() const override { return logs_.days(); }

  void WriteRecord(LogTable& table, Marks& marks) {
    const uint64_t row = table.rows();
    table.time_unix_nano.Append(log_.time);
    if (!log_.trace_id.empty()) table.trace_id.Set(row, IdOrNone(log_.trace_id, 16, marks));
    if (!log_.span_id.empty()) table.span_id.Set(row, IdOrNone(log_.span_id, 8, marks));
    if (log_.flags != 0) table.flags.Set(row, log_.flags);
    table.severity_text.SetNumber(row, InternName(table.severity_text, log_.severity_text, mender_, marks));
    // Defined are 0 to 24; what the column cannot hold is stored as 0, unspecified.
    table.severity_number.Append(log_.severity_number <= UINT8_MAX ? static_cast<uint8_t>(log_.severity_number) : 0);
    const AttributeValue body = ReadAnyValue(log_.body);
    table.body.Append(mender_.TextOf(body, marks));
    table.body_type.Append({&body.type, 1});
    if (!log_.event_name.empty()) {
      table.event_name.SetNumber(row, InternName(table.event_name, log_.event_name, mender_, marks));
    }
    const uint32_t dropped = log_.dropped_attributes +
                             attributes_.Write(log_.attributes, row, {table.attributes, table.attribute_types}, marks);
    if (dropped != 0) table.dropped_attributes_count.Set(row, dropped);
  }

  DailyTables<LogTable> logs_;
  LogFields log_;
};

}  // namespace

std::unique_ptr<BlockBuilder> CreateLogsBuilder(BlockBuilder::Options options) {
  return std::make_unique<LogsBuilder>(std::move(options));
}

}  // namespace sightline::otlp
