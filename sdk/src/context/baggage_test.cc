#include "otel/baggage.h"

#include <gmock/gmock.h>

namespace otel {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Entry = Baggage::Entry;

TEST(Baggage, IsImmutable) {
  const Baggage one = Baggage().With("a", "1");
  const Baggage two = one.With("b", "2", "p=1").With("a", "3");
  EXPECT_THAT(one.entries(), ElementsAre(Entry{"a", "1", ""}));
  EXPECT_THAT(two.entries(), ElementsAre(Entry{"a", "3", ""}, Entry{"b", "2", "p=1"}));
  EXPECT_THAT(two.Without("a").entries(), ElementsAre(Entry{"b", "2", "p=1"}));
  EXPECT_TRUE(one.Without("a").empty());
  EXPECT_EQ(one.With("", "x").entries(), one.entries());
  EXPECT_EQ(two.Get("b"), "2");
  EXPECT_EQ(two.Get("c"), std::nullopt);
}

struct Case {
  std::string_view header;
  std::vector<Entry> entries;
};

class BaggageHeaders : public testing::TestWithParam<Case> {};

TEST_P(BaggageHeaders, AreRead) {
  EXPECT_EQ(Baggage::FromHeader(GetParam().header).entries(), GetParam().entries);
}

INSTANTIATE_TEST_SUITE_P(All, BaggageHeaders,
                         testing::Values(Case{"", {}}, Case{"a=1", {{"a", "1", ""}}},
                                         Case{"a = 1 ;p1; p2=x , b=2", {{"a", "1", "p1; p2=x"}, {"b", "2", ""}}},
                                         Case{"a=%C3%A9%20%2C", {{"a", "\u00e9 ,", ""}}},
                                         Case{"a=b=c", {{"a", "b=c", ""}}},
                                         Case{"a=100%,b=%zz", {{"a", "100%", ""}, {"b", "%zz", ""}}},
                                         Case{"a=", {{"a", "", ""}}}, Case{"a=1,a=2", {{"a", "2", ""}}},
                                         // What is malformed does not take the others with it.
                                         Case{"no value,=1,k(=1,b=a b,c=\"q\",d=\x01,ok=1", {{"ok", "1", ""}}},
                                         Case{",,a=1,,", {{"a", "1", ""}}}));

TEST(Baggage, WritesWhatItReads) {
  const Baggage baggage = Baggage().With("user", "J\u00fcrgen, \"x\"; 100%", "prop=1").With("n", "1");
  EXPECT_EQ(baggage.ToHeader(), "user=J%C3%BCrgen%2C%20%22x%22%3B%20100%25;prop=1,n=1");
  EXPECT_EQ(Baggage::FromHeader(baggage.ToHeader()).entries(), baggage.entries());
}

TEST(Baggage, LeavesOutOfTheHeaderWhatWouldBreakIt) {
  EXPECT_EQ(Baggage().With("two words", "1").With("a", "1", "x,injected=1").ToHeader(), "a=1");
  EXPECT_THAT(Baggage().ToHeader(), IsEmpty());
}

TEST(Baggage, HeaderHasLimits) {
  Baggage many;
  for (int i = 0; i < 100; ++i) many = many.With("k" + std::to_string(i), "v");
  EXPECT_EQ(many.entries().size(), 100);
  EXPECT_EQ(Baggage::FromHeader(many.ToHeader()).entries().size(), Baggage::kHeaderEntriesMax);

  const std::string long_value(5000, 'x');
  const Baggage large = Baggage().With("a", long_value).With("b", long_value).With("c", "1");
  EXPECT_LE(large.ToHeader().size(), Baggage::kHeaderBytesMax);
  EXPECT_THAT(Baggage::FromHeader(large.ToHeader()).entries(),
              ElementsAre(Entry{"a", long_value, ""}, Entry{"c", "1", ""}));
  EXPECT_THAT(Baggage::FromHeader("a=1,b=" + std::string(9000, 'x')).entries(), ElementsAre(Entry{"a", "1", ""}));
  const std::string full = "a=" + std::string(Baggage::kHeaderBytesMax - 2, 'x');
  EXPECT_EQ(Baggage::FromHeader(full).ToHeader(), full);
}

}  // namespace
}  // namespace otel
