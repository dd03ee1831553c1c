#include "demo/recommender/chaos.h"

#include <gmock/gmock.h>

namespace demo::recommender {
namespace {

using testing::HasSubstr;

TEST(ChaosConfig, HasTheRatesOfTheAuthorsDemo) {
  const ChaosConfig config;
  EXPECT_EQ(config.model_failure_rate, 0.05);
  EXPECT_EQ(config.external_api_timeout_rate, 0.1);
  EXPECT_EQ(config.slow_search_rate, 0.2);
  EXPECT_EQ(config.external_api_failure_rate, 0.05);
}

TEST(ChaosConfig, ChangesWhatIsNamedAndKeepsTheRest) {
  ChaosConfig before;
  before.model_delay_ms = 7;
  const auto after = ParseChaosConfig(R"({"slow_search_rate": 0, "canary_share": 1})", before);
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(after->slow_search_rate, 0.0);
  EXPECT_EQ(after->canary_share, 1.0);
  EXPECT_EQ(after->model_delay_ms, 7.0);
  const auto again = ParseChaosConfig(FormatChaosConfig(*after), ChaosConfig());
  ASSERT_TRUE(again);
  EXPECT_EQ(FormatChaosConfig(*again), FormatChaosConfig(*after));
}

TEST(ChaosConfig, RefusesWhatMakesNoSense) {
  for (const char* text : {"", "[]", R"({"slow_search_rate": 1.5})", R"({"slow_search_rate": -0.1})",
                           R"({"slow_search_rate": "0"})", R"({"model_delay_ms": 1e9})", R"({"unheard_of": 0})"}) {
    EXPECT_FALSE(ParseChaosConfig(text, {})) << text;
  }
  EXPECT_THAT(ParseChaosConfig(R"({"slow_search_rate": 2})", {}).error().message, HasSubstr("slow_search_rate"));
}

TEST(Chaos, StrikesAtItsRate) {
  Chaos chaos(1);
  int struck = 0;
  for (int i = 0; i < 10'000; ++i) {
    struck += chaos.Strikes(0.2) ? 1 : 0;
    EXPECT_FALSE(chaos.Strikes(0));
    EXPECT_TRUE(chaos.Strikes(1));
  }
  EXPECT_NEAR(struck, 2000, 200);
}

}  // namespace
}  // namespace demo::recommender
