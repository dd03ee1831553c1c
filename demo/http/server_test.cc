#include "demo/http/server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <semaphore>

#include "demo/http/client.h"
#include "demo/http/worker_pool.h"

namespace demo::http {
namespace {

using testing::ElementsAre;
using testing::Pair;

class ServerTest : public testing::Test {
 protected:
  void Start(Handler handler, ServerOptions options = {}) {
    auto server = Server::Start(std::move(options), std::move(handler));
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }
  std::string Url(const std::string& target) const {
    return "http://127.0.0.1:" + std::to_string(server_->port()) + target;
  }

  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, HandsOverWhatWasSentAndAnswers) {
  Request seen;
  Start([&](const Request& request, size_t) {
    seen = request;
    return Response{.status = 201, .body = "made", .content_type = "text/plain", .headers = {{"X-Answer", "42"}}};
  });
  Client client;
  const auto answer = client.Send({.url = Url("/a%20path?q=neural+networks&empty&x=%26"),
                                   .method = "POST",
                                   .headers = {{"X-Question", "why"}},
                                   .body = "content"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->body, "made");
  EXPECT_EQ(answer->Header("x-answer"), "42");
  EXPECT_EQ(answer->Header("content-type"), "text/plain");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/a path");
  EXPECT_THAT(seen.query, ElementsAre(Pair("q", "neural networks"), Pair("empty", ""), Pair("x", "&")));
  EXPECT_EQ(seen.Header("x-question"), "why");
  EXPECT_EQ(seen.Header("absent"), std::nullopt);
  EXPECT_EQ(seen.body, "content");
}

TEST_F(ServerTest, OneConnectionServesManyRequests) {
  Start([](const Request& request, size_t) { return Response{.body = std::string(*request.Query("n"))}; });
  Client client;
  for (int i = 0; i < 100; ++i) {
    const auto answer = client.Send({.url = Url("/?n=" + std::to_string(i))});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, std::to_string(i));
  }
}

TEST_F(ServerTest, HandlersRunBesideEachOther) {
  // Each of the two waits until the other has begun.
  std::atomic<int> begun = 0;
  Start(
      [&](const Request&, size_t worker) {
        begun.fetch_add(1);
        begun.notify_all();
        for (int now = begun.load(); now < 2; now = begun.load()) begun.wait(now);
        return Response{.body = std::to_string(worker)};
      },
      {.workers = 2});
  auto other = std::async(std::launch::async, [&] { return Client().Send({.url = Url("/")}); });
  const auto mine = Client().Send({.url = Url("/")});
  const auto others = other.get();
  ASSERT_TRUE(mine && others);
  EXPECT_NE(mine->body, others->body);
  server_.reset();  // its handlers use what ends here
}

TEST_F(ServerTest, RefusesWhatIsTooLong) {
  Start([](const Request&, size_t) { return Response{}; }, {.body_bytes_max = 100});
  const auto answer = Client().Send({.url = Url("/"), .method = "POST", .body = std::string(101, 'x')});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 413);
}

TEST_F(ServerTest, SaysSoWhenTooManyRequestsWait) {
  std::counting_semaphore<8> entered(0), release(0);
  Start(
      [&](const Request&, size_t) {
        entered.release();
        release.acquire();
        return Response{};
      },
      {.workers = 1, .waiting_requests_max = 1});
  const auto send = [&] { return Client().Send({.url = Url("/")})->status; };
  auto first = std::async(std::launch::async, send);
  entered.acquire();
  // One of these two waits for the worker, the other is told so at once. Which one, only the answers tell.
  auto second = std::async(std::launch::async, send), third = std::async(std::launch::async, send);
  std::future<int>* refused = nullptr;
  while (refused == nullptr) {
    for (auto* candidate : {&second, &third}) {
      if (candidate->wait_for(std::chrono::milliseconds(5)) == std::future_status::ready) refused = candidate;
    }
  }
  EXPECT_EQ(refused->get(), 503);
  release.release(2);
  EXPECT_EQ(first.get(), 200);
  EXPECT_EQ((refused == &second ? third : second).get(), 200);
  server_.reset();  // its handlers use what ends here
}

TEST_F(ServerTest, TheClientTellsErrorsApart) {
  std::promise<void> release;
  auto released = release.get_future().share();
  Start([&](const Request& request, size_t) {
    if (request.path == "/slow") released.wait();
    if (request.path == "/loop") return Response{.status = 302, .headers = {{"Location", "/loop"}}};
    if (request.path == "/moved") return Response{.status = 302, .headers = {{"Location", "/here"}}};
    return Response{.body = request.path};
  });
  Client client;
  EXPECT_EQ(client.Send({.url = Url("/moved")})->body, "/here");
  EXPECT_EQ(client.Send({.url = Url("/loop")}).error().type, "ProtocolError");
  EXPECT_EQ(client.Send({.url = Url("/slow"), .timeout = std::chrono::milliseconds(50)}).error().type, "TimeoutError");
  EXPECT_EQ(client.Send({.url = "http://127.0.0.1:1/"}).error().type, "ConnectError");
  EXPECT_EQ(client.Send({.url = "file:///etc/hostname"}).error().type, "ProtocolError");
  release.set_value();
  server_.reset();  // its handlers use what ends here
}

TEST_F(ServerTest, APortThatIsTakenIsAnError) {
  Start([](const Request&, size_t) { return Response{}; });
  const auto second = Server::Start({.port = server_->port()}, [](const Request&, size_t) { return Response{}; });
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, testing::HasSubstr(std::to_string(server_->port())));
}

TEST(WorkerPool, RunsEveryTaskThatItTook) {
  std::atomic<int> done = 0;
  std::promise<void> all;
  constexpr int kTasks = 1000;
  WorkerPool pool(3, kTasks);
  int taken = 0;
  for (int i = 0; i < kTasks; ++i) {
    taken += pool.Post([&](size_t worker) {
      EXPECT_LT(worker, 3u);
      if (done.fetch_add(1) + 1 == kTasks) all.set_value();
    });
  }
  EXPECT_EQ(taken, kTasks);
  all.get_future().wait();
  pool.Stop();
  EXPECT_FALSE(pool.Post([](size_t) {}));
}

}  // namespace
}  // namespace demo::http
