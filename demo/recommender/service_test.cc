#include "demo/recommender/service.h"

#include <gmock/gmock.h>
#include <otel/in_memory_span_exporter.h>
#include <otel/tracer_provider.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <map>

#include "demo/recommender/telemetry.h"

namespace demo::recommender {
namespace {

namespace json = boost::json;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kCalm =
    R"({"model_failure_rate":0,"slow_search_rate":0,"external_api_timeout_rate":0,"external_api_failure_rate":0})";

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    wikipedia_ = *http::Server::Start({}, [](const http::Request& request, size_t) {
      if (request.path.ends_with("/Jazz")) {
        return http::Response{.body = R"({"type": "standard", "title": "Jazz", "extract": "Jazz swings."})"};
      }
      return http::Response{.status = 404, .body = "{}"};
    });
    ServiceOptions options{.workers = 1};
    options.database_path =
        (std::filesystem::temp_directory_path() / ("service_test-" + std::to_string(getpid()))).string();
    options.wikipedia.base_url = "http://127.0.0.1:" + std::to_string(wikipedia_->port());
    options.wikipedia.timeout = std::chrono::milliseconds(2000);
    options.wikipedia.retry_delay = std::chrono::milliseconds(1);
    auto service = Service::Create(options);
    ASSERT_TRUE(service) << service.error().message;
    service_ = *std::move(service);
    ASSERT_EQ(Post("/chaos/config", kCalm).status, 200);
  }

  http::Response Get(const std::string& path, const std::string& query = "") {
    return service_->Handle({.method = "GET", .path = path, .query = http::ParseQueryString(query)}, 0);
  }
  http::Response Post(const std::string& path, const std::string& body) {
    return service_->Handle({.method = "POST", .path = path, .body = body}, 0);
  }
  json::object Search(const std::string& query) {
    const auto response = Get("/search", query);
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body).as_object();
  }

  std::unique_ptr<http::Server> wikipedia_;
  std::unique_ptr<Service> service_;
};

TEST_F(ServiceTest, RanksByAllThatIsKnown) {
  const auto answer = Search("q=jazz&user_id=anna&limit=4");
  EXPECT_EQ(answer.at("result_count"), 4);
  EXPECT_EQ(answer.at("external_signal").at("title"), "Jazz");
  EXPECT_EQ(answer.at("failures"), json::array());
  double last = 1;
  for (const auto& result : answer.at("results").as_array()) {
    EXPECT_EQ(result.at("category"), "Music");
    EXPECT_GT(result.at("recommendation_score").as_double(), 0);
    EXPECT_GT(result.at("external_score").as_double(), 0);
    EXPECT_LE(result.at("final_score").as_double(), last);
    last = result.at("final_score").as_double();
  }
  EXPECT_EQ(Search("q=jazz&user_id=anna").at("result_count"), 10)
      << "the default limit, other words of the titles match";
  EXPECT_EQ(Search("q=%21%21&user_id=anna").at("result_count"), 0);
}

TEST_F(ServiceTest, RefusesInvalidRequestsWithAReason) {
  const std::string long_query(501, 'x'), long_user(101, 'x');
  std::string wide;
  for (int i = 0; i < 500; ++i) wide += "é";
  EXPECT_EQ(Get("/search", "q=" + wide + "&user_id=anna").status, 200) << "500 characters, 1000 bytes";
  const std::map<std::string, std::string> reasons = {
      {"user_id=a", "q"},
      {"q=&user_id=a", "q"},
      {"q=" + long_query + "&user_id=a", "q"},
      {"q=%ff&user_id=a", "q"},
      {"q=x", "user_id"},
      {"q=x&user_id=", "user_id"},
      {"q=x&user_id=" + long_user, "user_id"},
      {"q=x&user_id=a&limit=0", "limit"},
      {"q=x&user_id=a&limit=101", "limit"},
      {"q=x&user_id=a&limit=-1", "limit"},
      {"q=x&user_id=a&limit=ten", "limit"},
  };
  for (const auto& [query, field] : reasons) {
    const auto response = Get("/search", query);
    EXPECT_EQ(response.status, 422) << query;
    const auto detail = json::parse(response.body).at("detail").at(0);
    EXPECT_EQ(detail.at("loc").at(1), json::value(field)) << query;
    EXPECT_FALSE(detail.at("msg").as_string().empty());
  }
}

TEST_F(ServiceTest, FailingPartsMakeTheAnswerPoorer) {
  ASSERT_EQ(Post("/chaos/config", R"({"model_failure_rate": 1, "external_api_failure_rate": 1})").status, 200);
  const auto answer = Search("q=jazz&user_id=anna&limit=4");
  EXPECT_EQ(answer.at("result_count"), 4);
  EXPECT_THAT(answer.at("failures").as_array(),
              ElementsAre("recommendation_engine: ModelError", "wikipedia_client: HTTPError"));
  EXPECT_TRUE(answer.at("external_signal").is_null());
  for (const auto& result : answer.at("results").as_array()) EXPECT_TRUE(result.at("recommendation_score").is_null());
}

