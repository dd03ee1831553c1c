// What a query costs before it meets data, and what a condition costs a span.
#include <benchmark/benchmark.h>

#include "traceql/evaluate.h"
#include "traceql/parse.h"
#include "traceql/sql.h"
#include "traceql/testing/fuzz_body.h"

namespace sightline::traceql {
namespace {

constexpr const char* kCondition =
    "{ resource.service.name = \"shop\" && span.http.request.method =~ \"GET|POST\" && .http.status_code >= 500 && "
    "duration > 1ms }";

void Parse(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(ParseQuery(kCondition));
}
BENCHMARK(Parse);

void ToSql(benchmark::State& state) {
  const auto condition = ParseSpanCondition(kCondition);
  for (auto _ : state) benchmark::DoNotOptimize(CompileToSql(*condition, {}));
}
BENCHMARK(ToSql);

void MatchNumber(benchmark::State& state) {
  const auto condition = ParseSpanCondition("{ duration > 1ns && span.http.status_code > 10 }");
  const testing::FuzzTrace span;
  for (auto _ : state) benchmark::DoNotOptimize(Matches(*condition, span));
}
BENCHMARK(MatchNumber);

void MatchRegex(benchmark::State& state) {
  const auto condition = ParseSpanCondition("{ name =~ \"GET .*|a\" }");
  const testing::FuzzTrace span;
  for (auto _ : state) benchmark::DoNotOptimize(Matches(*condition, span));
}
BENCHMARK(MatchRegex);

}  // namespace
}  // namespace sightline::traceql
