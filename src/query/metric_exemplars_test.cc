// Exemplars of metrics, on the real engine.
#include "query/metric_exemplars.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/clock.h"
#include "query/testing/engine.h"
#include "traceql/parse.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr int64_t kSecond = 1'000'000'000, kHour = 3600 * kSecond;

std::string Id(int number) {
  return fmt::format("{:032x}", number);
}

std::vector<std::string> Traces(const ExemplarAnswer& answer) {
  std::vector<std::string> ids;
  for (const Exemplar& exemplar : answer.exemplars) ids.push_back(exemplar.trace_id);
  return ids;
}
std::vector<double> Values(const ExemplarAnswer& answer) {
  std::vector<double> values;
  for (const Exemplar& exemplar : answer.exemplars) values.push_back(exemplar.value);
  return values;
}

class MetricExemplarsTest : public testing::EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"metric_series", "metric_points", "metric_histograms", "attribute_sets", "spans", "span_metric_rollups"});
    start_ = Clock::System().UnixNanos() / kHour * kHour - 10 * kHour;
  }

  std::string Time(int64_t seconds) const {
    return fmt::format("fromUnixTimestamp64Nano({})", start_ + seconds * kSecond);
  }
  void AddSeries(uint64_t id, const std::string& name, const std::string& type, const std::string& service,
                 const std::string& attributes = "{}", const std::string& unit = "s") {
    Execute(fmt::format(
        "INSERT INTO sightline.metric_series (SeriesId, Seen, MetricName, MetricType, Unit, AggregationTemporality, "
        "IsMonotonic, ServiceName, Attributes) VALUES ({}, {}, '{}', '{}', '{}', 2, true, '{}', {})",
        id, start_ / kSecond, name, type, unit, service, attributes));
  }
  struct Sent {
    int64_t time = 0;  // seconds after the test's start
    double value = 0;
    int trace = 0;  // 0: none
  };
  // A point of the histogram with these exemplars.
  void AddPoint(uint64_t series, int64_t time, const std::vector<Sent>& exemplars) {
    std::string times, values, traces, spans, attributes, types, are_int;
    for (const Sent& sent : exemplars) {
      const std::string comma = times.empty() ? "" : ", ";
      times += comma + Time(sent.time);
      values += comma + fmt::format("{}", sent.value);
      traces += comma + fmt::format("unhex('{}')", Id(sent.trace));
      spans += comma + fmt::format("unhex('{:016x}')", sent.trace);
      attributes += comma + fmt::format("map('user', '{}')", sent.trace);
      types += comma + "'s'";
      are_int += comma + "false";
    }
    Execute(fmt::format(
        "INSERT INTO sightline.metric_histograms (SeriesId, Timestamp, Count, Exemplars.Timestamp, Exemplars.Value, "
        "Exemplars.TraceId, Exemplars.SpanId, Exemplars.FilteredAttributes, Exemplars.AttributeTypes, Exemplars.IsInt, "
        "Block) SELECT {}, {}, 1, [{}], [{}], [{}], [{}], [{}], [{}], [{}], 1",
        series, Time(time), times, values, traces, spans, attributes, types, are_int));
  }
  // With the span metrics' count of it, which is made before sampling.
  void AddSpan(int trace, int64_t seconds, int64_t milliseconds, const std::string& service = "web",
               const std::string& name = "GET /", const std::string& status = "Unset") {
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName, SpanKind, ServiceName, StatusCode, "
        "Duration) SELECT 1, {}, unhex('{}'), unhex('{:016x}'), '{}', 'Server', '{}', '{}', {}",
        Time(seconds), Id(trace), trace, name, service, status, milliseconds * 1'000'000));
    Execute(fmt::format(
        "INSERT INTO sightline.span_metric_rollups (Block, Seconds, Time, ServiceName, SpanName, SpanKind, StatusCode, "
        "Bucket, Calls) SELECT 0, arrayJoin([60, 3600]), toDateTime({}), '{}', '{}', 'Server', '{}', 160, 1",
        start_ / kSecond + seconds / 60 * 60, service, name, status));
  }

  ExemplarRequest Ask(const std::string& name, int64_t to_seconds, int64_t step_seconds = 60) const {
    ExemplarRequest request;
    request.name = name;
    request.from_unix_nanos = start_;
    request.to_unix_nanos = start_ + to_seconds * kSecond;
    request.step_seconds = step_seconds;
    return request;
  }
  ExemplarAnswer Get(const ExemplarRequest& request) {
    auto answer = reader_.Read(request);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *std::move(answer) : ExemplarAnswer();
  }
  Error Refused(const ExemplarRequest& request, std::string* at_fault = nullptr) {
    auto answer = reader_.Read(request, nullptr, at_fault);
    EXPECT_FALSE(answer);
    return answer ? Error() : answer.error();
  }

  int64_t start_ = 0;
  ItemSource source_{clickhouse(), otlp::DefaultHotAttributes(), "sightline"};
  ExemplarReader reader_{source_};
};

