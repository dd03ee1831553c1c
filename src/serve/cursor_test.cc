#include "serve/cursor.h"

#include <gtest/gtest.h>

namespace sightline::serve {
namespace {

net::HttpRequest Question(const std::string& path, std::vector<std::pair<std::string, std::string>> query) {
  net::HttpRequest request;
  request.path = path;
  request.query = std::move(query);
  return request;
}

TEST(Cursor, GivesBackWhatWentIn) {
  const std::string any_bytes("a:b\0\xff\n", 6);
  for (const auto& position :
       std::vector<std::vector<std::string>>{{"x"}, {"", ""}, {any_bytes, "18446744073709551615", "é"}}) {
    const std::string text = EncodeCursor({5, 1'763'800'000'000'000'000, position}, 77);
    EXPECT_EQ(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), text.npos);
    const auto cursor = DecodeCursor(text, 77);
    ASSERT_TRUE(cursor) << cursor.error().message;
    EXPECT_EQ(cursor->from_unix_nanos, 5);
    EXPECT_EQ(cursor->to_unix_nanos, 1'763'800'000'000'000'000);
    EXPECT_EQ(cursor->position, position);
  }
}

TEST(Cursor, OfAnotherQuestionIsRefused) {
  const std::string text = EncodeCursor({1, 2, {"x"}}, 77);
  const auto cursor = DecodeCursor(text, 78);
  ASSERT_FALSE(cursor);
  EXPECT_EQ(cursor.error().code, Code::kInvalidArgument);
  EXPECT_NE(cursor.error().message.find("another question"), std::string::npos);
}

TEST(Cursor, GarbageAndEveryCutAreRefused) {
  const std::string text = EncodeCursor({1, 2, {"position"}}, 77);
  for (size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(DecodeCursor(text.substr(0, size), 77)) << size;
  for (const std::string bad : {"", "!", "abc", "MTox", "null", "AAAA", "====", "MTk5OTk5OTk5OTk5OTk5OTk5OTk5OjE"}) {
    EXPECT_FALSE(DecodeCursor(bad, 77)) << bad;
  }
  EXPECT_FALSE(DecodeCursor(std::string(kCursorBytesMax + 1, 'A'), 77));
  EXPECT_FALSE(DecodeCursor(EncodeCursor({3, 2, {"x"}}, 77), 77)) << "a range that ends before it begins";
  EXPECT_FALSE(DecodeCursor(EncodeCursor({1, 2, {}}, 77), 77)) << "no position";
}

TEST(Cursor, TheQuestionIsThePathAndAllParametersButCursorAndLimit) {
  const uint64_t question =
      QuestionHash(Question("/t", {{"service", "a"}, {"attribute", "x=1"}, {"attribute", "y=2"}}));
  EXPECT_EQ(
      question,
      QuestionHash(Question(
          "/t", {{"attribute", "y=2"}, {"limit", "7"}, {"attribute", "x=1"}, {"service", "a"}, {"cursor", "q"}})));
  EXPECT_NE(question, QuestionHash(Question("/t", {{"service", "a"}, {"attribute", "x=1"}})));
  EXPECT_NE(question, QuestionHash(Question("/u", {{"service", "a"}, {"attribute", "x=1"}, {"attribute", "y=2"}})));
  EXPECT_NE(QuestionHash(Question("/t", {{"ab", "c"}})), QuestionHash(Question("/t", {{"a", "bc"}})));
}

}  // namespace
}  // namespace sightline::serve
