#include "metrics/attribute_set.h"

#include <gmock/gmock.h>

#include <cmath>
#include <memory>
#include <random>
#include <set>
#include <string>

#include "metrics/attribute_filter.h"
#include "metrics/series_table.h"

namespace otel::internal {
namespace {

TEST(AttributeSet, IsTheSameInAnyOrder) {
  const std::vector<Attribute> a{{"route", "/search"}, {"status", 200}, {"cached", true}, {"share", 0.5}};
  const std::vector<Attribute> b{{"share", 0.5}, {"cached", true}, {"route", "/search"}, {"status", 200}};
  EXPECT_EQ(HashOf(a), HashOf(b));
  EXPECT_TRUE(SameSet(a, b));
}

TEST(AttributeSet, DiffersByEachPart) {
  const std::vector<int64_t> ints = {1, 2}, other_ints = {2, 1};
  std::vector<Attribute> all = {{"k", 1},    {"k", 2},          {"k", 1.0},   {"k", true}, {"l", 1},
                                {"k", ints}, {"k", other_ints}, {"k", false}, {"k", 2.5},  {"k", AnyValue()}};
  // Of all lengths that are read in another way, each differing in its last character.
  std::vector<std::string> texts;
  for (size_t size = 0; size < 40; ++size) {
    texts.push_back(std::string(size, 'a') + 'b');
    texts.push_back(std::string(size, 'a') + 'c');
  }
  for (const auto& text : texts) {
    all.push_back({"text", text});
    all.push_back({text, 1});
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const AttributesView a(std::span<const Attribute>(&all[i], 1));
    for (size_t j = 0; j < all.size(); ++j) {
      const AttributesView b(std::span<const Attribute>(&all[j], 1));
      EXPECT_EQ(HashOf(a) == HashOf(b), i == j) << i << ' ' << j;
      EXPECT_EQ(SameSet(a, b), i == j) << i << ' ' << j;
    }
  }
  EXPECT_FALSE(SameSet({{"a", 1}}, {{"a", 1}, {"b", 1}}));
  EXPECT_NE(HashOf({{"a", 1}, {"b", 2}}), HashOf({{"a", 2}, {"b", 1}}));
}

TEST(AttributeSet, TreatsDoublesAsEqualDoes) {
  const std::vector<Attribute> zero{{"v", 0.0}}, negative{{"v", -0.0}}, nan{{"v", std::nan("1")}},
      other_nan{{"v", -NAN}};
  EXPECT_EQ(HashOf(zero), HashOf(negative));
  EXPECT_TRUE(SameSet(zero, negative));
  EXPECT_EQ(HashOf(nan), HashOf(other_nan));
  EXPECT_TRUE(SameSet(nan, other_nan));
}

TEST(AttributeSet, KnowsListsThatAreNoSets) {
  EXPECT_TRUE(HasEachKeyOnce({{"a", 1}, {"b", 1}}));
  EXPECT_FALSE(HasEachKeyOnce({{"a", 1}, {"b", 1}, {"a", 1}}));
  EXPECT_FALSE(HasEachKeyOnce({{"a", 1}, {"", 1}}));
}

TEST(AttributeFilter, KeepsWhatIsListedAndNotExcluded) {
  const std::vector<Attribute> list{{"a", 1}, {"b", 2}, {"c", 3}};
  const auto keys = [&](const AttributeFilter& filter) {
    return filter.Kept(list, [](AttributesView kept) {
      std::string all;
      for (const Attribute& attribute : kept) all += attribute.key;
      return all;
    });
  };
  using Keys = std::vector<std::string>;
  EXPECT_EQ(keys(AttributeFilter()), "abc");
  EXPECT_EQ(keys(AttributeFilter(Keys{"c", "a"}, {})), "ac");
  EXPECT_EQ(keys(AttributeFilter(Keys{}, {})), "");
  EXPECT_EQ(keys(AttributeFilter(std::nullopt, {"b"})), "ac");
  EXPECT_EQ(keys(AttributeFilter(Keys{"a", "b"}, {"b"})), "a");
  EXPECT_EQ(AttributeFilter(Keys{"a"}, {}).Dropped(list), (Attributes{{"b", 2}, {"c", 3}}));
}

TEST(AttributeFilter, WorksOnManyAttributes) {
  std::vector<std::string> names;
  names.reserve(100);
  for (int i = 0; i < 100; ++i) names.push_back("key" + std::to_string(i));
  std::vector<Attribute> list;
  list.reserve(names.size());
  for (const auto& name : names) list.push_back({name, 1});
  const AttributeFilter filter(std::nullopt, {"key7"});
  EXPECT_EQ(filter.Kept(list, [](AttributesView kept) { return kept.size(); }), 99);
}

// Against a map, with insertions and removals in random order.
TEST(SeriesTable, FindsWhatItHasAndNothingElse) {
  std::mt19937_64 random(3);
  std::vector<std::unique_ptr<SeriesKey>> keys;
  keys.reserve(300);
  for (int64_t i = 0; i < 300; ++i) keys.push_back(std::make_unique<SeriesKey>(AttributesView{{"a", i}, {"b", "x"}}));
  SeriesTable table;
  std::set<int64_t> present;
  for (int step = 0; step < 20'000; ++step) {
    const auto i = static_cast<int64_t>(random() % keys.size());
    if (random() % 2 == 0) {
      table.Insert(keys[static_cast<size_t>(i)].get());
      present.insert(i);
    } else {
      table.Erase(keys[static_cast<size_t>(i)].get());
      present.erase(i);
    }
    const auto sought = static_cast<int64_t>(random() % keys.size());
    const std::vector<Attribute> list{{"b", "x"}, {"a", sought}};
    const SeriesKey* const expected = present.contains(sought) ? keys[static_cast<size_t>(sought)].get() : nullptr;
    ASSERT_EQ(table.Find(HashOf(list), list), expected);
    ASSERT_EQ(table.Has(keys[static_cast<size_t>(sought)].get()), expected != nullptr);
  }
}

TEST(SeriesTable, DoesNotFindListsThatAreNoSets) {
  SeriesKey key({{"a", 1}, {"b", 2}});
  SeriesTable table;
  table.Insert(&key);
  const std::vector<Attribute> twice{{"a", 1}, {"a", 1}};
  EXPECT_EQ(table.Find(key.hash, twice), nullptr);
}

}  // namespace
}  // namespace otel::internal
