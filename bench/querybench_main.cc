// Questions on a large store, each asked many times with another text, with its p95 beside the target. README.md says
// how to run it.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "query/exceptions.h"
#include "query/explain.h"
#include "query/facets.h"
#include "query/fields.h"
#include "query/logs.h"
#include "query/span_groups.h"
#include "query/span_heatmap.h"
#include "query/span_list.h"
#include "query/traces.h"
#include "questions/store.h"

namespace sightline::bench {
namespace {

constexpr int64_t kHourNanos = 3'600'000'000'000;
constexpr auto kSpans = otlp::Signal::kTraces;
constexpr auto kLogs = otlp::Signal::kLogs;

struct Options {
  std::string directory, only;
  bool logs_only = false;
  int64_t items = 1'000'000;
  int times = 20;
  double seconds = 20;  // of one kind of question
};

// Asks and prints. Thread: main.
class Bench {
 public:
  Bench(const Options& options, QueryStore& store) : options_(options), store_(store) {}

  // `ask(i)` asks the i-th time and says whether the answer was one. The first time is not measured.
  template <typename Ask>
  void Measure(const std::string& name, double target_ms, Ask ask) {
    if (name.find(options_.only) == std::string::npos) return;
    std::vector<double> millis;
    double spent = 0;
    for (int i = 0; i <= options_.times && (spent < options_.seconds * 1000 || i < 3); ++i) {
      const auto start = std::chrono::steady_clock::now();
      const auto answer = ask(i);
      const double took = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
      if (!answer) {
        fmt::print("{:<58} failed: {}\n", name, answer.error().message);
        return;
      }
      spent += took;
      if (i > 0) millis.push_back(took);
    }
    std::ranges::sort(millis);
    const double p95 = millis[(millis.size() * 95 + 99) / 100 - 1];
    fmt::print("{:<58} p50 {:7.1f} ms  p95 {:7.1f} ms  target {:5.0f} ms  {} times{}\n", name,
               millis[millis.size() / 2], p95, target_ms, millis.size(), p95 > target_ms ? "  MISSED" : "");
    std::fflush(stdout);
  }

  void Run() {
    if (!options_.logs_only) {
      AskForTraces();
      AskForCounts();
      AskForExceptions();
      AskForExplanations();
    }
    AskForLogs();
  }

 private:
  // Another text each time, so that nothing is answered from a cache of conditions.
  query::ItemQuery Query(otlp::Signal signal, const std::string& text, int64_t nanos) const {
    return *query::ParseItemQuery(signal, text, store_.to_unix_nanos - nanos, store_.to_unix_nanos);
  }
  static std::string NotNamed(int i) { return fmt::format("{{ name != `nothing-{}` }}", i); }

  void AskForTraces() {
    const auto rows = store_.clickhouse->Rows(
        fmt::format("SELECT lower(hex(sipHash128(toUInt64(intHash32(number) % {})))) FROM numbers({})",
                    std::max<int64_t>(options_.items / 8, 1), options_.times + 1));
    if (!rows) return;
    Measure("trace by id", 20, [&](int i) { return traces_.GetTrace((*rows)[static_cast<size_t>(i)][0]); });
    const auto list = [&](const std::string& text) {
      return spans_.Read({.query = Query(kSpans, text, 24 * kHourNanos), .select = {"span.tenant"}});
    };
    Measure("newest 50 of a service with an attribute, 24 h", 100, [&](int i) {
      return list(fmt::format("{{ resource.service.name = `service-{}` && span.tenant = `tenant-{}` }}", i % 20, i));
    });
    Measure("rare value of an attribute without a column, 24 h", 300,
            [&](int i) { return list(fmt::format("{{ span.tenant = `rare` && name != `nothing-{}` }}", i)); });
  }

  void AskForCounts() {
    const auto groups = [&](int i, const char* by, int64_t nanos) {
      return groups_.Read({.query = Query(kSpans, NotNamed(i), nanos), .by = {by}, .sort = query::GroupSort::kP99});
    };
    Measure("groups by service with p99, 1 h", 300,
            [&](int i) { return groups(i, "resource.service.name", kHourNanos); });
    Measure("groups by service with p99, 24 h", 1500,
            [&](int i) { return groups(i, "resource.service.name", 24 * kHourNanos); });
    Measure("groups by route with p99, 1 h", 300, [&](int i) { return groups(i, "span.http.route", kHourNanos); });
    Measure("groups by route with p99, 24 h", 1500,
            [&](int i) { return groups(i, "span.http.route", 24 * kHourNanos); });
    Measure("heatmap, 24 h", 1500,
            [&](int i) { return heatmaps_.Read({.query = Query(kSpans, NotNamed(i), 24 * kHourNanos)}); });
    Measure("facets of spans, 24 h", 300,
            [&](int i) { return facets_.Read({.query = Query(kSpans, NotNamed(i), 24 * kHourNanos)}); });
    const query::FieldSearch search{.from_unix_nanos = store_.from_unix_nanos, .to_unix_nanos = store_.to_unix_nanos};
    Measure("completion of names", 100, [&](int) { return fields_.Names(search); });
    Measure("completion of values", 100, [&](int) { return fields_.Values("span.tenant", search); });
  }