TEST_F(MetricExemplarsTest, SentOnesHaveWhatTheyCameWith) {
  AddSeries(7, "latency", "histogram", "shop", "map('route', '/buy')");
  AddPoint(7, 70, {{.time = 65, .value = 0.25, .trace = 1}, {.time = 66, .value = 9, .trace = 0}});
  const ExemplarAnswer answer = Get(Ask("latency", 120));
  EXPECT_EQ(answer.kind, MetricKind::kHistogram);
  EXPECT_EQ(answer.unit, "s");
  EXPECT_EQ(answer.to_unix_nanos, start_ + 120 * kSecond);
  ASSERT_THAT(answer.exemplars, SizeIs(1)) << "without a trace there is nothing to lead to";
  const Exemplar& exemplar = answer.exemplars[0];
  EXPECT_EQ(exemplar.time_unix_nanos, start_ + 65 * kSecond);
  EXPECT_EQ(exemplar.value, 0.25);
  EXPECT_EQ(exemplar.trace_id, Id(1));
  EXPECT_EQ(exemplar.span_id, "0000000000000001");
  EXPECT_FALSE(exemplar.is_stored);
  EXPECT_EQ(exemplar.service, "shop");
  EXPECT_THAT(exemplar.labels, ElementsAre(Pair("route", "/buy")));
  EXPECT_THAT(exemplar.attributes, ElementsAre(Pair("user", "1")));
}

TEST_F(MetricExemplarsTest, OneOfEachStepAndRangeOfValues) {
  AddSeries(7, "latency", "histogram", "shop");
  // 1.5 and 2 are of one range, 5 of the next. The point that carries one may come after the range.
  AddPoint(7, 70,
           {{.time = 10, .value = 1.5, .trace = 1},
            {.time = 20, .value = 2, .trace = 2},
            {.time = 30, .value = 5, .trace = 3}});
  AddPoint(7, 130, {{.time = 70, .value = 1.5, .trace = 4}, {.time = 125, .value = 1, .trace = 5}});
  EXPECT_THAT(Traces(Get(Ask("latency", 120))), ElementsAre(Id(2), Id(3), Id(4)))
      << "the newest of a range; what was measured later is outside";
}

TEST_F(MetricExemplarsTest, ThoseOfStoredTracesAreTakenAndStandFirst) {
  AddSeries(7, "latency", "histogram", "shop");
  AddPoint(7, 60,
           {{.time = 10, .value = 1, .trace = 1},
            {.time = 20, .value = 1, .trace = 2},
            {.time = 5, .value = 70, .trace = 3}});
  AddSpan(1, 9, 1000, "shop");
  const ExemplarAnswer answer = Get(Ask("latency", 60));
  ASSERT_THAT(Traces(answer), ElementsAre(Id(1), Id(3))) << "older than 2, but there to be opened";
  EXPECT_TRUE(answer.exemplars[0].is_stored);
  EXPECT_FALSE(answer.exemplars[1].is_stored);
}

