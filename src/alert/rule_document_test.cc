#include "alert/rule_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "alert/describe.h"
#include "alert/rule_files.h"
#include "alert/rule_queries.h"

namespace sightline::alert {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kFull = R"json({
  "schema": 1, "name": "Failing requests", "description": "Too many", "enabled": false,
  "queries": [
    {"name": "A", "source": "traceql", "query": "{ status = error } | rate() by (resource.service.name)"},
    {"name": "B", "source": "metrics", "metric": "http.requests", "type": "sum", "aggregation": "rate", "group_by": ["service.name"],
     "query": "{ .route = \"/\" }"}
  ],
  "formulas": [{"name": "F", "expression": "A / B"}],
  "window": "10m", "interval": "30s", "delay": "5s",
  "condition": {"kind": "threshold", "op": "above", "warning": 0.01, "critical": 0.05, "recovery": 0.008},
  "for": "2m", "keep_firing_for": "5m", "no_data": "ok", "groups_max": 20,
  "labels": {"team": "search"}, "annotations": {"summary": "{{service.name}} fails: {{value}}"}
})json";

TEST(Rule, IsReadWithAllItsMembers) {
  const auto rule = ReadRule(kFull);
  ASSERT_TRUE(rule) << rule.error().message;
  EXPECT_EQ(rule->name, "Failing requests");
  EXPECT_FALSE(rule->enabled);
  EXPECT_EQ(rule->watch, "F");
  EXPECT_EQ(rule->window_seconds, 600);
  EXPECT_EQ(rule->interval_seconds, 30);
  EXPECT_EQ(rule->delay_seconds, 5);
  EXPECT_EQ(rule->for_seconds, 120);
  EXPECT_EQ(rule->keep_firing_for_seconds, 300);
  EXPECT_EQ(rule->no_data, NoData::kOk);
  EXPECT_EQ(rule->groups_max, 20u);
  EXPECT_EQ(rule->condition.limits.Judge(0.009, Level::kWarning), Level::kWarning);
  EXPECT_EQ(rule->queries[1].aggregation, query::Aggregation::kRate);
  EXPECT_EQ(rule->labels.at("team"), "search");
  EXPECT_EQ(DescribeCondition(*rule, Level::kCritical), "above 0.05 for 2m");
  const auto again = ReadRule(rule->json);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->json, rule->json);
  EXPECT_EQ(again->meaning, rule->meaning);
}

// The document with one text replaced.
std::string With(std::string_view text, std::string_view instead) {
  std::string json = kFull;
  const size_t at = json.find(text);
  EXPECT_NE(at, json.npos) << text;
  return json.replace(at, text.size(), instead);
}

