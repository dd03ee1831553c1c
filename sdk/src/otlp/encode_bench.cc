// What a record costs on its way to a request: a span as an HTTP server has it, and a log record.
#include "otlp/encode.h"

#include <benchmark/benchmark.h>

#include <vector>

namespace otel::internal {
namespace {

constexpr size_t kBatch = 512;  // of the batch processors' default

const Resource resource{{{"service.name", "shop"}, {"service.instance.id", "b1b5b6a6-95e1-4bd1-a3c3-a1b1b1b1b1b1"}},
                        ""};
const InstrumentationScope bench_scope{"http.server", "1.0.0", "", {}};

constexpr Attribute kAttributes[] = {{"http.request.method", "GET"},
                                     {"http.route", "/products/{id}"},
                                     {"http.response.status_code", 200},
                                     {"duration.cpu", 0.0042}};

template <typename Record>
std::vector<const Record*> PointersTo(const std::vector<Record>& records) {
  std::vector<const Record*> pointers;
  pointers.reserve(records.size());
  for (const Record& record : records) pointers.push_back(&record);
  return pointers;
}

std::vector<SpanData> Spans() {
  std::vector<SpanData> spans(kBatch);
  for (size_t i = 0; i < kBatch; ++i) {
    SpanData& span = spans[i];
    span.context.trace_id = {{static_cast<uint8_t>(i), 7, static_cast<uint8_t>(i * 31)}};
    span.context.span_id = {{static_cast<uint8_t>(i * 17), 3}};
    span.parent = span.context;
    span.name = "GET /products/{id}";
    span.kind = SpanKind::kServer;
    span.start = 1'764'000'000'000'000'000 + static_cast<int64_t>(i) * 1'000'003;
    span.end = span.start + 4'200'000;
    span.attributes = std::span<const Attribute>(kAttributes);
    span.scope = &bench_scope;
  }
  return spans;
}

void EncodeSpans(benchmark::State& state, Encoding encoding) {
  const auto spans = Spans();
  const auto pointers = PointersTo(spans);
  std::string buffer;
  size_t bytes = 0;
  for (auto _ : state) bytes = Encode(SpanBatch{resource, pointers}, encoding, &buffer).size();
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
  state.counters["bytes"] = static_cast<double>(bytes) / kBatch;
}
BENCHMARK_CAPTURE(EncodeSpans, protobuf, Encoding::kProtobuf);
BENCHMARK_CAPTURE(EncodeSpans, json, Encoding::kJson);

void EncodeLogs(benchmark::State& state, Encoding encoding) {
  LogData record{.time = 1'764'000'000'000'000'000, .severity = Severity::kInfo, .severity_text = "INFO"};
  record.body = "request finished";
  record.attributes = std::span<const Attribute>(kAttributes);
  record.trace_id = {{1}};
  record.span_id = {{2}};
  record.scope = &bench_scope;
  const std::vector<const LogData*> records(kBatch, &record);
  std::string buffer;
  for (auto _ : state) benchmark::DoNotOptimize(Encode(LogBatch{resource, records}, encoding, &buffer));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}
BENCHMARK_CAPTURE(EncodeLogs, protobuf, Encoding::kProtobuf);

}  // namespace
}  // namespace otel::internal
