// Conditions on log records say the same in SQL and in memory: generated ones on the same records, on the real engine.
#include "query/stored_log.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "query/log_sql.h"
#include "query/testing/choice.h"
#include "query/testing/engine.h"
#include "traceql/evaluate.h"
#include "traceql/parse.h"
#include "traceql/sql.h"

namespace sightline::query {
namespace {

using testing::Choice;
using testing::EngineTest;

constexpr int kRecords = 400;

constexpr const char* kBodyKeys[] = {"a",   "b",         "user", "http",    "http.status",
                                     "a.b", "log.level", "x/y",  "it\\\"s", "Zähler"};

// As encoders of several languages write them.
constexpr const char* kScalars[] = {"\"a\"",
                                    "\"25\"",
                                    "\"\"",
                                    "\"user-48213\"",
                                    "\"USER-48213\"",
                                    "\"time\\nout\"",
                                    "\"caf\\u00e9 zu\"",
                                    "\"café zu\"",
                                    "\"\\/cart\\/items\"",
                                    "\"/cart/items\"",
                                    "\"a \\u003c b\"",
                                    "\"50%_\\\\x\"",
                                    "\"\\ud83d\\ude00 smile\"",
                                    "25",
                                    "25.0",
                                    "-3",
                                    "2.5",
                                    "0",
                                    "-0.0",
                                    "482133",
                                    "482133.0",
                                    "4.82133e5",
                                    "4.82133E+05",
                                    "1e3",
                                    "1000",
                                    "9007199254740993",
                                    "9223372036854775807",
                                    "18446744073709551615",
                                    "true",
                                    "false",
                                    "null"};

std::string RandomJson(Choice& choice, int depth) {
  if (depth > 0 && choice.OneIn(3)) {
    std::string object;
    for (const char* key : kBodyKeys) {
      if (!choice.OneIn(3)) continue;
      object += fmt::format("{}\"{}\"{}:{}{}", object.empty() ? "" : ",", key, choice.OneIn(5) ? " " : "",
                            choice.OneIn(5) ? " " : "", RandomJson(choice, depth - 1));
    }
    return "{" + object + "}";
  }
  if (choice.OneIn(8)) {
    std::string array;
    for (size_t i = choice.Below(4); i > 0; --i) {
      array += (array.empty() ? "" : ",") +
               (depth > 0 && choice.OneIn(4) ? RandomJson(choice, depth - 1) : std::string(choice.Of(kScalars)));
    }
    return "[" + array + "]";
  }
  return choice.Of(kScalars);
}

std::string RandomBody(Choice& choice) {
  if (choice.OneIn(10))
    return choice.Of(std::vector<std::string>{"user-48213 timed out", "{not json", "", "[{\"a\":1}]", "\"a\""});
  std::string object;
  while (object.empty() || object[0] != '{') object = RandomJson(choice, 3);
  if (choice.OneIn(20)) object.insert(0, "  \n");
  if (choice.OneIn(20)) object += " trailing";
  return object;
}

std::string Quoted(const std::string& text) {
  std::string quoted;
  for (const char c : text) {
    if (c == '\'' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return "'" + quoted + "'";
}

class SameAnswerOnLogsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Execute("TRUNCATE TABLE sightline.logs");
    Execute("TRUNCATE TABLE sightline.attribute_sets");
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('a0', now(), ['service.name', "
        "'a'], ['s0', '25'], 'si'), ('a1', now(), ['service.name', 'only.resource'], ['s1', 'x'], 'ss')");
    Choice choice(20261127);
    std::string sql =
        "INSERT INTO sightline.logs (Block, Timestamp, EventName, SeverityNumber, SeverityText, Body, BodyType, "
        "TraceId, "
        "ServiceName, ResourceId, ScopeName, LogAttributes, LogAttributeTypes) VALUES ";
    const int64_t now = Clock::System().UnixNanos() / 1'000'000'000 * 1'000'000'000;
    for (int i = 0; i < kRecords; ++i) {
      static constexpr std::pair<const char*, char> kAttributes[] = {
          {"25", 'i'}, {"25", 's'}, {"2.5", 'd'}, {"true", 'b'}, {"a", 's'}, {"[1,\"a\"]", 'a'}, {"", 'e'}};
      const auto [text, letter] = choice.Of(kAttributes);
      const size_t set = choice.Below(2);
      sql += fmt::format(
          "{}(1, fromUnixTimestamp64Nano({}), 'e{}', {}, '{}', {}, '{}', unhex('{:032x}'), 's{}', 'a{}', '{}', "
          "map('a', '{}'), '{}')",
          i == 0 ? "" : ", ", now + i, i % 3, choice.Below(26), choice.OneIn(2) ? "WARN" : "",
          Quoted(RandomBody(choice)), choice.OneIn(2) ? 'm' : 's', choice.Below(2) * 0xabc, set, set,
          choice.OneIn(2) ? "pg" : "", text, letter);
    }
    Execute(sql);
    auto page =
        reader_.Search({.filter = {.from_unix_nanos = now, .to_unix_nanos = now + kRecords}, .limit = kLogsMax});
    ASSERT_TRUE(page) << page.error().message;
    page_ = std::move(*page);
    ASSERT_EQ(page_.records.size(), static_cast<size_t>(kRecords));
  }

  std::set<int64_t> InMemory(const traceql::Expression& condition) const {
    std::set<int64_t> times;
    for (const LogRecord& record : page_.records) {
      const auto set = std::ranges::find(page_.attribute_sets, record.resource_id, &AttributeSet::id);
      const StoredLog log(record, set == page_.attribute_sets.end() ? nullptr : &*set, nullptr);
      if (traceql::Matches(condition, log)) times.insert(record.unix_nanos);
    }
    return times;
  }

  std::set<int64_t> InSql(const traceql::SqlCondition& condition) {
    std::set<int64_t> times;
    Question question(clickhouse(), "sightline", nullptr);
    const auto done =
        question.ForEachRow("SELECT Timestamp FROM sightline.logs WHERE " + condition.sql, condition.parameters,
                            [&](RowReader& row) { times.insert(row.Number<int64_t>()); });
    EXPECT_TRUE(done) << done.error().message << "\n" << condition.sql;
    return times;
  }

  // How many match; of conditions that SQL alone says wholly.
  size_t Compare(const std::string& text) {
    const auto condition = traceql::ParseLogCondition(text);
    EXPECT_TRUE(condition) << text;
    const auto compiled = traceql::CompileToSql(
        *condition, {.subject = traceql::Subject::kLogs, .attribute_sets = "sightline.attribute_sets"});
    const auto memory = InMemory(*condition), sql = InSql(compiled);
    if (!compiled.exact) {
      EXPECT_TRUE(std::ranges::includes(sql, memory)) << text << "\n" << compiled.sql;
      return 0;
    }
    EXPECT_EQ(sql, memory) << text << "\n" << compiled.sql << Differing(sql, memory);
    return sql.size();
  }

  std::string Differing(const std::set<int64_t>& sql, const std::set<int64_t>& memory) const {
    for (const LogRecord& record : page_.records) {
      if (sql.contains(record.unix_nanos) != memory.contains(record.unix_nanos)) return "\n" + record.body.text;
    }
    return "";
  }

  LogReader reader_{*testing::kEngine->clickhouse()};
  LogPage page_;
};

// A condition that the parser may refuse.
std::string RandomCondition(Choice& choice, int depth) {
  static constexpr const char* kFields[] = {"body.a",
                                            "body.b",
                                            "body.user",
                                            "body.a.b",
                                            "body.\"a.b\"",
                                            "body.http.status",
                                            "body.\"http.status\"",
                                            "body.http.a",
                                            "body.log.level",
                                            "body.x/y",
                                            "body.\"x/y\".a",
                                            "body.\"it\\\"s\"",
                                            "body.Zähler",
                                            "body.a.a.a",
                                            "body.http",
                                            "log.a",
                                            ".a",
                                            ".only.resource",
                                            "severity",
                                            "severityNumber",
                                            "severityText",
                                            "eventName",
                                            "body",
                                            "trace:id",
                                            "instrumentation:name"};
  static constexpr const char* kLiterals[] = {"\"a\"",
                                              "\"25\"",
                                              "\"\"",
                                              "\"user-48213\"",
                                              "\"USER-48213\"",
                                              "\"time\\nout\"",
                                              "\"café zu\"",
                                              "\"/cart/items\"",
                                              "\"a < b\"",
                                              "\"50%_\\\\x\"",
                                              "\"😀 smile\"",
                                              "25",
                                              "-3",
                                              "2.5",
                                              "0",
                                              "482133",
                                              "1000",
                                              "1ms",
                                              "9007199254740993",
                                              "9223372036854775807",
                                              "true",
                                              "false",
                                              "warn",
                                              "\"user.*\"",
                                              "\".*e.*\"",
                                              "nil"};
  static constexpr const char* kOperators[] = {"=", "=", "!=", "<", "<=", ">", ">=", "=~", "!~"};
  if (depth > 0 && choice.OneIn(2)) {
    const std::string left = RandomCondition(choice, depth - 1), right = RandomCondition(choice, depth - 1);
    return "(" + left + (choice.OneIn(2) ? " && " : " || ") + right + ")";
  }
  if (depth > 0 && choice.OneIn(4)) return "!(" + RandomCondition(choice, depth - 1) + ")";
  const std::string field = choice.Of(kFields), literal = choice.Of(kLiterals), op = choice.Of(kOperators);
  if (choice.OneIn(12)) return field;
  if (choice.OneIn(12)) return "!" + field;
  if (choice.OneIn(20)) return literal;
  if (choice.OneIn(30)) return field + " + 1 > 2";
  return choice.OneIn(6) ? literal + " " + op + " " + field : field + " " + op + " " + literal;
}

TEST_F(SameAnswerOnLogsTest, GeneratedConditions) {
  Choice choice(4712);
  int compared = 0, telling = 0;
  while (compared < 800) {
    const std::string text = "{ " + RandomCondition(choice, 2) + " }";
    if (!traceql::ParseLogCondition(text)) continue;
    ++compared;
    const size_t matching = Compare(text);
    telling += matching > 0 && matching < kRecords;
    if (HasFailure()) return;
  }
  EXPECT_GT(telling, 250);
}

TEST_F(SameAnswerOnLogsTest, WhatStandsInBodiesOfJson) {
  for (const char* text : {"{ body.a = \"user-48213\" }", "{ body.user = 482133 }", "{ body.a = 25 }",
                           "{ body.a.b != nil }", "{ body.\"a.b\" = nil }", "{ body.http.status >= 25 }",
                           "{ body.b = \"/cart/items\" }", "{ body.a =~ \"caf.*\" }", "{ body.a = \"a < b\" }",
                           "{ body.b != \"a\" }", "{ body.\"it\\\"s\" != nil }", "{ body.Zähler > 0 }",
                           "{ body.a = 1000 }", "{ body.b = true }", "{ body.http != nil && body.http != \"a\" }"}) {
    EXPECT_GT(Compare(text), 0u) << text;
  }
  EXPECT_EQ(Compare("{ body.nowhere != nil }"), 0u);
}

}  // namespace
}  // namespace sightline::query