  // A little another range each time. The second half of the day has a first half that it is compared with.
  void AskForExceptions() {
    const auto ask = [&](int i, int64_t nanos, std::optional<std::string> service) {
      return exceptions_.Read({.service = std::move(service),
                               .from_unix_nanos = store_.to_unix_nanos - nanos + i,
                               .to_unix_nanos = store_.to_unix_nanos + i});
    };
    Measure("exceptions in groups, 1 h", 2000, [&](int i) { return ask(i, kHourNanos, std::nullopt); });
    Measure("exceptions in groups, 12 h and the 12 h before", 2000,
            [&](int i) { return ask(i, 12 * kHourNanos, std::nullopt); });
    Measure("exceptions in groups, 24 h", 2000, [&](int i) { return ask(i, 24 * kHourNanos, std::nullopt); });
    Measure("exceptions of a service in groups, 24 h", 2000,
            [&](int i) { return ask(i, 24 * kHourNanos, fmt::format("service-{}", i % 20)); });
  }

  void AskForExplanations() {
    Measure("explanation of errors, 24 h", 2000, [&](int i) {
      return explainer_.Explain(
          {.query = Query(kSpans, NotNamed(i), 24 * kHourNanos), .selection = {.condition = "{ status = error }"}});
    });
  }

  void AskForLogs() {
    Measure("facets of logs, 24 h", 300, [&](int i) {
      return facets_.Read({.query = Query(kLogs, fmt::format("{{ eventName != `nothing-{}` }}", i), 24 * kHourNanos)});
    });
    AskForRecords("a frequent text", [](int i) { return fmt::format("\"timed out after {}\"", 100 + i); });
    const auto ids = store_.clickhouse->Rows(fmt::format(
        "SELECT lower(hex(sipHash64(intHash32(number) % {}))) FROM numbers({})", options_.items, options_.times + 1));
    if (!ids) return;
    AskForRecords("an id, in one record", [&](int i) { return (*ids)[static_cast<size_t>(i)][0]; });
    AskForRecords("a number and path, in few",
                  [&](int i) { return fmt::format("items/{}", 123'457 + 31'415 * i % 800'000); });
    AskForRecords("a text that does not occur", [](int i) { return fmt::format("deadlock-{}", i); });
    AskForRecords("body.user, in few",
                  [](int i) { return fmt::format("{{ body.user = `user-{}` }}", 123'457 + 31'415 * i % 800'000); });
    AskForRecords("body.order_id, in one", [&](int i) {
      return fmt::format("{{ body.order_id = {} }}", (31'415 * i + 12'345) % options_.items);
    });
    AskForRecords("body.http.status, in 1 of 100",
                  [](int i) { return fmt::format("{{ body.http.status >= 500 && body.user != `user-{}` }}", i); });
    AskForRecords("body.no.such = n", [](int i) { return fmt::format("{{ body.no.such = {} }}", i); });
    query::FieldSearch search{
        .signal = kLogs, .from_unix_nanos = store_.from_unix_nanos, .to_unix_nanos = store_.to_unix_nanos};
    Measure("completion of names of logs", 100, [&](int) { return fields_.Names(search); });
    Measure("completion of values of body.http.route", 100,
            [&](int) { return fields_.Values("body.http.route", search); });
  }

  template <typename Text>
  void AskForRecords(const std::string& what, Text text) {
    Measure("first 50 log records, 24 h: " + what, 200, [&](int i) -> Result<query::LogPage> {
      query::LogSearch search;
      search.filter.from_unix_nanos = store_.from_unix_nanos;
      search.filter.to_unix_nanos = store_.to_unix_nanos;
      auto condition = query::ParseLogQuery(text(i));
      if (!condition) return std::unexpected(condition.error());
      search.filter.condition = *std::move(condition);
      return logs_.Search(search);
    });
  }

  const Options& options_;
  QueryStore& store_;
  query::ItemSource source_{*store_.clickhouse, otlp::DefaultHotAttributes(), "sightline"};
  query::TraceReader traces_{*store_.clickhouse};
  query::SpanListReader spans_{source_, traces_};
  query::GroupReader groups_{source_};
  query::HeatmapReader heatmaps_{source_};
  query::FacetReader facets_{source_};
  query::ExceptionReader exceptions_{*store_.clickhouse};
  query::Explainer explainer_{source_};
  query::FieldReader fields_{*store_.clickhouse, otlp::DefaultHotAttributes(), "sightline"};
  query::LogReader logs_{*store_.clickhouse};
};

int Run(const Options& options) {
  auto store = OpenQueryStore(options.directory, options.items, !options.logs_only);
  if (!store) {
    std::fprintf(stderr, "querybench: %s\n", store.error().message.c_str());
    return 1;
  }
  fmt::print("{} {} over a day in {}\n", options.items,
             options.logs_only ? "log records" : "spans and as many log records", options.directory);
  Bench(options, *store).Run();
  return 0;
}

}  // namespace
}  // namespace sightline::bench

int main(int argc, char** argv) {
  sightline::bench::Options options;
  CLI::App app("Measures questions on the embedded store");
  app.add_option("--directory", options.directory, "Of the store; made if there is none")->required();
  app.add_option("--items", options.items, "Spans, and as many log records")->capture_default_str();
  app.add_option("--times", options.times, "How often each is asked")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Of one kind of question, at most")->capture_default_str();
  app.add_flag("--logs-only", options.logs_only, "A store without spans, and the questions on logs");
  app.add_option("--only", options.only, "Only questions whose name has this text");
  CLI11_PARSE(app, argc, argv);
  const int code = sightline::bench::Run(options);
  std::fflush(nullptr);
  _exit(code);  // the engine's library does not like to be torn down by exit()
}
