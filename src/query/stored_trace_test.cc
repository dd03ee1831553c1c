// Conditions say the same in SQL and in memory: generated ones on the same spans, on the real engine.
#include "query/stored_trace.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "query/testing/choice.h"
#include "query/testing/engine.h"
#include "query/traces.h"
#include "traceql/evaluate.h"
#include "traceql/parse.h"
#include "traceql/sql.h"

namespace sightline::query {
namespace {

using testing::Choice;
using testing::EngineTest;

constexpr int kSpans = 300;

constexpr const char* kKeys[] = {"x",   "y", "http.method", "http.request.method", "http.status_code", "only.resource",
                                 "it's"};

// (letter, text) of an attribute.
std::pair<char, std::string> RandomValue(Choice& choice) {
  static constexpr std::pair<char, const char*> kValues[] = {{'s', "a"},
                                                             {'s', "b"},
                                                             {'s', "25"},
                                                             {'s', ""},
                                                             {'s', "GET"},
                                                             {'s', "time\\nout"},
                                                             {'i', "25"},
                                                             {'i', "-3"},
                                                             {'i', "500"},
                                                             {'i', "0"},
                                                             {'d', "25"},
                                                             {'d', "2.5"},
                                                             {'d', "NaN"},
                                                             {'d', "+Inf"},
                                                             {'b', "true"},
                                                             {'b', "false"},
                                                             {'e', ""},
                                                             {'x', "YQ=="},
                                                             {'a', "[]"},
                                                             {'a', "[\"a\"]"},
                                                             {'a', "[\"a\",\"b\"]"},
                                                             {'a', "[25,3]"},
                                                             {'a', "[2.5]"},
                                                             {'a', "[true]"},
                                                             {'a', "[[1]]"},
                                                             {'a', "[1,\"a\"]"},
                                                             {'m', "{\"k\":1}"},
                                                             {'i', "9223372036854775807"}};
  const auto& [letter, text] = choice.Of(kValues);
  return {letter, text};
}

// map('k', 'v', ...) and its letters.
std::pair<std::string, std::string> RandomMap(Choice& choice) {
  std::string map, letters;
  for (const char* key : kKeys) {
    if (!choice.OneIn(3)) continue;
    const auto [letter, text] = RandomValue(choice);
    std::string quoted(key);
    if (const size_t quote = quoted.find('\''); quote != quoted.npos) quoted.insert(quote, "\\");
    map += fmt::format("{}'{}', '{}'", map.empty() ? "" : ", ", quoted, text);
    letters += letter;
  }
  return {map.empty() ? "CAST(map(), 'Map(LowCardinality(String), String)')" : "map(" + map + ")", letters};
}

class SameAnswerTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Execute("TRUNCATE TABLE sightline.spans");
    Execute("TRUNCATE TABLE sightline.attribute_sets");
    Choice choice(20261126);
    InsertSets(choice);
    InsertSpans(choice);
    auto trace = reader_.GetTrace("00000000000000000000000000000abc");
    ASSERT_TRUE(trace) << trace.error().message;
    trace_ = std::move(*trace);
    view_.emplace(trace_);
    ASSERT_EQ(trace_.spans.size(), static_cast<size_t>(kSpans));
  }

  void InsertSets(Choice& choice) {
    std::string sql = "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ";
    for (int i = 0; i < 6; ++i) {
      const auto [letter, text] = RandomValue(choice);
      sql += fmt::format("{}('{:032x}', now(), ['service.name', 'only.resource', 'x'], ['s{}', 'r{}', '{}'], 'ss{}')",
                         i == 0 ? "" : ", ", i, i % 3, i, text, letter);
    }
    Execute(sql);
  }

