// The sampler with a real journal: what is kept, what a restart finds, what goes when.
#include "sample/sampler.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "base/fault.h"
#include "base/hex.h"
#include "otlp/testing/requests.h"

namespace sightline::sample {
namespace {

namespace field = otlp::field;
using otlp::testing::Attribute;
using otlp::testing::Id;
using otlp::testing::Pb;
using otlp::testing::StringValue;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What arrives at the store: which spans, with which weight and policy.
class Store final : public DecidedSink {
 public:
  explicit Store(journal::Journal& journal) : journal_(journal) {}

  struct Span {
    std::string policy;
    double adjusted_count = 0;
    std::string service;
    bool operator==(const Span&) const = default;
  };

  // As a block of its own, done at once.
  void Take(DecidedSpans spans) override {
    const std::lock_guard lock(mutex_);
    const auto scan = otlp::Rescan(otlp::Signal::kTraces, spans.request, {});
    ASSERT_TRUE(scan);
    for (const otlp::ItemRef& item : scan->items) {
      std::string id;
      for (otlp::FieldReader fields(item.message.In(spans.request)); fields.Next();) {
        if (fields.tag() == field::span::kSpanId) id = fields.bytes();
      }
      const Verdicts::Verdict verdict = spans.verdicts->Of(item.trace_hash);
      const std::string_view resource = scan->scopes[item.scope].resource.In(spans.request);
      const bool is_new =
          spans_.emplace(id, Span{std::string(verdict.policy), verdict.adjusted_count, std::string(resource)}).second;
      EXPECT_TRUE(is_new) << "a span is stored twice";
    }
    EXPECT_TRUE(graph_.Merge(spans.graph));
    frames_.push_back(spans.frame);
    const uint64_t block = 1'000'000 + spans.frame;
    ASSERT_TRUE(journal_.AppendManifest({.block = block, .frames = {{spans.frame, spans.frame}}}));
    ASSERT_TRUE(journal_.AppendDone(block));
  }

  std::map<std::string, Span> spans() {
    const std::lock_guard lock(mutex_);
    return spans_;
  }
  // Calls of both runs of a test, if it has two, must be added by the test.
  double Calls(const std::string& client, const std::string& server) {
    const std::lock_guard lock(mutex_);
    double calls = 0;
    for (const auto& sum : graph_.Sums()) calls += sum.client == client && sum.server == server ? sum.calls : 0;
    return calls;
  }
  size_t frames() {
    const std::lock_guard lock(mutex_);
    return frames_.size();
  }

 private:
  journal::Journal& journal_;
  std::mutex mutex_;
  std::map<std::string, Span> spans_;  // by span id
  std::vector<uint64_t> frames_;
  otlp::ServiceGraphEdges graph_;
};

constexpr std::string_view kPolicies = R"(
decision_wait: 20s
policies:
  - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
  - {name: slow, type: latency, latency: {threshold_ms: 1000}}
)";

class SamplerTest : public ::testing::Test {
 protected:
  SamplerTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sampler_test_XXXXXX").string();
    root_ = mkdtemp(pattern.data());
    journal_options_ = {.directory = root_ + "/journal", .segment_bytes_max = 64 << 10};
    options_.shards = 2;
  }
  ~SamplerTest() override {
    SetFaultsForTest("");
    Stop();
    std::filesystem::remove_all(root_);
  }

  void Stop() {
    sampler_.reset();
    journal_.reset();
  }
  void Start(std::string_view policies = kPolicies) {
    Stop();
    auto journal = journal::Journal::Open(journal_options_, metrics_);
    ASSERT_TRUE(journal) << journal.error().message;
    journal_ = *std::move(journal);
    // What an earlier run decided, and what it counted: as the store's recovery does.
    for (const uint64_t number : journal_->unfinished().frames) FinishFrame(number);
    store_ = std::make_unique<Store>(*journal_);
    auto sampler = Sampler::Start(options_, Compile(policies), *journal_, *store_, budget_, metrics_, clock_);
    ASSERT_TRUE(sampler) << sampler.error().message;
    sampler_ = *std::move(sampler);
  }
  std::shared_ptr<const PolicySet> Compile(std::string_view policies) {
    const auto config = ParseTailSampling(policies);
    EXPECT_TRUE(config) << config.error().message;
    return PolicySet::Compile(*config).value();
  }

