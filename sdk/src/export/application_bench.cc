// What a span costs the application's thread while the exporter has a server of some kind: the time must not depend on
// which. The queue is the default one, so that most spans of this endless load are dropped where the server is slow.
#include <benchmark/benchmark.h>

#include <functional>
#include <memory>
#include <string>

#include "otel/errors.h"
#include "otel/otlp_exporter.h"
#include "otel/span_processor.h"
#include "otel/tracer_provider.h"
#include "transport/testing/tcp_server.h"

namespace otel {
namespace {

using internal::testing::Connection;
using internal::testing::HttpAnswer;
using internal::testing::TcpServer;

void Discard(Connection& connection) {
  while (connection.ReadRequest()) connection.Send(HttpAnswer(200, "", ""));
}
void Stall(Connection& connection) {
  connection.WaitForEnd();
}
void SendAway(Connection& connection) {
  while (connection.ReadRequest()) connection.Send(HttpAnswer(503, "Retry-After: 1\r\n", ""));
}
void BreakOff(Connection& connection) {
  if (connection.ReadRequest()) connection.Send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
}

void RunApplication(benchmark::State& state, const std::string& endpoint, OtlpProtocol protocol) {
  SetErrorHandler([](std::string_view, std::string_view, uint64_t) {});
  OtlpOptions otlp;
  otlp.endpoint = endpoint;
  otlp.protocol = protocol;
  TracerProviderOptions options;
  options.processors = {std::make_shared<BatchSpanProcessor>(std::make_unique<OtlpSpanExporter>(otlp))};
  TracerProvider provider(std::move(options));
  const Tracer tracer = provider.GetTracer("bench");
  for (auto _ : state) {
    Span span = tracer.StartSpan("GET /products/{id}", {.kind = SpanKind::kServer});
    span.SetAttribute("http.request.method", "GET");
    span.SetAttribute("http.route", "/products/{id}");
    span.SetAttribute("http.response.status_code", 200);
    span.SetAttribute("duration.cpu", 0.0042);
  }
  provider.Shutdown(std::chrono::steady_clock::now());
}

void WithServer(benchmark::State& state, const std::function<void(Connection&)>& behaviour, OtlpProtocol protocol) {
  const TcpServer server(behaviour);
  RunApplication(state, server.url(), protocol);
}
BENCHMARK_CAPTURE(WithServer, that_accepts, Discard, OtlpProtocol::kHttpProtobuf);
BENCHMARK_CAPTURE(WithServer, that_stalls, Stall, OtlpProtocol::kHttpProtobuf);
BENCHMARK_CAPTURE(WithServer, that_stalls_grpc, Stall, OtlpProtocol::kGrpc);
BENCHMARK_CAPTURE(WithServer, that_sends_away, SendAway, OtlpProtocol::kHttpProtobuf);
BENCHMARK_CAPTURE(WithServer, that_breaks_off, BreakOff, OtlpProtocol::kHttpProtobuf);

void WithoutServer(benchmark::State& state, OtlpProtocol protocol) {
  RunApplication(state, "http://127.0.0.1:1", protocol);  // where nobody listens
}
BENCHMARK_CAPTURE(WithoutServer, http, OtlpProtocol::kHttpProtobuf);
BENCHMARK_CAPTURE(WithoutServer, grpc, OtlpProtocol::kGrpc);

}  // namespace
}  // namespace otel