  void InsertSpans(Choice& choice) {
    static constexpr const char* kKindNames[] = {"Server", "Client", "Internal", "Unspecified"};
    static constexpr const char* kStatusNames[] = {"Unset", "Ok", "Error"};
    const int64_t now = Clock::System().UnixNanos() / 1'000'000'000 * 1'000'000'000;
    std::string sql =
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, "
        "SpanKind, StatusCode, "
        "StatusMessage, Duration, ResourceId, ScopeName, ScopeId, `a.http.method`, `a.http.status_code`, "
        "SpanAttributes, "
        "SpanAttributeTypes, `Events.Timestamp`, `Events.Name`, `Events.Attributes`, `Events.AttributeTypes`, "
        "`Events.DroppedAttributesCount`) VALUES ";
    // A key stands in its column or in the map.
    auto hot = [&](const std::string& map, const char* key, const char* value) {
      return map.find(std::string("'") + key + "'") == map.npos && choice.OneIn(3) ? value : "";
    };
    for (int i = 1; i <= kSpans; ++i) {
      const auto [map, letters] = RandomMap(choice);
      const auto [event_map, event_letters] = RandomMap(choice);
      const size_t set = choice.Below(6), parent = choice.Below(static_cast<size_t>(i));
      const bool events = choice.OneIn(2);
      const std::string list =
          events ? fmt::format("[fromUnixTimestamp64Nano({})], ['{}'], [{}], ['{}'], [0]", now + i * 1'000'000,
                               choice.OneIn(2) ? "exception" : "start", event_map, event_letters)
                 : "[], [], [], [], []";
      sql += fmt::format(
          "{}(1, fromUnixTimestamp64Nano({}), unhex('{:032x}'), unhex('{:016x}'), unhex('{}'), 's{}', '{}', '{}', "
          "'{}', '{}', {}, "
          "'{:032x}', '{}', '', '{}', '{}', {}, '{}', {})",
          i == 1 ? "" : ", ", now, 0xabc, i, parent == 0 ? "" : fmt::format("{:016x}", parent), set % 3,
          choice.OneIn(2) ? "GET /" : "query", choice.Of(kKindNames), choice.Of(kStatusNames),
          choice.OneIn(3) ? "refused" : "", choice.Below(4) * 500'000'000, set, choice.OneIn(2) ? "pg" : "",
          hot(map, "http.method", "GET"), hot(map, "http.status_code", "500"), map, letters, list);
    }
    Execute(sql);
    Execute("OPTIMIZE TABLE sightline.spans FINAL");  // a merged part has the indexes of attributes
  }

  std::set<std::string> InMemory(const traceql::Expression& condition) const {
    std::set<std::string> ids;
    for (size_t i = 0; i < view_->size(); ++i)
      if (traceql::Matches(condition, view_->span(i))) ids.insert(trace_.spans[i].span_id);
    return ids;
  }

  std::set<std::string> InSql(const traceql::SqlCondition& condition) {
    std::set<std::string> ids;
    Question question(clickhouse(), "sightline", nullptr);
    const auto done = question.ForEachRow("SELECT SpanId FROM sightline.spans WHERE " + condition.sql,
                                          condition.parameters, [&](RowReader& row) { ids.insert(row.Hex(8)); });
    EXPECT_TRUE(done) << done.error().message << "\n" << condition.sql;
    return ids;
  }

  // Whether the SQL alone says it all.
  bool Compare(const std::string& text) {
    const auto condition = traceql::ParseSpanCondition(text);
    EXPECT_TRUE(condition) << text;
    const auto compiled = traceql::CompileToSql(*condition, options_);
    const std::set<std::string> memory = InMemory(*condition), sql = InSql(compiled);
    if (compiled.exact) {
      EXPECT_EQ(sql, memory) << text << "\n" << compiled.sql;
    } else {
      EXPECT_TRUE(std::ranges::includes(sql, memory)) << text << "\n" << compiled.sql;
    }
    return compiled.exact;
  }

  traceql::SqlOptions options_{.attribute_sets = "sightline.attribute_sets",
                               .hot_attributes = &otlp::DefaultHotAttributes()};
  TraceReader reader_{*testing::kEngine->clickhouse()};
  Trace trace_;
  std::optional<StoredTrace> view_;
};