  void FinishFrame(uint64_t number) {
    const auto frame = journal_->ReadFrame(number);
    ASSERT_TRUE(frame);
    const auto kind = frame->header.undecided_spans ? journal::BlockKind::kSpanMetrics : journal::BlockKind::kItems;
    const uint64_t block = 2'000'000 + number;
    ASSERT_TRUE(journal_->AppendManifest({.block = block, .kind = kind, .frames = {{number, number}}}));
    ASSERT_TRUE(journal_->AppendDone(block));
  }

  static Pb Span(uint64_t trace, uint64_t span, bool error = false, uint64_t millis = 5) {
    Pb pb = otlp::testing::Span(trace, span, otlp::testing::kTestTime, otlp::testing::kTestTime + millis * 1'000'000);
    if (error) pb.Message(field::span::kStatus, Pb().Uint(field::status::kCode, 2));
    return pb;
  }

  uint64_t Send(const std::string& request) {
    const auto number = journal_->Append({.undecided_spans = true, .received_unix_nanos = clock_.UnixNanos()}, request,
                                         [](const Result<void>& result) { EXPECT_TRUE(result); });
    EXPECT_TRUE(number);
    auto scan = otlp::ScanRequest(otlp::Signal::kTraces, request, {}, {}, otlp::SpanHeads::kNote);
    sampler_->Add(*number, request, *scan, {});
    FinishFrame(*number);
    return *number;
  }
  // A batch of decisions waits a little for others, by the same clock.
  void WaitUntilDecided() {
    while (!sampler_->WaitUntilAllDecided(clock_.MonotonicNanos())) {
      clock_.Advance(10'000'000);
      std::this_thread::yield();
    }
  }
  void WaitUntilTaken() {
    const auto queued = [this] { return sampler_->queued_spans() != 0; };
    while (queued()) std::this_thread::yield();
  }
  void DecideAll() {
    WaitUntilTaken();
    clock_.Advance(30'000'000'000);
    WaitUntilDecided();
  }
  std::set<std::string> KeptIds() {
    std::set<std::string> ids;
    for (const auto& [id, span] : store_->spans()) ids.insert(id);
    return ids;
  }
  double Metric(const std::string& name, const std::string& label = "") const {
    double sum = 0;
    for (const auto& sample : metrics_.Snapshot()) {
      const bool matches =
          label.empty() || std::ranges::any_of(sample.labels, [&](const auto& l) { return l.second == label; });
      if (sample.name == name && matches) sum += sample.value;
    }
    return sum;
  }

  MetricsRegistry metrics_;
  MemoryBudget budget_{64 << 20};
  FakeClock clock_{1'795'333'380'000'000'000};
  std::string root_;
  journal::Options journal_options_;
  SamplerOptions options_;
  std::unique_ptr<journal::Journal> journal_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Sampler> sampler_;
};

TEST_F(SamplerTest, KeepsWholeTracesWhosePartsCameInManyRequests) {
  Start();
  Send(otlp::testing::Request({Span(1, 11), Span(2, 21), Span(3, 31)}));
  Send(otlp::testing::Request({Span(1, 12, true), Span(3, 32)}, otlp::testing::Resource("pay")));
  Send(otlp::testing::Request({Span(3, 33, false, 1500)}));
  DecideAll();
  EXPECT_THAT(KeptIds(), ElementsAre(Id(11, 8), Id(12, 8), Id(31, 8), Id(32, 8), Id(33, 8)));
  const auto spans = store_->spans();
  const auto shop = otlp::testing::Resource("shop").bytes(), pay = otlp::testing::Resource("pay").bytes();
  EXPECT_EQ(spans.at(Id(11, 8)), (Store::Span{"errors", 1, shop}));
  EXPECT_EQ(spans.at(Id(12, 8)), (Store::Span{"errors", 1, pay}));
  EXPECT_EQ(spans.at(Id(33, 8)), (Store::Span{"slow", 1, shop}));
  EXPECT_EQ(Metric("sightline.sampling.traces", "kept"), 2);
  EXPECT_EQ(Metric("sightline.sampling.spans", "dropped"), 1);
  EXPECT_EQ(Metric("sightline.journal.frames.unfinished"), 0) << "all is decided, so all is released";
}

TEST_F(SamplerTest, NothingIsDecidedBeforeItsTimeNorByAStop) {
  Start();
  const uint64_t frame = Send(otlp::testing::Request({Span(1, 11, true)}));
  WaitUntilTaken();
  clock_.Advance(19'000'000'000);
  ASSERT_TRUE(sampler_->Drain(INT64_MAX));
  EXPECT_EQ(store_->frames(), 0U);
  Start();
  EXPECT_THAT(journal_->unfinished().undecided, ElementsAre(frame));
  EXPECT_EQ(sampler_->status().undecided_spans, 1U);
  DecideAll();
  EXPECT_THAT(KeptIds(), ElementsAre(Id(11, 8)));
}

TEST_F(SamplerTest, LateSpansFollowTheDecision) {
  Start();
  Send(otlp::testing::Request({Span(1, 11, true), Span(2, 21)}));
  DecideAll();
  Send(otlp::testing::Request({Span(1, 12), Span(2, 22, true)}));
  DecideAll();
  EXPECT_THAT(KeptIds(), ElementsAre(Id(11, 8), Id(12, 8)));
  EXPECT_EQ(store_->spans().at(Id(12, 8)).policy, "errors");
  EXPECT_EQ(Metric("sightline.sampling.late_spans", "kept"), 1);
  EXPECT_EQ(Metric("sightline.sampling.late_spans", "dropped"), 1);
  EXPECT_EQ(Metric("sightline.journal.frames.unfinished"), 0);
}

TEST_F(SamplerTest, RestartObeysWhatIsDecidedAndDecidesTheRest) {
  Start();
  Send(otlp::testing::Request({Span(1, 11, true), Span(2, 21), Span(3, 31, true)}));
  DecideAll();
  // The oldest segment stays for the trace that is open, and what is decided with it.
  Send(otlp::testing::Request({Span(4, 41), Span(5, 51, true), Span(4, 42)}));
  DecideAll();
  clock_.Advance(1);
  Send(otlp::testing::Request({Span(6, 61, true), Span(1, 12), Span(2, 22, true)}));
  WaitUntilTaken();
  const auto first_run = KeptIds();
  Start();
  DecideAll();
  std::set<std::string> all = KeptIds();
  for (const std::string& id : all) EXPECT_FALSE(first_run.contains(id)) << "stored by both runs";
  all.insert(first_run.begin(), first_run.end());
  EXPECT_THAT(all, ElementsAre(Id(11, 8), Id(12, 8), Id(31, 8), Id(51, 8), Id(61, 8)));
  EXPECT_EQ(Metric("sightline.journal.frames.unfinished"), 0);
}

// A client's span and its server's, of the trace with that number.
Pb CallOf(uint64_t trace) {
  return otlp::testing::Span(trace, 100 * trace + 1)
      .Uint(field::span::kKind, 3)
      .Bytes(field::span::kParentSpanId, Id(7, 8));
}
Pb AnswerOf(uint64_t trace) {
  return otlp::testing::Span(trace, 100 * trace + 2)
      .Uint(field::span::kKind, 2)
      .Bytes(field::span::kParentSpanId, Id(100 * trace + 1, 8));
}

TEST_F(SamplerTest, CallsBetweenServicesAreCountedOfKeptAndDroppedTracesInAnyOrder) {
  Start();
  Send(otlp::testing::Request({AnswerOf(1), AnswerOf(2)}, otlp::testing::Resource("pay")));
  Send(otlp::testing::Request({CallOf(1), CallOf(2), Span(2, 299, true)}));
  DecideAll();
  EXPECT_EQ(store_->spans().size(), 3U) << "only the second trace has an error";
  EXPECT_EQ(store_->Calls("shop", "pay"), 2);
  EXPECT_EQ(store_->Calls("user", "shop"), 1) << "the span without a parent";
  EXPECT_EQ(Metric("sightline.service_graph.calls"), 3);
  EXPECT_EQ(Metric("sightline.service_graph.unpaired_spans"), 0);
  EXPECT_EQ(sampler_->status().undecided_spans, 0U);
}

TEST_F(SamplerTest, WhatIsSampledOutIsRecordedAlsoIfAKillCameInBetween) {
  Start();  // the decision is in the journal, and no record of it
  Send(otlp::testing::Request({Span(1, 11), Span(2, 21, true)}));
  Send(otlp::testing::Request({Span(3, 31)}));
  DecideAll();
  auto records = DroppedTraces::Open({.directory = root_ + "/dropped"}, metrics_);
  ASSERT_TRUE(records);
  options_.dropped_traces = records->get();
  Start();
  const auto decided = [&](uint64_t trace) { return (*records)->Find(std::string_view(HexEncode(Id(trace, 16)))); };
  for (const uint64_t trace : {1, 3}) {
    ASSERT_TRUE(decided(trace)) << trace;
    EXPECT_GE(decided(trace)->decided_unix_nanos, 1'795'333'380'000'000'000 + 20'000'000'000);
  }
  EXPECT_FALSE(decided(2)) << "it is kept";
  const uint64_t bytes = (*records)->status().bytes;
  Start();
  EXPECT_EQ((*records)->status().bytes, bytes) << "what is recorded is not recorded again";
  Send(otlp::testing::Request({Span(4, 41)}));
  DecideAll();
  EXPECT_TRUE(decided(4));
  Stop();
}

TEST_F(SamplerTest, CallsAreCountedOnceAcrossARestart) {
  Start();
  Send(otlp::testing::Request({CallOf(1), CallOf(2)}));
  Send(otlp::testing::Request({AnswerOf(1)}, otlp::testing::Resource("pay")));
  Send(otlp::testing::Request({AnswerOf(2)}, otlp::testing::Resource("pay")));
  DecideAll();
  Send(otlp::testing::Request({CallOf(3)}));
  Send(otlp::testing::Request({AnswerOf(3)}, otlp::testing::Resource("pay")));
  WaitUntilTaken();
  double calls = store_->Calls("shop", "pay");
  EXPECT_EQ(calls, 2);
  Start();
  DecideAll();
  calls += store_->Calls("shop", "pay");
  EXPECT_EQ(calls, 3);
}

TEST_F(SamplerTest, DecisionsThatCannotBeWrittenHaveNoEffectAndAreTriedAgain) {
  Start();
  Send(otlp::testing::Request({Span(1, 11, true), Span(2, 21)}));
  WaitUntilTaken();
  SetFaultsForTest("sample.decide.begin=error:1-3");
  clock_.Advance(30'000'000'000);
  WaitUntilDecided();
  EXPECT_THAT(KeptIds(), ElementsAre(Id(11, 8)));
  EXPECT_GE(Metric("sightline.sampling.errors"), 1);
  EXPECT_EQ(Metric("sightline.journal.frames.unfinished"), 0);
}

TEST_F(SamplerTest, AtTheMemoryLimitTheOldestAreDecidedEarly) {
  options_.shards = 1;
  options_.memory_bytes_max = 1 << 20;
  Start();
  std::set<std::string> expected;
  for (uint64_t request = 0; request < 40; ++request) {
    std::vector<Pb> spans;
    for (uint64_t trace = request * 500; trace < (request + 1) * 500; ++trace) {
      const bool error = trace % 10 == 0;
      spans.push_back(Span(trace + 1, trace + 1, error));
      if (error) expected.insert(Id(trace + 1, 8));
    }
    Send(otlp::testing::Request(spans));
    WaitUntilTaken();
    EXPECT_LT(sampler_->status().memory_bytes, 1'500'000U);
  }
  EXPECT_GT(Metric("sightline.sampling.early_decisions", "memory"), 1000);
  DecideAll();
  EXPECT_EQ(KeptIds(), expected);
  EXPECT_EQ(Metric("sightline.journal.frames.unfinished"), 0);
}

TEST_F(SamplerTest, AJournalThatIsFullOfUndecidedSpansIsMadeRoomInEarly) {
  journal_options_.journal_bytes_max = 1 << 20;
  // No trace is due by itself, however long the clock runs until the sampler's threads get a turn.
  Start(R"(
decision_wait: 2h
policies:
  - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
)");
  uint64_t errors = 0;
  for (uint64_t i = 1; i <= 1500; ++i) {
    const std::string request = otlp::testing::Request(
        {Span(i, i, i % 50 == 0)
             .Message(field::span::kAttributes, Attribute("text", StringValue(std::string(1000, 'x'))))});
    errors += i % 50 == 0;
    while (journal_->bytes_on_disk() + 10'000 > journal_options_.journal_bytes_max) {
      clock_.Advance(1'000'000);
      std::this_thread::yield();
    }
    Send(request);
    clock_.Advance(1'000'000);
  }
  EXPECT_GT(Metric("sightline.sampling.early_decisions", "journal"), 100);
  clock_.Advance(2 * 3'600'000'000'000);
  DecideAll();
  EXPECT_EQ(store_->spans().size(), errors);
}

TEST_F(SamplerTest, AFullJournalDecidesAllThatItsOldestSegmentsHoldAndNothingElse) {
  journal_options_.journal_bytes_max = 1 << 20;
  options_.shards = 1;  // of two, one may begin with the next segment as the other finishes the one before
  Start("{decision_wait: 2h, policies: [{name: errors, type: status_code, status_code: {status_codes: [ERROR]}}]}");
  const Pb text = Attribute("text", StringValue(std::string(1000, 'x')));
  std::vector<uint64_t> frames;  // one trace each
  const auto wait_until_below = [&](uint64_t bytes) {
    while (journal_->bytes_on_disk() > bytes) {
      clock_.Advance(1'000'000);
      std::this_thread::yield();
    }
  };
  for (uint64_t number = 1; number <= 1500; ++number) {
    wait_until_below(journal_options_.journal_bytes_max - 10'000);
    frames.push_back(Send(otlp::testing::Request({Span(number, number).Message(field::span::kAttributes, text)})));
  }
  WaitUntilTaken();
  wait_until_below(journal_options_.journal_bytes_max / 4 * 3);
  const auto early = static_cast<size_t>(Metric("sightline.sampling.early_decisions", "journal"));
  EXPECT_GT(early, 500U);
  for (size_t i = 0; i < frames.size(); ++i) {
    const auto frame = journal_->ReadFrame(frames[i]);
    EXPECT_EQ(frame.has_value(), i >= early) << "trace " << i << " of " << early << " that were decided";
  }
}

TEST_F(SamplerTest, NewPoliciesJudgeWhatWaitsToo) {
  Start();
  Send(otlp::testing::Request({Span(1, 11, true), Span(2, 21, false, 700)}));
  WaitUntilTaken();
  sampler_->SetPolicies(Compile(R"(
policies:
  - {name: half, type: latency, latency: {threshold_ms: 500}}
  - {name: pay, type: string_attribute, string_attribute: {key: service.name, values: [pay]}}
)"));
  Send(otlp::testing::Request({Span(3, 31, true), Span(4, 41, false, 600)}));
  Send(otlp::testing::Request({Span(5, 51)}, otlp::testing::Resource("pay")));
  DecideAll();
  EXPECT_THAT(KeptIds(), ElementsAre(Id(21, 8), Id(41, 8), Id(51, 8)));
  EXPECT_EQ(store_->spans().at(Id(21, 8)).policy, "half");
}

TEST_F(SamplerTest, DropPendingOnShutdownDropsAndSaysSo) {
  Start(std::string(kPolicies) + "drop_pending_traces_on_shutdown: true\n");
  Send(otlp::testing::Request({Span(1, 11, true)}));
  ASSERT_TRUE(sampler_->Drain(INT64_MAX));
  EXPECT_THAT(KeptIds(), IsEmpty());
  EXPECT_EQ(Metric("sightline.sampling.traces", "drop_pending_traces_on_shutdown"), 1);
  Start();
  EXPECT_EQ(sampler_->status().undecided_spans + sampler_->queued_spans(), 0U);
}

TEST_F(SamplerTest, TracesBeyondTheirLimitsAreDecidedOrDropped) {
  options_.shards = 1;
  Start(std::string(kPolicies) + "num_traces: 2\nmaximum_trace_size_bytes: 2000\n");
  Send(otlp::testing::Request({Span(1, 11, true), Span(2, 21), Span(3, 31, true)}));
  WaitUntilTaken();
  const Pb big =
      Span(9, 91, true).Message(field::span::kAttributes, Attribute("text", StringValue(std::string(3000, 'x'))));
  Send(otlp::testing::Request({big}));
  DecideAll();
  EXPECT_THAT(KeptIds(), ElementsAre(Id(11, 8), Id(31, 8)));
  EXPECT_EQ(Metric("sightline.sampling.early_decisions", "num_traces"), 1);
  EXPECT_EQ(Metric("sightline.sampling.too_large_traces"), 1);
}

}  // namespace
}  // namespace sightline::sample
