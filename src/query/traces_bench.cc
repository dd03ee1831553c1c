// Trace by id, the newest traces of a service and silent failures over SIGHTLINE_BENCH_SPANS spans (default 5 million,
// one hour). Budgets (bench/budgets.md): 20 ms and 100 ms at p95.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "query/silent_failures.h"
#include "query/traces.h"
#include "store/schema.h"

namespace sightline::query {
namespace {

constexpr int64_t kSpansPerInsert = 250'000;
constexpr int64_t kHourNanos = 3'600'000'000'000;

// The engine with its spans. Thread: main.
class Store {
 public:
  static Store& Get() {
    static auto* store = new Store;  // closed by AtExit, before the library's own destructors
    return *store;
  }
  store::ClickHouse& clickhouse() { return *clickhouse_; }
  int64_t spans() const { return spans_; }

 private:
  Store() {
    if (const char* spans = std::getenv("SIGHTLINE_BENCH_SPANS"); spans != nullptr) spans_ = std::atoll(spans);
    char directory[] = "/tmp/sightline-query-bench-XXXXXX";
    SIGHTLINE_CHECK(mkdtemp(directory) != nullptr);
    directory_ = directory;
    store::EmbeddedOptions options;
    options.data_directory = directory_ + "/store";
    if (const char* library = std::getenv("SIGHTLINE_LIBCHDB"); library != nullptr) options.library = library;
    auto opened = store::OpenEmbedded(options);
    if (!opened) std::fprintf(stderr, "%s\n", opened.error().message.c_str());
    SIGHTLINE_CHECK(opened.has_value());
    clickhouse_ = std::move(*opened);
    std::atexit([] { Get().Close(); });
    Run(store::OpenSchema(*clickhouse_, {}));
    const int64_t start = Clock::System().UnixNanos() - kHourNanos;
    for (int64_t first = 0; first < spans_; first += kSpansPerInsert) Insert(start, first);
  }

  void Close() {
    clickhouse_.reset();
    std::filesystem::remove_all(directory_);
    std::fflush(nullptr);
    _exit(0);  // the library does not like to be torn down by exit()
  }

  static void Run(const Result<void>& done) {
    if (!done) std::fprintf(stderr, "%s\n", done.error().message.c_str());
    SIGHTLINE_CHECK(done.has_value());
  }

  // 8 spans a trace, 20 services of which service-0 to service-4 share a trace, 2 % errors.
  void Insert(int64_t start, int64_t first) {
    Run(clickhouse_->Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, SpanName, SpanKind, "
        "ServiceName, "
        "StatusCode, Duration, `a.http.route`, SpanAttributes, SpanAttributeTypes) SELECT {block}, "
        "fromUnixTimestamp64Nano(toInt64({start} + number * {step})), sipHash128(intDiv(number, 8)), "
        "toFixedString(substring(sipHash128(number), 1, 8), 8), if(number % 8 = 0, toFixedString('', 8), "
        "toFixedString(substring(sipHash128(number - number % 8), 1, 8), 8)), concat('op-', toString(number % 200)), "
        "'Server', concat('service-', toString(intHash32(intDiv(number, 8)) % 16 + number % 5)), "
        "if(intHash32(number) % 50 = 0, 'Error', 'Unset'), intHash32(number) * 100, "
        "concat('/route/', toString(number % 40)), map('user.id', toString(intHash32(number)), 'k2', 'v2', 'k3', "
        "toString(number % 64)), 'sss' FROM numbers({first}, {count})",
        fmt::arg("block", first / kSpansPerInsert + 1), fmt::arg("start", start),
        fmt::arg("step", kHourNanos / std::max<int64_t>(spans_, 1)), fmt::arg("first", first),
        fmt::arg("count", std::min(kSpansPerInsert, spans_ - first)))));
  }

  int64_t spans_ = 5'000'000;
  std::string directory_;
  std::unique_ptr<store::ClickHouse> clickhouse_;
};

// Runs `ask` for each iteration and reports the 95th percentile beside the mean.
template <typename Ask>
void Measure(benchmark::State& state, Ask ask) {
  std::vector<double> millis;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    ask();
    millis.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  std::sort(millis.begin(), millis.end());
  state.counters["p95_ms"] = millis[millis.size() * 95 / 100];
}

void BM_TraceById(benchmark::State& state) {
  TraceReader reader(Store::Get().clickhouse());
  auto ids = Store::Get().clickhouse().Rows(fmt::format(
      "SELECT lower(hex(sipHash128(toUInt64(rand64() % {})))) FROM numbers(100)", Store::Get().spans() / 8));
  size_t next = 0;
  Measure(state, [&] {
    auto trace = reader.GetTrace((*ids)[next++ % ids->size()][0]);
    SIGHTLINE_CHECK(trace.has_value() && trace->spans.size() == 8);
  });
}
BENCHMARK(BM_TraceById)->Iterations(100)->Unit(benchmark::kMillisecond);

void BM_Newest50TracesOfAService(benchmark::State& state) {
  TraceReader reader(Store::Get().clickhouse());
  Measure(state, [&] {
    TraceSearch search;
    search.filter.service = "service-7";
    search.filter.to_unix_nanos = Clock::System().UnixNanos();
    search.filter.from_unix_nanos = search.filter.to_unix_nanos - 2 * kHourNanos;
    auto page = reader.Search(search);
    SIGHTLINE_CHECK(page.has_value() && page->traces.size() == 50);
  });
}
BENCHMARK(BM_Newest50TracesOfAService)->Iterations(50)->Unit(benchmark::kMillisecond);

SilentSearch LastTwoHours() {
  const int64_t now = Clock::System().UnixNanos();
  return {.from_unix_nanos = now - 2 * kHourNanos, .to_unix_nanos = now, .now_unix_nanos = now};
}

// As the page asks: with the first of each, looked for in all that is stored.
void BM_SilentFailures(benchmark::State& state) {
  SilentFailureReader reader(Store::Get().clickhouse());
  Measure(state, [&] { SIGHTLINE_CHECK(reader.Read(LastTwoHours()).has_value()); });
}
BENCHMARK(BM_SilentFailures)->Iterations(10)->Unit(benchmark::kMillisecond);

// As the list of services asks.
void BM_SilentFailuresByService(benchmark::State& state) {
  SilentFailureReader reader(Store::Get().clickhouse());
  Measure(state, [&] { SIGHTLINE_CHECK(reader.CountByService(LastTwoHours()).has_value()); });
}
BENCHMARK(BM_SilentFailuresByService)->Iterations(10)->Unit(benchmark::kMillisecond);

// No span failed: all of the range is looked at in vain.
void BM_NoSilentFailures(benchmark::State& state) {
  SilentFailureReader reader(Store::Get().clickhouse());
  Measure(state, [&] {
    SilentSearch search = LastTwoHours();
    search.service = "nobody";
    SIGHTLINE_CHECK(reader.Read(search).has_value());
  });
}
BENCHMARK(BM_NoSilentFailures)->Iterations(10)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sightline::query
