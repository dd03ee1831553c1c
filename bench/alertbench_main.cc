// What alert rules cost: many of them over a large store, evaluated as the program does it, with a clock that waits for
// nobody. README.md says how to run it.
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <string>

#include "alert/evaluator.h"
#include "questions/store.h"

namespace sightline::bench {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

struct Options {
  std::string directory;
  int64_t items = 1'000'000;
  int rules = 1000, questions = 1000, interval = 30, rounds = 3;
};

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Of spans and log records of 20 services, by operation or severity; each has a text of its own.
std::string Query(int question) {
  const std::string of = fmt::format("resource.service.name = `service-{}`", question % 20);
  if (question % 4 == 3) {
    return fmt::format(
        R"x("source": "logs", "group_by": ["severityText"], "query": "{{ {} && severity >= warn && eventName != `no-{}` }}")x",
        of, question);
  }
  if (question % 4 == 2) {
    return fmt::format(
        R"x("source": "traceql", "query": "{{ {} && name != `no-{}` }} | quantile_over_time(duration, .99) by (name)")x",
        of, question);
  }
  return fmt::format(
      R"x("source": "traceql", "query": "{{ {} && status = error && name != `no-{}` }} | rate() by (name)")x", of,
      question);
}

std::string Rule(int i, const Options& options) {
  return fmt::format(
      R"x({{"schema": 1, "name": "rule {}", "queries": [{{"name": "A", {}}}], "interval": "{}s", "window": "5m",
      "condition": {{"kind": "threshold", "op": "above", "critical": {}}}, "for": "2m"}})x",
      i, Query(i % options.questions), options.interval, 1000 + i);
}

Result<void> Measure(const Options& options) {
  auto store = OpenQueryStore(options.directory, options.items, /*with_spans=*/true);
  if (!store) return std::unexpected(store.error());
  const std::string path = options.directory + "/alertbench.sqlite";
  for (const char* ending : {"", "-wal", "-shm"}) std::filesystem::remove(path + ending);
  auto database = state::Database::Open(path);
  if (!database) return std::unexpected(database.error());
  FakeClock clock(store->to_unix_nanos - (options.rounds + 1) * options.interval * kSecond);
  MetricsRegistry metrics;
  alert::RuleStore rules(**database, clock);
  alert::RuleFiles files("");
  alert::RuleQueries queries(*store->clickhouse, {});
  for (int i = 0; i < options.rules; ++i) {
    auto document = alert::ReadRule(Rule(i, options));
    if (!document) return std::unexpected(document.error());
    if (auto made = rules.Create(*std::move(document)); !made) return std::unexpected(made.error());
  }
  alert::Evaluator evaluator(
      {.rules = rules, .files = files, .queries = queries, .database = **database, .metrics = metrics, .clock = clock});
  SIGHTLINE_TRY(evaluator.Open());
  int64_t next = evaluator.RunDue();
  for (int round = 0; round < options.rounds; ++round) {
    const int64_t end = clock.UnixNanos() + options.interval * kSecond;
    const double before = CpuSeconds();
    const int64_t begin = Clock::System().MonotonicNanos();
    while (next <= end) {
      clock.Advance(next - clock.UnixNanos());
      next = evaluator.RunDue();
    }
    clock.Advance(end - clock.UnixNanos());
    const double cpu = CpuSeconds() - before;
    const double took = static_cast<double>(Clock::System().MonotonicNanos() - begin) / 1e9;
    fmt::print(
        "{} rules with {} questions every {} s: {:.2f} s of CPU, {:.2f} s, {:.2f} ms an evaluation, {:.1f} % of a "
        "core\n",
        options.rules, options.questions, options.interval, cpu, took, 1000 * took / options.rules,
        100 * cpu / options.interval);
    std::fflush(stdout);
  }
  for (const auto& sample : metrics.Snapshot()) fmt::print("{} {}\n", sample.name, sample.value);
  return {};
}

}  // namespace
}  // namespace sightline::bench

int main(int argc, char** argv) {
  sightline::bench::Options options;
  CLI::App app("Measures the evaluation of alert rules on the embedded store");
  app.add_option("--directory", options.directory, "Of the store; made if there is none")->required();
  app.add_option("--items", options.items, "Spans, and as many log records")->capture_default_str();
  app.add_option("--rules", options.rules)->capture_default_str();
  app.add_option("--questions", options.questions, "Different ones that they ask")->capture_default_str();
  app.add_option("--interval", options.interval, "Seconds")->capture_default_str();
  app.add_option("--rounds", options.rounds, "Intervals, one after the other")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  int code = 0;
  if (auto done = sightline::bench::Measure(options); !done) {
    std::fprintf(stderr, "alertbench: %s\n", done.error().message.c_str());
    code = 1;
  }
  std::fflush(nullptr);
  _exit(code);  // the engine's library does not like to be torn down by exit()
}
