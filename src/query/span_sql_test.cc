// The SQL of numbers over spans, as snapshots: series, and the keys of groups and facets.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "query/encoded_field.h"
#include "query/span_series.h"
#include "query/span_series_sql.h"
#include "traceql/testing/table_file.h"

namespace sightline::query {
namespace {

const std::vector<otlp::HotAttribute>& Hot() {
  static const std::vector<otlp::HotAttribute> hot = {
      {"http.route"}, {"http.method"}, {"http.response.status_code", otlp::HotAttribute::Type::kInt}};
  return hot;
}

std::string Described(const std::string& sql, const std::map<std::string, std::string>& parameters) {
  std::string lines = sql;
  for (const auto& [name, value] : parameters) lines += "\n" + name + " = " + value;
  return lines;
}

TEST(SpanSql, OfSeries) {
  traceql::testing::RunTableFile("query/testdata/series_sql.test", [](const std::string& text) -> std::string {
    const auto query = SpanSeriesQuery::Parse(text);
    if (!query) return query.error().message;
    const auto* pipeline = std::get_if<traceql::MetricsPipeline>(&(*query)->expression().node);
    if (pipeline == nullptr) return "several pipelines";
    const auto grid = MakeGrid(1'800'000'000'000'000'000, 1'800'000'600'000'000'000, 60);
    const auto compiled = CompilePipeline(*pipeline, *grid, Hot(), "spans", "attribute_sets");
    if (!compiled) return compiled.error().message;
    return Described(compiled->sql, compiled->parameters);
  });
}

TEST(SpanSql, OfKeys) {
  traceql::testing::RunTableFile("query/testdata/key_sql.test", [](const std::string& text) -> std::string {
    const bool of_logs = text.starts_with("logs ");
    const auto field = ParseField(of_logs ? text.substr(5) : text, of_logs);
    if (!field) return field.error().message;
    Conditions conditions;
    const auto sql = EncodedField(
        *field, {.hot_attributes = Hot(), .attribute_sets = "attribute_sets", .of_logs = of_logs}, conditions);
    if (!sql) return sql.error().message;
    return Described(*sql, conditions.parameters());
  });
}

}  // namespace
}  // namespace sightline::query
