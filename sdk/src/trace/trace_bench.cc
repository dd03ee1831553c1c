// What tracing costs the traced thread and the process: CPU time of all threads for each operation.
#include <benchmark/benchmark.h>

#include <array>

#include "common/clock.h"
#include "otel/tracer_provider.h"

namespace otel {
namespace {

class Discard final : public SpanExporter {
 public:
  ExportResult Export(const SpanBatch&, Deadline) override { return ExportResult::kSuccess; }
  bool ForceFlush(Deadline) override { return true; }
  bool Shutdown(Deadline) override { return true; }
};

Tracer TracerWith(std::shared_ptr<const Sampler> sampler) {
  TracerProviderOptions options;
  options.processors = {std::make_shared<BatchSpanProcessor>(std::make_unique<Discard>())};
  options.sampler = std::move(sampler);
  return (new TracerProvider(std::move(options)))->GetTracer("bench");  // for all of the program
}

Tracer Recording() {
  static const Tracer tracer = TracerWith(ParentBasedSampler());
  return tracer;
}

Tracer NotRecording() {
  static const Tracer tracer = TracerWith(AlwaysOffSampler());
  return tracer;
}

// One call for all attributes, and one for each.
void RecordedSpanWithAttributesAtStart(benchmark::State& state) {
  const Tracer tracer = Recording();
  int64_t i = 0;
  for (auto _ : state) {
    tracer.StartSpan(
        "GET /search",
        {.kind = SpanKind::kServer,
         .attributes = {
             {"http.request.method", "GET"}, {"http.route", "/search"}, {"user.id", ++i}, {"cached", true}}});
  }
}

void RecordedSpan(benchmark::State& state) {
  const Tracer tracer = Recording();
  int64_t i = 0;
  for (auto _ : state) {
    auto span = tracer.StartSpan("GET /search", {.kind = SpanKind::kServer});
    span.SetAttribute("http.request.method", "GET");
    span.SetAttribute("http.route", "/search");
    span.SetAttribute("user.id", ++i);
    span.SetAttribute("cached", true);
  }
}

void RecordedChildSpanInScope(benchmark::State& state) {
  const Tracer tracer = Recording();
  const Scope outer(tracer.StartSpan("outer"));
  int64_t i = 0;
  for (auto _ : state) {
    auto span = tracer.StartSpan("GET /search", {.kind = SpanKind::kServer});
    const Scope scope(span);
    span.SetAttribute("http.request.method", "GET");
    span.SetAttribute("http.route", "/search");
    span.SetAttribute("user.id", ++i);
    span.SetAttribute("cached", true);
  }
}

void NotRecordedSpan(benchmark::State& state) {
  const Tracer tracer = NotRecording();
  for (auto _ : state) benchmark::DoNotOptimize(tracer.StartSpan("GET /search", {.kind = SpanKind::kServer}));
}

void SpanWithoutProvider(benchmark::State& state) {
  const Tracer tracer = GetTracer("bench");
  for (auto _ : state) benchmark::DoNotOptimize(tracer.StartSpan("GET /search", {.kind = SpanKind::kServer}));
}

void ClockRead(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(internal::SteadyNanos());
}

BENCHMARK(RecordedSpan)->Threads(1)->Threads(2)->MeasureProcessCPUTime();
BENCHMARK(RecordedSpanWithAttributesAtStart)->Threads(1)->Threads(2)->MeasureProcessCPUTime();
BENCHMARK(RecordedChildSpanInScope)->Threads(1)->Threads(2)->MeasureProcessCPUTime();
BENCHMARK(NotRecordedSpan)->Threads(1)->Threads(2)->MeasureProcessCPUTime();
BENCHMARK(SpanWithoutProvider)->Threads(1)->Threads(2)->MeasureProcessCPUTime();
BENCHMARK(ClockRead)->MeasureProcessCPUTime();

}  // namespace
}  // namespace otel
