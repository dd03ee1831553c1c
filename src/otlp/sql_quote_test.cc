#include "otlp/sql_quote.h"

#include <gtest/gtest.h>

namespace sightline::otlp {
namespace {

TEST(SqlQuote, QuotesWhatNeedsIt) {
  EXPECT_EQ(QuoteString("a'b\\c"), R"('a\'b\\c')");
  EXPECT_EQ(QuoteName("a`b"), R"(`a\`b`)");
  EXPECT_EQ(QuoteName("a\\`; DROP TABLE x"), R"(`a\\\`; DROP TABLE x`)");
  EXPECT_EQ(QuoteName(""), "``");
}

}  // namespace
}  // namespace sightline::otlp
