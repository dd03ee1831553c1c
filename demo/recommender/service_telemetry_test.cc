// What the telemetry of the service says.
#include <gmock/gmock.h>
#include <otel/in_memory_log_exporter.h>
#include <otel/in_memory_span_exporter.h>
#include <otel/logger_provider.h>
#include <otel/meter_provider.h>
#include <otel/propagation.h>
#include <otel/tracer_provider.h>

#include <map>
#include <optional>

#include "demo/recommender/testing/service_fixture.h"

namespace demo::recommender {
namespace {

using testing::ElementsAre;

std::optional<otel::AnyValue> Value(otel::AttributesView attributes, std::string_view key) {
  for (const auto& attribute : attributes) {
    if (attribute.key == key) return attribute.value;
  }
  return std::nullopt;
}
std::string Text(otel::AttributesView attributes, std::string_view key) {
  const auto value = Value(attributes, key);
  return value && value->type() == otel::AnyValue::Type::kString ? std::string(value->as_string()) : "(no text)";
}

// The global providers of the test program, started once: what the service makes at its first use belongs to them.
struct Collected {
  Collected() {
    otel::SetPropagator(otel::TraceContextPropagator());
    otel::TracerProvider::Global().Start(
        {.processors = {std::make_shared<otel::SimpleSpanProcessor>(spans.Exporter())}});
    otel::LoggerProvider::Global().Start(
        {.processors = {std::make_shared<otel::SimpleLogRecordProcessor>(logs.Exporter())}});
    otel::MeterProvider::Global().Start({.readers = {reader}});
  }

  otel::InMemorySpans spans;
  otel::InMemoryLogs logs;
  std::shared_ptr<otel::ManualReader> reader = std::make_shared<otel::ManualReader>();
};

class ServiceTelemetryTest : public ServiceTest {
 protected:
  void SetUp() override {
    static auto* const collected = new Collected;
    collected_ = collected;
    ServiceTest::SetUp();
    Clear();
  }
  void Clear() {
    collected_->spans.Clear();
    collected_->logs.Clear();
  }

  std::vector<otel::SpanData> Spans(std::string_view name) const {
    std::vector<otel::SpanData> found;
    for (const auto& span : collected_->spans.spans()) {
      if (span.name == name) found.push_back(span);
    }
    return found;
  }
  std::vector<otel::LogData> Logs(std::string_view event_name) const {
    std::vector<otel::LogData> found;
    for (const auto& record : collected_->logs.records()) {
      if (record.event_name == event_name) found.push_back(record);
    }
    return found;
  }
  // What was counted, or how many values were recorded, by the value of one attribute.
  std::map<std::string, int64_t> Counted(std::string_view metric, std::string_view key) const {
    std::map<std::string, int64_t> counts;
    const auto batch = collected_->reader->Collect();
    for (const auto& scope : batch->scopes) {
      for (const auto& data : scope.metrics) {
        if (data.name != metric) continue;
        if (const auto* sum = std::get_if<otel::SumData>(&data.data)) {
          for (const auto& point : sum->points)
            counts[Text(point.attributes.view(), key)] += std::get<int64_t>(point.value);
        } else if (const auto* histogram = std::get_if<otel::HistogramData>(&data.data)) {
          for (const auto& point : histogram->points) {
            counts[Text(point.attributes.view(), key)] += static_cast<int64_t>(point.count);
          }
        }
      }
    }
    return counts;
  }

