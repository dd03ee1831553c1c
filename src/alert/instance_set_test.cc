#include "alert/instance_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace sightline::alert {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kBegin = 1'000'000 * kSecond;

RuleDocument RuleWith(const std::string& condition, const std::string& more = "") {
  auto rule = ReadRule(R"({"schema": 1, "name": "test", "queries": [{"name": "A", "source": "logs"}], "condition": )" +
                       condition + more + "}");
  EXPECT_TRUE(rule) << rule.error().message;
  return *rule;
}

Labels Service(const std::string& name) {
  return {{"service.name", name}};
}

Reading Values(std::vector<std::pair<std::string, double>> values, bool counts = false) {
  Reading reading{.counts = counts};
  for (const auto& [name, value] : values) reading.groups.push_back({Service(name), {.value = value}});
  return reading;
}

std::vector<std::string> Firing(const InstanceSet& set) {
  std::vector<std::string> names;
  for (const auto& [labels, instance] : set.instances()) {
    if (instance.memory.state != State::kFiring) continue;
    names.push_back(labels.empty() ? "all" : labels.begin()->second);
  }
  return names;
}

const std::string kAbove10 = R"({"kind": "threshold", "op": "above", "critical": 10})";

TEST(InstanceSet, EachGroupIsAnInstanceOfItsOwn) {
  const RuleDocument rule = RuleWith(kAbove10);
  InstanceSet set;
  const auto outcome = set.Advance(rule, Values({{"a", 11}, {"b", 10}, {"c", 12}}), kBegin);
  EXPECT_THAT(Firing(set), ElementsAre("a", "c"));
  EXPECT_EQ(outcome.changed.size(), 2);
  EXPECT_EQ(outcome.to_save.size(), 3);
  EXPECT_THAT(set.Advance(rule, Values({{"a", 11}, {"b", 10}, {"c", 12}}), kBegin + kSecond).to_save, IsEmpty())
      << "what stays as it is need not be kept again";
}

TEST(InstanceSet, WhatIsCountedAndIsGoneHasZero) {
  const RuleDocument rule = RuleWith(kAbove10);
  InstanceSet set;
  set.Advance(rule, Values({{"a", 11}}, /*counts=*/true), kBegin);
  const auto outcome = set.Advance(rule, Values({}, /*counts=*/true), kBegin + kSecond);
  EXPECT_THAT(Firing(set), IsEmpty());
  ASSERT_EQ(outcome.changed.size(), 1);
  EXPECT_EQ(outcome.changed[0].change.notice, Notice::kResolved);
  EXPECT_EQ(outcome.changed[0].value, 0);
}

TEST(InstanceSet, WhatHasNoValueIsNoData) {
  const RuleDocument rule = RuleWith(kAbove10);
  InstanceSet set;
  set.Advance(rule, Values({{"a", 11}, {"b", 1}}), kBegin);
  set.Advance(rule, Values({{"b", 1}}), kBegin + kSecond);
  EXPECT_EQ(set.instances().at(Service("a")).memory.state, State::kNoData);
  EXPECT_EQ(set.instances().at(Service("b")).memory.state, State::kInactive);
}

TEST(InstanceSet, AnAnswerThatIsCutSaysNothingOfWhatIsMissing) {
  const RuleDocument rule = RuleWith(kAbove10);
  InstanceSet set;
  set.Advance(rule, Values({{"a", 11}}, true), kBegin);
  Reading cut = Values({{"b", 1}}, true);
  cut.is_cut = true;
  set.Advance(rule, cut, kBegin + kSecond);
  EXPECT_THAT(Firing(set), ElementsAre("a"));
}

TEST(InstanceSet, WithoutAnyGroupTheRuleHasNoData) {
  const RuleDocument rule = RuleWith(kAbove10);
  InstanceSet set;
  set.Advance(rule, {}, kBegin);
  ASSERT_TRUE(set.instances().contains({}));
  EXPECT_EQ(set.instances().at({}).memory.state, State::kNoData);
  const auto outcome = set.Advance(rule, Values({{"a", 1}}), kBegin + kSecond);
  EXPECT_FALSE(set.instances().contains({}));
  EXPECT_THAT(outcome.to_delete, ElementsAre(Labels()));
  ASSERT_EQ(outcome.changed.size(), 1);
  EXPECT_EQ(outcome.changed[0].change.notice, Notice::kResolved);
}

