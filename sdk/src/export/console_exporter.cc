#include "otel/console_exporter.h"

#include <charconv>
#include <string>
#include <variant>

#include "otlp/json_writer.h"

namespace otel {
namespace {

using internal::AppendJsonDouble;
using internal::AppendJsonText;

void Append(std::string& out, const AnyValue& value);

template <typename Items>
void AppendItems(std::string& out, const Items& items) {
  out += '[';
  const char* separator = "";
  for (const auto& item : items) {
    out += separator;
    Append(out, AnyValue(item));
    separator = ", ";
  }
  out += ']';
}

void AppendAttributes(std::string& out, std::span<const Attribute> attributes, std::string_view separator) {
  std::string_view before;
  for (const auto& [key, value] : attributes) {
    out.append(before).append(key) += '=';
    Append(out, value);
    before = separator;
  }
}

void Append(std::string& out, const AnyValue& value) {
  using Type = AnyValue::Type;
  switch (value.type()) {
    case Type::kEmpty:
      out += "null";
      return;
    case Type::kBool:
      out += value.as_bool() ? "true" : "false";
      return;
    case Type::kInt:
      out += std::to_string(value.as_int());
      return;
    case Type::kDouble:
      return AppendJsonDouble(value.as_double(), &out);
    case Type::kString:
      return AppendJsonText(value.as_string(), &out);
    case Type::kBytes:
      out += std::to_string(value.as_bytes().size()) + " bytes";
      return;
    case Type::kBools:
      return AppendItems(out, value.as_bools());
    case Type::kInts:
      return AppendItems(out, value.as_ints());
    case Type::kDoubles:
      return AppendItems(out, value.as_doubles());
    case Type::kStrings:
      return AppendItems(out, value.as_strings());
    case Type::kArray:
      return AppendItems(out, value.as_array());
    case Type::kMap:
      out += '{';
      AppendAttributes(out, value.as_map(), ", ");
      out += '}';
  }
}

// What follows the first words of a line.
void EndLine(std::string& out, AttributesView attributes) {
  if (!attributes.empty()) out += "  ";
  AppendAttributes(out, attributes, " ");
  out += '\n';
}

std::string_view NameOf(SpanKind kind) {
  constexpr std::string_view kNames[] = {"unset", "internal", "server", "client", "producer", "consumer"};
  const auto number = static_cast<size_t>(kind);
  return number < std::size(kNames) ? kNames[number] : kNames[0];
}

void Append(std::string& out, const SpanData& span) {
  char millis[32];
  std::snprintf(millis, sizeof millis, "%.3f ms", static_cast<double>(span.end - span.start) / 1e6);
  out += "span   ";
  out.append(span.name).append("  ").append(NameOf(span.kind)).append("  ").append(millis);
  out.append("  trace ").append(span.context.trace_id.Hex()).append(" span ").append(span.context.span_id.Hex());
  if (span.parent.IsValid()) out.append(" parent ").append(span.parent.span_id.Hex());
  if (span.status == StatusCode::kOk) out += "  ok";
  if (span.status == StatusCode::kError) out.append("  error ").append(span.status_description);
  EndLine(out, span.attributes);
  for (const SpanEvent& event : span.events) {
    EndLine(out.append("  event  ").append(event.name), event.attributes);
  }
  for (const SpanLink& link : span.links) {
    out.append("  link   trace ")
        .append(link.context.trace_id.Hex())
        .append(" span ")
        .append(link.context.span_id.Hex());
    EndLine(out, link.attributes);
  }
}

std::string SeverityText(const LogData& record) {
  if (!record.severity_text.empty()) return std::string(record.severity_text);
  constexpr std::string_view kNames[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
  const auto number = static_cast<size_t>(record.severity);
  return number == 0 || number > 24 ? "-" : std::string(kNames[(number - 1) / 4]);
}

void Append(std::string& out, const LogData& record) {
  out.append("log    ").append(SeverityText(record)).append("  ");
  if (!record.event_name.empty()) out.append(record.event_name).append("  ");
  Append(out, record.body);
  if (record.trace_id.IsValid()) {
    out.append("  trace ").append(record.trace_id.Hex()).append(" span ").append(record.span_id.Hex());
  }
  EndLine(out, record.attributes);
}

void AppendValue(std::string& out, const NumberPoint& point) {
  std::visit([&](auto number) { Append(out, AnyValue(number)); }, point.value);
}

template <typename Histogram>
void AppendValue(std::string& out, const Histogram& point) {
  out.append("count ").append(std::to_string(point.count));
  if (point.sum) AppendJsonDouble(*point.sum, &out.append(" sum "));
  if (point.min) AppendJsonDouble(*point.min, &out.append(" min "));
  if (point.max) AppendJsonDouble(*point.max, &out.append(" max "));
}

void Append(std::string& out, const MetricData& metric) {
  std::visit(
      [&](const auto& data) {
        for (const auto& point : data.points) {
          out.append("metric ").append(metric.name).append("  ");
          AppendValue(out, point);
          if (!metric.unit.empty()) out.append(" ").append(metric.unit);
          EndLine(out, point.attributes.view());
        }
      },
      metric.data);
}

std::string TextOf(const SpanBatch& batch) {
  std::string out;
  for (const SpanData* span : batch.spans) Append(out, *span);
  return out;
}

std::string TextOf(const LogBatch& batch) {
  std::string out;
  for (const LogData* record : batch.records) Append(out, *record);
  return out;
}

std::string TextOf(const MetricBatch& batch) {
  std::string out;
  for (const ScopeMetrics& scope : batch.scopes) {
    for (const MetricData& metric : scope.metrics) Append(out, metric);
  }
  return out;
}

}  // namespace

template <typename Batch>
ExportResult ConsoleExporter<Batch>::Export(const Batch& batch, Deadline) {
  if (shut_down_) return ExportResult::kFailure;
  const std::string text = TextOf(batch);
  const bool written = std::fwrite(text.data(), 1, text.size(), file_) == text.size() && std::fflush(file_) == 0;
  return written ? ExportResult::kSuccess : ExportResult::kFailure;
}

template <typename Batch>
bool ConsoleExporter<Batch>::ForceFlush(Deadline) {
  return std::fflush(file_) == 0;
}

template <typename Batch>
bool ConsoleExporter<Batch>::Shutdown(Deadline deadline) {
  shut_down_ = true;
  return ForceFlush(deadline);
}

template class ConsoleExporter<SpanBatch>;
template class ConsoleExporter<LogBatch>;
template class ConsoleExporter<MetricBatch>;

}  // namespace otel
