// What metrics take: bytes of a point on disk, and questions about many series of a day, with their p95 beside the
// target. README.md says how to run it.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "query/metric_cardinality.h"
#include "query/metrics.h"
#include "questions/metric_store.h"
#include "traceql/parse.h"

namespace sightline::bench {
namespace {

using query::Aggregation;

struct Options {
  std::string directory, only;
  int64_t series = 10'000;
  int times = 5;
};

void PrintBytes(store::ClickHouse& clickhouse) {
  for (const char* metric : kBenchMetrics) {
    auto bytes = BytesOfPoint(clickhouse, metric);
    if (!bytes) {
      fmt::print("bytes of {}: {}\n", metric, bytes.error().message);
      continue;
    }
    double sum = 0;
    std::string columns;
    for (const auto& [column, one] : *bytes) {
      sum += one;
      if (one >= 0.005) columns += fmt::format(", {} {:.2f}", column, one);
    }
    fmt::print("{:<12} {:.2f} bytes a point (target 3.00): {}\n", metric, sum,
               columns.substr(std::min<size_t>(2, columns.size())));
  }
}

class Questions {
 public:
  Questions(const Options& options, MetricStore& store) : options_(options), store_(store) {}

  void Run() {
    Ask("rate of a counter, together", "requests", Aggregation::kRate, {});
    Ask("rate of a counter by pool", "requests", Aggregation::kRate, {"pool"});
    Ask("rate of a counter by service", "requests", Aggregation::kRate, {"service.name"});
    Ask("rate of a counter by pool, of one service", "requests", Aggregation::kRate, {"pool"},
        "{ resource.service.name = \"service-3\" }");
    Ask("average of a gauge by pool", "temperature", Aggregation::kAvg, {"pool"});
    Ask("maximum of a gauge by pool", "noise", Aggregation::kMax, {"pool"});
    Measure("which attributes make the series", 1000, [&] {
      return query::ReadMetricCardinality(*store_.clickhouse, "sightline", "requests", std::nullopt,
                                          store_.from_unix_nanos, nullptr);
    });
  }

 private:
  void Ask(const std::string& what, const char* metric, Aggregation aggregation, std::vector<std::string> by,
           const std::string& filter = "") {
    query::SeriesRequest request{.name = metric, .aggregation = aggregation};
    request.from_unix_nanos = store_.from_unix_nanos;
    request.to_unix_nanos = store_.to_unix_nanos;
    request.step_seconds = 720;
    request.group_by = std::move(by);
    if (!filter.empty())
      request.filter = std::make_shared<const traceql::Expression>(*traceql::ParseSpanCondition(filter));
    Measure(fmt::format("{}, {} series, 24 h", what, options_.series), 1000,
            [&] { return metrics_.GetSeries(request); });
  }

  template <typename Question>
  void Measure(const std::string& name, double target_ms, Question ask) {
    if (name.find(options_.only) == std::string::npos) return;
    std::vector<double> millis;
    for (int i = 0; i <= options_.times; ++i) {
      const auto start = std::chrono::steady_clock::now();
      const auto answer = ask();
      const double took = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      if (!answer) {
        fmt::print("{:<70} failed: {}\n", name, answer.error().message);
        return;
      }
      if (i > 0) millis.push_back(took);  // the first time warms caches
    }
    std::ranges::sort(millis);
    fmt::print("{:<70} p50 {:6.0f} ms   max {:6.0f} ms   target {:.0f} ms\n", name, millis[millis.size() / 2],
               millis.back(), target_ms);
    std::fflush(stdout);
  }

  const Options& options_;
  MetricStore& store_;
  query::MetricReader metrics_{*store_.clickhouse};
};

int Run(const Options& options) {
  auto store = OpenMetricStore(options.directory, options.series);
  if (!store) {
    std::fprintf(stderr, "metricbench: %s\n", store.error().message.c_str());
    return 1;
  }
  fmt::print("3 metrics of {} series, a point a minute for a day, in {}\n", options.series, options.directory);
  if (options.only.empty()) PrintBytes(*store->clickhouse);
  Questions(options, *store).Run();
  return 0;
}

}  // namespace
}  // namespace sightline::bench

int main(int argc, char** argv) {
  sightline::bench::Options options;
  CLI::App app("Measures metrics in the embedded store");
  app.add_option("--directory", options.directory, "Of the store; made if there is none")->required();
  app.add_option("--series", options.series, "Of each metric")->capture_default_str();
  app.add_option("--times", options.times, "How often each is asked")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  app.add_option("--only", options.only, "Only questions whose name has this text, and no bytes");
  CLI11_PARSE(app, argc, argv);
  const int code = sightline::bench::Run(options);
  std::fflush(nullptr);
  _exit(code);  // the engine's library does not like to be torn down by exit()
}
