// What tail sampling costs a span beside the scan: the receiving thread's part and the shard's.
#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

#include "otlp/limits.h"
#include "otlp/testing/requests.h"
#include "sample/match_spans.h"
#include "sample/policy_config.h"
#include "sample/shard.h"

namespace sightline::sample {
namespace {

constexpr uint64_t kTracesPerRequest = 64, kSpansPerTrace = 8;
constexpr uint64_t kTracesWaiting = 250'000;  // 5 s of 400,000 spans a second
constexpr int64_t kWaitNanos = 5'000'000'000;

std::shared_ptr<const PolicySet> Policies() {
  const auto config = ParseTailSampling(
      "{decision_wait: 5s, policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}, {name: "
      "slow, type: latency, latency: {threshold_ms: 1000}}, {name: rest, type: probabilistic, probabilistic: "
      "{sampling_percentage: 1}}]}");
  return PolicySet::Compile(config.value()).value();
}

// Traces as of a service that asks a database, a model and the web: kinds as of a recommender's search.
std::string Request() {
  namespace field = otlp::field;
  using otlp::testing::Pb;
  constexpr uint64_t kKinds[kSpansPerTrace] = {2, 1, 1, 3, 3, 2, 1, 3};
  std::vector<Pb> spans;
  for (uint64_t trace = 1; trace <= kTracesPerRequest; ++trace) {
    for (uint64_t i = 0; i < kSpansPerTrace; ++i) {
      Pb span;
      span.Bytes(field::span::kTraceId, otlp::testing::Id(trace * 0x9e3779b97f4a7c15, 16))
          .Bytes(field::span::kSpanId, otlp::testing::Id(8 * trace + i, 8))
          .Bytes(field::span::kParentSpanId, i == 0 ? "" : otlp::testing::Id(8 * trace + i / 2, 8))
          .Bytes(field::span::kName, "SELECT articles")
          .Uint(field::span::kKind, kKinds[i])
          .Fixed64(field::span::kStartTimeUnixNano, otlp::testing::kTestTime)
          .Fixed64(field::span::kEndTimeUnixNano, otlp::testing::kTestTime + trace * 1'000'000);
      const auto add = [&](std::string_view key, const Pb& value) {
        span.Message(field::span::kAttributes, otlp::testing::Attribute(key, value));
      };
      for (const char* key : {"query.original", "code.function.name", "user.id", "server.address"}) {
        add(key, otlp::testing::StringValue("something of 24 letters."));
      }
      for (const char* key : {"db.response.returned_rows", "thread.id", "url.port"}) {
        add(key, otlp::testing::IntValue(443));
      }
      if (i == 3) add("db.system.name", otlp::testing::StringValue("sqlite"));
      if (i == 3) add("db.namespace", otlp::testing::StringValue("articles.db"));
      spans.push_back(std::move(span));
    }
  }
  return otlp::testing::Request(spans);
}

otlp::Scan ScanOf(std::string_view request) {
  return otlp::ScanRequest(otlp::Signal::kTraces, request, otlp::Limits{}, otlp::TimeRules{}, otlp::SpanHeads::kNote)
      .value();
}

std::vector<ArrivedSpan> Arrive(const PolicySet& policies, GraphNames& names, std::string_view request,
                                const otlp::Scan& scan) {
  std::vector<ArrivedSpan> spans;
  spans.reserve(scan.items.size());
  GraphNoter noter(names, otlp::testing::kTestTime, otlp::testing::kTestTime);
  MatchSpans(
      policies, request, scan, [](const otlp::ItemRef&) { return true; },
      [&](ArrivedSpan&& span, const otlp::ItemRef& item) {
        span.graph = noter.Note(request, scan, item, scan.heads[static_cast<size_t>(&item - scan.items.data())]);
        spans.push_back(std::move(span));
      });
  return spans;
}

void ArriveSpans(benchmark::State& state) {
  const auto policies = Policies();
  GraphNames names;
  const std::string request = Request();
  const otlp::Scan scan = ScanOf(request);
  for (auto _ : state) benchmark::DoNotOptimize(Arrive(*policies, names, request, scan));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(scan.items.size()));
}
BENCHMARK(ArriveSpans);

// From the hand-over to the decision, with as many traces waiting all the time.
void JudgeTraces(benchmark::State& state) {
  const auto policies = Policies();
  GraphNames names;
  const std::string request = Request();
  const otlp::Scan scan = ScanOf(request);
  MetricsRegistry metrics;
  SamplingCounters counters(metrics);
  Shard shard({.memory_bytes_max = 1 << 30}, policies, 1, counters, names, {});
  FrameHold frame;
  Shard::Now now;
  uint64_t number = 0;
  const auto add = [&] {
    SpanBatch batch{policies, 1, Arrive(*policies, names, request, scan), nullptr};
    ++number;
    for (ArrivedSpan& span : batch.spans) {
      span.trace_hash = (span.trace_hash + number) * 0x9e3779b97f4a7c15;
      span.place.frame = &frame;
    }
    now.monotonic_nanos += kWaitNanos / static_cast<int64_t>(kTracesWaiting / kTracesPerRequest);
    return batch;
  };
  while (shard.traces() < kTracesWaiting) shard.Add(add(), now);
  for (auto _ : state) {
    state.PauseTiming();
    SpanBatch batch = add();
    state.ResumeTiming();
    shard.Add(std::move(batch), now);
    shard.Decide(now);
    if (!shard.pending().empty() && shard.pending().decided.front().spans > 100'000) shard.TakePending();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(scan.items.size()));
}
BENCHMARK(JudgeTraces);

}  // namespace
}  // namespace sightline::sample