// A condition that the parser may refuse.
std::string RandomCondition(Choice& choice, int depth) {
  static constexpr const char* kFields[] = {"span.x",
                                            "span.y",
                                            ".x",
                                            ".y",
                                            ".only.resource",
                                            "resource.x",
                                            "resource.service.name",
                                            "event.x",
                                            "event.y",
                                            "span.\"it's\"",
                                            "span.http.method",
                                            "span.http.request.method",
                                            ".http.status_code",
                                            "name",
                                            "duration",
                                            "kind",
                                            "status",
                                            "statusMessage",
                                            "instrumentation:name",
                                            "event:name",
                                            "event:timeSinceStart",
                                            "span:id",
                                            "span:parentID",
                                            "trace:id"};
  static constexpr const char* kLiterals[] = {"\"a\"",     "\"25\"",
                                              "\"\"",      "25",
                                              "-3",        "2.5",
                                              "500",       "0",
                                              "true",      "false",
                                              "\"GET\"",   "1s",
                                              "\"GET /\"", "server",
                                              "error",     "\"s1\"",
                                              "\"r2\"",    "\"exception\"",
                                              "5ms",       "\"1f\"",
                                              "\"abc\"",   "9223372036854775807",
                                              "nil"};
  static constexpr const char* kOperators[] = {"=", "!=", "<", "<=", ">", ">=", "=~", "!~"};
  if (depth > 0 && choice.OneIn(2)) {
    const std::string left = RandomCondition(choice, depth - 1), right = RandomCondition(choice, depth - 1);
    return "(" + left + (choice.OneIn(2) ? " && " : " || ") + right + ")";
  }
  if (depth > 0 && choice.OneIn(4)) return "!(" + RandomCondition(choice, depth - 1) + ")";
  const std::string field = choice.Of(kFields), literal = choice.Of(kLiterals), op = choice.Of(kOperators);
  if (choice.OneIn(12)) return field;
  if (choice.OneIn(12)) return "!" + field;
  if (choice.OneIn(30)) return field + " + 1 > 2";
  return choice.OneIn(6) ? literal + " " + op + " " + field : field + " " + op + " " + literal;
}

TEST_F(SameAnswerTest, GeneratedConditions) {
  Choice choice(4711);
  int compared = 0, exact = 0;
  // No link and no scope has attributes here: known or not, the answers are the same.
  auto none_of_links = [](traceql::Scope scope, std::string_view) {
    return scope != traceql::Scope::kLink && scope != traceql::Scope::kInstrumentation;
  };
  while (compared < 1'000) {
    const std::string text = "{ " + RandomCondition(choice, 2) + " }";
    if (!traceql::ParseSpanCondition(text)) continue;
    options_.may_have = ++compared % 4 == 0 ? nullptr : std::function(none_of_links);
    exact += Compare(text);
    if (HasFailure()) return;
  }
  EXPECT_GT(exact, 750);
}

TEST_F(SameAnswerTest, ChosenConditions) {
  for (const char* text :
       {"{ span.x = \"a\" }", "{ span.x != \"a\" }", "{ span.x =~ \"time.?out\" }", "{ .only.resource = \"r1\" }",
        "{ span.http.request.method = \"GET\" && .http.status_code >= 500 }", "{ !(.x = 25) && event.x != nil }",
        "{ parent = nil || event:name != \"exception\" }", "{ !!span.x }", "{ !!!span.x }",
        "{ resource.service.name != \"s1\" }"})
    EXPECT_TRUE(Compare(text)) << text;
  EXPECT_FALSE(Compare("{ trace:duration > 1ms && name = \"query\" }"));
  EXPECT_FALSE(Compare("{ !(trace:rootName = \"query\" || span.x = 25) }"));
}

TEST_F(SameAnswerTest, StructureOfTheStoredTrace) {
  const auto query = traceql::ParseQuery("{ parent = nil } >> { } | count() > 0");
  ASSERT_TRUE(query);
  const auto below_roots = traceql::Evaluate(std::get<traceql::Pipeline>(query->node), *view_);
  ASSERT_EQ(below_roots.size(), 1u);
  size_t with_parent = 0;
  for (const Span& span : trace_.spans) with_parent += !span.parent_span_id.empty();
  EXPECT_EQ(below_roots[0].spans.size(), with_parent);
}

}  // namespace
}  // namespace sightline::query
