// Sampling policies judge a stored trace as they judged it when it came: requests through the whole way into the
// engine, read back, and the same decisions.
#include "query/otlp_items.h"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <map>
#include <random>

#include "base/hex.h"
#include "otlp/testing/requests.h"
#include "query/testing/engine.h"
#include "query/traces.h"
#include "sample/match_spans.h"
#include "sample/policy_set.h"
#include "store/ingest.h"

namespace sightline::query {
namespace {

namespace field = otlp::field;
using otlp::testing::Attribute;
using otlp::testing::BoolValue;
using otlp::testing::DoubleValue;
using otlp::testing::IntValue;
using otlp::testing::Pb;
using otlp::testing::StringValue;

constexpr std::string_view kPolicies = R"(
decision_wait: 1s
policies:
  - {name: error, type: error}
  - {name: status, type: status_code, status_code: {status_codes: [OK]}}
  - {name: slow-root, type: root_latency, root_latency: {threshold_ms: 700}}
  - {name: slow, type: latency, latency: {threshold_ms: 500}}
  - {name: integers, type: numeric_attribute, numeric_attribute: {key: n, min_value: 7, max_value: 9}}
  - {name: strings, type: string_attribute, string_attribute: {key: s, values: [ab, "c.*"], enabled_regex_matching: true}}
  - {name: booleans, type: boolean_attribute, boolean_attribute: {key: b, value: true}}
  - {name: resources, type: string_attribute, string_attribute: {key: service.name, values: [pay]}}
  - {name: many, type: span_count, span_count: {min_spans: 5}}
  - {name: state, type: trace_state, trace_state: {key: vendor, values: [x]}}
  - {name: flags, type: trace_flags}
  - {name: chance, type: probabilistic, probabilistic: {sampling_percentage: 5}}
  - {name: lists, type: ottl_condition, ottl_condition: {error_mode: ignore, span: ['IsList(attributes["a"]) and Len(attributes["a"]) == 2', 'attributes["d"] > 0.5 and kind.string == "Client"']}}
  - {name: events, type: ottl_condition, ottl_condition: {error_mode: ignore, spanevent: ['name == "exception" and attributes["exception.type"] == "Timeout"']}}
)";

Pb ArrayOf(std::initializer_list<Pb> values) {
  Pb array;
  for (const Pb& value : values) array.Message(field::array_value::kValues, value);
  return Pb().Message(field::any_value::kArray, array);
}

// Traces of one to six spans, each with something that one of the policies looks for, or nothing.
std::map<std::string, std::vector<std::pair<Pb, std::string>>> MakeTraces(std::mt19937_64& random, uint64_t now) {
  const auto below = [&](uint64_t bound) { return random() % bound; };
  std::map<std::string, std::vector<std::pair<Pb, std::string>>> traces;
  for (int i = 0; i < 300; ++i) {
    std::string id(16, '\0');
    for (char& byte : id) byte = static_cast<char>(random());
    const uint64_t count = 1 + (below(8) == 0 ? below(6) : below(3));
    for (uint64_t n = 0; n < count; ++n) {
      const uint64_t start = now - 60'000'000'000 + below(100'000'000);
      Pb span;
      span.Bytes(field::span::kTraceId, id).Bytes(field::span::kSpanId, otlp::testing::Id(random() | 1, 8));
      if (n > 0) span.Bytes(field::span::kParentSpanId, otlp::testing::Id(n, 8));
      span.Bytes(field::span::kName, "work").Uint(field::span::kKind, 1 + below(5));
      span.Fixed64(field::span::kStartTimeUnixNano, start);
      span.Fixed64(field::span::kEndTimeUnixNano, start + (below(20) == 0 ? 800'000'000 : below(300'000'000)));
      const auto attribute = [&](std::string_view key, const Pb& value) {
        span.Message(field::span::kAttributes, Attribute(key, value));
      };
      switch (below(24)) {
        case 0:
          span.Message(field::span::kStatus, Pb().Uint(field::status::kCode, 1 + below(2)));
          break;
        case 1:
          attribute("n", IntValue(static_cast<int64_t>(below(12))));
          break;
        case 2:
          attribute("n", StringValue("8"));  // no integer
          break;
        case 3:
          attribute("s", StringValue(below(2) == 0 ? "xcx" : "aab"));
          break;
        case 4:
          attribute("b", BoolValue(below(2) == 0));
          break;
        case 5:
          attribute("a", ArrayOf({StringValue("x"), IntValue(static_cast<int64_t>(below(3)))}));
          break;
        case 6:
          attribute("a", StringValue("[1,2]"));  // no list
          break;
        case 7:
          attribute("d", DoubleValue(static_cast<double>(below(100)) / 100));
          break;
        case 8:
          span.Bytes(field::span::kTraceState, below(2) == 0 ? "vendor=x" : "vendor=y");
          break;
        case 9:
          span.Fixed32(field::span::kFlags, static_cast<uint32_t>(below(4)));
          break;
        case 10:
          attribute("http.response.status_code", IntValue(below(2) == 0 ? 503 : 404));
          break;
        case 11:
          span.Message(field::span::kEvents,
                       Pb().Bytes(field::event::kName, "exception")
                           .Fixed64(field::event::kTimeUnixNano, start)
                           .Message(field::event::kAttributes,
                                    Attribute("exception.type", StringValue(below(2) == 0 ? "Timeout" : "Other"))));
          break;
        default:
          break;
      }
      traces[id].emplace_back(std::move(span), below(30) == 0 ? "pay" : "shop");
    }
  }
  return traces;
}

struct Judged {
  bool keep = false;
  uint16_t policy = sample::kNoPolicy;
  double adjusted_count = 0;
  bool operator==(const Judged&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Judged& judged) {
  return out << (judged.keep ? "kept by " : "not kept ") << judged.policy << " counts " << judged.adjusted_count;
}

// What somebody who simulates policies over stored traces does.
Judged Judge(const std::shared_ptr<const sample::PolicySet>& policies, const std::string& request) {
  const auto scan = otlp::ScanRequest(otlp::Signal::kTraces, request, {}, {}, otlp::SpanHeads::kNote);
  EXPECT_TRUE(scan);
  sample::TraceState trace;
  sample::MatchSpans(
      *policies, request, *scan, [](const otlp::ItemRef&) { return true; },
      [&](sample::ArrivedSpan&& span, const otlp::ItemRef&) { policies->AddSpan(trace, span.times, span.match); });
  sample::PolicyState state(policies, 1);
  const sample::Decision decision = policies->Decide(trace, {state, 0});
  return {decision.keep, decision.policy, decision.adjusted_count};
}

class OtlpTraceTest : public testing::EngineTest {
 protected:
  void SetUp() override {
    testing::EngineTest::SetUp();
    if (IsSkipped()) return;
    Execute("TRUNCATE TABLE sightline.spans");
    std::string pattern = (std::filesystem::temp_directory_path() / "otlp_trace_test_XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~OtlpTraceTest() override {
    if (!root_.empty()) std::filesystem::remove_all(root_);
  }

  void Store(const std::vector<std::string>& requests) {
    auto journal = journal::Journal::Open({.directory = root_ + "/journal"}, metrics_);
    ASSERT_TRUE(journal);
    store::IngestOptions options;
    options.data_directory = root_;
    options.disk_free_bytes_min = 0;
    auto ingest = store::Ingest::Start(options, **journal, clickhouse(), budget_, metrics_, Clock::System());
    ASSERT_TRUE(ingest) << ingest.error().message;
    for (const std::string& request : requests) {
      receive::Export one{
          .signal = otlp::Signal::kTraces,
          .received_unix_nanos = Clock::System().UnixNanos(),
          .bytes = request,
          .scan = otlp::ScanRequest(otlp::Signal::kTraces, request, {}, {}, otlp::SpanHeads::kNote).value(),
          .reservation = budget_.TryReserve(request.size())};
      std::promise<bool> accepted;
      (*ingest)->Accept(std::move(one), [&](const Result<void>& result) { accepted.set_value(result.has_value()); });
      ASSERT_TRUE(accepted.get_future().get());
    }
    ASSERT_TRUE((*ingest)->Drain(300'000'000'000));
  }

  std::string root_;
  MetricsRegistry metrics_;
  MemoryBudget budget_{64 << 20};
};

TEST_F(OtlpTraceTest, PoliciesJudgeAStoredTraceAsTheyJudgedItWhenItCame) {
  std::mt19937_64 random(20261126);
  const auto traces = MakeTraces(random, static_cast<uint64_t>(Clock::System().UnixNanos()));
  std::map<std::string, std::string> requests;  // by trace
  std::vector<std::string> all;
  for (const auto& [id, spans] : traces) {
    for (const auto& [span, service] : spans) {
      requests[id] += otlp::testing::Request({span}, otlp::testing::Resource(service));
    }
    all.push_back(requests[id]);
  }
  Store(all);
  const auto config = sample::ParseTailSampling(kPolicies);
  ASSERT_TRUE(config) << config.error().message;
  const auto policies = sample::PolicySet::Compile(*config).value();
  TraceReader reader(clickhouse());
  std::map<uint16_t, int> by_policy;
  for (const auto& [id, request] : requests) {
    const auto stored = reader.GetTrace(HexEncode(id));
    ASSERT_TRUE(stored) << stored.error().message;
    const Judged judged = Judge(policies, request);
    EXPECT_EQ(Judge(policies, EncodeTrace(*stored)), judged) << HexEncode(id);
    ++by_policy[judged.policy];
  }
  EXPECT_EQ(by_policy.size(), policies->policies().size() + 1) << "each policy keeps some, and some are not kept";
}

}  // namespace
}  // namespace sightline::query
