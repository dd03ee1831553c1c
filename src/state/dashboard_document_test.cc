#include "state/dashboard_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sightline::state {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string With(const std::string& members) {
  return R"({"schema": 1, "title": "T", "panels": [])" + (members.empty() ? "" : ", " + members) + "}";
}
std::string Panel(const std::string& members) {
  return R"({"schema": 1, "title": "T", "panels": [{"id": "a", "grid": {"x": 0, "y": 0, "w": 12, "h": 8}, "display": "line")" +
         (members.empty() ? "" : ", " + members) + "}]}";
}
std::string Query(const std::string& members) {
  return Panel(R"("queries": [{"name": "A", )" + members + "}]");
}

std::string Problem(const std::string& json) {
  const auto document = ReadDashboardDocument(json);
  return document ? "" : document.error().message;
}

TEST(DashboardDocument, KeepsWhatWasGiven) {
  const std::string text =
      R"({"schema":1,"title":"Überblick","description":"d","tags":["x","y"],"time":"6h","refresh":30,"variables":[{"name":"service",)"
      R"("kind":"field","field":"resource.service.name","multi":true,"all":true,"default":["a"]},{"name":"q","kind":"list","values":["p50"]}],)"
      R"("annotations":[{"kind":"deployments","service":"$service"},{"kind":"text","time_unix_nano":"1","text":"t"}],)"
      R"("panels":[{"id":"1","grid":{"x":0,"y":0,"w":24,"h":4},"display":"stacked","queries":[{"name":"A","source":"metrics",)"
      R"("metric":"m","query":"{ resource.service.name =~ $service }","over_time":"rate","over_series":"p95","group_by":["k"],"top":5},)"
      R"({"name":"B","source":"metrics","metric":"n","type":"sum"}],"formulas":[{"name":"F","expression":"A / B","unit":"%"}],)"
      R"("options":{"unit":"ms","thresholds":[{"value":1.5,"level":"warning"}],"legend":"table"}}]})";
  const auto document = ReadDashboardDocument(text);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->json, text);
  EXPECT_EQ(document->title, "Überblick");
  EXPECT_THAT(document->tags, ElementsAre("x", "y"));
  EXPECT_EQ(document->panels, 1u);
}

struct Wrong {
  std::string json, problem;
};

TEST(DashboardDocument, SaysWhatIsWrongAndWhere) {
  const Wrong cases[] = {
      {"{", "document: it is no JSON"},
      {"[]", "document: an object is wanted"},
      {"{}", "document: schema is wanted"},
      {R"({"schema": 2, "title": "T", "panels": []})", "schema: 2 is not between 1 and 1"},
      {R"({"schema": 1, "title": "", "panels": []})", "title: it is empty"},
      {With(R"("colour": 1)"), "document: there is no member \"colour\""},
      {With(R"("title": "U")"), "document: \"title\" is there twice"},
      {With(R"("tags": "x")"), "tags: a list is wanted"},
      {With(R"("time": "soon")"), "time: "},
      {With(R"("time": "forever")"), "time: a time back from now is wanted"},
      {With(R"("refresh": -1)"), "refresh: -1 is not between"},
      {With(R"("variables": [{"name": "1x", "kind": "text"}])"), "variables[0].name: \"1x\" is no name"},
      {With(R"("variables": [{"name": "x", "kind": "field"}])"), "variables[0]: field is wanted"},
      {With(R"("variables": [{"name": "x", "kind": "label", "field": "k"}])"), "variables[0]: metric is wanted"},
      {With(R"("variables": [{"name": "x", "kind": "list"}])"), "variables[0]: values is wanted"},
      {With(R"("variables": [{"name": "x", "kind": "text"}, {"name": "x", "kind": "text"}])"),
       "variables[1].name: \"x\" is the name"},
      {With(R"("variables": [{"name": "x", "kind": "field", "field": "name", "filter": "{ status = }"}])"),
       "variables[0].filter: "},
      {With(R"("annotations": [{"kind": "text"}])"), "annotations[0]: time_unix_nano is wanted"},
      {With(R"("annotations": [{"kind": "text", "time_unix_nano": "now"}])"), "annotations[0].time_unix_nano: Unix"},
      {Panel(R"("display": "line")"), "panels[0]: \"display\" is there twice"},
      {R"({"schema": 1, "title": "T", "panels": [{"id": "a", "grid": {"x": 20, "y": 0, "w": 5, "h": 8}, "display": "line"}]})",
       "panels[0].grid: x and w"},
      {R"({"schema": 1, "title": "T", "panels": [{"id": "a", "grid": {"x": 0, "y": 0, "w": 5, "h": 8}, "display": "pies"}]})",
       "panels[0].display: \"pies\" is none of line, area"},
      {Query(R"("source": "metrics")"), "panels[0].queries[0]: metric is wanted"},
      {Query(R"("source": "sql")"), "panels[0].queries[0]: query is wanted"},
      {Query(R"("source": "traceql", "query": "{ status = }")"), "panels[0].queries[0].query: "},
      {Query(R"("source": "logs", "query": "{ severity >> 3 }")"), "panels[0].queries[0].query: "},
      {Query(R"("source": "metrics", "metric": "m", "over_time": "rate")"),
       "panels[0].queries[0]: over_time and over_series"},
      {Query(R"("source": "metrics", "metric": "m", "top": 1, "bottom": 1)"), "panels[0].queries[0]: it is either"},
      {Query(R"("source": "metrics", "metric": "m", "group_by": ["a", "b", "c", "d"])"),
       "panels[0].queries[0].group_by: 4 are more than 3"},
      {Query(R"("source": "metrics", "metric": "m", "top": 101)"), "panels[0].queries[0].top: 101 is not"},
      {Panel(R"("queries": [{"name": "A", "source": "traceql"}, {"name": "A", "source": "traceql"}])"),
       "panels[0].queries[1].name"},
      {Panel(R"("queries": [{"name": "A", "source": "traceql"}, {"name": "B", "source": "metrics", "metric": "m"}])"),
       "panels[0].queries[1]: its source is metrics and that of the panel's first query traceql"},
      {Panel(R"("queries": [{"name": "A", "source": "logs"}, {"name": "B", "source": "logs"}])"),
       "panels[0].queries[1]: a panel of source logs has one query"},
      {Panel(
           R"-("queries": [{"name": "A", "source": "traceql", "query": "{ } | rate()"}, {"name": "B", "source": "traceql"}])-"),
       "panels[0].queries[1]: several queries"},
      {R"({"schema": 1, "title": "T", "panels": [{"id": "a", "grid": {"x": 0, "y": 0, "w": 5, "h": 8}, "display": "heatmap", "queries": [{"name": "A", "source": "metrics", "metric": "m"}, {"name": "B", "source": "metrics", "metric": "n"}]}]})",
       "panels[0].queries[1]: a panel of display heatmap has one query"},
      {Panel(R"("queries": [{"name": "A", "source": "traceql"}], "formulas": [{"name": "F", "expression": "A"}])"),
       "panels[0].formulas: they compute with queries of source metrics"},
      {Panel(R"("options": {"thresholds": [{"value": "1", "level": "ok"}]})"),
       "panels[0].options.thresholds[0].value: a number"},
  };
  for (const Wrong& one : cases) EXPECT_THAT(Problem(one.json), StartsWith(one.problem)) << one.json;
}

