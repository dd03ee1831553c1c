#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <thread>
#include <vector>

namespace sightline {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

// What `log` writes to the real stderr.
template <typename F>
std::string Written(F log) {
  testing::internal::CaptureStderr();
  log();
  return testing::internal::GetCapturedStderr();
}

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { SetLog(LogLevel::kInfo, LogFormat::kText); }
};

TEST_F(LogTest, WritesTextLineWithTimeLevelAndFields) {
  SetLog(LogLevel::kInfo, LogFormat::kText);
  EXPECT_THAT(Written([] {
                Log(LogLevel::kWarning, "export refused", {{"reason", "too_old"}, {"items", 12}, {"share", 0.5}});
              }),
              MatchesRegex("[0-9-]+T[0-9:]+\\.[0-9][0-9][0-9]Z warning export refused reason=too_old items=12 "
                           "share=0.5\n"));
}

TEST_F(LogTest, WritesJsonLine) {
  SetLog(LogLevel::kInfo, LogFormat::kJson);
  EXPECT_THAT(Written([] { Log(LogLevel::kError, "a \"b\"\n", {{"path", "C:\\x"}, {"n", -1}, {"yes", true}}); }),
              MatchesRegex("\\{\"time\":\"[0-9-]+T[0-9:.]+Z\",\"level\":\"error\",\"message\":\"a \\\\\"b\\\\\"\\\\n\","
                           "\"path\":\"C:\\\\\\\\x\",\"n\":-1,\"yes\":true\\}\n"));
}

TEST_F(LogTest, BracesAndPercentSignsAreNotFormats) {
  SetLog(LogLevel::kInfo, LogFormat::kText);
  EXPECT_THAT(Written([] { Log(LogLevel::kInfo, "100%v {} {0}", {{"x", "{}%l"}}); }), HasSubstr("100%v {} {0} x={}%l"));
}

TEST_F(LogTest, LevelHidesWhatIsBelowIt) {
  SetLog(LogLevel::kWarning, LogFormat::kText);
  EXPECT_EQ(Written([] { Log(LogLevel::kInfo, "hidden"); }), "");
  EXPECT_THAT(Written([] { Log(LogLevel::kWarning, "shown"); }), HasSubstr("shown"));
  SetLog(LogLevel::kDebug, LogFormat::kText);
  EXPECT_THAT(Written([] { Log(LogLevel::kDebug, "details"); }), HasSubstr("debug   details"));
}

TEST_F(LogTest, LinesOfManyThreadsStayWhole) {
  const std::string written = Written([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int n = 0; n < 100; ++n) Log(LogLevel::kInfo, "whole", {{"end", "here"}});
      });
    }
    for (std::thread& thread : threads) thread.join();
  });
  size_t lines = 0;
  for (size_t at = 0, next; (next = written.find('\n', at)) != std::string::npos; at = next + 1) {
    const std::string line = written.substr(at, next - at);
    ASSERT_TRUE(line.ends_with("info    whole end=here")) << line;
    ++lines;
  }
  EXPECT_EQ(lines, 400u);
}

TEST(FormatLogEvent, QuotesTextThatIsNotOneWord) {
  EXPECT_EQ(FormatLogEvent(LogFormat::kText, "m", {{"a", "two words"}, {"b", ""}, {"c", "x=y"}, {"d", "q\"q"}}),
            R"(m a="two words" b="" c="x=y" d="q\"q")");
}

TEST(FormatLogEvent, MessageCannotFakeALine) {
  EXPECT_EQ(FormatLogEvent(LogFormat::kText, "a\nb", {}), R"("a\nb")");
  EXPECT_EQ(FormatLogEvent(LogFormat::kText, "\x1b[31m", {{"f", "\x1b[0m"}}), R"("\u001b[31m" f="\u001b[0m")");
}

TEST(FormatLogEvent, TakesEveryKindOfValue) {
  const std::string owned = "text";
  const std::string_view view = owned;
  EXPECT_EQ(FormatLogEvent(LogFormat::kJson, "m",
                           {{"string", owned},
                            {"view", view},
                            {"int", int32_t{-5}},
                            {"max", UINT64_MAX},
                            {"bool", false},
                            {"double", 1.5},
                            {"nan", std::nan("")}}),
            R"("message":"m","string":"text","view":"text","int":-5,"max":18446744073709551615,"bool":false,)"
            R"("double":1.5,"nan":"nan")");
}

TEST(FormatLogEvent, JsonIsValidForBytesThatAreNotUtf8) {
  EXPECT_EQ(FormatLogEvent(LogFormat::kJson, "m", {{"k", "a\xFF"}}), "\"message\":\"m\",\"k\":\"a\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace sightline
