// What measuring costs. With two threads the CPU time of an operation should stay the same: they share nothing.
#include <benchmark/benchmark.h>

#include <chrono>

#include "metrics/exponential_buckets.h"
#include "otel/context.h"
#include "otel/meter_provider.h"

namespace otel {
namespace {

// A provider as an application has it, with a reader that nobody asks anything of.
struct Measured {
  explicit Measured(std::vector<View> views = {},
                    TemporalityPreference temporality = TemporalityPreference::kCumulative)
      : provider({.readers = {std::make_shared<ManualReader>(MetricReaderOptions{.temporality = temporality})},
                  .views = std::move(views)}),
        meter(provider.GetMeter("bench")) {}

  MeterProvider provider;
  Meter meter;
};

Measured& Shared() {
  static Measured& shared = *new Measured;
  return shared;
}

View Exponential() {
  View view;
  view.aggregation = Base2ExponentialBucketHistogramAggregation();
  return view;
}

constexpr std::string_view kRoute = "/api/v1/search";

// As an HTTP server has them: the attributes are put together at the call.
#define OTEL_BENCH_ATTRIBUTES \
  {{"http.request.method", "GET"}, {"http.route", kRoute}, {"http.response.status_code", 200}}

void CounterAdd(benchmark::State& state) {
  const auto counter = Shared().meter.CreateCounter<int64_t>("counter");
  for (auto _ : state) counter.Add(1, OTEL_BENCH_ATTRIBUTES);
}

void CounterAddDouble(benchmark::State& state) {
  const auto counter = Shared().meter.CreateCounter<double>("counter.double");
  for (auto _ : state) counter.Add(0.5, OTEL_BENCH_ATTRIBUTES);
}

void CounterAddBound(benchmark::State& state) {
  const auto counter = Shared().meter.CreateCounter<int64_t>("counter.bound").Bind(OTEL_BENCH_ATTRIBUTES);
  for (auto _ : state) counter.Add(1);
}

void CounterAddManySeries(benchmark::State& state) {
  const auto counter = Shared().meter.CreateCounter<int64_t>("counter.many");
  int64_t user = 0;
  for (auto _ : state) {
    counter.Add(1, {{"http.request.method", "GET"}, {"http.route", kRoute}, {"user.id", user}});
    user = (user + 7) % 1000;
  }
}

void CounterAddBeyondTheLimit(benchmark::State& state) {
  const auto counter = Shared().meter.CreateCounter<int64_t>("counter.beyond");
  int64_t user = 0;
  for (auto _ : state) {
    counter.Add(1, {{"http.request.method", "GET"}, {"http.route", kRoute}, {"user.id", ++user}});
  }
}

void HistogramRecord(benchmark::State& state) {
  const auto histogram = Shared().meter.CreateHistogram<double>("histogram");
  double value = 0;
  for (auto _ : state) {
    histogram.Record(value, OTEL_BENCH_ATTRIBUTES);
    value = value < 9000 ? value + 13 : 0;
  }
}

void HistogramRecordBound(benchmark::State& state) {
  const auto histogram = Shared().meter.CreateHistogram<double>("histogram.bound").Bind(OTEL_BENCH_ATTRIBUTES);
  double value = 0;
  for (auto _ : state) {
    histogram.Record(value);
    value = value < 9000 ? value + 13 : 0;
  }
}

void ExponentialHistogramRecordBound(benchmark::State& state) {
  static Measured& measured = *new Measured({Exponential()});
  const auto histogram = measured.meter.CreateHistogram<double>("histogram").Bind(OTEL_BENCH_ATTRIBUTES);
  double value = 1;
  for (auto _ : state) {
    histogram.Record(value);
    value = value < 9000 ? value + 13 : 1;
  }
}

void GaugeRecord(benchmark::State& state) {
  const auto gauge = Shared().meter.CreateGauge<double>("gauge");
  for (auto _ : state) gauge.Record(0.5, OTEL_BENCH_ATTRIBUTES);
}

void CounterAddWithoutReader(benchmark::State& state) {
  const auto counter = GetMeter("bench").CreateCounter<int64_t>("counter");
  for (auto _ : state) counter.Add(1, OTEL_BENCH_ATTRIBUTES);
}

// To compare machines by.
void ThreeClockCalls(benchmark::State& state) {
  for (auto _ : state) {
    for (int i = 0; i < 3; ++i) benchmark::DoNotOptimize(std::chrono::system_clock::now());
  }
}

// While a sampled span is current, each measurement may become an exemplar.
void HistogramRecordInSampledSpan(benchmark::State& state) {
  const auto histogram = Shared().meter.CreateHistogram<double>("histogram.sampled");
  SpanContext span;
  span.trace_id.bytes[0] = span.span_id.bytes[0] = 1;
  span.flags.bits = TraceFlags::kSampled;
  const Scope scope(Context().WithSpanContext(span));
  double value = 0;
  for (auto _ : state) {
    histogram.Record(value, OTEL_BENCH_ATTRIBUTES);
    value = value < 9000 ? value + 13 : 0;
  }
}

BENCHMARK(ThreeClockCalls);
BENCHMARK(HistogramRecordInSampledSpan)->ThreadRange(1, 2);
BENCHMARK(CounterAdd)->ThreadRange(1, 2);
BENCHMARK(CounterAddDouble)->ThreadRange(1, 2);
BENCHMARK(CounterAddBound)->ThreadRange(1, 2);
BENCHMARK(CounterAddManySeries)->ThreadRange(1, 2);
BENCHMARK(CounterAddBeyondTheLimit)->ThreadRange(1, 2);
BENCHMARK(HistogramRecord)->ThreadRange(1, 2);
BENCHMARK(HistogramRecordBound)->ThreadRange(1, 2);
BENCHMARK(ExponentialHistogramRecordBound)->ThreadRange(1, 2);
BENCHMARK(GaugeRecord)->ThreadRange(1, 2);
BENCHMARK(CounterAddWithoutReader)->ThreadRange(1, 2);

void ExponentialIndexOfValue(benchmark::State& state) {
  double value = 0.001;
  for (auto _ : state) {
    benchmark::DoNotOptimize(internal::ExponentialIndex(value, static_cast<int32_t>(state.range(0))));
    value = value < 1e6 ? value * 1.01 : 0.001;
  }
}
BENCHMARK(ExponentialIndexOfValue)->Arg(0)->Arg(20);

// With a reader that takes all of 2,000 series.
void CollectHistograms(benchmark::State& state) {
  const auto reader = std::make_shared<ManualReader>(
      MetricReaderOptions{.temporality = static_cast<TemporalityPreference>(state.range(0))});
  MeterProvider provider({.readers = {reader}});
  const auto histogram = provider.GetMeter("bench").CreateHistogram<double>("histogram");
  for (auto _ : state) {
    for (int64_t user = 0; user < 2000; ++user) histogram.Record(3, {{"user.id", user}});
    benchmark::DoNotOptimize(reader->Collect());
  }
}
BENCHMARK(CollectHistograms)->Arg(0)->Arg(1);

}  // namespace
}  // namespace otel
