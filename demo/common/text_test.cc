#include "demo/common/text.h"

#include <gmock/gmock.h>

namespace demo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Text, NormalizesCaseAndSpace) {
  EXPECT_EQ(NormalizeText("  Neural \t\n Networks "), "neural networks");
}

TEST(Text, WordsKeepNamesOfLanguagesAndOtherScripts) {
  EXPECT_THAT(Words("C++ vs. C#, naïve café 日本語!"), ElementsAre("c++", "vs", "c#", "naïve", "café", "日本語"));
  EXPECT_THAT(Words("++ !! \"' "), IsEmpty());
}

TEST(Text, StemsOfTheFormsOfAWordAreTheSame) {
  for (const char* form : {"bake", "bakes", "baking", "baked"}) EXPECT_EQ(Stem(form), "bak") << form;
  EXPECT_EQ(Stem("bus"), "bus");
  EXPECT_THAT(Stems("How to bake the breads"), ElementsAre("bak", "bread"));
}

TEST(Text, CountsCharactersOfUtf8) {
  EXPECT_EQ(CountCharacters("naïve 日本語 😀"), 11u);
  EXPECT_EQ(CountCharacters(""), 0u);
  for (const char* text :
       {"\x80", "\xC3", "\xC3(", "\xC0\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xF4\x90\x80\x80"}) {
    EXPECT_EQ(CountCharacters(text), std::nullopt);
  }
}

TEST(Text, PercentEncodingGoesBothWays) {
  EXPECT_EQ(PercentEncode("C++ & Naïve"), "C%2B%2B%20%26%20Na%C3%AFve");
  EXPECT_EQ(PercentDecode("C%2b%2B%20%26%20Na%C3%AFve"), "C++ & Naïve");
  EXPECT_EQ(PercentDecode("a+b", true), "a b");
  EXPECT_EQ(PercentDecode("a+b%"), "a+b%");
  EXPECT_EQ(PercentDecode("%zz%4"), "%zz%4");
}

}  // namespace
}  // namespace demo
