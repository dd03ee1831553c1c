#include <gmock/gmock.h>

#include <string>

#include "otel/span_context.h"

namespace otel {
namespace {

std::string Numbered(int count) {
  std::string header;
  for (int i = 0; i < count; ++i) header += (i > 0 ? ",k" : "k") + std::to_string(i) + "=v";
  return header;
}

TEST(TraceState, TakesWhatTheGrammarAllows) {
  const std::string cases[] = {
      "a=1",
      "a=1,b=2",
      "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
      "0tenant@vendor=x",
      "a_-*/9=x",
      "a= leading space",
      "a=~!#$%&'()*+-./:;<>?@[]^_`{|}",
      std::string(256, 'a') + "=x",
      std::string(241, 't') + "@" + std::string(14, 's') + "=x",
      "a=" + std::string(256, 'x'),
      Numbered(32),
  };
  for (const std::string& header : cases) {
    const auto state = TraceState::FromHeader(header);
    ASSERT_TRUE(state) << header;
    EXPECT_EQ(state->ToHeader(), header);
  }
  EXPECT_EQ(TraceState::FromHeader(" a=1 ,, \tb=2 ,")->ToHeader(), "a=1,b=2");
  EXPECT_TRUE(TraceState::FromHeader("")->empty());
}

TEST(TraceState, RefusesAllForOneThatIsMalformed) {
  const std::string cases[] = {
      "a",
      "a=",
      "=1",
      "A=1",
      "0a=1",
      "a b=1",
      "a=1=2",
      "a=\x01",
      "a=\x7f",
      "a=1,a=2",
      "@a=1",
      "a@=1",
      "a@0b=1",
      "a@b@c=1",
      "_a=1",
      "a =1",
      std::string(257, 'a') + "=x",
      std::string(242, 't') + "@s=x",
      "t@" + std::string(15, 's') + "=x",
      "a=" + std::string(257, 'x'),
      Numbered(33),
  };
  for (const std::string& header : cases) EXPECT_FALSE(TraceState::FromHeader(header)) << header;
}

TEST(TraceState, PutsChangedEntriesInFront) {
  const TraceState state = *TraceState::FromHeader("a=1,b=2");
  EXPECT_EQ(state.With("b", "3").ToHeader(), "b=3,a=1");
  EXPECT_EQ(state.With("c", "3").ToHeader(), "c=3,a=1,b=2");
  EXPECT_EQ(state.With("C", "3").ToHeader(), "a=1,b=2");
  EXPECT_EQ(state.With("c", "x,y").ToHeader(), "a=1,b=2");
  EXPECT_EQ(state.Without("a").ToHeader(), "b=2");
  EXPECT_TRUE(state.Without("a").Without("b").empty());
  EXPECT_EQ(state.Get("b"), "2");
  EXPECT_EQ(state.Get("c"), std::nullopt);
  EXPECT_EQ(state.ToHeader(), "a=1,b=2");
}

TEST(TraceState, DropsTheOldestEntryWhereThereAreTooMany) {
  const TraceState full = *TraceState::FromHeader(Numbered(32));
  const TraceState changed = full.With("new", "1");
  EXPECT_EQ(changed.Get("new"), "1");
  EXPECT_EQ(changed.Get("k30"), "v");
  EXPECT_EQ(changed.Get("k31"), std::nullopt);
}

}  // namespace
}  // namespace otel