TEST_F(MetricExemplarsTest, LongRangesHaveSomeOfAllTimesWithinTheLimit) {
  AddSeries(7, "latency", "histogram", "shop");
  for (int minute = 0; minute < 60; ++minute) {
    std::vector<Sent> sent;
    for (int range = 0; range < 6; ++range) {
      sent.push_back({.time = minute * 60 + 1, .value = std::exp2(2 * range), .trace = 1 + minute * 6 + range});
    }
    AddPoint(7, minute * 60 + 30, sent);
  }
  ExemplarRequest request = Ask("latency", 3600);
  request.limit = 40;  // ten cells of six minutes, with four ranges in each
  const ExemplarAnswer answer = Get(request);
  EXPECT_THAT(answer.exemplars, SizeIs(40));
  std::map<int64_t, int> of_cell;
  for (const Exemplar& exemplar : answer.exemplars) {
    ++of_cell[(exemplar.time_unix_nanos - start_) / (360 * kSecond)];
    EXPECT_GE(exemplar.value, 16) << "the largest ranges";
  }
  EXPECT_THAT(of_cell, SizeIs(10));
  for (const auto& [cell, count] : of_cell) EXPECT_EQ(count, 4) << cell;
}

TEST_F(MetricExemplarsTest, AreOfTheSeriesThatMeetTheConditions) {
  AddSeries(7, "latency", "histogram", "shop", "map('route', '/buy')");
  AddSeries(8, "latency", "histogram", "web", "map('route', '/see')");
  AddPoint(7, 30, {{.time = 10, .value = 1, .trace = 1}});
  AddPoint(8, 30, {{.time = 20, .value = 100, .trace = 2}});
  ExemplarRequest request = Ask("latency", 60);
  EXPECT_THAT(Traces(Get(request)), ElementsAre(Id(1), Id(2)));
  request.service = "shop";
  EXPECT_THAT(Traces(Get(request)), ElementsAre(Id(1)));
  request.service.reset();
  request.attributes = {{"route", "/see"}};
  EXPECT_THAT(Traces(Get(request)), ElementsAre(Id(2)));
  request.attributes = {{"route", "/none"}};
  EXPECT_EQ(Refused(request).code, Code::kNotFound);
}

TEST_F(MetricExemplarsTest, OfSpanMetricsAreStoredSpans) {
  AddSpan(1, 10, 3);
  AddSpan(2, 20, 3000, "web", "GET /", "Error");
  AddSpan(3, 70, 2, "shop", "POST /buy");
  const ExemplarAnswer answer = Get(Ask("traces.span.metrics.duration", 120));
  EXPECT_EQ(answer.kind, MetricKind::kHistogram);
  EXPECT_EQ(answer.unit, "ms");
  ASSERT_THAT(Traces(answer), ElementsAre(Id(1), Id(2), Id(3)));
  EXPECT_THAT(Values(answer), ElementsAre(3, 3000, 2));
  const Exemplar& exemplar = answer.exemplars[1];
  EXPECT_TRUE(exemplar.is_stored);
  EXPECT_EQ(exemplar.span_id, "0000000000000002");
  EXPECT_EQ(exemplar.time_unix_nanos, start_ + 20 * kSecond);
  EXPECT_EQ(exemplar.service, "web");
  EXPECT_THAT(exemplar.labels,
              UnorderedElementsAre(Pair("service.name", "web"), Pair("span.name", "GET /"),
                                   Pair("span.kind", "SPAN_KIND_SERVER"), Pair("status.code", "STATUS_CODE_ERROR")));
  const ExemplarAnswer calls = Get(Ask("traces.span.metrics.calls", 120));
  EXPECT_EQ(calls.kind, MetricKind::kSum);
  EXPECT_THAT(Values(calls), ElementsAre(1, 1, 1)) << "a call each";
}

TEST_F(MetricExemplarsTest, OfSpanMetricsTheSlowestOfAStepIsShown) {
  for (int i = 1; i <= 30; ++i) AddSpan(i, i, 1000 + i);
  EXPECT_THAT(Values(Get(Ask("traces.span.metrics.duration", 60))), ElementsAre(1030));
}