  Collected* collected_ = nullptr;
};

TEST_F(ServiceTelemetryTest, EachStepIsASpanOfTheRequest) {
  Search("q=the+jazz&user_id=anna&limit=3");
  const auto request = Spans("GET /search").at(0);
  EXPECT_EQ(request.kind, otel::SpanKind::kServer);
  EXPECT_EQ(Value(request.attributes, "http.response.status_code")->as_int(), 200);
  EXPECT_EQ(Value(request.attributes, "response.result_count")->as_int(), 3);
  for (const char* name : {"query_parser.parse", "search_index.search", "recommendation_engine",
                           "wikipedia_client.get_signal", "ranker.rank"}) {
    const auto found = Spans(name);
    ASSERT_EQ(found.size(), 1u) << name;
    EXPECT_EQ(found[0].parent, request.context) << name;
  }
  const auto parse = Spans("query_parser.parse").at(0);
  EXPECT_EQ(Text(parse.attributes, "query.original"), "the jazz");
  EXPECT_EQ(Value(parse.attributes, "query.length")->as_int(), 8);
  EXPECT_THAT(Value(parse.attributes, "query.final_tokens")->as_strings(), ElementsAre("jazz"));
  EXPECT_EQ(Value(Spans("ranker.rank").at(0).attributes, "ranking.result_count")->as_int(), 3);
}

TEST_F(ServiceTelemetryTest, ARequestBelongsToItsCallersTrace) {
  Get("/health");
  const auto caller = Spans("GET").at(0);
  const auto span = Spans("GET /health").at(0);
  EXPECT_EQ(span.context.trace_id, caller.context.trace_id);
  EXPECT_EQ(span.parent.span_id, caller.context.span_id);
  EXPECT_EQ(Text(span.attributes, "http.route"), "/health");
  EXPECT_EQ(Text(span.attributes, "client.address"), "127.0.0.1");
}

TEST_F(ServiceTelemetryTest, StatementsAndRequestsToOthersAreSpansOfTheirSteps) {
  Search("q=jazz&user_id=anna&limit=3");
  const auto search = Spans("SELECT SELECT documents_fts documents").at(0);
  const auto features = Spans("SELECT json_each model_inputs").at(0);
  EXPECT_EQ(search.parent, Spans("search_index.search").at(0).context);
  EXPECT_EQ(features.parent, Spans("recommendation_engine").at(0).context);
  for (const auto& select : {search, features}) {
    EXPECT_EQ(select.kind, otel::SpanKind::kClient);
    EXPECT_EQ(Text(select.attributes, "db.system.name"), "sqlite");
    EXPECT_EQ(Text(select.attributes, "db.namespace"), "recommender");
    EXPECT_EQ(Value(select.attributes, "db.response.returned_rows")->as_int(), 3);
    EXPECT_THAT(Text(select.attributes, "db.query.text"), testing::StartsWith("SELECT"));
  }
  const auto get = Spans("GET /page/summary/{title}").at(0);
  EXPECT_EQ(get.parent, Spans("wikipedia_client.get_signal").at(0).context);
  EXPECT_EQ(Value(get.attributes, "http.response.status_code")->as_int(), 200);
  EXPECT_EQ(Value(get.attributes, "server.port")->as_int(), wikipedia_->port());
  EXPECT_THAT(Text(get.attributes, "url.full"), testing::EndsWith("/page/summary/Jazz"));
}

TEST_F(ServiceTelemetryTest, APredictionTellsAllThatTheModelSawAndSaid) {
  Search("q=jazz&user_id=anna&limit=3");
  const auto predictions = Spans("model.predict");
  ASSERT_EQ(predictions.size(), 3u);
  std::vector<std::pair<double, int64_t>> ranks;
  for (const auto& span : predictions) {
    EXPECT_EQ(span.parent, Spans("recommendation_engine").at(0).context);
    for (const char* key : {"doc_id", "model.name", "model.version", "features.query_length",
                            "features.query_doc_overlap", "features.embedding_dot_product", "model.confidence",
                            "model.raw_score_before_sigmoid", "model.candidate_rank", "model.inference_time_ms"}) {
      EXPECT_TRUE(Value(span.attributes, key)) << key;
    }
    EXPECT_EQ(Value(span.attributes, "model.candidate_count")->as_int(), 3);
    EXPECT_GE(span.end, span.start);
    ranks.emplace_back(Value(span.attributes, "model.score")->as_double(),
                       Value(span.attributes, "model.rank")->as_int());
  }
  std::ranges::sort(ranks, std::ranges::greater());
  for (size_t i = 0; i < ranks.size(); ++i) EXPECT_EQ(ranks[i].second, static_cast<int64_t>(i) + 1);
}

TEST_F(ServiceTelemetryTest, FailuresStandOnTheirSpansAndInTheLog) {
  ASSERT_EQ(Post("/chaos/config", R"({"model_failure_rate": 1, "external_api_failure_rate": 1})").status, 200);
  Clear();
  Search("q=jazz&user_id=anna&limit=2");
  auto failed = Spans("model.predict");
  ASSERT_EQ(failed.size(), 2u);
  failed.push_back(Spans("wikipedia_client.get_signal").at(0));
  for (const auto& span : failed) {
    EXPECT_EQ(span.status, otel::StatusCode::kError) << span.name;
    ASSERT_EQ(span.events.size(), 1u);
    EXPECT_EQ(span.events[0].name, "exception");
  }
  const auto request = Spans("GET /search").at(0);
  EXPECT_EQ(request.status, otel::StatusCode::kUnset) << "the request was answered: the error is silent";
  std::map<std::string, int> warnings;
  for (const auto& record : collected_->logs.records()) {
    if (record.severity != otel::Severity::kWarn) continue;
    EXPECT_EQ(record.trace_id, request.context.trace_id);
    ++warnings[Text(record.attributes, "component")];
  }
  EXPECT_EQ(warnings["wikipedia_client"], 1);
  EXPECT_EQ(warnings["recommendation_engine"], 1);
}

TEST_F(ServiceTelemetryTest, OneWideRecordTellsOfEachSearch) {
  Search("q=jazz&user_id=anna&limit=2");
  const auto records = Logs("search.completed");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].trace_id, Spans("GET /search").at(0).context.trace_id);
  EXPECT_EQ(Text(records[0].attributes, "query"), "jazz");
  EXPECT_EQ(Text(records[0].attributes, "user_id"), "anna");
  EXPECT_EQ(Value(records[0].attributes, "ml.predictions_successful")->as_int(), 2);
  EXPECT_TRUE(Value(records[0].attributes, "external.signal_available")->as_bool());
}

