#include <gmock/gmock.h>

#include <map>

#include "demo/recommender/testing/service_fixture.h"

namespace demo::recommender {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(ServiceTest, RanksByAllThatIsKnown) {
  const auto answer = Search("q=jazz&user_id=anna&limit=4");
  EXPECT_EQ(answer.at("result_count"), 4);
  EXPECT_EQ(answer.at("external_signal").at("title"), "Jazz");
  EXPECT_EQ(answer.at("failures"), json::array());
  double last = 1;
  for (const auto& result : answer.at("results").as_array()) {
    EXPECT_EQ(result.at("category"), "Music");
    EXPECT_GT(result.at("recommendation_score").as_double(), 0);
    EXPECT_GT(result.at("external_score").as_double(), 0);
    EXPECT_LE(result.at("final_score").as_double(), last);
    last = result.at("final_score").as_double();
  }
  EXPECT_EQ(Search("q=jazz&user_id=anna").at("result_count"), 10)
      << "the default limit, other words of the titles match";
  EXPECT_EQ(Search("q=%21%21&user_id=anna").at("result_count"), 0);
}

TEST_F(ServiceTest, RefusesInvalidRequestsWithAReason) {
  const std::string long_query(501, 'x'), long_user(101, 'x');
  std::string wide;
  for (int i = 0; i < 500; ++i) wide += "é";
  EXPECT_EQ(Get("/search", "q=" + wide + "&user_id=anna").status, 200) << "500 characters, 1000 bytes";
  const std::map<std::string, std::string> reasons = {
      {"user_id=a", "q"},
      {"q=&user_id=a", "q"},
      {"q=" + long_query + "&user_id=a", "q"},
      {"q=%ff&user_id=a", "q"},
      {"q=x", "user_id"},
      {"q=x&user_id=", "user_id"},
      {"q=x&user_id=" + long_user, "user_id"},
      {"q=x&user_id=a&limit=0", "limit"},
      {"q=x&user_id=a&limit=101", "limit"},
      {"q=x&user_id=a&limit=-1", "limit"},
      {"q=x&user_id=a&limit=ten", "limit"},
  };
  for (const auto& [query, field] : reasons) {
    const auto response = Get("/search", query);
    EXPECT_EQ(response.status, 422) << query;
    const auto detail = json::parse(response.body).at("detail").at(0);
    EXPECT_EQ(detail.at("loc").at(1), json::value(field)) << query;
    EXPECT_FALSE(detail.at("msg").as_string().empty());
  }
}

TEST_F(ServiceTest, FailingPartsMakeTheAnswerPoorer) {
  ASSERT_EQ(Post("/chaos/config", R"({"model_failure_rate": 1, "external_api_failure_rate": 1})").status, 200);
  const auto answer = Search("q=jazz&user_id=anna&limit=4");
  EXPECT_EQ(answer.at("result_count"), 4);
  EXPECT_THAT(answer.at("failures").as_array(),
              ElementsAre("recommendation_engine: ModelError", "wikipedia_client: HTTPError"));
  EXPECT_TRUE(answer.at("external_signal").is_null());
  for (const auto& result : answer.at("results").as_array()) EXPECT_TRUE(result.at("recommendation_score").is_null());
}

TEST_F(ServiceTest, FeedbackNeedsAPredictionThatWasMade) {
  const auto answer = Search("q=jazz&user_id=anna&limit=1");
  const std::string id(answer.at("results").at(0).at("prediction_id").as_string());
  const auto feedback = [&](const std::string& prediction_id, const std::string& rest) {
    return Post("/feedback", R"({"prediction_id": ")" + prediction_id + "\", " + rest + "}").status;
  };
  for (const char* kind : {"click", "dismiss", "thumbs_up", "thumbs_down"}) {
    EXPECT_EQ(feedback(id, R"("kind": ")" + std::string(kind) + "\""), 202) << kind;
  }
  EXPECT_EQ(feedback(id, R"("kind": "dwell", "seconds": 12.5)"), 202);
  EXPECT_EQ(feedback(id, R"("kind": "dwell")"), 422);
  EXPECT_EQ(feedback(id, R"("kind": "dwell", "seconds": -1)"), 422);
  EXPECT_EQ(feedback(id, R"("kind": "applause")"), 422);
  EXPECT_EQ(feedback("0123456789abcdef", R"("kind": "click")"), 404);
  EXPECT_EQ(Post("/feedback", R"({"kind": "click"})").status, 422);
  EXPECT_EQ(Post("/feedback", "click").status, 422);
}

TEST_F(ServiceTest, ServesHealthChaosAndThePage) {
  EXPECT_EQ(Get("/health").status, 200);
  EXPECT_EQ(Get("/").Header("content-type"), "text/html; charset=utf-8");
  EXPECT_THAT(Get("/").body, HasSubstr("<form>"));
  EXPECT_EQ(Get("/nothing").status, 404);
  EXPECT_EQ(Post("/search", "").status, 404);
  EXPECT_EQ(Post("/chaos/config", R"({"model_failure_rate": 7})").status, 422);
  const auto config = json::parse(Get("/chaos/config").body).as_object();
  EXPECT_EQ(config.at("model_failure_rate").to_number<double>(), 0.0);
}

}  // namespace
}  // namespace demo::recommender
