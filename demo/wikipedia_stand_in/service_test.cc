#include "demo/wikipedia_stand_in/service.h"

#include <gmock/gmock.h>

#include <boost/json.hpp>

namespace demo::wikipedia_stand_in {
namespace {

using testing::HasSubstr;

http::Response Get(Service& service, const std::string& title, const std::string& fault = "") {
  http::Request request{
      .method = "GET", .path = "/api/rest_v1/page/summary/" + title, .headers = {{"User-Agent", "test"}}};
  if (!fault.empty()) request.headers.emplace_back("X-Fault", fault);
  return service.Handle(request);
}

TEST(StandIn, SummarizesAnArticleAsWikipediaDoes) {
  Service service;
  const auto answer = Get(service, "Sourdough_bread");
  EXPECT_EQ(answer.status, 200);
  const auto summary = boost::json::parse(answer.body).as_object();
  EXPECT_EQ(summary.at("type"), "standard");
  EXPECT_EQ(summary.at("title"), "Sourdough bread");
  EXPECT_EQ(summary.at("titles").at("canonical"), "Sourdough_bread");
  EXPECT_EQ(summary.at("content_urls").at("desktop").at("page"), "https://en.wikipedia.org/wiki/Sourdough_bread");
  EXPECT_THAT(std::string(summary.at("extract").as_string()), HasSubstr("flour"));
  EXPECT_EQ(Get(service, "sourdough bread").body, answer.body);
}

TEST(StandIn, OtherNamesLeadToTheArticle) {
  Service service;
  for (const char* title : {"SOURDOUGH_bread", "flour"}) {
    const auto answer = Get(service, title);
    EXPECT_EQ(answer.status, 302) << title;
    EXPECT_EQ(answer.headers.at(0).second, "Sourdough_bread");
  }
}

TEST(StandIn, RefusesWhatWikipediaRefuses) {
  Service service;
  EXPECT_EQ(Get(service, "Qwx17").status, 404);
  EXPECT_EQ(Get(service, "[\"flour\"]").status, 400);
  EXPECT_EQ(Get(service, "").status, 400);
  EXPECT_EQ(service.Handle({.method = "GET", .path = "/api/rest_v1/page/summary/Jazz"}).status, 403);
  EXPECT_EQ(service.Handle({.method = "GET", .path = "/api/rest_v1/page/html/Jazz"}).status, 404);
}

TEST(StandIn, GoesWrongOnDemand) {
  Service service;
  EXPECT_EQ(Get(service, "Jazz", "404").status, 404);
  EXPECT_EQ(Get(service, "Jazz", "500").status, 500);
  const auto limited = Get(service, "Jazz", "429");
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.headers.at(0), (std::pair<std::string, std::string>("Retry-After", "1")));
  const auto malformed = Get(service, "Jazz", "malformed");
  EXPECT_EQ(malformed.status, 200);
  boost::json::error_code error;
  boost::json::parse(malformed.body, error);
  EXPECT_TRUE(error);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(Get(service, "Jazz", "slow=30").status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(30));
  EXPECT_EQ(Get(service, "Jazz", "sideways").status, 400);
}

TEST(StandIn, AFaultForAllHitsItsShare) {
  Service service;
  const auto set = [&](std::string fault, std::string share) {
    return service.Handle({.method = "POST", .path = "/faults", .query = {{"fault", fault}, {"share", share}}}).status;
  };
  EXPECT_EQ(set("500", "0.3"), 200);
  int failed = 0;
  for (int i = 0; i < 1000; ++i) failed += Get(service, "Jazz").status == 500 ? 1 : 0;
  EXPECT_NEAR(failed, 300, 60);
  EXPECT_EQ(Get(service, "Jazz", "none").status, 200);
  EXPECT_EQ(set("none", "1"), 200);
  EXPECT_EQ(Get(service, "Jazz").status, 200);
  EXPECT_EQ(set("500", "2"), 400);
  EXPECT_EQ(set("9000", "1"), 400);
}

TEST(ParseFault, ReadsSeveral) {
  const auto fault = ParseFault("slow=250,503");
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->delay, std::chrono::milliseconds(250));
  EXPECT_EQ(fault->status, 503);
  EXPECT_EQ(ParseFault("slow")->delay, std::chrono::seconds(6));
  for (const char* text : {"200", "slow=", "slow=-1", "slow=99999999", "500x"}) EXPECT_FALSE(ParseFault(text)) << text;
}

}  // namespace
}  // namespace demo::wikipedia_stand_in
