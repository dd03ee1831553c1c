// What a span that is no prediction costs: a look at its name, twice where spans are sampled.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "otlp/prediction_rules.h"

namespace sightline::otlp {
namespace {

void MatchNames(benchmark::State& state, const std::vector<std::string>& names) {
  const PredictionNames predictions(DefaultPredictionRules());
  uint64_t spans = 0, matched = 0;
  for (auto _ : state) {
    for (const std::string& name : names) matched += predictions.Match(name) ? 1 : 0;
    spans += names.size();
  }
  benchmark::DoNotOptimize(matched);
  state.SetItemsProcessed(static_cast<int64_t>(spans));
}
BENCHMARK_CAPTURE(MatchNames, none_begins_as_one, {"GET /search", "SELECT articles", "HTTP GET", "ranker.rank"});
BENCHMARK_CAPTURE(MatchNames, all_begin_as_one, {"middleware", "checkout", "get cart", "tcp.connect"});
BENCHMARK_CAPTURE(MatchNames, predictions, {"model.predict", "chat gpt"});

}  // namespace
}  // namespace sightline::otlp
