#include "alert/expectations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace sightline::alert {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kBegin = 1'700'000'100 * kSecond;
const Labels kA = {{"service.name", "a"}}, kB = {{"service.name", "b"}};

RuleDocument Rule() {
  auto rule = ReadRule(R"({"schema": 1, "name": "x", "window": "5m", "queries": [{"name": "A", "source": "logs"}],
    "condition": {"kind": "anomaly"}})");
  EXPECT_TRUE(rule) << rule.error().message;
  return *rule;
}

TEST(WindowHistory, HasAValueOfEachGroupInEachWindow) {
  WindowHistory history(Rule(), kBegin);
  history.Append({{kA, 1}}, /*counts=*/true);
  history.Append({{kB, 2}}, true);
  EXPECT_EQ(history.steps(), 2u);
  EXPECT_EQ(history.end_unix_nanos(), kBegin + 600 * kSecond);
  EXPECT_THAT(history.values().at(kA), ElementsAre(1, 0));
  EXPECT_THAT(history.values().at(kB), ElementsAre(0, 2));
  history.KeepNewest(1);
  EXPECT_EQ(history.from_unix_nanos(), kBegin + 300 * kSecond);
  EXPECT_THAT(history.values().at(kA), ElementsAre(0));
  EXPECT_THAT(history.values().at(kB), ElementsAre(2));
}

TEST(Expectations, KnowNothingOfWhatWasNotThereYet) {
  const RuleDocument rule = Rule();
  WindowHistory history(rule, kBegin);
  for (int i = 0; i < 500; ++i) history.Append({{kA, 100 + i % 3}}, true);
  // A service that began lately: what came before it is no history of zeros.
  for (int i = 0; i < 60; ++i) history.Append({{kA, 100 + i % 3}, {kB, 1000 + i % 7}}, true);
  AnomalyModels models = FitAll(rule, history);
  const int64_t next = history.end_unix_nanos();
  const auto a = BandOf(models, kA, next, 101), b = BandOf(models, kB, next, 1003);
  ASSERT_TRUE(a && b);
  EXPECT_LT(a->low, 100);
  EXPECT_GT(a->high, 102);
  EXPECT_LT(a->high, 300);
  EXPECT_GT(b->low, 500);
  EXPECT_LT(b->high, 1500);
  EXPECT_FALSE(BandOf(models, {{"service.name", "c"}}, next, 1)) << "nothing is known of another one";
}

TEST(Expectations, AreNoneWithoutEnoughHistory) {
  const RuleDocument rule = Rule();
  WindowHistory history(rule, kBegin);
  for (int i = 0; i < 5; ++i) history.Append({{kA, 100}}, true);
  EXPECT_FALSE(BandOf(FitAll(rule, history), kA, history.end_unix_nanos(), 100));
}

}  // namespace
}  // namespace sightline::alert
