// What queries answer on traces in memory, by table. A case that defines a trace begins with "trace NAME"; the others
// are asked of the trace that was defined last, and answered by the names of the spans, a line for each set of them.
#include "traceql/evaluate.h"

#include <gtest/gtest.h>

#include <memory>

#include "traceql/parse.h"
#include "traceql/testing/table_file.h"
#include "traceql/testing/text_trace.h"

namespace sightline::traceql {
namespace {

using testing::TextTrace;

std::string Describe(const Spanset& spanset, const TextTrace& trace) {
  std::string text;
  for (const auto& [name, value] : spanset.values) text += name + "=" + PrintValue(value) + " ";
  if (!text.empty()) text += ": ";
  for (const uint32_t span : spanset.spans) text += trace.name(span) + " ";
  text.pop_back();
  return text;
}

std::string Answer(const std::string& text, const TextTrace& trace) {
  const auto query = ParseQuery(text);
  if (!query) return DescribeParseError(text, query.error());
  std::string lines;
  for (const Spanset& spanset : Evaluate(std::get<Pipeline>(query->node), trace))
    lines += (lines.empty() ? "" : "\n") + Describe(spanset, trace);
  return lines.empty() ? "no match" : lines;
}

void RunEvaluationFile(const std::string& file) {
  std::unique_ptr<TextTrace> trace;
  testing::RunTableFile("traceql/testdata/" + file, [&](const std::string& input) -> std::string {
    if (!input.starts_with("trace ")) return Answer(input, *trace);
    trace = std::make_unique<TextTrace>(input.substr(input.find('\n') + 1));
    return std::to_string(trace->size()) + " spans";
  });
}

TEST(Evaluate, ComparesByType) {
  RunEvaluationFile("semantics.test");
}
TEST(Evaluate, RelatesSpansByTheTree) {
  RunEvaluationFile("structure.test");
}
TEST(Evaluate, RunsPipelines) {
  RunEvaluationFile("stages.test");
}

TEST(Matches, JudgesLogRecords) {
  std::unique_ptr<TextTrace> records;
  testing::RunTableFile("traceql/testdata/log_semantics.test", [&](const std::string& input) -> std::string {
    if (input.starts_with("records\n")) {
      records = std::make_unique<TextTrace>(input.substr(input.find('\n') + 1), Subject::kLogs);
      return std::to_string(records->size()) + " records";
    }
    const auto condition = ParseLogCondition(input);
    if (!condition) return DescribeParseError(input, condition.error());
    std::string names;
    for (size_t i = 0; i < records->size(); ++i)
      if (Matches(*condition, records->span(i))) names += (names.empty() ? "" : " ") + records->name(i);
    return names.empty() ? "no match" : names;
  });
}

TEST(Evaluate, DeepTracesNeedNoDeepStack) {
  std::string lines = "s0 - span.x=1\n";
  constexpr int kDepth = 3'000;
  for (int i = 1; i < kDepth; ++i) lines += "s" + std::to_string(i) + " s" + std::to_string(i - 1) + "\n";
  const TextTrace trace(lines);
  const auto query = ParseQuery("{ span.x = 1 } >> { }");
  ASSERT_TRUE(query);
  const auto answer = Evaluate(std::get<Pipeline>(query->node), trace);
  ASSERT_EQ(answer.size(), 1u);
  EXPECT_EQ(answer[0].spans.size(), static_cast<size_t>(kDepth - 1));
}

TEST(Evaluate, NestedNumbersRunOnceEach) {
  std::string text = "{ }";
  for (int i = 0; i < 40; ++i) text = "(" + text + " | count()) > 0";
  const auto query = ParseQuery(text);
  ASSERT_TRUE(query) << DescribeParseError(text, query.error());
  EXPECT_EQ(Evaluate(std::get<Pipeline>(query->node), TextTrace("a -")).size(), 1u);
}

TEST(Matches, JudgesOneSpanWithoutItsTrace) {
  const TextTrace trace("a - span.x=1 duration=2s\nb a span.x=\"1\"");
  const auto matches = [&](const char* text, size_t span) {
    return Matches(*ParseSpanCondition(text), trace.span(span));
  };
  EXPECT_TRUE(matches("{ span.x = 1 && duration > 1s }", 0));
  EXPECT_FALSE(matches("{ span.x = 1 }", 1));
  EXPECT_TRUE(matches("{ parent = nil }", 0));
  EXPECT_FALSE(matches("{ parent = nil }", 1));
  EXPECT_FALSE(matches("{ parent.span.x = 1 || span:childCount >= 0 }", 1));
}

}  // namespace
}  // namespace sightline::traceql
