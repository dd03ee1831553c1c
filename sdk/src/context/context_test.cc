#include "otel/context.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

namespace otel {
namespace {

SpanContext Remote(uint8_t id) {
  SpanContext context{.is_remote = true};
  context.trace_id.bytes[15] = id;
  context.span_id.bytes[7] = id;
  return context;
}

TEST(Context, IsEmptyWithoutAScope) {
  EXPECT_FALSE(Context::Current().span_context().IsValid());
  EXPECT_TRUE(Context::Current().baggage().empty());
  EXPECT_FALSE(CurrentSpan().IsRecording());
}

TEST(Context, IsCurrentWhileItsScopeLives) {
  const Context outer = Context().WithSpanContext(Remote(1));
  const Scope outer_scope(outer);
  {
    const Scope inner_scope(SpanRef(Remote(2)));
    EXPECT_EQ(Context::Current().span_context(), Remote(2));
    std::thread([] { EXPECT_FALSE(Context::Current().span_context().IsValid()); }).join();
  }
  EXPECT_EQ(Context::Current().span_context(), Remote(1));
}

TEST(Context, ScopeOfASpanKeepsBaggageAndValues) {
  static const ContextKey<int> key("tenant");
  const Scope outer(Context().WithBaggage(Baggage().With("user", "7")).With(key, 5));
  const Scope inner(SpanRef(Remote(3)));
  EXPECT_EQ(Context::Current().baggage().Get("user"), "7");
  EXPECT_EQ(*Context::Current().Get(key), 5);
  EXPECT_EQ(Context::Current().span_context(), Remote(3));
}

TEST(Context, ScopesMayEndInAnyOrder) {
  auto first = std::make_unique<Scope>(SpanRef(Remote(1)));
  auto second = std::make_unique<Scope>(SpanRef(Remote(2)));
  auto third = std::make_unique<Scope>(SpanRef(Remote(3)));
  first.reset();
  EXPECT_EQ(Context::Current().span_context(), Remote(3));
  second.reset();
  EXPECT_EQ(Context::Current().span_context(), Remote(3));
  third.reset();
  EXPECT_FALSE(Context::Current().span_context().IsValid());
}

TEST(Context, ValuesAreFoundByTheirKeyAndTheNewestCounts) {
  static const ContextKey<std::string> name("same name"), other("same name");
  const Context first = Context().With(name, std::string("first"));
  const Context second = first.With(name, std::string("second"));
  EXPECT_EQ(*first.Get(name), "first");
  EXPECT_EQ(*second.Get(name), "second");
  EXPECT_EQ(second.Get(other), nullptr);
  EXPECT_EQ(Context().Get(name), nullptr);
}

}  // namespace
}  // namespace otel
