// Conditions on log records, as SQL on the real engine.
#include <gtest/gtest.h>

#include <string>

#include "query/rows.h"
#include "query/testing/engine.h"
#include "traceql/parse.h"
#include "traceql/sql.h"

namespace sightline::query {
namespace {

using testing::EngineTest;

class LogConditionTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Execute("TRUNCATE TABLE sightline.logs");
    Execute("TRUNCATE TABLE sightline.attribute_sets");
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES "
        "('r1', now(), ['service.name', 'user'], ['shop', 'ann'], 'ss')");
    Execute(
        "INSERT INTO sightline.logs (Block, Timestamp, EventName, SeverityNumber, SeverityText, Body, TraceId, "
        "ServiceName, "
        "ResourceId, ScopeName, LogAttributes, LogAttributeTypes) VALUES "
        "(1, now64(9), 'a', 17, 'ERROR', 'Connection TIMEOUT after 5s', unhex('00000000000000000000000000000abc'), "
        "'shop', 'r1', '', "
        "map('user', 'bob'), 's'), "
        "(1, now64(9), 'b', 13, 'WARN', 'connection refused 50%', '', 'shop', 'r1', 'pg', map('n', '4711'), 'i'), "
        "(1, now64(9), 'c', 0, '', 'GRÖSSE x_y', '', '', '', '', map('n', '4711'), 's')");
  }

  // The event names of the records that match.
  std::string Find(const std::string& text) {
    const auto condition = traceql::ParseLogCondition(text);
    if (!condition) return traceql::DescribeParseError(text, condition.error());
    const auto compiled = traceql::CompileToSql(
        *condition, {.subject = traceql::Subject::kLogs, .attribute_sets = "sightline.attribute_sets"});
    EXPECT_TRUE(compiled.exact) << text;
    std::string names;
    Question question(clickhouse(), "sightline", nullptr);
    const auto done =
        question.ForEachRow("SELECT EventName FROM sightline.logs WHERE " + compiled.sql + " ORDER BY EventName",
                            compiled.parameters, [&](RowReader& row) { names += row.Text(); });
    EXPECT_TRUE(done) << done.error().message;
    return names;
  }
};

TEST_F(LogConditionTest, FindsTexts) {
  EXPECT_EQ(Find(""), "abc");
  EXPECT_EQ(Find("connection"), "ab");
  EXPECT_EQ(Find("connection !refused"), "a");
  EXPECT_EQ(Find("\"50%\""), "b");
  EXPECT_EQ(Find("x_y || timeout"), "ac");
  EXPECT_EQ(Find("x%y"), "");
  EXPECT_EQ(Find("größe"), "");
  EXPECT_EQ(Find("grösse"), "c");
  EXPECT_EQ(Find("{ body =~ \".*refused.*\" }"), "b");
}

TEST_F(LogConditionTest, FindsFields) {
  EXPECT_EQ(Find("{ severity >= warn }"), "ab");
  EXPECT_EQ(Find("{ severity = error }"), "a");
  EXPECT_EQ(Find("{ severity = unset }"), "c");
  EXPECT_EQ(Find("{ severityNumber < 17 && severityText = \"WARN\" }"), "b");
  EXPECT_EQ(Find("{ trace:id = \"ABC\" }"), "a");
  EXPECT_EQ(Find("{ trace:id != \"1\" }"), "a");
  EXPECT_EQ(Find("{ trace:id != nil }"), "a");
  EXPECT_EQ(Find("{ .user = \"ann\" }"), "b");
  EXPECT_EQ(Find("{ .user = \"bob\" }"), "a");
  EXPECT_EQ(Find("{ log.n = 4711 }"), "b");
  EXPECT_EQ(Find("{ log.n = \"4711\" }"), "c");
  EXPECT_EQ(Find("{ resource.service.name = \"shop\" && instrumentation:name = \"pg\" }"), "b");
  EXPECT_EQ(Find("{ resource.service.name = \"x' OR 1 = 1 --\" }"), "");
}

}  // namespace
}  // namespace sightline::query
