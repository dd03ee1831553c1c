// What the scan costs: it runs once for every span that is received.
#include <benchmark/benchmark.h>

#include "otlp/scan.h"
#include "otlp/testing/requests.h"

namespace sightline::otlp {
namespace {

void ScanTraces(benchmark::State& state, SpanHeads heads) {
  const std::string request = testing::TracesRequest(64, 1);
  uint64_t spans = 0;
  for (auto _ : state) {
    auto scan = ScanRequest(Signal::kTraces, request, Limits{}, TimeRules{}, heads);
    if (!scan) state.SkipWithError(scan.error().message.c_str());
    spans += scan->items_accepted;
    benchmark::DoNotOptimize(scan);
  }
  state.SetItemsProcessed(static_cast<int64_t>(spans));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * request.size()));
  state.counters["bytes_per_span"] = static_cast<double>(request.size()) / 512;
}
BENCHMARK_CAPTURE(ScanTraces, places_only, SpanHeads::kSkip);
BENCHMARK_CAPTURE(ScanTraces, with_heads, SpanHeads::kNote);

void RescanTraces(benchmark::State& state) {
  const std::string request = testing::TracesRequest(64, 1);
  uint64_t spans = 0;
  for (auto _ : state) {
    auto scan = Rescan(Signal::kTraces, request, {});
    spans += scan->items_accepted;
    benchmark::DoNotOptimize(scan);
  }
  state.SetItemsProcessed(static_cast<int64_t>(spans));
}
BENCHMARK(RescanTraces);

}  // namespace
}  // namespace sightline::otlp
