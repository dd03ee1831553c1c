#include "common/environment.h"

#include <gmock/gmock.h>

namespace otel::internal {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

// An environment of one variable, X.
struct Given {
  explicit Given(std::optional<std::string> value)
      : environment([value](const char*) { return value; },
                    [this](std::string_view message) { warnings.emplace_back(message); }) {}

  std::vector<std::string> warnings;
  Environment environment;
};

TEST(Environment, TakesEmptyAndBlankAsNotSet) {
  EXPECT_EQ(Given(std::nullopt).environment.Text("X"), std::nullopt);
  EXPECT_EQ(Given("").environment.Text("X"), std::nullopt);
  EXPECT_EQ(Given(" \t").environment.Number("X"), std::nullopt);
  EXPECT_EQ(Given(" a b ").environment.Text("X"), "a b");
}

TEST(Environment, ReadsNumbersAndRefusesWhatIsNone) {
  const struct {
    const char* text;
    std::optional<int64_t> number;
  } kCases[] = {
      {"0", 0},
      {"512", 512},
      {" 7 ", 7},
      {"2147483647", 2147483647},
      {"2147483648", {}},
      {"-1", {}},
      {"5s", {}},
      {"1.5", {}},
      {"+3", {}},
      {"0x10", {}},
      {"1e3", {}},
      {"many", {}},
      {"99999999999999999999", {}},
  };
  for (const auto& [text, number] : kCases) {
    SCOPED_TRACE(text);
    Given given(text);
    EXPECT_EQ(given.environment.Number("X"), number);
    EXPECT_EQ(given.warnings.size(), number ? 0 : 1);
  }
  Given low("0");
  EXPECT_EQ(low.environment.Number("X", 1, 10), std::nullopt);
  EXPECT_THAT(low.warnings, ElementsAre("X=0: is not within 1 and 10"));
}

TEST(Environment, ReadsFlagsAsTheSpecificationWants) {
  const struct {
    const char* text;
    bool flag;
    size_t warnings;
  } kCases[] = {{"true", true, 0}, {"TRUE", true, 0}, {"false", false, 0}, {"1", false, 1}, {"yes", false, 1}};
  for (const auto& [text, flag, warnings] : kCases) {
    SCOPED_TRACE(text);
    Given given(text);
    EXPECT_EQ(given.environment.Flag("X"), flag);
    EXPECT_EQ(given.warnings.size(), warnings);
  }
}

TEST(Environment, ReadsRatios) {
  const struct {
    const char* text;
    std::optional<double> ratio;
  } kCases[] = {{"0.25", 0.25}, {"1", 1.0},   {"0", 0.0},  {"1e-3", 0.001},
                {"1.1", {}},    {"-0.1", {}}, {"nan", {}}, {"x", {}}};
  for (const auto& [text, ratio] : kCases) {
    SCOPED_TRACE(text);
    EXPECT_EQ(Given(text).environment.Ratio("X"), ratio);
  }
}

TEST(Environment, DecodesPairsAndDropsAllWhereOneIsMalformed) {
  EXPECT_THAT(
      *Given("a=1, b = two words ,c%3Dd=x%2Cy%25,,e=f=g,empty=").environment.Pairs("X"),
      ElementsAre(Pair("a", "1"), Pair("b", "two words"), Pair("c=d", "x,y%"), Pair("e", "f=g"), Pair("empty", "")));
  for (const char* const text : {"a=1,b", "a=%", "a=%4", "a=%zz", "=1"}) {
    SCOPED_TRACE(text);
    Given given(text);
    EXPECT_EQ(given.environment.Pairs("X"), std::nullopt);
    EXPECT_EQ(given.warnings.size(), 1);
  }
}

TEST(Environment, TellsNoSecretsInWarningsOfPairs) {
  Given given("authorization=Bearer%2");
  EXPECT_FALSE(given.environment.Pairs("X"));
  EXPECT_THAT(given.warnings, ElementsAre(testing::Not(HasSubstr("Bearer"))));
}

TEST(Environment, ReadsListsWithoutEmptyAndRepeatedItems) {
  EXPECT_THAT(*Given("tracecontext, baggage,,tracecontext").environment.List("X"),
              ElementsAre("tracecontext", "baggage"));
}

TEST(Environment, KnowsWordsInAnyCase) {
  constexpr Environment::Word<int> kWords[] = {{"always_on", 1}, {"always_off", 2}};
  EXPECT_EQ(Given("Always_Off").environment.Choice("X", kWords), 2);
  Given unknown("sometimes");
  EXPECT_EQ(unknown.environment.Choice("X", kWords), std::nullopt);
  EXPECT_THAT(unknown.warnings, ElementsAre("X=sometimes: is not known"));
}

}  // namespace
}  // namespace otel::internal
