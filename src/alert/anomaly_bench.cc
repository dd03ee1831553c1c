// What a model costs: to fit (once an hour for each group of a rule), to judge a step and take it over (at each
// evaluation), to keep. 14 days of 5-minute steps.
#include "alert/anomaly.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <random>

namespace sightline::alert {
namespace {

constexpr int64_t kStep = 300;
constexpr size_t kSteps = 14 * 288;

std::vector<double> Values() {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> values(kSteps);
  for (size_t i = 0; i < kSteps; ++i) {
    const double day = 2 * M_PI * static_cast<double>(i % 288) / 288;
    values[i] = 1000 + 300 * std::sin(day) - (i / 288 % 7 >= 5 ? 200 : 0) + 30 * normal(random);
  }
  return values;
}

void FitAnomalyModel(benchmark::State& state) {
  const std::vector<double> values = Values();
  size_t bytes = 0;
  for (auto _ : state) {
    const auto model = AnomalyModel::Fit({0, kStep, values}, {.event = 1});
    bytes = model.bytes();
    benchmark::DoNotOptimize(model);
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(FitAnomalyModel)->Unit(benchmark::kMillisecond);

// An evaluation, if the model is kept.
void JudgeAndLearnStep(benchmark::State& state) {
  const std::vector<double> values = Values();
  auto model = AnomalyModel::Fit({0, kStep, values}, {.event = 1});
  size_t i = 0;
  for (auto _ : state) {
    const auto at = static_cast<int64_t>(kSteps + i) * kStep;
    benchmark::DoNotOptimize(model.Judge(at, values[i % kSteps]));
    model.Learn(at, values[i % kSteps]);
    ++i;
  }
}
BENCHMARK(JudgeAndLearnStep);

}  // namespace
}  // namespace sightline::alert