TEST(Rule, NamesTheMemberThatIsWrong) {
  const struct {
    std::string json;
    const char* error;
  } cases[] = {
      {"{", "document: it is no JSON"},
      {With("\"schema\": 1", "\"schema\": 2"), "schema: 2 is not"},
      {With("\"window\": \"10m\"", "\"window\": \"10\""), "window: "},
      {With("\"window\": \"10m\"", "\"window\": \"1500ms\""), "window: whole seconds"},
      {With("\"window\": \"10m\"", "\"window\": \"31d\""), "window: 31d is not between 1s and 30d"},
      {With("status = error", "status ="), "queries[0].query: "},
      {With("| rate() by (resource.service.name)", ""), "queries[0].query: this query finds spans"},
      {With("\"source\": \"traceql\"", "\"source\": \"promql\""), "queries[0].source: \"promql\" is none of"},
      {With("\"metric\": \"http.requests\"", "\"metric\": \"\""), "queries[1]: metric is wanted"},
      {With("\"aggregation\": \"rate\"", "\"aggregation\": \"mean\""), "queries[1].aggregation: "},
      {With("\"metric\": \"http.requests\"", "\"metric\": \"m\", \"slo\": \"3\""), "queries[1].slo: source metrics"},
      {With("A / B", "A / C"), "formulas[0].expression: there is no \"C\""},
      {With("A / B", "A /"), "formulas[0].expression: column"},
      {With("\"critical\": 0.05", "\"critical\": \"0.05\""), "condition.critical: a number is wanted"},
      {With("\"critical\": 0.05", "\"critical\": 0.005"), "condition.critical: whatever breaches it"},
      {With("\"recovery\": 0.008", "\"recovery\": 0.02"), "condition.recovery: it lies on the wrong side"},
      {With("\"op\": \"above\"", "\"op\": \"outside\""), "condition.warning: a list is wanted"},
      {With("\"op\": \"above\", ", ""), "condition: op is wanted"},
      {With("\"warning\": 0.01, \"critical\": 0.05, ", ""), "condition: warning or critical is wanted"},
      {With("\"kind\": \"threshold\"", "\"kind\": \"absent\""), "condition.op: a condition of kind absent has none"},
      {With("\"kind\": \"threshold\"", "\"kind\": \"change\""), "condition: against is wanted"},
      {With("\"no_data\": \"ok\"", "\"no_data\": \"fine\""), "no_data: "},
      {With("\"groups_max\": 20", "\"groups_max\": 0"), "groups_max: "},
      {With("\"team\": \"search\"", "\"team\": 5"), "labels.team: a text is wanted"},
      {With("\"for\": \"2m\"", "\"for\": \"2m\", \"colour\": 1"), "document: there is no member \"colour\""},
      {R"({"schema": 1, "name": "x", "queries": [], "condition": {"kind": "absent"}})", "queries: one is wanted"},
      {R"({"schema": 1, "name": "x", "queries": [{"name": "A", "source": "slo", "slo": "1"}], "condition": {"kind": "absent"}})",
       "condition.kind: source slo and kind burn_rate go together"},
      {R"({"schema": 1, "name": "x", "queries": [{"name": "A", "source": "logs"}], "watch": "B", "condition": {"kind": "absent"}})",
       "watch: there is no \"B\""},
  };
  for (const auto& one : cases) {
    const auto rule = ReadRule(one.json);
    ASSERT_FALSE(rule) << one.error;
    EXPECT_EQ(rule.error().code, Code::kInvalidArgument);
    EXPECT_THAT(rule.error().message, StartsWith(one.error));
  }
}

TEST(Rule, OfAnObjectiveHasTheDefaultTiers) {
  const auto rule = ReadRule(
      R"({"schema": 1, "name": "x", "queries": [{"name": "A", "source": "slo", "slo": "1"}], "condition": {"kind": "burn_rate"}})");
  ASSERT_TRUE(rule) << rule.error().message;
  EXPECT_EQ(rule->condition.tiers.size(), 3u);
  EXPECT_EQ(DescribeCondition(*rule, Level::kWarning), "burn rate above 1 over 3d and 6h");
}

TEST(Rule, FromYamlIsTheSameAsFromJson) {
  constexpr const char* kYaml = R"(
schema: 1
name: Failing requests
enabled: true
queries:
  - name: A
    source: logs
    query: '{ severity >= error }'
condition: {kind: threshold, op: outside, critical: [-1.5, 1e3]}
groups_max: 7
labels: {team: "5", warning: 3}
)";
  char directory[] = "/tmp/sightline-rule-test-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  std::ofstream(std::string(directory) + "/rule.yaml") << kYaml;
  std::ofstream(std::string(directory) + "/wrong.yaml") << "a: [";
  const auto list = RuleFiles(directory).List();
  std::filesystem::remove_all(directory);
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->rules.size(), 1u) << (list->broken.empty() ? "" : list->broken[0].error);
  const RuleDocument* rule = &list->rules[0].document;
  EXPECT_EQ(rule->groups_max, 7u);
  EXPECT_EQ(rule->labels, (Labels{{"team", "5"}, {"warning", "3"}}));
  EXPECT_EQ(rule->condition.limits.critical->low, -1.5);
  EXPECT_EQ(rule->condition.limits.critical->high, 1000);
  ASSERT_EQ(list->broken.size(), 1u);
  EXPECT_EQ(list->broken[0].file, "wrong.yaml");
  EXPECT_THAT(list->broken[0].error, StartsWith("line "));
}

