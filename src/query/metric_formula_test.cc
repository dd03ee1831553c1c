#include "query/metric_formula.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsNan;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Formula Parsed(std::string_view text) {
  auto formula = Formula::Parse(text);
  EXPECT_TRUE(formula) << text << ": " << formula.error().message;
  return formula.value_or(Formula());
}

const std::vector<NamedSeries> kNamed = {
    {"A", "By", {{{{"host", "a"}}, {2, 4}}, {{{"host", "b"}}, {10, kNan}}}},
    {"B", "By", {{{{"host", "b"}}, {5, 5}}, {{{"host", "a"}}, {1, 0}}}},
    {"Total", "s", {{{}, {10, 20}}}},
    {"None", "", {}},
};

std::vector<double> Only(std::string_view text) {
  const auto series = Parsed(text).Compute(kNamed, 2);
  EXPECT_EQ(series.size(), 1u) << text;
  return series.empty() ? std::vector<double>() : series[0].values;
}

TEST(Formula, FollowsTheUsualPrecedence) {
  EXPECT_THAT(Only("1 + 2 * 3 - 4 / 2"), ElementsAre(5, 5));
  EXPECT_THAT(Only("(1 + 2) * 3"), ElementsAre(9, 9));
  EXPECT_THAT(Only("-Total + 1.5e1"), ElementsAre(5, -5));
  EXPECT_THAT(Only("8 / 4 / 2"), ElementsAre(1, 1));
  EXPECT_THAT(Only("abs(-Total)"), ElementsAre(10, 20));
  EXPECT_THAT(Only("max(Total, 15, 3)"), ElementsAre(15, 20));
  EXPECT_THAT(Only("min(Total, 15)"), ElementsAre(10, 15));
  EXPECT_THAT(Only("clamp(Total, 12, 15)"), ElementsAre(12, 15));
}

TEST(Formula, GoesByEqualLabels) {
  const auto series = Parsed("A / B").Compute(kNamed, 2);
  ASSERT_EQ(series.size(), 2u);
  EXPECT_THAT(series[0].labels, ElementsAre(std::pair<std::string, std::string>("host", "a")));
  EXPECT_EQ(series[0].values[0], 2);
  EXPECT_THAT(series[0].values[1], IsNan());  // by 0
  EXPECT_EQ(series[1].values[0], 2);
  EXPECT_THAT(series[1].values[1], IsNan());  // nothing there
}

TEST(Formula, OneWithoutLabelsGoesWithEach) {
  const auto series = Parsed("100 * A / Total").Compute(kNamed, 2);
  ASSERT_EQ(series.size(), 2u);
  EXPECT_THAT(series[0].values, ElementsAre(20, 20));
  EXPECT_TRUE(Parsed("A + None").Compute(kNamed, 2).empty());
  EXPECT_THAT(Only("or(None, 7)"), ElementsAre(7, 7));
  EXPECT_THAT(Parsed("or(A, 0)").Compute(kNamed, 2).at(1).values, ElementsAre(10, 0));
}

TEST(Formula, OrKeepsWhatHasNoPartner) {
  const std::vector<NamedSeries> named = {
      {"E", "", {{{{"route", "/a"}}, {1, kNan}}}},
      {"T", "", {{{{"route", "/a"}}, {10, 10}}, {{{"route", "/b"}}, {20, 20}}}},
      {"X", "", {{{{"route", "/c"}}, {5, 5}}}},
  };
  // Routes without an error have a rate of 0, not none.
  const auto rates = Parsed("100 * or(E, 0 * T) / T").Compute(named, 2);
  ASSERT_EQ(rates.size(), 2u);
  EXPECT_THAT(rates[0].values, ElementsAre(10, 0));
  EXPECT_THAT(rates[1].labels, ElementsAre(std::pair<std::string, std::string>("route", "/b")));
  EXPECT_THAT(rates[1].values, ElementsAre(0, 0));
  EXPECT_EQ(Parsed("or(X, or(E, T))").Compute(named, 2).size(), 3u);
  EXPECT_THAT(Parsed("or(Total, None)").Compute(kNamed, 2).at(0).values, ElementsAre(10, 20));
}

TEST(Formula, HoldsFewResultsHoweverItIsNested) {
  std::string left = "(A + A)", right = "(A + A)";
  for (int i = 0; i < kFormulaDepthMax - 4; ++i) {
    left = "(" + left + " + A * 2)";
    right = "(A * 2 + " + right + ")";
  }
  for (const std::string& text : {left, right, "max(" + left + ", A)", std::string("A + (A + (A + A))")}) {
    const Formula formula = Parsed(text);
    EXPECT_LE(formula.held(), 3) << text;
    EXPECT_EQ(formula.Compute(kNamed, 2).size(), 2u);
  }
  std::string tree = "A";
  for (int i = 0; i < 6; ++i) tree = "(" + tree + " + " + tree + ")";
  EXPECT_LE(Parsed(tree).held(), 7);
}

TEST(Formula, HasAUnitWhereThatIsClear) {
  EXPECT_EQ(Parsed("A - B").Unit(kNamed), "By");
  EXPECT_EQ(Parsed("A + 1").Unit(kNamed), "By");
  EXPECT_EQ(Parsed("2 * A").Unit(kNamed), "By");
  EXPECT_EQ(Parsed("A / B").Unit(kNamed), "1");
  EXPECT_EQ(Parsed("100 * (A / B)").Unit(kNamed), "1");
  EXPECT_EQ(Parsed("A / Total").Unit(kNamed), "");
  EXPECT_EQ(Parsed("A * B").Unit(kNamed), "");
  EXPECT_EQ(Parsed("A + Total").Unit(kNamed), "");
  EXPECT_EQ(Parsed("1 / Total").Unit(kNamed), "");
}

TEST(Formula, NamesWhatItAsksFor) {
  EXPECT_THAT(Parsed("A / (B + A) * c_1").names(), ElementsAre("A", "B", "c_1"));
}

TEST(Formula, SaysWhereItIsWrong) {
  struct Wrong {
    std::string_view text;
    size_t column;
    std::string_view message;
  };
  constexpr Wrong kCases[] = {
      {"", 1, "a name or a number"}, {"A +", 4, "a name or a number"}, {"A B", 3, "an operator"},
      {"(A", 3, "a ) is wanted"},    {"A ** B", 4, "a name"},          {"sum(A)", 1, "no function sum"},
      {"abs(A, B)", 1, "takes 1"},   {"clamp(A)", 1, "takes 3"},       {"max(A", 6, "a ) or ,"},
      {"A % B", 3, "an operator"},   {"1 + .", 5, "no number"},
  };
  for (const Wrong& one : kCases) {
    const auto formula = Formula::Parse(one.text);
    ASSERT_FALSE(formula) << one.text;
    EXPECT_EQ(formula.error().column, one.column) << one.text;
    EXPECT_THAT(formula.error().message, HasSubstr(std::string(one.message))) << one.text;
  }
  EXPECT_FALSE(Formula::Parse(std::string(1000, '(')));
  EXPECT_FALSE(Formula::Parse(std::string(1000, '-') + "A"));
  EXPECT_FALSE(Formula::Parse(std::string(kFormulaBytesMax + 1, '1')));
  std::string sum = "1";
  for (size_t i = 0; i < kFormulaOperatorsMax; ++i) sum += "+1";
  EXPECT_TRUE(Formula::Parse(sum));
  EXPECT_FALSE(Formula::Parse(sum + "+1"));
  EXPECT_FALSE(Formula::Parse("max(" + sum + ", 1)"));
}

}  // namespace
}  // namespace sightline::query
