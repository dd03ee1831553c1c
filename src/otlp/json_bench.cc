// What the translation of JSON costs: browsers and some SDKs send nothing else.
#include <benchmark/benchmark.h>

#include <fstream>
#include <sstream>

#include "otlp/json.h"

namespace sightline::otlp {
namespace {

void JsonTraces(benchmark::State& state) {
  std::ifstream in(SIGHTLINE_SOURCE_DIR "/src/otlp/testdata/js-http-json-traces-001.json");
  std::ostringstream json;
  json << in.rdbuf();
  for (auto _ : state) {
    auto bytes = JsonToProtobuf(Signal::kTraces, json.view(), Limits{});
    if (!bytes) state.SkipWithError(bytes.error().message.c_str());
    benchmark::DoNotOptimize(bytes);
  }
  state.SetItemsProcessed(state.iterations() * 165);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(json.view().size()));
}
BENCHMARK(JsonTraces);

}  // namespace
}  // namespace sightline::otlp
