// What tracing costs the traced thread and the process: CPU time of all threads for each operation.
#include <benchmark/benchmark.h>

#include <unistd.h>

#include <thread>

#include "common/clock.h"
#include "otel/errors.h"
#include "otel/tracer_provider.h"

namespace otel {
namespace {

class Discard final : public SpanExporter {
 public:
  ExportResult Export(const SpanBatch&, Deadline) override { return ExportResult::kSuccess; }
  bool ForceFlush(Deadline) override { return true; }
  bool Shutdown(Deadline) override { return true; }
};

class Stall final : public SpanExporter {
 public:
  ExportResult Export(const SpanBatch&, Deadline) override {
    while (true) pause();
  }
  bool ForceFlush(Deadline) override { return true; }
  bool Shutdown(Deadline) override { return true; }
};

Tracer TracerWith(std::shared_ptr<const Sampler> sampler, std::unique_ptr<SpanExporter> exporter) {
  TracerProviderOptions options;
  options.processors = {std::make_shared<BatchSpanProcessor>(std::move(exporter))};
  options.sampler = std::move(sampler);
  return (new TracerProvider(std::move(options)))->GetTracer("bench");  // for all of the program
}

Tracer Recording() {
  static const Tracer tracer = TracerWith(ParentBasedSampler(), std::make_unique<Discard>());
  return tracer;
}

Tracer NotRecording() {
  static const Tracer tracer = TracerWith(AlwaysOffSampler(), std::make_unique<Discard>());
  return tracer;
}

Tracer Stalled() {
  static const Tracer tracer = TracerWith(ParentBasedSampler(), std::make_unique<Stall>());
  return tracer;
}

// How many of the spans found no place in the queue: they cost less.
class CountDrops {
 public:
  explicit CountDrops(benchmark::State& state) : state_(state) {}
  ~CountDrops() {
    if (state_.thread_index() != 0) return;
    const auto dropped = static_cast<double>(ErrorCount("span processor") - before_);
    const auto all = static_cast<double>(state_.iterations()) * state_.threads();
    state_.counters["dropped_percent"] = 100 * dropped / all;
  }

 private:
  benchmark::State& state_;
  const uint64_t before_ = ErrorCount("span processor");
};

// Applications let others run now and then. Without it threads that do nothing but make spans keep all cores from the
// one that exports, and most spans are dropped, which is cheaper than what is to be measured.
void LetOthersRun(int64_t i) {
  if (i % 256 == 0) std::this_thread::yield();
}

// One call for all attributes, and one for each.
void RecordedSpanWithAttributesAtStart(benchmark::State& state) {
  const CountDrops count_drops(state);
  const Tracer tracer = Recording();
  int64_t i = 0;
  for (auto _ : state) {
    LetOthersRun(++i);
    tracer.StartSpan(
        "GET /search",
        {.kind = SpanKind::kServer,
         .attributes = {{"http.request.method", "GET"}, {"http.route", "/search"}, {"user.id", i}, {"cached", true}}});
  }
}

void RecordedSpan(benchmark::State& state) {
  const CountDrops count_drops(state);
  const Tracer tracer = Recording();
  int64_t i = 0;
  for (auto _ : state) {
    LetOthersRun(++i);
    auto span = tracer.StartSpan("GET /search", {.kind = SpanKind::kServer});
    span.SetAttribute("http.request.method", "GET");
    span.SetAttribute("http.route", "/search");
    span.SetAttribute("user.id", i);
    span.SetAttribute("cached", true);
  }
}

void RecordedChildSpanInScope(benchmark::State& state) {
  const CountDrops count_drops(state);
  const Tracer tracer = Recording();
  const Scope outer(tracer.StartSpan("outer"));
  int64_t i = 0;
  for (auto _ : state) {
    LetOthersRun(++i);
    auto span = tracer.StartSpan("GET /search", {.kind = SpanKind::kServer});
    const Scope scope(span);
    span.SetAttribute("http.request.method", "GET");
    span.SetAttribute("http.route", "/search");
    span.SetAttribute("user.id", i);
    span.SetAttribute("cached", true);
  }
}

void RecordedSpanWithAnExporterThatStalls(benchmark::State& state) {
  const Tracer tracer = Stalled();
  for (auto _ : state) {
    auto span = tracer.StartSpan("GET /search", {.kind = SpanKind::kServer});
    span.SetAttribute("http.request.method", "GET");
    span.SetAttribute("http.route", "/search");
    span.SetAttribute("user.id", 7);
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
BENCHMARK(RecordedSpanWithAnExporterThatStalls)->Threads(1)->Threads(2)->MeasureProcessCPUTime();
BENCHMARK(NotRecordedSpan)->Threads(1)->Threads(2)->MeasureProcessCPUTime();
BENCHMARK(SpanWithoutProvider)->Threads(1)->Threads(2)->MeasureProcessCPUTime();
BENCHMARK(ClockRead)->MeasureProcessCPUTime();

}  // namespace
}  // namespace otel
