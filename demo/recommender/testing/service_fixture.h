// A recommender with a small Wikipedia, without chaos, for tests.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <memory>
#include <string>

#include "demo/http/client.h"
#include "demo/http/server.h"
#include "demo/recommender/service.h"

namespace demo::recommender {

namespace json = boost::json;

inline constexpr const char* kCalm =
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
    server_ = *http::Server::Start({.workers = 1}, [this](const http::Request& request, size_t worker) {
      return service_->Handle(request, worker);
    });
    ASSERT_EQ(Post("/chaos/config", kCalm).status, 200);
  }

  http::ClientResponse Get(const std::string& path, const std::string& query = "") {
    return Send({.url = Url(path) + (query.empty() ? "" : "?" + query)});
  }
  http::ClientResponse Post(const std::string& path, const std::string& body) {
    return Send({.url = Url(path), .method = "POST", .body = body});
  }
  json::object Search(const std::string& query) {
    const auto response = Get("/search", query);
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body).as_object();
  }

  std::string Url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + path;
  }
  http::ClientResponse Send(const http::ClientRequest& request) {
    auto answer = client_.Send(request);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *std::move(answer) : http::ClientResponse();
  }

  std::unique_ptr<http::Server> wikipedia_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<http::Server> server_;  // after what its handlers use
  http::Client client_;
};

}  // namespace demo::recommender
