#include "otel/span.h"

#include <gmock/gmock.h>

#include <stdexcept>
#include <thread>

#include "otel/in_memory_span_exporter.h"
#include "otel/tracer_provider.h"
#include "trace/span_record.h"

namespace otel {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::SizeIs;

MATCHER_P2(Has, key, value, "") {
  return arg.key == key && Equal(arg.value, AnyValue(value));
}

class SpanTest : public ::testing::Test {
 protected:
  void Start(TracerProviderOptions options) {
    options.processors = {std::make_shared<SimpleSpanProcessor>(spans_.Exporter())};
    provider_.Start(std::move(options));
  }
  SpanData Only() const {
    const auto all = spans_.spans();
    EXPECT_THAT(all, SizeIs(1));
    return all.empty() ? SpanData() : all[0];
  }

  InMemorySpans spans_;
  TracerProvider provider_;
  const Tracer tracer_ = provider_.GetTracer("shop", "1.2", "https://schema", {{"part", "cart"}});
};

TEST_F(SpanTest, TellsAllItWasTold) {
  UnixNanos now = 1000;
  Start({.resource = {.attributes = {{"service.name", "s"}}}, .clock = [&] { return now; }});
  SpanContext other{.is_remote = true};
  other.trace_id.bytes[0] = other.span_id.bytes[0] = 1;
  auto span = tracer_.StartSpan(
      "GET", {.kind = SpanKind::kServer, .attributes = {{"a", 1}}, .links = {{other, {{"why", "batch"}}}}});
  EXPECT_TRUE(span.IsRecording());
  now = 1001;
  std::string text = "a text that lies on the heap of its string";
  span.SetAttribute("text", text);
  span.SetAttributes({{"b", true}, {"a", 2}, {"", 7}});
  span.AddEvent("event", {{"x", 0.5}});
  span.AddEvent("earlier", {}, 500);
  span.AddLink(other);
  span.SetStatus(StatusCode::kError, "went wrong");
  span.UpdateName("GET /cart");
  text.assign(text.size(), '?');
  now = 1002;
  span.End();

  const SpanData data = Only();
  EXPECT_EQ(data.name, "GET /cart");
  EXPECT_EQ(data.kind, SpanKind::kServer);
  EXPECT_EQ(data.context, span.context());
  EXPECT_EQ(data.parent, SpanContext());
  EXPECT_EQ(data.start, 1000);
  EXPECT_EQ(data.end, 1002);
  EXPECT_THAT(data.attributes,
              ElementsAre(Has("a", 2), Has("text", "a text that lies on the heap of its string"), Has("b", true)));
  ASSERT_THAT(data.events, SizeIs(2));
  EXPECT_EQ(data.events[0].name, "event");
  EXPECT_EQ(data.events[0].time, 1001);
  EXPECT_THAT(data.events[0].attributes, ElementsAre(Has("x", 0.5)));
  EXPECT_EQ(data.events[1].time, 500);
  ASSERT_THAT(data.links, SizeIs(2));
  EXPECT_EQ(data.links[0].context, other);
  EXPECT_THAT(data.links[0].attributes, ElementsAre(Has("why", "batch")));
  EXPECT_EQ(data.status, StatusCode::kError);
  EXPECT_EQ(data.status_description, "went wrong");
  EXPECT_EQ(data.scope->name, "shop");
  EXPECT_EQ(data.scope->version, "1.2");
  EXPECT_EQ(data.scope->schema_url, "https://schema");
  EXPECT_EQ(data.scope->attributes, (Attributes{{"part", "cart"}}));
  EXPECT_EQ(spans_.resource().attributes, (Attributes{{"service.name", "s"}}));
}

TEST_F(SpanTest, HasEachOfManyKeysOnceWithItsLastValue) {
  Start({});
  std::vector<std::string> keys;
  for (int i = 0; i < 120; ++i) keys.push_back("key." + std::to_string(i));
  {
    auto span = tracer_.StartSpan("many");
    for (int round = 0; round < 3; ++round) {
      for (size_t i = 0; i < keys.size(); ++i) span.SetAttribute(keys[i], static_cast<int64_t>(i) * round);
    }
  }
  const auto attributes = Only().attributes;
  ASSERT_EQ(attributes.size(), keys.size());
  for (size_t i = 0; i < keys.size(); ++i) EXPECT_THAT(attributes[i], Has(keys[i], 2 * static_cast<int64_t>(i)));
}

TEST_F(SpanTest, IgnoresAllOnceItHasEnded) {
  Start({});
  auto span = tracer_.StartSpan("s");
  const SpanRef ref = span;
  span.End(UnixNanos{1} << 62);
  EXPECT_FALSE(ref.IsRecording());
  ref.SetAttribute("a", 1);
  ref.AddEvent("e");
  ref.AddLink(ref.context());
  ref.SetStatus(StatusCode::kOk);
  ref.RecordException(std::runtime_error("late"));
  ref.UpdateName("late");
  ref.End();
  const SpanData data = Only();
  EXPECT_EQ(data.name, "s");
  EXPECT_EQ(data.end, UnixNanos{1} << 62);
  EXPECT_THAT(data.attributes, SizeIs(0));
  EXPECT_THAT(data.events, SizeIs(0));
  EXPECT_THAT(data.links, SizeIs(0));
  EXPECT_EQ(data.status, StatusCode::kUnset);
  EXPECT_TRUE(ref.context().IsValid());
}

TEST_F(SpanTest, EndsWhenItsHandleIsDestroyedOrAssignedTo) {
  Start({});
  {
    auto span = tracer_.StartSpan("first");
    span = tracer_.StartSpan("second");
    EXPECT_EQ(spans_.size(), 1);
    Span moved = std::move(span);
    EXPECT_EQ(spans_.size(), 1);
    moved.SetAttribute("a", 1);
  }
  EXPECT_EQ(spans_.size(), 2);
}

TEST_F(SpanTest, ContextMayOutliveIt) {
  Start({});
  Context context;
  {
    const auto span = tracer_.StartSpan("parent");
    context = Context().WithSpan(span);
    context.span().SetAttribute("through", "context");
  }
  EXPECT_FALSE(context.span().IsRecording());
  context.span().SetAttribute("too", "late");
  tracer_.StartSpan("child", {.parent = &context});
  const auto all = spans_.spans();
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_THAT(all[0].attributes, ElementsAre(Has("through", "context")));
  EXPECT_EQ(all[1].parent, all[0].context);
  EXPECT_EQ(all[1].context.trace_id, all[0].context.trace_id);
}

struct Step {
  StatusCode code;
  std::string_view description;
};
struct StatusCase {
  std::vector<Step> steps;
  StatusCode code;
  std::string_view description;
};

TEST_F(SpanTest, StatusFollowsTheOrderOfTheSpecification) {
  Start({});
  using enum StatusCode;
  const StatusCase cases[] = {
      {{}, kUnset, ""},
      {{{kOk, "is ignored"}}, kOk, ""},
      {{{kError, "one"}, {kError, "two"}}, kError, "two"},
      {{{kError, "one"}, {kUnset, ""}}, kError, "one"},
      {{{kError, "one"}, {kOk, ""}}, kOk, ""},
      {{{kOk, ""}, {kError, "one"}}, kOk, ""},
      {{{kOk, ""}, {kUnset, ""}}, kOk, ""},
  };
  for (const StatusCase& given : cases) {
    spans_.Clear();
    auto span = tracer_.StartSpan("s");
    for (const Step& step : given.steps) span.SetStatus(step.code, step.description);
    span.End();
    EXPECT_EQ(Only().status, given.code);
    EXPECT_EQ(Only().status_description, given.description);
  }
}

TEST_F(SpanTest, RecordsExceptionsByTypeAndMessage) {
  Start({});
  {
    const auto span = tracer_.StartSpan("s");
    const std::out_of_range error("no such item");
    span.RecordException(static_cast<const std::exception&>(error), {{"exception.escaped", true}});
    span.RecordException(error, {{"exception.message", "hidden"}});
  }
  const SpanData data = Only();
  ASSERT_THAT(data.events, SizeIs(2));
  EXPECT_EQ(data.events[0].name, "exception");
  EXPECT_THAT(data.events[0].attributes,
              ElementsAre(Has("exception.type", "std::out_of_range"), Has("exception.message", "no such item"),
                          Has("exception.escaped", true)));
  EXPECT_THAT(data.events[1].attributes,
              ElementsAre(Has("exception.type", "std::out_of_range"), Has("exception.message", "hidden")));
  EXPECT_EQ(data.status, StatusCode::kUnset);
}

TEST_F(SpanTest, LimitsAreKeptAndWhatIsBeyondThemIsCounted) {
  Start({.limits = {.attribute_count = 2,
                    .attribute_value_length = 3,
                    .event_count = 1,
                    .link_count = 1,
                    .event_attribute_count = 1,
                    .link_attribute_count = 1}});
  SpanContext other;
  other.trace_id.bytes[0] = other.span_id.bytes[0] = 1;
  {
    const auto span = tracer_.StartSpan("long name", {.attributes = {{"a", "\u00e4bcd"}, {"b", 1}, {"c", 1}}});
    span.SetAttribute("d", 1);
    span.SetAttribute("b", "longer");  // it is there already
    span.AddEvent("first event", {{"x", "longer"}, {"y", 1}, {"x", "last"}});
    span.AddEvent("second");
    span.AddLink(other, {{"x", 1}, {"y", 1}, {"z", 1}});
    span.AddLink(other);
    span.AddLink(other);
  }
  const SpanData data = Only();
  EXPECT_EQ(data.name, "long name");
  EXPECT_THAT(data.attributes, ElementsAre(Has("a", "\u00e4bc"), Has("b", "lon")));
  EXPECT_EQ(data.dropped_attributes, 2);
  ASSERT_THAT(data.events, SizeIs(1));
  EXPECT_THAT(data.events[0].attributes, ElementsAre(Has("x", "las")));
  EXPECT_EQ(data.events[0].dropped_attributes, 1);
  EXPECT_EQ(data.dropped_events, 1);
  ASSERT_THAT(data.links, SizeIs(1));
  EXPECT_EQ(data.links[0].dropped_attributes, 2);
  EXPECT_EQ(data.dropped_links, 2);
}

TEST_F(SpanTest, DefaultLimitsHoldForAllLists) {
  Start({});
  {
    const auto span = tracer_.StartSpan("s");
    for (int i = 0; i < 200; ++i) {
      span.SetAttribute(std::to_string(i), std::string(100, 'x'));
      span.AddEvent("e");
      span.AddLink(span.context());
    }
  }
  const SpanData data = Only();
  EXPECT_THAT(data, AllOf(Field(&SpanData::attributes, SizeIs(128)), Field(&SpanData::events, SizeIs(128)),
                          Field(&SpanData::links, SizeIs(128)), Field(&SpanData::dropped_attributes, 72),
                          Field(&SpanData::dropped_events, 72), Field(&SpanData::dropped_links, 72)));
  EXPECT_THAT(data.attributes[127], Has("127", std::string(100, 'x')));
}

class KeepsRecords final : public SpanProcessor {
 public:
  void OnEnd(FinishedSpan span) override { spans.push_back(std::move(span)); }
  bool ForceFlush(Deadline) override { return true; }
  bool Shutdown(Deadline) override { return true; }

