#include "otel/propagation.h"

#include <gmock/gmock.h>

#include <map>
#include <string>

namespace otel {
namespace {

using testing::ElementsAre;
using testing::Pair;
using Headers = std::map<std::string, std::string, std::less<>>;

Headers Injected(const TextMapPropagator& propagator, const Context& context) {
  Headers headers;
  propagator.Inject(context,
                    [&](std::string_view name, std::string_view value) { headers[std::string(name)] = value; });
  return headers;
}

Context Extracted(const TextMapPropagator& propagator, const Headers& headers, const Context& context = {}) {
  return propagator.Extract(context, [&](std::string_view name) {
    const auto found = headers.find(name);
    return found == headers.end() ? std::nullopt : std::optional<std::string_view>(found->second);
  });
}

constexpr char kParent[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceContextPropagator, PassesOnWhatItReads) {
  const auto propagator = TraceContextPropagator();
  const Headers headers = {{"traceparent", kParent}, {"tracestate", "rojo=1,congo=2"}};
  const Context context = Extracted(*propagator, headers);
  const SpanContext& span = context.span_context();
  EXPECT_EQ(span.trace_id.Hex(), "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(span.span_id.Hex(), "00f067aa0ba902b7");
  EXPECT_TRUE(span.flags.sampled());
  EXPECT_TRUE(span.is_remote);
  EXPECT_FALSE(context.span().IsRecording());
  EXPECT_EQ(Injected(*propagator, context), headers);
}

TEST(TraceContextPropagator, ReadsLaterVersionsAndPassesOnKnownFlagsOnly) {
  const auto propagator = TraceContextPropagator();
  for (const std::string header : {"cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff",
                                   "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff-what-comes"}) {
    EXPECT_THAT(Injected(*propagator, Extracted(*propagator, {{"traceparent", header}})),
                ElementsAre(Pair("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03")));
  }
}

TEST(TraceContextPropagator, IgnoresWhatIsMalformed) {
  const auto propagator = TraceContextPropagator();
  const std::string cases[] = {
      "",
      "00",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
      "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
      "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
      "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
      "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.x",
  };
  const Context before = Extracted(*propagator, {{"traceparent", kParent}});
  for (const std::string& header : cases) {
    EXPECT_FALSE(Extracted(*propagator, {{"traceparent", header}}).span_context().IsValid()) << header;
    EXPECT_EQ(Extracted(*propagator, {{"traceparent", header}}, before).span_context(), before.span_context());
  }
}

TEST(TraceContextPropagator, KeepsTheParentOfAMalformedState) {
  const Context context = Extracted(*TraceContextPropagator(), {{"traceparent", kParent}, {"tracestate", "A=1"}});
  EXPECT_TRUE(context.span_context().IsValid());
  EXPECT_TRUE(context.span_context().state.empty());
}

TEST(TraceContextPropagator, InjectsNothingWithoutAValidSpan) {
  EXPECT_TRUE(Injected(*TraceContextPropagator(), Context()).empty());
}

TEST(BaggagePropagator, PassesOnWhatItReads) {
  const auto propagator = BaggagePropagator();
  const Headers headers = {{"baggage", "a=1;p=x,b=%20"}};
  EXPECT_EQ(Injected(*propagator, Extracted(*propagator, headers)), headers);
  const Context before = Context().WithBaggage(Baggage().With("old", "1"));
  EXPECT_EQ(Extracted(*propagator, {{"baggage", "?"}}, before).baggage().Get("old"), "1");
  EXPECT_EQ(Extracted(*propagator, {}, before).baggage().Get("old"), "1");
}

TEST(CompositePropagator, AsksEach) {
  const auto propagator = CompositePropagator({TraceContextPropagator(), nullptr, BaggagePropagator()});
  const Headers headers = {{"baggage", "a=1"}, {"traceparent", kParent}};
  EXPECT_EQ(Injected(*propagator, Extracted(*propagator, headers)), headers);
  EXPECT_THAT(propagator->Fields(), ElementsAre("traceparent", "tracestate", "baggage"));
}

TEST(GetPropagator, DoesNothingUntilOneIsSet) {
  const Headers headers = {{"traceparent", kParent}};
  EXPECT_FALSE(Extracted(GetPropagator(), headers).span_context().IsValid());
  SetPropagator(TraceContextPropagator());
  EXPECT_TRUE(Extracted(GetPropagator(), headers).span_context().IsValid());
  SetPropagator(nullptr);
  EXPECT_FALSE(Extracted(GetPropagator(), headers).span_context().IsValid());
}

}  // namespace
}  // namespace otel
