#include "demo/search/query_parser.h"

#include <gmock/gmock.h>

namespace demo::search {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(QueryParser, RemovesStopwordsAndCountsThem) {
  const ParsedQuery query = ParseQuery("  How to bake the Sourdough Bread ");
  EXPECT_EQ(query.original, "  How to bake the Sourdough Bread ");
  EXPECT_EQ(query.normalized, "how to bake the sourdough bread");
  EXPECT_THAT(query.tokens, ElementsAre("bake", "sourdough", "bread"));
  EXPECT_EQ(query.raw_token_count, 6u);
  EXPECT_EQ(query.stopwords_removed, 3u);
  EXPECT_FALSE(query.fallback_to_raw_tokens);
}

TEST(QueryParser, KeepsStopwordsWhereThereIsNothingElse) {
  const ParsedQuery query = ParseQuery("the of and");
  EXPECT_THAT(query.tokens, ElementsAre("the", "of", "and"));
  EXPECT_TRUE(query.fallback_to_raw_tokens);
  EXPECT_EQ(query.stopwords_removed, 0u);
}

TEST(QueryParser, AQueryOfSignsHasNoTokens) {
  EXPECT_THAT(ParseQuery("!! \"*").tokens, IsEmpty());
}

TEST(QueryParser, FindsTheIntent) {
  EXPECT_EQ(ParseQuery("neural networks").intent, "discovery");
  EXPECT_EQ(ParseQuery("time series regression analysis").intent, "search");
  EXPECT_EQ(ParseQuery("why is my bread flat").intent, "question");
  EXPECT_EQ(ParseQuery("React vs. WebAssembly").intent, "comparison");
  EXPECT_THAT(ParseQuery("React vs. WebAssembly").tokens, ElementsAre("react", "webassembly"));
}

}  // namespace
}  // namespace demo::search
