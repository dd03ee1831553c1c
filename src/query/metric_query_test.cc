// Several metrics in one answer, filters, what streams come to over time, heatmaps and cardinality, on the real engine;
// expectations are computed by hand.
#include "query/metric_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "query/metric_cardinality.h"
#include "query/metric_heatmap.h"
#include "query/testing/metric_store.h"
#include "traceql/parse.h"

namespace sightline::query {
namespace {

using testing::Are;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kNan;
using ::testing::Pair;
using testing::Values;

class MetricQueryTest : public testing::MetricStoreTest {
 protected:
  // Gauges of three hosts, two of one service: 1, 2 / 10, 20 / 100, 200 in two minutes.
  void AddHosts() {
    Execute(
        "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('ab01', now(), ['host.name', "
        "'cores'], ['one', "
        "'8'], 'si')");
    const auto add = [&](std::string service, std::string resource, std::string attributes, double first) {
      const uint64_t id = Add({.type = "gauge",
                               .unit = "By",
                               .temporality = 0,
                               .monotonic = false,
                               .service = service,
                               .resource = resource,
                               .attributes = attributes});
      Insert(id, {{10, first}, {70, 2 * first}});
    };
    add("web", "ab01", "{'pool': 'x', 'http.method': 'GET'}", 1);
    add("web", "", "{'pool': 'y'}", 10);
    add("db", "", "{'pool': 'x'}", 100);
  }
  SeriesRequest Filtered(const std::string& filter) {
    SeriesRequest request = Ask(120);
    auto parsed = traceql::ParseSpanCondition(filter);
    EXPECT_TRUE(parsed) << filter;
    if (parsed) request.filter = std::make_shared<const traceql::Expression>(*std::move(parsed));
    request.aggregation = Aggregation::kSum;
    return request;
  }
  MetricsAnswer MustAsk(const MetricsQuestion& question) {
    std::string at_fault;
    auto answer = AskMetrics(reader_, question, nullptr, &at_fault);
    EXPECT_TRUE(answer) << at_fault << ": " << answer.error().message;
    return answer ? *std::move(answer) : MetricsAnswer();
  }
};

TEST_F(MetricQueryTest, FiltersByLabelsOfPointsAndResources) {
  AddHosts();
  EXPECT_THAT(Only(Filtered("{ .pool = \"x\" }")), Are(Values{101, 202}));
  EXPECT_THAT(Only(Filtered("{ .pool =~ \"x|y\" && resource.service.name = \"web\" }")), Are(Values{11, 22}));
  EXPECT_THAT(Only(Filtered("{ .service.name = \"db\" }")), Are(Values{100, 200}));
  EXPECT_THAT(Only(Filtered("{ resource.host.name = \"one\" }")), Are(Values{1, 2}));
  EXPECT_THAT(Only(Filtered("{ .cores > 7 }")), Are(Values{1, 2}));
  EXPECT_THAT(Only(Filtered("{ .http.request.method = \"GET\" }")), Are(Values{1, 2}));  // its new name
  EXPECT_THAT(Only(Filtered("{ }")), Are(Values{111, 222}));
  EXPECT_TRUE(Get(Filtered("{ .pool = \"z\" }")).series.empty());
  EXPECT_TRUE(Get(Filtered("{ name = \"x\" }")).series.empty());
}

TEST_F(MetricQueryTest, CombinesWhatStreamsComeToOverTime) {
  AddHosts();
  SeriesRequest request = Ask(120);
  request.over_time = Aggregation::kMax;
  const auto over = [&](Aggregation over_series) {
    request.over_series = over_series;
    return Only(request);
  };
  EXPECT_THAT(over(Aggregation::kSum), Are(Values{111, 222}));
  EXPECT_THAT(over(Aggregation::kAvg), Are(Values{37, 74}));
  EXPECT_THAT(over(Aggregation::kMin), Are(Values{1, 2}));
  EXPECT_THAT(over(Aggregation::kMax), Are(Values{100, 200}));
  EXPECT_THAT(over(Aggregation::kCount), Are(Values{3, 3}));
  EXPECT_THAT(over(Aggregation::kP50), Are(Values{10, 20}));
  EXPECT_THAT(over(Aggregation::kP75), Are(Values{55, 110}));  // halfway between 10 and 100
  request.over_time = Aggregation::kSum;
  EXPECT_THAT(Refused(request).message, HasSubstr("avg, min, max or last"));
}

TEST_F(MetricQueryTest, RatesOfStreamsHaveQuantiles) {
  for (const double rate : {1.0, 2.0, 6.0}) {
    Insert(Add({.attributes = "{'n': '" + std::to_string(rate) + "'}"}), {{-60, 0}, {0, 60 * rate}, {60, 120 * rate}});
  }
  SeriesRequest request = Ask(60);
  request.over_time = Aggregation::kRate;
  request.over_series = Aggregation::kP50;
  EXPECT_THAT(Only(request), Are(Values{2}));
  request.over_series = Aggregation::kMax;
  EXPECT_THAT(Only(request), Are(Values{6}));
}

TEST_F(MetricQueryTest, TakesTheLargestOrTheSmallest) {
  AddHosts();
  SeriesRequest request = Ask(120);
  request.group_by = {"service.name", "pool"};
  request.limit = 1;
  EXPECT_THAT(Get(request).series.at(0).labels, ElementsAre(Pair("service.name", "db"), Pair("pool", "x")));
  request.smallest = true;
  const SeriesAnswer smallest = Get(request);
  EXPECT_THAT(smallest.series.at(0).values, Are(Values{1, 2}));
  EXPECT_EQ(smallest.series_total, 3u);
}

TEST_F(MetricQueryTest, FormulasComputeWithWhatIsAsked) {
  AddHosts();
  MetricsQuestion question;
  SeriesRequest by_service = Ask(120);
  by_service.group_by = {"service.name"};
  by_service.aggregation = Aggregation::kSum;
  question.queries.push_back({"A", by_service, /*hidden=*/true});
  question.queries.push_back({"B", Ask(120, 60, Aggregation::kSum)});
  question.formulas.push_back({.name = "Share", .formula = *Formula::Parse("100 * A / B"), .unit = "%"});
  question.formulas.push_back({.name = "Half", .formula = *Formula::Parse("Share / 2"), .unit = "", .limit = 1});
  const MetricsAnswer answer = MustAsk(question);
  ASSERT_EQ(answer.results.size(), 3u);
  EXPECT_EQ(answer.results[0].name, "B");
  EXPECT_EQ(answer.results[0].result_unit, "By");
  ASSERT_EQ(answer.results[1].series.size(), 2u);
  EXPECT_THAT(answer.results[1].series[0].labels, ElementsAre(Pair("service.name", "db")));
  EXPECT_THAT(answer.results[1].series[0].values, Are(Values{10000.0 / 111, 10000.0 / 111}));
  EXPECT_EQ(answer.results[1].result_unit, "%");
  EXPECT_EQ(answer.results[2].series.size(), 1u);
  EXPECT_EQ(answer.results[2].series_total, 2u);
}

TEST_F(MetricQueryTest, AMetricThatIsNotThereHasNoSeries) {
  AddHosts();
  MetricsQuestion question;
  question.queries.push_back({"A", Ask(120, 60, "later")});
  question.queries.push_back({"B", Ask(120)});
  const MetricsAnswer answer = MustAsk(question);
  EXPECT_TRUE(answer.results[0].series.empty());
  EXPECT_FALSE(answer.results[0].kind);
  EXPECT_EQ(answer.results[1].series.size(), 1u);
}

TEST_F(MetricQueryTest, WhatIsWrongIsNamed) {
  AddHosts();
  MetricsQuestion question;
  question.queries.push_back({"A", Ask(120)});
  question.queries.push_back({"B", Ask(120, 60, Aggregation::kP95)});
  std::string at_fault;
  ASSERT_FALSE(AskMetrics(reader_, question, nullptr, &at_fault));
  EXPECT_EQ(at_fault, "queries[1].aggregation");
  question.queries.pop_back();
  question.formulas.push_back({.name = "F", .formula = *Formula::Parse("A + C")});
  const auto answer = AskMetrics(reader_, question, nullptr, &at_fault);
  ASSERT_FALSE(answer);
  EXPECT_EQ(at_fault, "formulas[0].expression");
  EXPECT_THAT(answer.error().message, HasSubstr("\"C\""));
}

TEST_F(MetricQueryTest, AHeatmapHasWhatWasMeasuredInEachStep) {
  const uint64_t id = Add({.type = "histogram", .unit = "ms"});
  InsertHistogram(id, -1, -120, {1, 10}, {0, 0, 0}, 0);
  InsertHistogram(id, 59, -120, {1, 10}, {1, 0, 2}, 0);
  InsertHistogram(id, 119, -120, {1, 10}, {1, 5, 2}, 0);
  MetricHeatmapRequest request{
      .name = "m", .from_unix_nanos = start_, .to_unix_nanos = start_ + 120 * testing::kSecond};
  const auto heatmap = ReadMetricHeatmap(clickhouse(), "sightline", request, nullptr, nullptr);
  ASSERT_TRUE(heatmap) << heatmap.error().message;
  EXPECT_THAT(heatmap->bounds, ElementsAre(1, 10));
  Values counts(6, 0);
  for (const auto& cell : heatmap->cells) counts[cell.step * 3 + cell.row] += cell.count;
  // Of the 60 seconds before a point the first is in the step before, or before the range.
  EXPECT_THAT(counts, Are(Values{59.0 / 60, 5.0 / 60, 2 * 59.0 / 60, 0, 5 * 59.0 / 60, 0}));
}

TEST_F(MetricQueryTest, AFineExponentialHeatmapBecomesCoarser) {
  const uint64_t id = Add({.type = "exponential_histogram", .unit = "s"});
  InsertExponential(id, -1, -120, 5, 0, std::vector<uint64_t>(300, 0));
  InsertExponential(id, 59, -120, 5, 0, std::vector<uint64_t>(300, 2), 4);
  MetricHeatmapRequest request{.name = "m", .from_unix_nanos = start_, .to_unix_nanos = start_ + 60 * testing::kSecond};
  const auto heatmap = ReadMetricHeatmap(clickhouse(), "sightline", request, nullptr, nullptr);
  ASSERT_TRUE(heatmap) << heatmap.error().message;
  EXPECT_LE(heatmap->bounds.size(), kHeatmapRowsMax);
  EXPECT_TRUE(std::ranges::is_sorted(heatmap->bounds));
  double total = 0;
  for (const auto& cell : heatmap->cells) {
    total += cell.count;
    EXPECT_LE(cell.row, heatmap->bounds.size());
  }
  EXPECT_NEAR(total, 604.0 * 59 / 60, 1e-6);
  EXPECT_NEAR(heatmap->bounds.back(), std::exp2(300.0 / 32), std::exp2(300.0 / 32) * 0.2);
}

TEST_F(MetricQueryTest, OnlyHistogramsHaveAHeatmap) {
  AddHosts();
  MetricHeatmapRequest request{.name = "m", .from_unix_nanos = start_, .to_unix_nanos = start_ + 60 * testing::kSecond};
  std::string at_fault;
  const auto refused = ReadMetricHeatmap(clickhouse(), "sightline", request, nullptr, &at_fault);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
}

TEST_F(MetricQueryTest, CardinalitySaysWhichAttributeMakesTheSeries) {
  for (int user = 0; user < 20; ++user) {
    for (const char* method : {"GET", "POST"}) {
      Add({.attributes = fmt::format("{{'user': 'u{}', 'method': '{}'}}", user, method)});
    }
  }
  Add({.service = "db", .attributes = "{'method': 'GET'}"});
  const auto found = ReadMetricCardinality(clickhouse(), "sightline", "m", std::nullopt, start_, nullptr);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->series, 41u);
  EXPECT_THAT(found->services, ElementsAre(Pair("web", 40), Pair("db", 1)));
  ASSERT_EQ(found->attributes.size(), 2u);
  const auto& user = found->attributes[0];
  EXPECT_EQ(user.key, "user");
  EXPECT_EQ(user.values, 20u);
  EXPECT_EQ(user.series, 40u);
  EXPECT_EQ(user.without, 3u);  // GET and POST of the one service, GET of the other
  EXPECT_EQ(user.top.size(), kCardinalityValuesShown);
  const auto& method = found->attributes[1];
  EXPECT_EQ(method.values, 2u);
  EXPECT_EQ(method.without, 21u);
  EXPECT_THAT(method.top, ElementsAre(Pair("GET", 21), Pair("POST", 20)));
  const auto more = ReadMetricCardinality(clickhouse(), "sightline", "m", std::nullopt, start_, nullptr, 15);
  EXPECT_EQ(more->attributes[0].top.size(), 15u);
  const auto one = ReadMetricCardinality(clickhouse(), "sightline", "m", "db", start_, nullptr);
  EXPECT_EQ(one->series, 1u);
  EXPECT_EQ(ReadMetricCardinality(clickhouse(), "sightline", "none", std::nullopt, start_, nullptr).error().code,
            Code::kNotFound);
}

TEST_F(MetricQueryTest, CardinalityTellsSwappedValuesAndServicesApart) {
  for (const char* pod : {"p0", "p1"}) {
    Add({.attributes = fmt::format("{{'from': 'a', 'to': 'b', 'pod': '{}'}}", pod)});
    Add({.attributes = fmt::format("{{'from': 'b', 'to': 'a', 'pod': '{}'}}", pod)});
  }
  Add({.service = "db", .attributes = "{'from': 'a', 'to': 'b', 'pod': 'p0'}"});
  const auto found = ReadMetricCardinality(clickhouse(), "sightline", "m", std::nullopt, start_, nullptr);
  ASSERT_TRUE(found) << found.error().message;
  for (const auto& one : found->attributes) {
    // Without the pod: from a to b and from b to a of one service, from a to b of the other.
    if (one.key == "pod") EXPECT_EQ(one.without, 3u);
  }
}

}  // namespace
}  // namespace sightline::query
