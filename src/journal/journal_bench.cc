// Appends a second: what an accepted request costs in the journal. Frames are marked done on the way, so that segments
// are deleted as in a running program. JOURNAL_BENCH_DIR says where (default: the temporary directory).
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "journal/journal.h"

namespace sightline::journal {
namespace {

constexpr uint64_t kFramesInBlock = 64;

std::string Directory() {
  const char* base = std::getenv("JOURNAL_BENCH_DIR");
  std::string pattern =
      (base != nullptr ? std::string(base) : std::filesystem::temp_directory_path().string()) + "/journal_bench_XXXXXX";
  SIGHTLINE_CHECK(mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

void Append(benchmark::State& state, Durability durability) {
  const std::string directory = Directory();
  {
    MetricsRegistry metrics;
    auto journal = Journal::Open({.directory = directory, .durability = durability}, metrics).value();
    const std::string bytes(static_cast<size_t>(state.range(0)), 'x');
    uint64_t block = 0, first = 1;
    std::atomic<uint64_t> answered = 0;
    for (auto _ : state) {
      const uint64_t number =
          journal->Append({}, bytes, [&](const Result<void>& result) { answered += result.has_value(); }).value();
      if (number - first + 1 < kFramesInBlock) continue;
      SIGHTLINE_CHECK(journal->AppendManifest({.block = ++block, .frames = {{first, number}}}));
      SIGHTLINE_CHECK(journal->AppendDone(block));
      first = number + 1;
    }
    state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
    state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  }
  std::filesystem::remove_all(directory);
}
BENCHMARK_CAPTURE(Append, process, Durability::kProcess)->Arg(1'000)->Arg(200'000);
BENCHMARK_CAPTURE(Append, disk, Durability::kDisk)->Arg(1'000)->Arg(200'000)->UseRealTime();

// The start after a crash with `range` bytes left.
void Open(benchmark::State& state) {
  const std::string directory = Directory();
  MetricsRegistry metrics;
  {
    auto journal = Journal::Open({.directory = directory}, metrics).value();
    const std::string bytes(200'000, 'x');
    for (int64_t size = 0; size < state.range(0); size += 200'000) {
      SIGHTLINE_CHECK(journal->Append({}, bytes, [](const Result<void>&) {}));
    }
  }
  for (auto _ : state) benchmark::DoNotOptimize(Journal::Open({.directory = directory}, metrics).value());
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
  std::filesystem::remove_all(directory);
}
BENCHMARK(Open)->Arg(256 << 20)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sightline::journal