TEST_F(MetricExemplarsTest, OfSpanMetricsMeetTheLabelsAsked) {
  AddSpan(1, 10, 3);
  AddSpan(2, 20, 3000, "web", "GET /", "Error");
  AddSpan(3, 30, 200, "shop", "POST /buy");
  ExemplarRequest request = Ask("traces.span.metrics.duration", 60);
  request.attributes = {{"span.kind", "SPAN_KIND_SERVER"}, {"status.code", "STATUS_CODE_UNSET"}};
  EXPECT_THAT(Traces(Get(request)), ElementsAre(Id(1), Id(3)));
  request.attributes.push_back({"span.name", "POST /buy"});
  EXPECT_THAT(Traces(Get(request)), ElementsAre(Id(3)));
  request.attributes = {{"service.name", "web"}};
  EXPECT_THAT(Traces(Get(request)), ElementsAre(Id(1), Id(2)));
}

TEST_F(MetricExemplarsTest, SpansAreLeftOutWhereTheMetricIsSent) {
  AddSpan(1, 10, 3, "web");
  AddSpan(2, 20, 3000, "behind_gateway");
  AddSeries(7, "traces.span.metrics.calls", "sum", "behind_gateway", "{}", "{call}");
  EXPECT_THAT(Traces(Get(Ask("traces.span.metrics.calls", 60))), ElementsAre(Id(1)));
}

TEST_F(MetricExemplarsTest, RefusesWhatMakesNoSense) {
  AddSeries(7, "twice", "histogram", "shop");
  AddSeries(8, "twice", "gauge", "shop");
  std::string at_fault;
  EXPECT_EQ(Refused(Ask("twice", 60), &at_fault).code, Code::kInvalidArgument);
  EXPECT_EQ(at_fault, "type");
  ExemplarRequest request = Ask("twice", 60);
  request.kind = MetricKind::kGauge;
  EXPECT_THAT(Get(request).exemplars, IsEmpty());
  for (const uint32_t limit : {0u, kExemplarsMax + 1}) {
    request.limit = limit;
    EXPECT_EQ(Refused(request).code, Code::kInvalidArgument) << limit;
  }
  EXPECT_EQ(Refused(Ask("none", 60)).code, Code::kNotFound);
  EXPECT_EQ(Refused(Ask("twice", 0)).code, Code::kInvalidArgument);
}

TEST_F(MetricExemplarsTest, AFilterChoosesAmongStreamsAndSpans) {
  AddSeries(7, "latency", "histogram", "shop", "map('route', '/buy')");
  AddSeries(8, "latency", "histogram", "shop", "map('route', '/cart')");
  AddPoint(7, 70, {{.time = 65, .value = 0.25, .trace = 1}});
  AddPoint(8, 70, {{.time = 65, .value = 0.25, .trace = 2}});
  AddSpan(3, 70, 10, "web", "GET /");
  AddSpan(4, 71, 900, "web", "POST /");
  const auto traces_of = [&](const std::string& name, const std::string& filter) {
    ExemplarRequest request = Ask(name, 120);
    auto parsed = traceql::ParseSpanCondition(filter);
    EXPECT_TRUE(parsed) << filter;
    if (parsed) request.filter = std::make_shared<const traceql::Expression>(*std::move(parsed));
    std::vector<std::string> traces;
    for (const Exemplar& exemplar : Get(request).exemplars) traces.push_back(exemplar.trace_id);
    return traces;
  };
  EXPECT_THAT(traces_of("latency", "{ .route = \"/cart\" }"), ElementsAre(Id(2)));
  EXPECT_THAT(traces_of("latency", "{ .route = \"/none\" }"), ElementsAre());
  EXPECT_THAT(traces_of("traces.span.metrics.duration", "{ .span.name =~ \"POST.*\" }"), ElementsAre(Id(4)));
}

}  // namespace
}  // namespace sightline::query
