#include "demo/catalog/document.h"

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "demo/catalog/vocabulary.h"

namespace demo::catalog {
namespace {

TEST(Documents, ThereAreEnoughInEnoughCategories) {
  const auto documents = GenerateDocuments();
  std::map<std::string, int> by_category;
  std::set<std::string> ids, titles;
  for (const auto& document : documents) {
    ++by_category[CategoryOf(document)];
    ids.insert(document.id);
    titles.insert(document.title);
    EXPECT_GT(document.text.size(), 80u) << document.id;
    EXPECT_EQ(document.text.find('{'), std::string::npos) << document.text;
  }
  EXPECT_GE(documents.size(), 500u);
  EXPECT_GE(by_category.size(), 8u);
  for (const auto& [category, count] : by_category) EXPECT_GE(count, 40) << category;
  EXPECT_EQ(ids.size(), documents.size());
  EXPECT_EQ(titles.size(), documents.size());
}

TEST(Documents, TheSeedDecidesThem) {
  const auto first = GenerateDocuments(1), again = GenerateDocuments(1), other = GenerateDocuments(2);
  ASSERT_EQ(first.size(), again.size());
  size_t different = 0;
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(first[i].text, again[i].text);
    EXPECT_EQ(first[i].popularity, again[i].popularity);
    different += first[i].text != other[i].text ? 1 : 0;
  }
  EXPECT_GT(different, first.size() / 2);
}

TEST(Vocabulary, EachTopicHasWordsAndACategory) {
  const Vocabulary& vocabulary = TheVocabulary();
  for (const auto& topic : vocabulary.topics) {
    EXPECT_GE(topic.words.size(), 4u) << topic.name;
    ASSERT_LT(topic.category, vocabulary.categories.size());
  }
  for (const auto& category : vocabulary.categories) EXPECT_GE(category.words.size(), 4u) << category.name;
  EXPECT_EQ(vocabulary.categories[0].words.front(), "model");
  EXPECT_EQ(vocabulary.categories[0].words.back(), "prediction");
}

}  // namespace
}  // namespace demo::catalog
