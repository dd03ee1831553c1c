#include "demo/recommender/wikipedia_client.h"

#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <vector>

#include "demo/http/server.h"

namespace demo::recommender {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

constexpr const char* kSummary =
    R"({"type": "standard", "title": "Sourdough bread", "extract": "Bread that flour and time make rise."})";

class WikipediaClientTest : public testing::Test {
 protected:
  void SetUp() override {
    ChaosConfig calm;
    calm.external_api_timeout_rate = calm.external_api_failure_rate = 0;
    chaos_.SetConfig(calm);
    auto server = http::Server::Start({}, [this](const http::Request& request, size_t) {
      const std::lock_guard lock(mutex_);
      targets_.push_back(request.target);
      user_agent_ = std::string(request.Header("User-Agent").value_or(""));
      const http::Response answer = answers_.front();
      if (answers_.size() > 1) answers_.erase(answers_.begin());
      return answer;
    });
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }

  WikipediaClient Client(milliseconds timeout = std::chrono::seconds(5)) {
    return {{.base_url = "http://127.0.0.1:" + std::to_string(server_->port()) + "/api/rest_v1",
             .timeout = timeout,
             .retry_delay = milliseconds(1),
             .retry_delay_max = milliseconds(2)},
            cache_,
            chaos_};
  }

  std::mutex mutex_;
  std::vector<http::Response> answers_;  // one after the other, the last one again and again
  std::vector<std::string> targets_;
  std::string user_agent_;
  SignalCache cache_{100, std::chrono::minutes(1)};
  Chaos chaos_{1};
  std::unique_ptr<http::Server> server_;  // stops before what its handler uses
};

TEST_F(WikipediaClientTest, FindsAnArticleAndRemembersIt) {
  answers_ = {{.body = kSummary}};
  auto client = Client();
  const auto query = search::ParseQuery("sourdough bread");
  for (int i = 0; i < 3; ++i) {
    const auto signal = client.GetSignal(query);
    ASSERT_TRUE(signal) << signal.error().message;
    ASSERT_TRUE(*signal);
    EXPECT_EQ((*signal)->article->title, "Sourdough bread");
    EXPECT_GT((*signal)->relevance_score, 0.0);
    EXPECT_LE((*signal)->relevance_score, 1.0);
  }
  EXPECT_THAT(targets_, ElementsAre("/api/rest_v1/page/summary/Sourdough_bread"));
  EXPECT_THAT(user_agent_, testing::Not(testing::IsEmpty())) << "Wikipedia turns away who has none";
}

TEST_F(WikipediaClientTest, AMissingArticleIsNoErrorAndIsRemembered) {
  answers_ = {{.status = 404, .body = "{}"}};
  auto client = Client();
  const auto query = search::ParseQuery("qwx17");
  for (int i = 0; i < 2; ++i) {
    const auto signal = client.GetSignal(query);
    ASSERT_TRUE(signal) << signal.error().message;
    EXPECT_FALSE(*signal);
  }
  EXPECT_EQ(targets_.size(), 1u);
}

TEST_F(WikipediaClientTest, TriesAgainWhatMayPass) {
  answers_ = {{.status = 500}, {.status = 429, .headers = {{"Retry-After", "1000"}}}, {.body = kSummary}};
  EXPECT_TRUE(Client().GetSignal(search::ParseQuery("bread")));
  EXPECT_EQ(targets_.size(), 3u);
}

TEST_F(WikipediaClientTest, GivesUpAfterTwoRetriesAndRemembersNothing) {
  answers_ = {{.status = 503}};
  auto client = Client();
  const auto query = search::ParseQuery("bread");
  const auto signal = client.GetSignal(query);
  ASSERT_FALSE(signal);
  EXPECT_EQ(signal.error().type, "HTTPError");
  EXPECT_EQ(targets_.size(), 3u);
  EXPECT_FALSE(client.GetSignal(query));
  EXPECT_EQ(targets_.size(), 6u);
}

TEST_F(WikipediaClientTest, DoesNotRepeatABadRequest) {
  answers_ = {{.status = 400, .body = "{}"}};
  EXPECT_FALSE(Client().GetSignal(search::ParseQuery("bread")));
  EXPECT_EQ(targets_.size(), 1u);
}

TEST_F(WikipediaClientTest, AnAnswerThatIsNoSummaryIsAnError) {
  for (const char* body : {"", "{\"type\": \"stand", "[]", "{}", R"({"title": 1, "type": "standard"})"}) {
    answers_ = {{.body = body}};
    const auto signal = Client().GetSignal(search::ParseQuery("bread"));
    EXPECT_FALSE(signal) << body;
  }
}

TEST_F(WikipediaClientTest, NobodyAnsweringIsAnError) {
  server_.reset();
  WikipediaClient client({.base_url = "http://127.0.0.1:1", .retry_delay = milliseconds(1)}, cache_, chaos_);
  EXPECT_EQ(client.GetSignal(search::ParseQuery("bread")).error().type, "ConnectError");
}

TEST_F(WikipediaClientTest, ChaosFailsBeforeAnythingIsSent) {
  answers_ = {{.body = kSummary}};
  ChaosConfig config = chaos_.config();
  config.external_api_failure_rate = 1;
  chaos_.SetConfig(config);
  EXPECT_EQ(Client().GetSignal(search::ParseQuery("bread")).error().type, "HTTPError");
  config.external_api_timeout_rate = 1;
  chaos_.SetConfig(config);
  EXPECT_EQ(Client(milliseconds(1)).GetSignal(search::ParseQuery("bread")).error().type, "TimeoutError");
  EXPECT_THAT(targets_, testing::IsEmpty());
}

TEST_F(WikipediaClientTest, WronglyFormattedRequestsAreSentAndNotAnsweredFromTheCache) {
  answers_ = {{.body = kSummary}, {.status = 400, .body = "{}"}};
  auto client = Client();
  const auto query = search::ParseQuery("bread");
  ASSERT_TRUE(client.GetSignal(query));
  ChaosConfig config = chaos_.config();
  config.external_api_bad_requests = 1;
  chaos_.SetConfig(config);
  EXPECT_FALSE(client.GetSignal(query));
  EXPECT_THAT(targets_, ElementsAre(testing::EndsWith("/Bread"), testing::EndsWith("/%5B%27Bread%27%5D")));
}

TEST(TopicOf, JoinsShortQueriesAndCutsLongOnes) {
  EXPECT_EQ(TopicOf(search::ParseQuery("sourdough bread")), "Sourdough_bread");
  EXPECT_EQ(TopicOf(search::ParseQuery("how to avoid mistakes in sourdough bread")), "Avoid_mistakes");
  EXPECT_EQ(TopicOf(search::ParseQuery("!!")), "");
}

TEST(SignalCache, ForgetsTheLeastRecentlyUsedAndTheOld) {
  using std::chrono::seconds;
  SignalCache cache(2, seconds(10));
  const SignalCache::Clock::time_point now{};
  const auto article = std::make_shared<const Article>();
  cache.Put("a", article, now);
  cache.Put("b", nullptr, now + seconds(5));
  EXPECT_EQ(cache.Find("a", now + seconds(5)), article);
  cache.Put("c", article, now + seconds(5));
  EXPECT_FALSE(cache.Find("b", now + seconds(5))) << "used less recently than a";
  EXPECT_TRUE(cache.Find("a", now + seconds(9)));
  EXPECT_FALSE(cache.Find("a", now + seconds(10)));
  EXPECT_TRUE(cache.Find("c", now + seconds(14)));
}

}  // namespace
}  // namespace demo::recommender
