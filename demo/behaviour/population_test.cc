#include "demo/behaviour/population.h"

#include <gmock/gmock.h>

#include <map>

#include "demo/catalog/vocabulary.h"
#include "demo/search/query_parser.h"

namespace demo::behaviour {
namespace {

TEST(Population, UsersAreTheSameForTheSameSeed) {
  const auto users = MakeUsers(3, 50), again = MakeUsers(3, 50);
  for (size_t i = 0; i < users.size(); ++i) {
    EXPECT_EQ(users[i].id, again[i].id);
    EXPECT_EQ(users[i].favourite_topics, again[i].favourite_topics);
  }
  EXPECT_NE(users[0].favourite_topics, MakeUsers(4, 1)[0].favourite_topics);
}

TEST(Population, UsersReturnToWhatTheyLike) {
  const auto users = MakeUsers(3, 20);
  Random random(1);
  for (const auto& user : users) {
    int favourites = 0;
    for (int i = 0; i < 200; ++i) {
      const Query query = MakeQuery(user, random);
      favourites += std::ranges::count(user.favourite_topics, query.need.topic) > 0 ? 1 : 0;
    }
    EXPECT_GT(favourites, 70) << user.id;
  }
}

TEST(Population, QueriesHaveEveryIntent) {
  const auto users = MakeUsers(3, 100);
  Random random(1);
  std::map<std::string_view, int> intents;
  for (int i = 0; i < 2000; ++i) ++intents[search::ParseQuery(MakeQuery(random.Pick(users), random).text).intent];
  for (const auto intent : search::kIntents) EXPECT_GT(intents[intent], 20) << intent;
}

TEST(Population, AQueryCanBeKeptToACategory) {
  const auto users = MakeUsers(3, 1);
  Random random(1);
  const auto& topics = catalog::TheVocabulary().topics;
  for (size_t category = 0; category < catalog::TheVocabulary().categories.size(); ++category) {
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(topics[MakeQuery(users[0], random, category).need.topic].category, category);
    }
  }
}

TEST(Population, TheRightTopicAspectAndQualityAreRelevant) {
  const Need need{.topic = 0, .aspect = 1};
  catalog::Document document{.topic = 0, .aspect = 1, .quality = 0.5};
  const double best = Relevance(need, document);
  document.aspect = 2;
  EXPECT_LT(Relevance(need, document), best);
  document = {.topic = 1, .aspect = 1, .quality = 0.5};
  const double related = Relevance(need, document);
  EXPECT_LT(related, best / 2);
  document.topic = catalog::TheVocabulary().topics.size() - 1;
  EXPECT_LT(Relevance(need, document), related);
  document = {.topic = 0, .aspect = 1, .quality = 0.9};
  EXPECT_GT(Relevance(need, document), best);
}

TEST(Population, ClicksFallWithThePlace) {
  const Need need{.topic = 0};
  const catalog::Document document{.topic = 0, .aspect = 1, .quality = 1.0};
  Random random(1);
  int first = 0, tenth = 0;
  for (int i = 0; i < 10'000; ++i) {
    first += Clicks(need, document, 0, random) ? 1 : 0;
    tenth += Clicks(need, document, 9, random) ? 1 : 0;
  }
  EXPECT_NEAR(first / 10'000.0, 0.8, 0.02);
  EXPECT_NEAR(tenth / 10'000.0, 0.8 * Attention(9), 0.02);
}

}  // namespace
}  // namespace demo::behaviour
