// What a record of a dropped trace costs the shard that writes it, and what the look for one costs in a full ring.
#include "sample/dropped_traces.h"

#include <benchmark/benchmark.h>

#include <filesystem>
#include <random>

namespace sightline::sample {
namespace {

class Ring {
 public:
  explicit Ring(uint64_t bytes_max) {
    std::string pattern = (std::filesystem::temp_directory_path() / "dropped_bench_XXXXXX").string();
    SIGHTLINE_CHECK(mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
    traces_ = DroppedTraces::Open({directory_ + "/records", bytes_max}, metrics_).value();
  }
  ~Ring() {
    traces_.reset();
    std::filesystem::remove_all(directory_);
  }
  DroppedTraces& traces() { return *traces_; }
  void AddBatch(size_t traces) {
    std::vector<DecidedFrame::Dropped> dropped(traces);
    for (auto& trace : dropped) trace.trace_hash = random_();
    traces_->Add(now_ += 100'000'000, {"", "no-probes"}, dropped);
  }

 private:
  std::string directory_;
  MetricsRegistry metrics_;
  std::unique_ptr<DroppedTraces> traces_;
  std::mt19937_64 random_{1};
  int64_t now_ = 1'790'000'000'000'000'000;
};

// A tenth of a second of one shard, at 20,000 traces a second over two.
void RecordTraces(benchmark::State& state) {
  Ring ring(64 << 20);
  std::vector<DecidedFrame::Dropped> dropped(1000);
  std::mt19937_64 random(1);
  for (auto& trace : dropped) trace.trace_hash = random();
  for (auto _ : state) ring.traces().Add(1'790'000'000'000'000'000, {"", "no-probes"}, dropped);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(dropped.size()));
}
BENCHMARK(RecordTraces);

// The argument: MiB of the ring. Of a trace that is not there, which is the longest look.
void FindTrace(benchmark::State& state) {
  const auto bytes_max = static_cast<uint64_t>(state.range(0)) << 20;
  Ring ring(bytes_max);
  while (ring.traces().status().bytes < bytes_max / 16 * 15) ring.AddBatch(10'000);
  for (auto _ : state) benchmark::DoNotOptimize(ring.traces().Find(uint64_t{7}));
}
BENCHMARK(FindTrace)->Arg(16)->Arg(256)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sightline::sample