TEST(DashboardDocument, PanelsHaveIdsOfTheirOwn) {
  const std::string panel = R"({"id": "a", "grid": {"x": 0, "y": 0, "w": 1, "h": 1}, "display": "text"})";
  EXPECT_THAT(Problem(R"({"schema": 1, "title": "T", "panels": [)" + panel + ", " + panel + "]}"),
              HasSubstr("panels[1].id"));
}

TEST(DashboardDocument, VariablesStandForValuesOfAnyType) {
  for (const char* query : {
           "{ resource.service.name =~ $service } | rate() by (name)",
           "{ kind = $kind && status = ${status} && duration > $least }",
           "{ span.http.response.status_code = $code } | quantile_over_time(duration, $q) by ($field)",
       }) {
    EXPECT_EQ(Problem(Query(R"("source": "traceql", "query": ")" + std::string(query) + "\"")), "") << query;
  }
  EXPECT_EQ(Problem(Query(R"("source": "logs", "query": "{ severity >= $level } $word")")), "");
  EXPECT_EQ(Problem(Query(R"("source": "metrics", "metric": "m", "query": "{ .code = $code }")")), "");
  EXPECT_THAT(Problem(Query(R"("source": "traceql", "query": "{ kind = $kind && status = }")")),
              StartsWith("panels[0].queries[0].query: line 1, column 28: unexpected"));
  EXPECT_THAT(Problem(Query(R"-("source": "metrics", "metric": "m", "query": "{ .a = $a } | rate()")-")),
              HasSubstr("more than a condition"));
}

TEST(DashboardDocument, ReadsWhatWasKeptByOtherRules) {
  const std::string text = R"({"schema":9,"title":"T","tags":["x"],"panels":[{"later":1},{}],"colour":1})";
  EXPECT_FALSE(ReadDashboardDocument(text));
  const auto document = ReadKeptDashboardDocument(text);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(document->json, text);
  EXPECT_EQ(document->title, "T");
  EXPECT_THAT(document->tags, ElementsAre("x"));
  EXPECT_EQ(document->panels, 2u);
  EXPECT_EQ(ReadKeptDashboardDocument("{").error().code, Code::kInternal);
}

TEST(DashboardDocument, BytesAreLimited) {
  EXPECT_THAT(Problem(With(R"("description": ")" + std::string(kDocumentBytesMax, 'x') + "\"")),
              StartsWith("document: "));
  EXPECT_THAT(Problem(With(R"("description": ")" + std::string(5000, 'x') + "\"")),
              StartsWith("description: 5000 bytes"));
}

}  // namespace
}  // namespace sightline::state
