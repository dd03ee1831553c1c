// The SQL that conditions become, as snapshots.
#include "traceql/sql.h"

#include <gtest/gtest.h>

#include "traceql/parse.h"
#include "traceql/testing/table_file.h"

namespace sightline::traceql {
namespace {

std::string Describe(const std::string& text, const std::expected<Expression, ParseError>& condition,
                     const SqlOptions& options) {
  if (!condition) return DescribeParseError(text, condition.error());
  const SqlCondition compiled = CompileToSql(*condition, options);
  std::string lines = compiled.sql + (compiled.exact ? "" : "\nand more than match");
  for (const auto& [name, value] : compiled.parameters) lines += "\n" + name + " = " + value;
  return lines;
}

TEST(CompileToSql, MakesTheSameSql) {
  const std::vector<otlp::HotAttribute> hot = {{"http.route"},
                                               {"http.response.status_code", otlp::HotAttribute::Type::kInt}};
  SqlOptions options;
  options.hot_attributes = &hot;
  options.may_have = [](Scope scope, std::string_view key) {
    return key != "only.here" && key != "tenant"
               ? true
               : scope == Scope::kSpan || (key == "tenant" && scope == Scope::kResource);
  };
  testing::RunTableFile("traceql/testdata/sql.test",
                        [&](const std::string& text) { return Describe(text, ParseSpanCondition(text), options); });
}

TEST(CompileToSql, MakesTheSameSqlForLogs) {
  SqlOptions options;
  options.subject = Subject::kLogs;
  testing::RunTableFile("traceql/testdata/sql_logs.test",
                        [&](const std::string& text) { return Describe(text, ParseLogCondition(text), options); });
}

TEST(CompileToSql, LeavesOutWhatIsTooLong) {
  for (const char* op : {" || ", " && "}) {
    std::string text = "{ .a = 1";
    for (int i = 0; i < 900; ++i) text += op + std::string(".a = 1");
    const auto condition = ParseSpanCondition(text + " }");
    ASSERT_TRUE(condition);
    const SqlCondition compiled = CompileToSql(*condition, {});
    EXPECT_LE(compiled.sql.size(), kSqlBytesMax + 10'000);
    EXPECT_FALSE(compiled.exact);
  }
}

}  // namespace
}  // namespace sightline::traceql