TEST(InstanceSet, AbsentMeansNoGroupOrOneThatIsGone) {
  const RuleDocument rule = RuleWith(R"({"kind": "absent"})");
  InstanceSet set;
  set.Advance(rule, {}, kBegin);
  EXPECT_THAT(Firing(set), ElementsAre("all"));
  set.Advance(rule, Values({{"a", 0}, {"b", 1}}), kBegin + kSecond);
  EXPECT_THAT(Firing(set), IsEmpty());
  set.Advance(rule, Values({{"b", 1}}), kBegin + 2 * kSecond);
  EXPECT_THAT(Firing(set), ElementsAre("a"));
  set.Advance(rule, {}, kBegin + 3 * kSecond);
  EXPECT_THAT(Firing(set), ElementsAre("a", "b"));
  // Of counted ones zero is absent.
  InstanceSet counted;
  counted.Advance(rule, {.groups = {{Labels(), {.value = 0}}}, .counts = true}, kBegin);
  EXPECT_THAT(Firing(counted), ElementsAre("all"));
}

TEST(InstanceSet, ForgetsAGroupThatIsGoneForADay) {
  const RuleDocument rule = RuleWith(R"({"kind": "absent"})");
  InstanceSet set;
  set.Advance(rule, Values({{"a", 1}, {"b", 1}}), kBegin);
  set.Advance(rule, Values({{"b", 1}}), kBegin + kSecond);
  EXPECT_THAT(Firing(set), ElementsAre("a"));
  set.Advance(rule, Values({{"b", 1}}), kBegin + kForgetNanos - 1);
  EXPECT_THAT(Firing(set), ElementsAre("a"));
  const auto outcome = set.Advance(rule, Values({{"b", 1}}), kBegin + kForgetNanos);
  EXPECT_THAT(Firing(set), IsEmpty());
  ASSERT_EQ(outcome.changed.size(), 1);
  EXPECT_EQ(outcome.changed[0].change.notice, Notice::kResolved);
  EXPECT_FALSE(set.instances().contains(Service("a")));
}

TEST(InstanceSet, QuietGroupsMakeRoomForOthersAndActiveOnesDoNot) {
  const RuleDocument rule = RuleWith(kAbove10, R"(, "groups_max": 2)");
  InstanceSet set;
  EXPECT_TRUE(set.Advance(rule, Values({{"a", 11}, {"b", 1}, {"c", 1}}, true), kBegin).is_over_max);
  EXPECT_FALSE(set.instances().contains(Service("c")));
  const auto outcome = set.Advance(rule, Values({{"a", 11}, {"c", 12}}, true), kBegin + kSecond);
  EXPECT_FALSE(outcome.is_over_max);
  EXPECT_THAT(outcome.to_delete, ElementsAre(Service("b")));
  EXPECT_THAT(Firing(set), ElementsAre("a", "c"));
  EXPECT_TRUE(set.Advance(rule, Values({{"d", 13}, {"a", 11}, {"c", 12}}, true), kBegin + 2 * kSecond).is_over_max);
  EXPECT_THAT(Firing(set), ElementsAre("a", "c"));
}

TEST(InstanceSet, JudgesChangesAgainstTheOtherWindow) {
  const RuleDocument percent =
      RuleWith(R"({"kind": "change", "against": "1d", "op": "outside", "critical": [-50, 50]})");
  const RuleDocument absolute =
      RuleWith(R"({"kind": "change", "against": "1d", "by": "absolute", "op": "above", "critical": 5})");
  const auto firing = [](const RuleDocument& rule, double now, double before) {
    InstanceSet set;
    set.Advance(rule, {.groups = {{Service("a"), {.value = now, .before = before}}}}, kBegin);
    return set.instances().at(Service("a")).memory.state;
  };
  EXPECT_EQ(firing(percent, 151, 100), State::kFiring);
  EXPECT_EQ(firing(percent, 150, 100), State::kInactive);
  EXPECT_EQ(firing(percent, 49, 100), State::kFiring);
  EXPECT_EQ(firing(percent, 49, std::nan("")), State::kNoData);
  EXPECT_EQ(firing(absolute, 16, 10), State::kFiring);
  EXPECT_EQ(firing(absolute, 15, 10), State::kInactive);
  EXPECT_EQ(firing(absolute, 6, 0), State::kFiring);
}

TEST(InstanceSet, WithoutABandNothingIsKnownOfAnAnomaly) {
  const RuleDocument rule = RuleWith(R"({"kind": "anomaly", "direction": "above"})");
  InstanceSet set;
  const auto advance = [&](double value, std::optional<Bounds> band, int64_t now) {
    set.Advance(rule, {.groups = {{Service("a"), {.value = value, .band = band}}}}, now);
    return set.instances().at(Service("a")).memory.state;
  };
  EXPECT_EQ(advance(100, std::nullopt, kBegin), State::kInactive);
  EXPECT_EQ(advance(100, Bounds{0, 50}, kBegin + 1), State::kFiring);
  EXPECT_EQ(advance(10, std::nullopt, kBegin + 2), State::kFiring);
  EXPECT_EQ(advance(-10, Bounds{0, 50}, kBegin + 3), State::kInactive) << "only what is above is asked for";
}

}  // namespace
}  // namespace sightline::alert
