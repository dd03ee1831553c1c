#include "otel/instrumentation/threads.h"

#include <gmock/gmock.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <future>
#include <memory>
#include <stop_token>
#include <thread>

namespace otel::instrumentation {
namespace {

namespace asio = boost::asio;

const ContextKey<int> request_key("request");

Context ContextOf(int request) {
  return Context().With(request_key, request);
}
int CurrentRequest() {
  const int* const request = Context::Current().Get(request_key);
  return request == nullptr ? 0 : *request;
}

TEST(BindContext, RunsAFunctionInTheContextOfTheThreadThatBindsIt) {
  int seen = 0;
  {
    const Scope scope(ContextOf(7));
    std::thread thread(BindContext([&seen] { seen = CurrentRequest(); }));
    thread.join();
  }
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(CurrentRequest(), 0);
}

TEST(BindContext, HandsArgumentsAndResultOver) {
  const Scope scope(ContextOf(3));
  auto sum = std::async(std::launch::async, BindContext([](int a, int b) { return a + b + CurrentRequest(); }), 10, 20);
  EXPECT_EQ(sum.get(), 33);
  int value = 1;
  BindContext([](int& reference) -> int& { return reference; })(value) = 5;
  EXPECT_EQ(value, 5);
}

TEST(BindContext, TakesFunctionsThatCanOnlyBeMovedAndThoseOfStopTokens) {
  const Scope scope(ContextOf(4));
  std::promise<int> seen;
  auto future = seen.get_future();
  {
    const std::jthread thread(
        BindContext([seen = std::move(seen)](const std::stop_token&) mutable { seen.set_value(CurrentRequest()); }));
  }
  EXPECT_EQ(future.get(), 4);
}

TEST(BindContext, CanBeCalledAgainAndLeavesTheCallersContextAsItWas) {
  const std::function<int()> function = BindContext(CurrentRequest, ContextOf(1));
  const Scope scope(ContextOf(2));
  EXPECT_EQ(function(), 1);
  EXPECT_EQ(function(), 1);
  EXPECT_EQ(CurrentRequest(), 2);
  EXPECT_THROW(BindContext([] { throw 1; }, ContextOf(1))(), int);
  EXPECT_EQ(CurrentRequest(), 2);
}

TEST(ContextExecutor, RunsEachTaskInTheContextOfItsSubmitter) {
  asio::thread_pool pool(2);
  const ContextExecutor executor(pool.get_executor());
  std::vector<std::future<int>> seen;
  for (int request = 1; request <= 100; ++request) {
    const Scope scope(ContextOf(request));
    std::packaged_task<int()> task(CurrentRequest);
    seen.push_back(task.get_future());
    executor.execute(std::move(task));
  }
  for (int request = 1; request <= 100; ++request) EXPECT_EQ(seen[request - 1].get(), request);
  std::promise<int> outside;
  asio::post(pool, [&] { outside.set_value(CurrentRequest()); });
  EXPECT_EQ(outside.get_future().get(), 0);
}

TEST(BindContext, BindsTheHandlerOfAnAsynchronousOperation) {
  asio::thread_pool pool(1);
  asio::steady_timer timer(pool, std::chrono::milliseconds(0));
  std::promise<int> seen;
  {
    const Scope scope(ContextOf(9));
    timer.async_wait(BindContext([&](const auto&) { seen.set_value(CurrentRequest()); }));
  }
  EXPECT_EQ(seen.get_future().get(), 9);
}

}  // namespace
}  // namespace otel::instrumentation
