#include "demo/search/search_index.h"

#include <gmock/gmock.h>

#include <optional>

namespace demo::search {
namespace {

using testing::Each;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

class SearchIndexTest : public testing::Test {
 protected:
  void SetUp() override {
    auto database = sqlite::Database::Create(":memory:");
    ASSERT_TRUE(database);
    database_.emplace(*std::move(database));
    const auto stored = StoreDocuments(*database_, catalog::GenerateDocuments());
    ASSERT_TRUE(stored) << stored.error().message;
    auto index = SearchIndex::Open(*database_);
    ASSERT_TRUE(index) << index.error().message;
    index_.emplace(*std::move(index));
  }

  std::vector<Candidate> Search(const std::vector<std::string>& tokens, size_t limit = 10) {
    auto found = index_->Search(tokens, limit);
    EXPECT_TRUE(found) << found.error().message;
    return found.value_or(std::vector<Candidate>());
  }

  std::optional<sqlite::Database> database_;
  std::optional<SearchIndex> index_;
};

TEST_F(SearchIndexTest, TheFourDocumentsOfATopicComeFirst) {
  const auto found = Search({"sourdough", "bread"});
  ASSERT_GE(found.size(), 4u);
  for (size_t i = 0; i < 4; ++i) EXPECT_THAT(found[i].title, testing::HasSubstr("Sourdough bread"));
  EXPECT_THAT(found, Each(Field(&Candidate::base_score, testing::AllOf(testing::Gt(0.0), testing::Lt(1.0)))));
  for (size_t i = 1; i < found.size(); ++i) EXPECT_GE(found[i - 1].base_score, found[i].base_score);
}

TEST_F(SearchIndexTest, OtherFormsOfAWordMatch) {
  EXPECT_THAT(Search({"sourdoughs"}), SizeIs(testing::Ge(4u)));
}

TEST_F(SearchIndexTest, GivesAtMostTheLimit) {
  EXPECT_THAT(Search({"history"}, 7), SizeIs(7));
}

TEST_F(SearchIndexTest, NothingInATokenIsSyntax) {
  for (const char* token : {"\"", "AND", "NOT", "c++", "title:", "*", "(", "日本語", ""}) Search({token, "espresso"});
  EXPECT_THAT(Search({"NEAR", "espresso"}), testing::Not(IsEmpty()));
  EXPECT_THAT(Search({}), IsEmpty());
  EXPECT_THAT(Search({"xylophonist"}), IsEmpty());
}

TEST(FtsQuery, QuotesEachToken) {
  EXPECT_EQ(FtsQuery({"say", "\"hi\""}), "\"say\" OR \"\"\"hi\"\"\"");
}

}  // namespace
}  // namespace demo::search
