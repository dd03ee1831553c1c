#include "metrics/reservoir.h"

#include <gmock/gmock.h>

namespace otel::internal {
namespace {

void OfferTo(Reservoir& reservoir, size_t group, int64_t value, Random& random) {
  if (Exemplar* const chosen = reservoir.Choose(group, random)) chosen->value = value;
}

std::vector<int64_t> Take(Reservoir& reservoir) {
  std::vector<Exemplar> exemplars;
  reservoir.Take(exemplars);
  std::vector<int64_t> values;
  values.reserve(exemplars.size());
  for (const Exemplar& exemplar : exemplars) values.push_back(std::get<int64_t>(exemplar.value));
  return values;
}

TEST(Reservoir, KeepsAllThatFindPlace) {
  Random random(1);
  Reservoir reservoir({.places = 4});
  for (int64_t i = 0; i < 3; ++i) OfferTo(reservoir, 0, i, random);
  EXPECT_THAT(Take(reservoir), testing::ElementsAre(0, 1, 2));
  EXPECT_THAT(Take(reservoir), testing::IsEmpty());
}

TEST(Reservoir, KeepsOneOfEachGroup) {
  Random random(1);
  Reservoir reservoir({.groups = 3});
  for (int64_t i = 0; i < 100; ++i) {
    OfferTo(reservoir, 0, i, random);
    OfferTo(reservoir, 2, 1000 + i, random);
  }
  const auto values = Take(reservoir);
  ASSERT_EQ(values.size(), 2);
  EXPECT_LT(values[0], 100);
  EXPECT_GE(values[1], 1000);
}

// Each of ten measurements is kept in about a fifth of the rounds, whether one thread made them or two.
TEST(Reservoir, GivesEachTheSameChanceAlsoWhenMerged) {
  constexpr int kRounds = 20'000;
  for (const int64_t in_other : {0, 3, 9}) {
    Random random(2);
    Reservoir reservoir({.places = 2}), other({.places = 2});
    std::array<int, 10> kept{};
    for (int round = 0; round < kRounds; ++round) {
      for (int64_t i = 0; i < 10; ++i) OfferTo(i < in_other ? other : reservoir, 0, i, random);
      reservoir.Merge(other, random);
      const auto values = Take(reservoir);
      ASSERT_EQ(values.size(), 2);
      ASSERT_NE(values[0], values[1]);
      for (const int64_t value : values) ++kept[static_cast<size_t>(value)];
    }
    for (const int count : kept) EXPECT_NEAR(count, kRounds * 0.2, 300);  // five standard deviations
  }
}

TEST(ExemplarReservoirs, FollowTheirKind) {
  const auto offer = [](ExemplarReservoir& reservoir, double value) {
    reservoir.Offer({value, 7, AttributesView{{"a", 1}, {"b", 2}}, SpanContext()});
  };
  const auto fixed = SimpleFixedSizeExemplarReservoir(3)();
  const auto aligned = AlignedHistogramBucketExemplarReservoir({10, 20})();
  for (const double value : {5.0, 10.0, 20.0, 15.0, 99.0}) {
    offer(*fixed, value);
    offer(*aligned, value);
  }
  EXPECT_EQ(CollectExemplars(*fixed, {}).size(), 3);
  const auto exemplars = CollectExemplars(*aligned, Attributes{{"a", 1}});
  ASSERT_EQ(exemplars.size(), 3);
  EXPECT_LE(std::get<double>(exemplars[0].value), 10);
  EXPECT_LE(std::get<double>(exemplars[1].value), 20);
  EXPECT_EQ(std::get<double>(exemplars[2].value), 99);
  EXPECT_EQ(exemplars[0].time, 7);
  EXPECT_EQ(exemplars[0].filtered_attributes, (Attributes{{"b", 2}}));
  EXPECT_THAT(CollectExemplars(*aligned, {}), testing::IsEmpty());
}

}  // namespace
}  // namespace otel::internal
