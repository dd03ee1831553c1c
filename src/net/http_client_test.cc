#include "net/http_client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "net/testing/raw_socket.h"

namespace sightline::net {
namespace {

std::unique_ptr<HttpServer> StartServer(HttpHandler handler) {
  auto server = HttpServer::Start({.address = "127.0.0.1:0", .threads = 2}, std::move(handler));
  EXPECT_TRUE(server.has_value());
  return server ? std::move(*server) : nullptr;
}

TEST(HttpClient, SendsMethodHeadersAndBodyAndReadsTheReply) {
  const auto server = StartServer([](HttpRequest request, HttpResponder responder) {
    responder.Send(
        {.status = 201,
         .content_type = "text/plain",
         .headers = {{"X-Back", std::string(request.Header("x-there"))}},
         .body = fmt::format("{} {} {} {}", request.method, request.path, *request.QueryValue("q"), request.body)});
  });
  HttpClient client;
  for (const std::string method : {"GET", "POST", "PUT", "DELETE"}) {
    const std::string body = method == "GET" ? "" : "the body";
    const auto reply = client.Call({.method = method,
                                    .url = fmt::format("http://{}/a?q={}", server->address(), UrlEncode("x&y z/é")),
                                    .headers = {{"X-There", "and back"}},
                                    .body = body});
    ASSERT_TRUE(reply.has_value()) << reply.error().message;
    EXPECT_EQ(reply->status, 201);
    EXPECT_EQ(reply->Header("x-back"), "and back");
    EXPECT_EQ(reply->body, fmt::format("{} /a x&y z/é {}", method, body));
  }
  const auto head = client.Call({.method = "HEAD", .url = fmt::format("http://{}/a?q=", server->address())});
  ASSERT_TRUE(head.has_value()) << head.error().message;
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(head->Header("Content-Length"), "9");
}

TEST(HttpClient, SinkGetsTheBodyOfSuccessOnly) {
  const auto server = StartServer([](HttpRequest request, HttpResponder responder) {
    responder.Send({.status = request.path == "/good" ? 200 : 500, .body = "text"});
  });
  HttpClient client;
  std::string taken;
  HttpCall call{.url = fmt::format("http://{}/good", server->address())};
  call.sink = [&](std::string_view piece) {
    taken += piece;
    return true;
  };
  EXPECT_EQ(client.Call(call)->body, "");
  EXPECT_EQ(taken, "text");
  call.url = fmt::format("http://{}/bad", server->address());
  EXPECT_EQ(client.Call(call)->body, "text");
  EXPECT_EQ(taken, "text");
  call.url = fmt::format("http://{}/good", server->address());
  call.sink = [](std::string_view) { return false; };
  const auto stopped = client.Call(call);
  ASSERT_FALSE(stopped.has_value());
  EXPECT_EQ(stopped.error().code, Code::kCancelled);
}

TEST(HttpClient, ReadsNoMoreOfABodyThanItIsTo) {
  const auto server = StartServer([](HttpRequest, HttpResponder responder) {
    responder.Send({.status = 503, .body = std::string(1 << 20, 'x')});
  });
  HttpClient client;
  for (const size_t max : {size_t{1000}, size_t{1} << 20}) {
    const auto reply = client.Call({.url = fmt::format("http://{}/", server->address()), .body_bytes_max = max});
    ASSERT_TRUE(reply.has_value()) << reply.error().message;
    EXPECT_EQ(reply->status, 503);
    EXPECT_EQ(reply->body.size(), max);
  }
}

TEST(HttpClient, CanBeCancelledWhileNothingArrives) {
  std::atomic<bool> arrived = false;
  std::atomic<bool> gone = false;
  std::mutex mutex;
  std::vector<HttpResponder> kept;
  const auto server = StartServer([&](HttpRequest, HttpResponder responder) {
    responder.OnClientGone([&] { gone = true; });
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(responder));
    arrived = true;
  });
  HttpClient client;
  HttpCall call{.url = fmt::format("http://{}/", server->address())};
  call.cancelled = [&] { return arrived.load(); };
  const auto reply = client.Call(call);
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, Code::kCancelled);
  EXPECT_TRUE(testing::WaitFor([&] { return gone.load(); }));
}

TEST(HttpClient, SaysWhyNoAnswerCame) {
  HttpClient client;
  std::string address;
  {
    const auto server = StartServer([](HttpRequest, HttpResponder) {});
    address = server->address();
  }
  const auto refused = client.Call({.url = fmt::format("http://{}/", address)});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_THAT(refused.error().message, ::testing::HasSubstr(address));
  EXPECT_EQ(client.Call({.url = "file:///etc/passwd"}).error().code, Code::kUnavailable);
  EXPECT_EQ(client.Call({.url = "http://localhost/", .headers = {{"A", "b\r\nC: d"}}}).error().code,
            Code::kInvalidArgument);
}

TEST(HttpClient, StreamThatBreaksOffIsNoAnswer) {
  const auto server = StartServer([](HttpRequest, HttpResponder responder) {
    responder.Begin({});
    responder.Write("half");
    responder.Abort();
  });
  HttpClient client;
  const auto reply = client.Call({.url = fmt::format("http://{}/", server->address())});
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace sightline::net
