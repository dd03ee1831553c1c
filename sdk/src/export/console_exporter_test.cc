#include "otel/console_exporter.h"

#include <gmock/gmock.h>

#include <array>
#include <memory>

namespace otel {
namespace {

const Resource resource;

template <typename Batch>
std::string Printed(const Batch& batch) {
  char* text = nullptr;
  size_t size = 0;
  std::FILE* file = open_memstream(&text, &size);
  EXPECT_EQ(ConsoleExporter<Batch>(file).Export(batch, Deadline::max()), ExportResult::kSuccess);
  std::fclose(file);
  std::string printed(text, size);
  std::free(text);
  return printed;
}

TEST(ConsoleExporter, PrintsSpansWithEventsAndLinks) {
  const Attribute attributes[] = {{"route", "/a"}, {"ok", true}};
  const std::array events = {SpanEvent{.name = "cache miss", .attributes = std::span<const Attribute>(attributes)}};
  SpanData span;
  span.context.trace_id = {{0xab}};
  span.context.span_id = {{1}};
  span.parent = span.context;
  span.name = "GET /a";
  span.kind = SpanKind::kServer;
  span.end = 1'234'567;
  span.attributes = std::span<const Attribute>(attributes);
  span.events = events;
  const std::array links = {SpanLink{.context = span.context}};
  span.links = links;
  span.status = StatusCode::kError;
  span.status_description = "broken";
  const std::array spans = {static_cast<const SpanData*>(&span)};
  EXPECT_EQ(Printed(SpanBatch{resource, spans}),
            "span   GET /a  server  1.235 ms  trace ab000000000000000000000000000000 span 0100000000000000 parent "
            "0100000000000000  error broken  route=\"/a\" ok=true\n"
            "  event  cache miss  route=\"/a\" ok=true\n"
            "  link   trace ab000000000000000000000000000000 span 0100000000000000\n");
}

TEST(ConsoleExporter, PrintsLogRecords) {
  const int64_t ints[] = {1, 2};
  const Attribute map[] = {{"a", AnyValue(std::span<const int64_t>(ints))}, {"b", AnyValue()}, {"c", 0.5}};
  LogData record{.severity = Severity::kWarn, .event_name = "stock.low", .body = std::span<const Attribute>(map)};
  const std::array records = {static_cast<const LogData*>(&record)};
  EXPECT_EQ(Printed(LogBatch{resource, records}), "log    WARN  stock.low  {a=[1, 2], b=null, c=0.5}\n");
}

TEST(ConsoleExporter, PrintsEachMetricPoint) {
  HistogramPoint histogram;
  histogram.count = 2;
  histogram.sum = 0.75;
  histogram.max = 0.5;
  NumberPoint number;
  number.value = int64_t{3};
  number.attributes = {{"k", "v"}};
  const MetricBatch batch{
      resource,
      {{nullptr, {{"orders", "", "{order}", SumData{{number}}}, {"time", "", "s", HistogramData{{histogram}}}}}}};
  EXPECT_EQ(Printed(batch),
            "metric orders  3 {order}  k=\"v\"\n"
            "metric time  count 2 sum 0.75 max 0.5 s\n");
}

TEST(ConsoleExporter, PrintsNothingAfterShutdown) {
  ConsoleLogExporter exporter;
  EXPECT_TRUE(exporter.Shutdown(Deadline::max()));
  EXPECT_EQ(exporter.Export(LogBatch{resource, {}}, Deadline::max()), ExportResult::kFailure);
}

}  // namespace
}  // namespace otel