  std::vector<FinishedSpan> spans;
};

// A span that lives long and reports its progress must not grow.
TEST(SpanMemory, ValuesThatAreReplacedDoNotPileUp) {
  const auto kept = std::make_shared<KeepsRecords>();
  TracerProvider provider({.processors = {kept}});
  SpanContext other;
  other.state = *TraceState::FromHeader("a=1");
  {
    const auto span = provider.GetTracer("t").StartSpan("s", {.attributes = {{"kept", "first"}}});
    span.AddEvent("event", {{"x", "y"}});
    span.AddLink(other, {{"x", "z"}});
    for (size_t i = 0; i < 100'000; ++i) span.SetAttribute("progress", std::string(i % 100, 'x'));
    span.SetAttribute("kept too", std::vector<int64_t>{1, 2});
    for (size_t i = 0; i < 100'000; ++i) span.UpdateName(std::string(i % 100, 'n'));
    for (size_t i = 0; i < 100'000; ++i) span.SetStatus(StatusCode::kError, std::string(i % 100, 'e'));
    for (size_t i = 0; i < 100'000; ++i) span.SetAttribute("progress", std::string(i % 50, 'z'));
  }
  ASSERT_THAT(kept->spans, SizeIs(1));
  const SpanData& data = kept->spans[0].data();
  EXPECT_THAT(data.attributes, ElementsAre(Has("kept", "first"), Has("progress", std::string(49, 'z')),
                                           Has("kept too", std::vector<int64_t>{1, 2})));
  EXPECT_EQ(data.name, std::string(99, 'n'));
  EXPECT_EQ(data.status_description, std::string(99, 'e'));
  EXPECT_THAT(data.events[0].attributes, ElementsAre(Has("x", "y")));
  EXPECT_THAT(data.links[0].attributes, ElementsAre(Has("x", "z")));
  EXPECT_EQ(data.links[0].context, other);
  EXPECT_LT(kept->spans[0].record()->arena().bytes(), 128 * 1024);
}

TEST_F(SpanTest, MayBeToldByManyThreads) {
  Start({.limits = {.event_count = 10'000}});
  auto span = tracer_.StartSpan("s");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([ref = SpanRef(span), t] {
      for (int i = 0; i < 500; ++i) {
        ref.SetAttribute("of " + std::to_string(t), i);
        ref.AddEvent("e", {{"i", i}});
        if (i == 499) ref.SetStatus(StatusCode::kError, "last");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  span.End();
  EXPECT_THAT(Only().attributes, SizeIs(4));
  EXPECT_THAT(Only().events, SizeIs(2000));
}

}  // namespace
}  // namespace otel
