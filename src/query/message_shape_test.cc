#include "query/message_shape.h"

#include <gtest/gtest.h>

namespace sightline::query {
namespace {

TEST(MessageShape, ReplacesWhatVaries) {
  const struct {
    std::string_view message, shape;
  } cases[] = {
      {"", ""},
      {"All connection attempts failed", "All connection attempts failed"},
      {"timeout after 3000 ms", "timeout after # ms"},
      {"timeout after 2.5s", "timeout after #s"},
      {"waited 30ms", "waited #ms"},
      {"connect to 10.0.0.7:5432 refused", "connect to # refused"},
      {"at 12:30:05,123", "at #"},
      {"order 6f1c2b7e-93aa-4a55-8f4d-0e1f2a3b4c5d not found", "order # not found"},
      {"span 53995c3f42cd8ad8 is gone", "span # is gone"},
      {"deadbeef is a word of letters", "deadbeef is a word of letters"},
      {"at 0x7ffe12", "at #"},
      {"key 'user:42' is missing", "key '…' is missing"},
      {"no column \"price\" in `shop`", "no column \"…\" in `…`"},
      {"KeyError: ''", "KeyError: ''"},
      {"can't open, won't retry", "can't open, won't retry"},
      {"an 'unclosed quote", "an 'unclosed quote"},
      {"worker123 died, utf8 is fine", "worker# died, utf8 is fine"},
      {"order_991 of shard-3", "order_# of shard-#"},
      {"token Zm9vYmFy1234YmF6Cg", "token #"},
      {"  two\n\tlines  ", "two lines"},
      {"…ü 7 ü", "…ü # ü"},
  };
  for (const auto& test : cases) EXPECT_EQ(MessageShape(test.message), test.shape) << test.message;
}

TEST(MessageShape, KeepsCodesThatSayWhatWentWrong) {
  for (const std::string_view message :
       {"HTTP 503", "gRPC 14 UNAVAILABLE", "[Errno 111] Connection refused", "status code: 404", "error(2013)"}) {
    EXPECT_EQ(MessageShape(message), message);
  }
  EXPECT_EQ(MessageShape("error 1234567"), "error #");
  EXPECT_EQ(MessageShape("took 503 ms"), "took # ms");
}

TEST(MessageShape, IsItsOwnShapeAndEndsWithinItsLimit) {
  std::string text = "id ";
  for (int i = 0; i < 300; ++i) text += "ü7 ";
  const std::string shape = MessageShape(text);
  EXPECT_LE(shape.size(), kMessageShapeBytesMax + std::string_view("…").size());
  EXPECT_TRUE(shape.ends_with("…"));
  const std::string once = MessageShape("key 'a' at 10.0.0.7:1 code 404");
  EXPECT_EQ(MessageShape(once), once);
}

}  // namespace
}  // namespace sightline::query