TEST_F(ServiceTest, FeedbackNeedsAPredictionThatWasMade) {
  const auto answer = Search("q=jazz&user_id=anna&limit=1");
  const std::string id(answer.at("results").at(0).at("prediction_id").as_string());
  const auto feedback = [&](const std::string& prediction_id, const std::string& rest) {
    return Post("/feedback", R"({"prediction_id": ")" + prediction_id + "\", " + rest + "}").status;
  };
  for (const char* kind : {"click", "dismiss", "thumbs_up", "thumbs_down"}) {
    EXPECT_EQ(feedback(id, R"("kind": ")" + std::string(kind) + "\""), 202) << kind;
  }
  EXPECT_EQ(feedback(id, R"("kind": "dwell", "seconds": 12.5)"), 202);
  EXPECT_EQ(feedback(id, R"("kind": "dwell")"), 422);
  EXPECT_EQ(feedback(id, R"("kind": "dwell", "seconds": -1)"), 422);
  EXPECT_EQ(feedback(id, R"("kind": "applause")"), 422);
  EXPECT_EQ(feedback("0123456789abcdef", R"("kind": "click")"), 404);
  EXPECT_EQ(Post("/feedback", R"({"kind": "click"})").status, 422);
  EXPECT_EQ(Post("/feedback", "click").status, 422);
}

TEST_F(ServiceTest, ServesHealthChaosAndThePage) {
  EXPECT_EQ(Get("/health").status, 200);
  EXPECT_EQ(Get("/").content_type, "text/html; charset=utf-8");
  EXPECT_THAT(Get("/").body, HasSubstr("<form>"));
  EXPECT_EQ(Get("/nothing").status, 404);
  EXPECT_EQ(Post("/search", "").status, 404);
  EXPECT_EQ(Post("/chaos/config", R"({"model_failure_rate": 7})").status, 422);
  const auto config = json::parse(Get("/chaos/config").body).as_object();
  EXPECT_EQ(config.at("model_failure_rate").to_number<double>(), 0.0);
}

// What the telemetry of one search says. The global provider is started once for the program.
class ServiceSpansTest : public ServiceTest {
 protected:
  static void SetUpTestSuite() {
    spans_ = new otel::InMemorySpans;
    otel::TracerProvider::Global().Start(
        {.processors = {std::make_shared<otel::SimpleSpanProcessor>(spans_->Exporter())}});
  }
  static void TearDownTestSuite() {
    otel::TracerProvider::Global().Shutdown(std::chrono::steady_clock::now() + std::chrono::seconds(5));
    delete spans_;
  }
  void SetUp() override {
    ServiceTest::SetUp();
    spans_->Clear();
  }

  static std::vector<otel::SpanData> Named(std::string_view name) {
    std::vector<otel::SpanData> found;
    for (const auto& span : spans_->spans()) {
      if (span.name == name) found.push_back(span);
    }
    return found;
  }
  static std::optional<otel::AnyValue> Value(const otel::SpanData& span, std::string_view key) {
    for (const auto& attribute : span.attributes) {
      if (attribute.key == key) return attribute.value;
    }
    return std::nullopt;
  }

  static otel::InMemorySpans* spans_;
};
otel::InMemorySpans* ServiceSpansTest::spans_ = nullptr;

TEST_F(ServiceSpansTest, EachStepIsASpan) {
  Search("q=the+jazz&user_id=anna&limit=3");
  std::vector<std::string> names;
  for (const auto& span : spans_->spans()) names.emplace_back(span.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"query_parser.parse", "search_index.search", "recommendation_engine",
                                            "wikipedia_client.get_signal", "ranker.rank"}));
  const auto parse = Named("query_parser.parse");
  ASSERT_EQ(parse.size(), 1u);
  EXPECT_EQ(Value(parse[0], "query.original")->as_string(), "the jazz");
  EXPECT_EQ(Value(parse[0], "query.length")->as_int(), 8);
  EXPECT_THAT(Value(parse[0], "query.final_tokens")->as_strings(), ElementsAre("jazz"));
  EXPECT_EQ(Value(Named("ranker.rank").at(0), "ranking.result_count")->as_int(), 3);
}

TEST_F(ServiceSpansTest, APredictionTellsAllThatTheModelSawAndSaid) {
  Search("q=jazz&user_id=anna&limit=3");
  const auto predictions = Named("model.predict");
  ASSERT_EQ(predictions.size(), 3u);
  std::vector<std::pair<double, int64_t>> ranks;
  for (const auto& span : predictions) {
    EXPECT_EQ(span.parent.span_id, Named("recommendation_engine").at(0).context.span_id);
    for (const char* key : {"doc_id", "model.name", "model.version", "features.query_length",
                            "features.query_doc_overlap", "features.embedding_dot_product", "model.confidence",
                            "model.raw_score_before_sigmoid", "model.candidate_rank", "model.inference_time_ms"}) {
      EXPECT_TRUE(Value(span, key)) << key;
    }
    EXPECT_EQ(Value(span, "model.candidate_count")->as_int(), 3);
    EXPECT_GE(span.end, span.start);
    ranks.emplace_back(Value(span, "model.score")->as_double(), Value(span, "model.rank")->as_int());
  }
  std::ranges::sort(ranks, std::ranges::greater());
  for (size_t i = 0; i < ranks.size(); ++i) EXPECT_EQ(ranks[i].second, static_cast<int64_t>(i) + 1);
}

TEST_F(ServiceSpansTest, FailuresStandOnTheirSpans) {
  ASSERT_EQ(Post("/chaos/config", R"({"model_failure_rate": 1, "external_api_failure_rate": 1})").status, 200);
  spans_->Clear();
  Search("q=jazz&user_id=anna&limit=2");
  auto failed = Named("model.predict");
  ASSERT_EQ(failed.size(), 2u);
  failed.push_back(Named("wikipedia_client.get_signal").at(0));
  for (const auto& span : failed) {
    EXPECT_EQ(span.status, otel::StatusCode::kError) << span.name;
    ASSERT_EQ(span.events.size(), 1u);
    EXPECT_EQ(span.events[0].name, "exception");
  }
  EXPECT_EQ(Named("ranker.rank").at(0).status, otel::StatusCode::kUnset);
}

}  // namespace
}  // namespace demo::recommender
