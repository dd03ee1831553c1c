#include "otel/attributes.h"

#include <gmock/gmock.h>

#include <cstring>

#include "common/arena.h"
#include "otel/scope.h"

namespace otel {
namespace {

TEST(AnyValue, TakesWhatItIsGiven) {
  const std::string text = "text";
  EXPECT_EQ(AnyValue(true).type(), AnyValue::Type::kBool);
  EXPECT_EQ(AnyValue(7).as_int(), 7);
  EXPECT_EQ(AnyValue(UINT64_MAX).as_int(), INT64_MAX);
  EXPECT_EQ(AnyValue(0.5F).as_double(), 0.5);
  EXPECT_EQ(AnyValue(text).as_string(), "text");
  EXPECT_EQ(AnyValue("literal").type(), AnyValue::Type::kString);
  EXPECT_EQ(AnyValue(static_cast<const char*>(nullptr)).as_string(), "");
  EXPECT_EQ(AnyValue::Map({{"a", 1}, {"b", "x"}}).as_map()[1].value.as_string(), "x");
}

TEST(Attributes, AreSortedAndHaveEachKeyOnce) {
  const Attributes attributes{{"b", 1}, {"a", "first"}, {"", 3}, {"a", "last"}};
  ASSERT_EQ(attributes.size(), 2);
  EXPECT_EQ(attributes.view()[0].key, "a");
  EXPECT_EQ(attributes.Find("a")->as_string(), "last");
  EXPECT_EQ(attributes.Find("b")->as_int(), 1);
  EXPECT_FALSE(attributes.Find("c"));
}

TEST(Attributes, OwnWhatTheyWereGiven) {
  std::string text = "long enough to lie on the heap of the string";
  const Attributes attributes{{"text", text}};
  text.assign(text.size(), 'x');
  EXPECT_EQ(attributes.Find("text")->as_string(), "long enough to lie on the heap of the string");
}

TEST(Attributes, AreEqualByWhatTheySay) {
  EXPECT_EQ((Attributes{{"a", 1}, {"b", "x"}}), (Attributes{{"b", "x"}, {"a", 1}}));
  EXPECT_FALSE((Attributes{{"a", 1}}) == (Attributes{{"a", 1.0}}));
  EXPECT_FALSE((Attributes{{"a", 1}}) == (Attributes{{"a", 1}, {"b", 2}}));
}

TEST(Arena, CutsTextsAfterSoManyCharacters) {
  internal::Arena arena;
  EXPECT_EQ(arena.Copy(std::string_view("a\u00e9z"), 1), "a");
  EXPECT_EQ(arena.Copy(std::string_view("a\u00e9z"), 2), "a\u00e9");
  EXPECT_EQ(arena.Copy(std::string_view("a\u00e9z"), 3), "a\u00e9z");
  EXPECT_EQ(arena.Copy(std::string_view("\u20ac\u20ac"), 0), "");
  EXPECT_EQ(arena.Copy(std::string_view(std::string(100, '\x80')), 2).size(), 8);  // not UTF-8: no character begins
  const std::vector<std::string_view> texts = {"four", "on"};
  EXPECT_THAT(arena.Copy(AnyValue(texts), 3).as_strings(), testing::ElementsAre("fou", "on"));
  const std::array<std::byte, 3> bytes = {};
  EXPECT_EQ(arena.Copy(AnyValue(std::span<const std::byte>(bytes)), 2).as_bytes().size(), 2);
}

TEST(Arena, DoesNotCopyWhatStaysAsItIs) {
  internal::Arena arena;
  static constexpr std::string_view kLiteral = "of the program";
  static char changes[] = "may be changed";
  const std::string on_heap = "of a request, and longer than what a string holds itself";
  EXPECT_EQ(arena.Copy(kLiteral).data(), kLiteral.data());
  EXPECT_EQ(arena.Copy(kLiteral, 2), "of");
  for (const std::string_view text : {std::string_view(changes), std::string_view(on_heap)}) {
    EXPECT_EQ(arena.Copy(text), text);
    EXPECT_NE(arena.Copy(text).data(), text.data());
  }
}

TEST(Arena, KeepsAFewBlocksWhateverItHeld) {
  internal::Arena arena;
  for (int round = 0; round < 3; ++round) {
    for (const size_t bytes : {100'000, 10, 2'000, 1'000, 1'000, 1'000, 1'000, 1'000}) {
      std::memset(arena.Allocate(bytes, 1), 1, bytes);
    }
    EXPECT_GE(arena.bytes(), 107'010);
    arena.Reset();
    EXPECT_LE(arena.bytes(), 3 * 1024);
  }
  for (int i = 0; i < 100; ++i) {
    auto* const aligned = arena.Allocate(7, 8);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(aligned) % 8, 0);
    std::memset(aligned, 1, 7);
  }
}

TEST(Resource, TheOtherOneWins) {
  const Resource a{{{"service.name", "old"}, {"host.name", "h"}}, "https://schema/1"};
  const Resource b{{{"service.name", "new"}}, "https://schema/2"};
  const Resource merged = a.MergedWith(b);
  EXPECT_EQ(merged.attributes, (Attributes{{"host.name", "h"}, {"service.name", "new"}}));
  EXPECT_EQ(merged.schema_url, "");
  EXPECT_EQ(a.MergedWith(Resource{}).schema_url, "https://schema/1");
}

}  // namespace
}  // namespace otel
