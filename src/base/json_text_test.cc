#include "base/json_text.h"

#include <gtest/gtest.h>

namespace sightline {
namespace {

std::string Json(std::string_view text) {
  std::string out;
  AppendJsonString(out, text);
  return out;
}

TEST(AppendJsonString, EscapesWhatJsonForbids) {
  EXPECT_EQ(Json("plain"), "\"plain\"");
  EXPECT_EQ(Json("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(Json("\n\r\t"), R"("\n\r\t")");
  EXPECT_EQ(Json(std::string_view("\0\x01\x1f\x7f", 4)), R"("\u0000\u0001\u001f\u007f")");
}

TEST(AppendJsonString, KeepsUtf8) {
  EXPECT_EQ(Json("é€😀"), "\"é€😀\"");
}

TEST(AppendJsonString, ReplacesEachByteThatIsNotUtf8) {
  const std::string bad = "\xEF\xBF\xBD";
  EXPECT_EQ(Json("a\xFFz"), "\"a" + bad + "z\"");
  EXPECT_EQ(Json("\xC0\xAF"), "\"" + bad + bad + "\"") << "overlong";
  EXPECT_EQ(Json("\xED\xA0\x80"), "\"" + bad + bad + bad + "\"") << "surrogate";
  EXPECT_EQ(Json("\xF4\x90\x80\x80"), "\"" + bad + bad + bad + bad + "\"") << "past U+10FFFF";
  EXPECT_EQ(Json("\xE2\x82"), "\"" + bad + bad + "\"") << "cut short";
}

}  // namespace
}  // namespace sightline
