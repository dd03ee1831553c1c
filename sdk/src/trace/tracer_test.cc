#include <gmock/gmock.h>

#include <set>
#include <thread>

#include "otel/errors.h"
#include "otel/in_memory_span_exporter.h"
#include "otel/tracer_provider.h"

namespace otel {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const Deadline kSoon = std::chrono::steady_clock::now() + std::chrono::minutes(1);

Context Parent(bool sampled, bool remote = true) {
  SpanContext span{.flags = {sampled ? TraceFlags::kSampled : uint8_t{0}}, .is_remote = remote};
  span.trace_id.bytes[0] = 1;
  span.span_id.bytes[0] = 2;
  span.state = *TraceState::FromHeader("vendor=x");
  return Context().WithSpanContext(span);
}

class TracerTest : public ::testing::Test {
 protected:
  void Start(TracerProviderOptions options = {}) {
    options.processors.push_back(std::make_shared<SimpleSpanProcessor>(spans_.Exporter()));
    provider_.Start(std::move(options));
  }

  InMemorySpans spans_;
  TracerProvider provider_;
  const Tracer tracer_ = provider_.GetTracer("test");
};

TEST_F(TracerTest, OnlyPassesTheContextOnUntilTheProviderStarts) {
  EXPECT_FALSE(tracer_.Enabled());
  EXPECT_FALSE(tracer_.StartSpan("s").context().IsValid());
  const Context parent = Parent(true);
  const auto span = tracer_.StartSpan("s", {.parent = &parent});
  EXPECT_EQ(span.context(), parent.span_context());
  EXPECT_FALSE(span.IsRecording());
  Start();
  EXPECT_TRUE(tracer_.Enabled());
  EXPECT_TRUE(tracer_.StartSpan("s").IsRecording());
  EXPECT_FALSE(Tracer().Enabled());
  EXPECT_FALSE(Tracer().StartSpan("s").IsRecording());
}

TEST_F(TracerTest, ChildrenFollowTheCurrentSpan) {
  Start();
  auto parent = tracer_.StartSpan("parent");
  {
    const Scope scope(parent);
    tracer_.StartSpan("child");
    tracer_.StartSpan("root", {.root = true});
  }
  tracer_.StartSpan("stranger");
  const auto all = spans_.spans();
  ASSERT_THAT(all, SizeIs(3));
  EXPECT_EQ(all[0].parent, parent.context());
  EXPECT_EQ(all[0].context.trace_id, parent.context().trace_id);
  EXPECT_NE(all[0].context.span_id, parent.context().span_id);
  EXPECT_FALSE(all[1].parent.IsValid());
  EXPECT_NE(all[1].context.trace_id, parent.context().trace_id);
  EXPECT_FALSE(all[2].parent.IsValid());
}

TEST_F(TracerTest, ContinuesARemoteTrace) {
  Start();
  const Context parent = Parent(true);
  const auto span = tracer_.StartSpan("s", {.parent = &parent});
  EXPECT_EQ(span.context().trace_id, parent.span_context().trace_id);
  EXPECT_TRUE(span.context().flags.sampled());
  EXPECT_FALSE(span.context().is_remote);
  EXPECT_EQ(span.context().state.ToHeader(), "vendor=x");
}

TEST_F(TracerTest, SpanThatIsNotSampledHasItsOwnIdAndRecordsNothing) {
  Start();
  const Context parent = Parent(false);
  const auto span = tracer_.StartSpan("s", {.parent = &parent});
  EXPECT_TRUE(span.context().IsValid());
  EXPECT_NE(span.context().span_id, parent.span_context().span_id);
  EXPECT_EQ(span.context().trace_id, parent.span_context().trace_id);
  EXPECT_FALSE(span.context().flags.sampled());
  EXPECT_EQ(span.context().state.ToHeader(), "vendor=x");
  EXPECT_FALSE(span.IsRecording());
  EXPECT_FALSE(tracer_.StartSpan("child", {.parent = &parent}).IsRecording());
}

TEST_F(TracerTest, IdsDifferBetweenSpansAndThreads) {
  Start({.sampler = AlwaysOffSampler()});
  std::set<TraceId> traces[2];
  std::set<SpanId> spans[2];
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10'000; ++i) {
        const auto span = tracer_.StartSpan("s");
        traces[t].insert(span.context().trace_id);
        spans[t].insert(span.context().span_id);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  traces[0].merge(traces[1]);
  spans[0].merge(spans[1]);
  EXPECT_THAT(traces[0], SizeIs(20'000));
  EXPECT_THAT(spans[0], SizeIs(20'000));
}

class Counting final : public IdGenerator {
 public:
  TraceId NewTraceId() override {
    TraceId id;
    id.bytes[15] = ++traces;
    return id;
  }
  SpanId NewSpanId() override {
    SpanId id;
    id.bytes[7] = ++spans;
    return id;
  }
  uint8_t traces = 0, spans = 0;
};

TEST_F(TracerTest, UsesTheIdGeneratorAndSaysWhetherTraceIdsAreRandom) {
  Start({.id_generator = std::make_shared<Counting>()});
  const auto span = tracer_.StartSpan("s");
  EXPECT_EQ(span.context().trace_id.Hex(), "00000000000000000000000000000001");
  EXPECT_EQ(span.context().span_id.Hex(), "0000000000000001");
  EXPECT_EQ(span.context().flags.bits, TraceFlags::kSampled);

  TracerProvider other({.processors = {std::make_shared<SimpleSpanProcessor>(spans_.Exporter())}});
  EXPECT_EQ(other.GetTracer("t").StartSpan("s").context().flags.bits, TraceFlags::kSampled | TraceFlags::kRandom);
}

TEST_F(TracerTest, TimesAreThoseOfTheWallClockUnlessTheyAreGiven) {
  Start();
  constexpr int64_t kTolerance = 1'000'000'000;
  const auto now = std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
  tracer_.StartSpan("now");
  tracer_.StartSpan("then", {.start = 5}).End(7);
  const auto all = spans_.spans();
  EXPECT_NEAR(static_cast<double>(all[0].start), static_cast<double>(now), kTolerance);
  EXPECT_GE(all[0].end, all[0].start);
  EXPECT_EQ(all[1].start, 5);
  EXPECT_EQ(all[1].end, 7);
}

class Watching final : public SpanProcessor {
 public:
  explicit Watching(bool good = true) : good_(good) {}
  void OnStart(const SpanRef& span, const Context& parent) override {
    span.SetAttribute("user", parent.baggage().Get("user").value_or("nobody"));
    ++started;
  }
  void OnEnd(FinishedSpan span) override { ended.push_back(std::move(span)); }
  bool ForceFlush(Deadline) override { return good_; }
  bool Shutdown(Deadline) override { return good_; }

  int started = 0;
  std::vector<FinishedSpan> ended;

 private:
  const bool good_;
};

TEST_F(TracerTest, AsksAllProcessors) {
  const auto first = std::make_shared<Watching>(), second = std::make_shared<Watching>(false);
  Start({.resource = {.attributes = {{"service.name", "s"}}}, .processors = {first, nullptr, second}});
  const Context parent = Context().WithBaggage(Baggage().With("user", "7"));
  tracer_.StartSpan("s", {.parent = &parent});
  EXPECT_EQ(first->started, 1);
  ASSERT_THAT(first->ended, SizeIs(1));
  ASSERT_THAT(second->ended, SizeIs(1));
  EXPECT_EQ(first->ended[0].data().attributes[0].value.as_string(), "7");
  EXPECT_EQ(first->ended[0].resource().attributes.Find("service.name")->as_string(), "s");
  EXPECT_EQ(spans_.size(), 1);
  EXPECT_FALSE(provider_.ForceFlush(kSoon));
  EXPECT_FALSE(provider_.Shutdown(kSoon));
}

class RecordOnly final : public Sampler {
 public:
  SamplingResult ShouldSample(const SamplingParameters& parameters) const override {
    return {.decision = SamplingDecision::kRecordOnly,
            .attributes = {{"sampler", parameters.name}, {"a", 2}},
            .trace_state = *TraceState::FromHeader("from=sampler")};
  }
  std::string Description() const override { return "RecordOnly"; }
};

TEST_F(TracerTest, RecordedSpansThatAreNotSampledComeToProcessorsButNotToExporters) {
  const auto watching = std::make_shared<Watching>();
  Start({.processors = {watching}, .sampler = std::make_shared<RecordOnly>()});
  {
    const auto span = tracer_.StartSpan("s", {.attributes = {{"a", 1}}});
    EXPECT_TRUE(span.IsRecording());
    EXPECT_FALSE(span.context().flags.sampled());
    EXPECT_EQ(span.context().state.ToHeader(), "from=sampler");
  }
  ASSERT_THAT(watching->ended, SizeIs(1));
  const AttributesView attributes = watching->ended[0].data().attributes;
  ASSERT_THAT(attributes, SizeIs(3));
  EXPECT_EQ(attributes[0].value.as_int(), 2);
  EXPECT_EQ(attributes[1].value.as_string(), "s");
  EXPECT_EQ(spans_.size(), 0);
}

TEST_F(TracerTest, ProviderStartsAgainAfterShutdownAndNotBefore) {
  Start();
  const uint64_t before = ErrorCount("tracer provider");
  Start();
  EXPECT_EQ(ErrorCount("tracer provider"), before + 1);
  auto open = tracer_.StartSpan("open");
  EXPECT_TRUE(provider_.Shutdown(kSoon));
  open.End();
  EXPECT_EQ(spans_.size(), 0);
  EXPECT_FALSE(tracer_.StartSpan("s").IsRecording());
  Start();
  tracer_.StartSpan("s");
  EXPECT_EQ(spans_.size(), 1);
}

TEST(TracerProvider, SpansAndTracersMayOutliveIt) {
  Tracer tracer;
  Span span;
  {
    TracerProvider provider({.processors = {std::make_shared<Watching>()}});
    tracer = provider.GetTracer("t");
    span = tracer.StartSpan("s");
  }
  span.SetAttribute("a", 1);
  span.End();
  EXPECT_FALSE(tracer.StartSpan("s").IsRecording());
}

TEST(TracerProvider, WithoutProcessorsNothingIsRecorded) {
  TracerProvider provider(TracerProviderOptions{});
  EXPECT_FALSE(provider.GetTracer("t").Enabled());
}

// Made before the first use of tracing, so destroyed after anything that would not outlive the program.
struct EndsLast {
  ~EndsLast() { span = Span(); }
  Span span;
};

TEST(StaticDestruction, SpansMayEndAfterMain) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // in a process that begins anew
  EXPECT_EXIT(
      {
        static EndsLast last;
        static InMemorySpans spans;
        TracerProvider::Global().Start({.processors = {std::make_shared<BatchSpanProcessor>(spans.Exporter())}});
        last.span = GetTracer("test").StartSpan("s");
        GetTracer("test").StartSpan("other");
        std::exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace otel
