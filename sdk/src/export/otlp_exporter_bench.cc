// What a span costs from the batch to the server's answer, on a kept connection of this machine; the server only reads
// and answers, on a thread of the same program, so the CPU of both is in it.
#include "otel/otlp_exporter.h"

#include <benchmark/benchmark.h>

#include <vector>

#include "transport/testing/tcp_server.h"

namespace otel {
namespace {

using internal::testing::Connection;
using internal::testing::HttpAnswer;
using internal::testing::TcpServer;

constexpr size_t kBatch = 512;  // of the batch processors' default

const Resource resource{{{"service.name", "shop"}}, ""};
constexpr Attribute kAttributes[] = {{"http.request.method", "GET"},
                                     {"http.route", "/products/{id}"},
                                     {"http.response.status_code", 200},
                                     {"duration.cpu", 0.0042}};

std::vector<SpanData> Spans() {
  std::vector<SpanData> spans(kBatch);
  for (size_t i = 0; i < kBatch; ++i) {
    SpanData& span = spans[i];
    span.context.trace_id = {{static_cast<uint8_t>(i), 7, static_cast<uint8_t>(i * 31)}};
    span.context.span_id = {{static_cast<uint8_t>(i * 17), 3}};
    span.name = "GET /products/{id}";
    span.start = 1'764'000'000'000'000'000 + static_cast<int64_t>(i) * 1'000'003;
    span.end = span.start + 4'200'000;
    span.attributes = std::span<const Attribute>(kAttributes);
  }
  return spans;
}

void ExportSpans(benchmark::State& state, OtlpProtocol protocol, OtlpCompression compression) {
  TcpServer server([](Connection& connection) {
    while (connection.ReadRequest()) connection.Send(HttpAnswer(200, "", ""));
  });
  OtlpOptions options;
  options.protocol = protocol;
  options.endpoint = server.url();
  options.compression = compression;
  OtlpSpanExporter exporter(options);
  const auto spans = Spans();
  std::vector<const SpanData*> pointers;
  pointers.reserve(spans.size());
  for (const SpanData& span : spans) pointers.push_back(&span);
  for (auto _ : state) {
    const Deadline deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    if (exporter.Export({resource, pointers}, deadline) != ExportResult::kSuccess) state.SkipWithError("not exported");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}
BENCHMARK_CAPTURE(ExportSpans, protobuf, OtlpProtocol::kHttpProtobuf, OtlpCompression::kNone)->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(ExportSpans, protobuf_gzip, OtlpProtocol::kHttpProtobuf, OtlpCompression::kGzip)
    ->MeasureProcessCPUTime();
BENCHMARK_CAPTURE(ExportSpans, json, OtlpProtocol::kHttpJson, OtlpCompression::kNone)->MeasureProcessCPUTime();

}  // namespace
}  // namespace otel