TEST(Annotations, HaveLabelsAndTheValue) {
  const Labels labels = {{"service.name", "shop"}};
  EXPECT_EQ(ExpandTemplate("{{service.name}} fails: {{ value }}!", labels, 0.123456789), "shop fails: 0.123457!");
  EXPECT_EQ(ExpandTemplate("{{nothing}}|{{", labels, 1), "|{{");
  EXPECT_EQ(ExpandTemplate("{{value}}", labels, std::nan("")), "no value");
}

TEST(Labels, ArePlain) {
  EXPECT_EQ(PlainLabels({{"resource.service.name", "\"a \\\"b\\\"\\n\""}, {"span.n", "5"}, {"span:status", "error"}}),
            (Labels{{"service.name", "a \"b\"\n"}, {"n", "5"}, {"status", "error"}}));
  EXPECT_EQ(PlainLabels({{"resource.x", "nil"}, {"span.x", "1"}}), (Labels{{"x", "1"}}));
  EXPECT_EQ(PlainLabels({{"resource.x", "2"}, {"span.x", "1"}}), (Labels{{"x", "2"}, {"span.x", "1"}}));
}

TEST(Sql, HasTheWindowsTimes) {
  const Steps steps{5, 1'000'000'005, 1};
  EXPECT_EQ(WithTimes("SELECT $from, $to, $step, $other, $fromage, '$'", steps),
            "SELECT fromUnixTimestamp64Nano(toInt64(5)), fromUnixTimestamp64Nano(toInt64(1000000005)), 1, $other, "
            "$fromage, '$'");
}

TEST(Sql, AnswersGroupsOfNumbers) {
  const auto read = [](const char* meta, const char* rows) {
    return ReadSqlAnswer(std::string(R"j({"meta": [)j") + meta + R"j(], "data": [)j" + rows + "]}");
  };
  const auto one = read(R"j({"name": "n", "type": "UInt64"})j", R"j(["18446744073709551615"])j");
  ASSERT_TRUE(one) << one.error().message;
  EXPECT_EQ(one->at(0).values.at(0), 18446744073709551615.0);
  EXPECT_EQ(one->at(0).labels, Labels());
  const auto groups = read(
      R"j({"name": "s", "type": "LowCardinality(String)"}, {"name": "code", "type": "UInt16"}, {"name": "value", "type": "Nullable(Float64)"})j",
      R"j(["a", 200, 1.5], ["a", 500, null])j");
  ASSERT_TRUE(groups) << groups.error().message;
  ASSERT_EQ(groups->size(), 2u);
  EXPECT_EQ(groups->at(0).labels, (Labels{{"s", "a"}, {"code", "200"}}));
  EXPECT_EQ(groups->at(0).values.at(0), 1.5);
  EXPECT_TRUE(std::isnan(groups->at(1).values.at(0)));
  const auto newest = read(R"j({"name": "t", "type": "DateTime64(9)"}, {"name": "n", "type": "Int32"})j",
                           R"j(["2026-01-01 00:00:02", 2], ["2026-01-01 00:00:03", 3], ["2026-01-01 00:00:01", 1])j");
  ASSERT_TRUE(newest) << newest.error().message;
  ASSERT_EQ(newest->size(), 1u);
  EXPECT_EQ(newest->at(0).values.at(0), 3);
  EXPECT_THAT(read(R"j({"name": "s", "type": "String"})j", R"j(["a"])j").error().message,
              HasSubstr("no column is a number"));
  EXPECT_THAT(read(R"j({"name": "a", "type": "Int8"}, {"name": "b", "type": "Int8"})j", "[1, 2]").error().message,
              HasSubstr("2 columns are numbers"));
  EXPECT_THAT(read(R"j({"name": "n", "type": "Int8"})j", "[1], [2]").error().message, HasSubstr("two rows"));
}

}  // namespace
}  // namespace sightline::alert