TEST_F(ServiceTelemetryTest, FeedbackLeadsToItsSearch) {
  const auto answer = Search("q=jazz&user_id=anna&limit=2");
  const auto& result = answer.at("results").at(1);
  const json::object body = {{"prediction_id", result.at("prediction_id")}, {"kind", "dwell"}, {"seconds", 7.5}};
  ASSERT_EQ(Post("/feedback", json::serialize(body)).status, 202);
  const auto search = Spans("GET /search").at(0);
  const auto span = Spans("POST /feedback").at(0);
  ASSERT_EQ(span.links.size(), 1u);
  EXPECT_EQ(span.links[0].context, search.context);
  const auto record = Logs("recommendation.feedback").at(0);
  EXPECT_EQ(Text(record.attributes, "feedback.kind"), "dwell");
  EXPECT_EQ(Value(record.attributes, "feedback.dwell_seconds")->as_double(), 7.5);
  EXPECT_EQ(Text(record.attributes, "feedback.search_trace_id"), search.context.trace_id.Hex());
  EXPECT_EQ(Text(record.attributes, "doc_id"), std::string_view(result.at("doc_id").as_string()));
  EXPECT_EQ(Value(record.attributes, "result.rank")->as_int(), 2);
}

TEST_F(ServiceTelemetryTest, WhatHappensIsCounted) {
  struct Expected {
    const char *metric, *key, *value;
    int64_t more;
  };
  const Expected expected[] = {
      {"http.requests.total", "http.route", "/search", 2},    {"search.queries.total", "intent", "discovery", 2},
      {"model.predictions.total", "status", "success", 3},    {"model.predictions.total", "status", "failure", 3},
      {"external.api.calls.total", "status", "success", 2},   {"chaos.events.total", "event_type", "model_failure", 3},
      {"component.duration", "component", "ranker", 2},       {"model.inference.duration", "model.version", "v1", 3},
      {"model.score.distribution", "model.version", "v1", 3}, {"feedback.total", "kind", "click", 1},
  };
  ASSERT_EQ(Post("/chaos/config", R"({"canary_share": 0})").status, 200);
  std::vector<int64_t> before;
  for (const auto& one : expected) before.push_back(Counted(one.metric, one.key)[one.value]);
  const auto answer = Search("q=jazz&user_id=anna&limit=3");
  ASSERT_EQ(Post("/chaos/config", R"({"model_failure_rate": 1})").status, 200);
  Search("q=jazz&user_id=anna&limit=3");
  const json::object click = {{"prediction_id", answer.at("results").at(0).at("prediction_id")}, {"kind", "click"}};
  Post("/feedback", json::serialize(click));
  for (size_t i = 0; i < std::size(expected); ++i) {
    const auto& one = expected[i];
    EXPECT_EQ(Counted(one.metric, one.key)[one.value], before[i] + one.more) << one.metric << " " << one.value;
  }
}

}  // namespace
}  // namespace demo::recommender
