#include "demo/traffic/traffic.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <map>
#include <mutex>

#include "demo/catalog/vocabulary.h"
#include "demo/http/server.h"
#include "demo/traffic/searcher.h"

namespace demo::traffic {
namespace {

namespace json = boost::json;
using testing::ElementsAre;

TEST(Scenarios, AreThoseThatWereAskedFor) {
  std::vector<std::string_view> names;
  for (const auto& scenario : Scenarios()) {
    names.push_back(scenario.name);
    if (scenario.chaos.empty()) continue;
    EXPECT_TRUE(json::parse(scenario.chaos).is_object()) << scenario.name;
  }
  EXPECT_THAT(names, ElementsAre("normal", "wikipedia-broken", "slow-model", "bad-canary", "burst"));
  EXPECT_EQ(FindScenario("unheard-of"), nullptr);
  EXPECT_EQ(RateAt(*FindScenario("burst"), 10, 61), 80.0);
  EXPECT_EQ(RateAt(*FindScenario("burst"), 10, 59), 10.0);
  EXPECT_EQ(RateAt(*FindScenario("normal"), 10, 1), 10.0);
}

TEST(Searchers, TheSameSeedMakesTheSameSearches) {
  Searchers one(*FindScenario("normal"), 5, 50), same(*FindScenario("normal"), 5, 50);
  std::map<std::string, int> users;
  for (int i = 0; i < 500; ++i) {
    const auto search = one.Next();
    EXPECT_EQ(search.target, same.Next().target);
    ++users[search.target.substr(search.target.find("user_id="))];
  }
  EXPECT_GT(users.size(), 20u);
  EXPECT_GT(std::ranges::max_element(users, {}, [](const auto& entry) { return entry.second; })->second, 25)
      << "some search more than others";
}

TEST(Searchers, AScenarioCanTurnManyToACategory) {
  const Scenario& scenario = *FindScenario("bad-canary");
  Searchers searchers(scenario, 5, 50);
  const auto& vocabulary = catalog::TheVocabulary();
  int about_it = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto& topic = vocabulary.topics[searchers.Next().query.need.topic];
    about_it += vocabulary.categories[topic.category].name == scenario.category ? 1 : 0;
  }
  EXPECT_GT(about_it, 350);
  EXPECT_LT(about_it, 650);
}

TEST(Searchers, ClickWhatIsRelevantAndStandsAbove) {
  Searchers searchers(*FindScenario("normal"), 5, 50);
  const auto documents = catalog::GenerateDocuments();
  // Of the first topic four documents, then some of another one.
  Answer answer;
  for (size_t i : {0u, 1u, 2u, 3u, 400u, 401u}) answer.results.push_back({documents[i].id, "p" + std::to_string(i)});
  std::map<std::string, int> clicks;
  double longest = 0;
  for (int i = 0; i < 2000; ++i) {
    std::map<std::string, double> clicked;
    for (const auto& feedback : searchers.React({.topic = 0}, answer)) {
      const auto body = json::parse(feedback.body).as_object();
      const std::string id(body.at("prediction_id").as_string());
      if (feedback.kind == "click") {
        ++clicks[id];
        clicked[id] = feedback.after_seconds;
      } else if (feedback.kind == "dwell") {
        EXPECT_GT(feedback.after_seconds, clicked.at(id)) << "read after it was opened";
        longest = std::max(longest, feedback.after_seconds - clicked.at(id));
      }
    }
  }
  EXPECT_GT(clicks["p0"] + clicks["p1"], 500);
  EXPECT_LT(clicks["p400"] + clicks["p401"], 60);
  EXPECT_GT(longest, 10.0);
}

TEST(ParseAnswer, ReadsWhatIsNeededAndRefusesTheRest) {
  const auto answer = ParseAnswer(
      R"({"results": [{"doc_id": "A", "prediction_id": "1"}], "model_version": "v1", "trace_id": "t", "failures": ["x"]})");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->results[0].doc_id, "A");
  EXPECT_EQ(answer->failures, 1u);
  EXPECT_FALSE(ParseAnswer(""));
  EXPECT_FALSE(ParseAnswer("{}"));
}

// Answers searches with one result, and notes what it is told.
class FakeRecommender {
 public:
  FakeRecommender() {
    server_ = *http::Server::Start({}, [this](const http::Request& request, size_t) { return Handle(request); });
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  std::map<std::string, int> requests;  // by path
  std::vector<std::string> chaos;       // what was posted
  int status = 200;

 private:
  http::Response Handle(const http::Request& request) {
    const std::lock_guard lock(mutex_);
    ++requests[request.path];
    if (request.path == "/chaos/config" && request.method == "POST") chaos.push_back(request.body);
    if (request.path == "/feedback") return {.status = 202};
    if (request.path != "/search") return {.body = R"({"before": 1})"};
    return {.status = status,
            .body = R"({"results": [{"doc_id": "MAC001", "prediction_id": "1"}], "model_version": "v1",
                        "trace_id": "t1", "failures": ["wikipedia_client: HTTPError"]})"};
  }

  std::mutex mutex_;
  std::unique_ptr<http::Server> server_;
};

TEST(Traffic, SearchesAtItsRateAndReportsWhatCame) {
  FakeRecommender recommender;
  const std::atomic<bool> stop = false;
  const auto report = RunTraffic(
      {.target = recommender.url(), .scenario = *FindScenario("slow-model"), .rate = 200, .seconds = 1}, stop);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_NEAR(static_cast<double>(report->searches), 200, 70) << "a Poisson process varies by 14";
  EXPECT_EQ(report->answers.at("200"), report->searches - report->given_up);
  EXPECT_EQ(report->searches_by_model.at("v1"), report->answers.at("200"));
  EXPECT_EQ(report->degraded_trace_id, "t1");
  EXPECT_EQ(report->latencies_ms.size(), report->answers.at("200"));
  EXPECT_THAT(recommender.chaos, ElementsAre(FindScenario("slow-model")->chaos, R"({"before": 1})"));
  const auto printed = json::parse(report->ToJson());
  EXPECT_EQ(printed.at("searches").to_number<uint64_t>(), report->searches);
}

TEST(Traffic, CountsWhatFails) {
  FakeRecommender recommender;
  recommender.status = 503;
  const std::atomic<bool> stop = false;
  const auto report =
      RunTraffic({.target = recommender.url(), .scenario = *FindScenario("normal"), .rate = 100, .seconds = 0.3}, stop);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->answers.at("503"), report->searches);
  EXPECT_THAT(report->latencies_ms, testing::IsEmpty());
  EXPECT_FALSE(RunTraffic({.target = "http://127.0.0.1:1", .scenario = *FindScenario("normal")}, stop));
}

TEST(Traffic, StopsWhenItIsTold) {
  FakeRecommender recommender;
  const std::atomic<bool> stop = true;
  EXPECT_TRUE(RunTraffic({.target = recommender.url(), .scenario = *FindScenario("normal")}, stop));
}

}  // namespace
}  // namespace demo::traffic
