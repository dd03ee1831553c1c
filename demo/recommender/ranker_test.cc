#include "demo/recommender/ranker.h"

#include <gmock/gmock.h>

#include "demo/recommender/prediction_log.h"

namespace demo::recommender {
namespace {

using testing::DoubleEq;

search::Candidate Found(std::string id, std::string title, double score) {
  return {.doc_id = std::move(id), .title = std::move(title), .base_score = score};
}

TEST(Ranker, WeighsSearchModelAndWikipedia) {
  const std::string title = "Sourdough bread";
  auto article = std::make_shared<const Article>(Article{.title = title, .stems = model::HashStems(title)});
  const std::vector<std::optional<model::Prediction>> predictions = {model::Prediction{.score = 0.1},
                                                                     model::Prediction{.score = 0.9}};
  const auto ranked = Rank({Found("A", "Bread", 0.5), Found("B", "Espresso", 0.4)}, predictions,
                           Signal{.article = article, .relevance_score = 0.5});
  ASSERT_EQ(ranked.size(), 2u);
  EXPECT_EQ(ranked[0].document.doc_id, "B");
  EXPECT_THAT(ranked[0].final_score, DoubleEq(0.5 * 0.4 + 0.3 * 0.9));
  EXPECT_THAT(ranked[1].external_score, DoubleEq(0.5));
  EXPECT_THAT(ranked[1].final_score, DoubleEq(0.5 * 0.5 + 0.3 * 0.1 + 0.2 * 0.5));
}

TEST(Ranker, DoesWithoutWhatIsMissing) {
  const std::vector<std::optional<model::Prediction>> predictions = {std::nullopt, model::Prediction{.score = 0.1}};
  const auto partly = Rank({Found("A", "x", 0.5), Found("B", "y", 0.5)}, predictions, std::nullopt);
  EXPECT_EQ(partly[0].document.doc_id, "B");
  EXPECT_FALSE(partly[1].prediction);
  const auto search_only = Rank({Found("A", "x", 0.2), Found("B", "y", 0.5)}, {}, std::nullopt);
  EXPECT_EQ(search_only[0].document.doc_id, "B");
  EXPECT_THAT(search_only[0].final_score, DoubleEq(0.25));
  EXPECT_TRUE(Rank({}, {}, std::nullopt).empty());
}

TEST(PredictionLog, FindsWhatIsNotTooOld) {
  PredictionLog log(3, 1);
  const auto ids = log.Add({{.doc_id = "A"}, {.doc_id = "B"}});
  EXPECT_EQ(log.Find(ids[0])->doc_id, "A");
  EXPECT_EQ(log.Find(ids[1])->doc_id, "B");
  log.Add({{.doc_id = "C"}, {.doc_id = "D"}});
  EXPECT_FALSE(log.Find(ids[0]));
  EXPECT_TRUE(log.Find(ids[1]));
  EXPECT_FALSE(log.Find(""));
  EXPECT_FALSE(log.Find("not hex"));
  EXPECT_FALSE(log.Find("0"));
}

}  // namespace
}  // namespace demo::recommender
