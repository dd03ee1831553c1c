// Parser, checker and printer by table: what is understood, printed canonically, and what is refused with which words.
#include "traceql/parse.h"

#include <gtest/gtest.h>

#include "traceql/print.h"
#include "traceql/testing/table_file.h"

namespace sightline::traceql {
namespace {

std::string OneLine(const ParseError& error) {
  std::string text = "error " + std::to_string(error.line) + ":" + std::to_string(error.column) + ": " + error.message;
  for (size_t i = 0; i < error.expected.size(); ++i) text += (i == 0 ? "\nexpected: " : ", ") + error.expected[i];
  if (!error.suggestion.empty()) text += "\nsuggestion: " + error.suggestion;
  return text;
}

// Prints what was understood, and holds that the print is understood as the same.
std::string Canonical(const std::string& text) {
  const auto query = ParseQuery(text);
  if (!query) return OneLine(query.error());
  const std::string printed = Print(*query);
  const auto again = ParseQuery(printed);
  EXPECT_TRUE(again.has_value()) << printed << "\n" << OneLine(again.error());
  if (again) {
    EXPECT_EQ(Print(*again), printed);
  }
  return printed;
}

TEST(ParseQuery, UnderstandsConditions) {
  testing::RunTableFile("traceql/testdata/conditions.test", Canonical);
}
TEST(ParseQuery, UnderstandsPipelines) {
  testing::RunTableFile("traceql/testdata/pipelines.test", Canonical);
}
TEST(ParseQuery, UnderstandsMetrics) {
  testing::RunTableFile("traceql/testdata/metrics.test", Canonical);
}
TEST(ParseQuery, RefusesWithPlaceAndSuggestion) {
  testing::RunTableFile("traceql/testdata/refused.test", Canonical);
}

TEST(ParseLogCondition, UnderstandsAndRefuses) {
  testing::RunTableFile("traceql/testdata/logs.test", [](const std::string& text) {
    const auto condition = ParseLogCondition(text);
    return condition ? "{ " + Print(*condition) + " }" : OneLine(condition.error());
  });
}

TEST(ParseLogCondition, EmptyTextIsTrue) {
  ASSERT_TRUE(ParseLogCondition(""));
  EXPECT_EQ(Print(*ParseLogCondition(" \n")), "true");
}

TEST(ParseQuery, VariablesStandForValuesOfAnyType) {
  for (const char* text : {
           "{ resource.service.name =~ $service && kind = ${kind} && status != $status }",
           "{ duration > $least && span.http.response.status_code >= $code && .a = $x * 2 }",
           "{ parent.kind = $kind && trace:id = $id && name !~ $x && $x = name }",
           "{ .a = \"$none\" && .b = `${none}` } | rate() by ($field, name)",
           "{ } | quantile_over_time(duration, $q, .99) by (${field}) | topk($n)",
           "{ } | by($field) | count() > $n",
       }) {
    EXPECT_FALSE(ParseQuery(text)) << text;
    const auto query = ParseQuery(text, Variables::kAllowed);
    EXPECT_TRUE(query) << text << "\n" << (query ? "" : OneLine(query.error()));
  }
  for (const char* text :
       {"{ .a = $1 }", "{ .a = ${a }", "{ .a = $ }", "{ .a = $$a }", "{ kind = $kind && status = }", "{ $a $b }"}) {
    EXPECT_FALSE(ParseQuery(text, Variables::kAllowed)) << text;
  }
  EXPECT_TRUE(ParseSpanCondition("{ .code = $code }", Variables::kAllowed));
  EXPECT_FALSE(ParseSpanCondition("{ .code = $code } | rate()", Variables::kAllowed));
  // The place is that of the text as it was written.
  EXPECT_EQ(ParseQuery("{ .a = $long_name && status = }", Variables::kAllowed).error().column, 31u);
}

TEST(ParseLogCondition, VariablesStandForValuesOfAnyType) {
  for (const char* text : {"{ severity >= $level && resource.service.name =~ $service }", "timeout $word ${other}",
                           "!$word", "{ severityNumber > $n || $word }"}) {
    EXPECT_TRUE(ParseLogCondition(text, Variables::kAllowed)) << text;
  }
  EXPECT_FALSE(ParseLogCondition("{ severity >= $level }"));
  EXPECT_FALSE(ParseLogCondition("{ severity >> $level }", Variables::kAllowed));
  EXPECT_TRUE(ParseLogCondition("$5 $ $$"));  // words
  EXPECT_TRUE(ParseLogCondition("$5 $ $$", Variables::kAllowed));
}

TEST(ParseQuery, ShowsThePlaceUnderTheLine) {
  const std::string text = "{ name = \"größe\" &&\n  spn.x = 1 }";
  const auto query = ParseQuery(text);
  ASSERT_FALSE(query);
  EXPECT_EQ(DescribeParseError(text, query.error()),
            "line 2, column 3: the attribute `spn.x` lacks its scope, as in `span.`, `resource.` or `.` for any\n"
            "  spn.x = 1 }\n"
            "  ^\n"
            "did you mean `span.x`?");
}

TEST(ParseQuery, CountsColumnsInCharacters) {
  const auto query = ParseQuery("{ name = \"größe\" && x }");
  ASSERT_FALSE(query);
  EXPECT_EQ(query.error().column, 21u);
  EXPECT_EQ(query.error().offset, 22u);
}

TEST(ParseQuery, RefusesEmptyText) {
  for (const char* text : {"", " ", "\n", "// only a comment"}) {
    const auto query = ParseQuery(text);
    ASSERT_FALSE(query);
    EXPECT_EQ(query.error().message, "the query ends here");
  }
}

TEST(ParseQuery, RefusesWhatIsTooLong) {
  EXPECT_TRUE(ParseQuery("{ name = \"" + std::string(60'000, 'x') + "\" }"));
  EXPECT_FALSE(ParseQuery("{ name = \"" + std::string(kQueryBytesMax, 'x') + "\" }"));
}

std::string Repeated(const std::string& text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST(ParseQuery, RefusesWhatIsNestedTooDeeply) {
  EXPECT_TRUE(ParseQuery("{ " + Repeated("(", 90) + ".a" + Repeated(")", 90) + " }"));
  EXPECT_FALSE(ParseQuery("{ " + Repeated("(", 20'000) + ".a"));
  EXPECT_FALSE(ParseQuery("{ " + Repeated("-", 20'000) + "1 = 1 }"));
  EXPECT_FALSE(ParseQuery("{ " + Repeated("!", 20'000) + "true }"));
  EXPECT_FALSE(ParseQuery(Repeated("(", 20'000)));
  EXPECT_FALSE(ParseQuery(Repeated("-", 20'000)));
  EXPECT_FALSE(ParseQuery("{ .a = " + Repeated("2 ^ ", 10'000) + "2 }"));
}

TEST(ParseQuery, TakesLongChainsUpToItsLimit) {
  const auto long_chain = ParseQuery("{ .a = 1" + Repeated(" || .a = 1", kOperatorsMax / 2 - 1) + " }");
  ASSERT_TRUE(long_chain);
  EXPECT_GT(Print(*long_chain).size(), 9'000u);
  EXPECT_FALSE(ParseQuery("{ .a = 1" + Repeated(" || .a = 1", kOperatorsMax) + " }"));
  EXPECT_FALSE(ParseQuery("{ }" + Repeated(" && { }", kOperatorsMax + 1)));
}

TEST(ParseQuery, RefusesManyRegularExpressions) {
  EXPECT_TRUE(ParseQuery("{ .a =~ `x`" + Repeated(" || .a =~ `x`", kRegexesMax - 1) + " }"));
  EXPECT_FALSE(ParseQuery("{ .a =~ `x`" + Repeated(" || .a =~ `x`", kRegexesMax) + " }"));
}

TEST(ParseQuery, RefusesBytesThatAreNoText) {
  EXPECT_FALSE(ParseQuery("{ name = \"\xff\" }"));
  EXPECT_FALSE(ParseQuery(std::string_view("{ name = \"a\0\" } \0", 17)).has_value());
}

TEST(ParseSpanCondition, TakesOneFilterOnly) {
  EXPECT_TRUE(ParseSpanCondition("{ }"));
  EXPECT_TRUE(ParseSpanCondition("{ span.a > 1 && resource.b }"));
  EXPECT_FALSE(ParseSpanCondition("{ } && { }"));
  EXPECT_FALSE(ParseSpanCondition("{ } | count() > 1"));
  EXPECT_FALSE(ParseSpanCondition("{ } | rate()"));
}

}  // namespace
}  // namespace sightline::traceql
