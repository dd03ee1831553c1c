#include "net/http_server.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <thread>

#include "net/testing/raw_socket.h"

namespace sightline::net {
namespace {

using testing::RawSocket;
using testing::WaitFor;

// Answers with what it understood of the request.
void Echo(HttpRequest request, HttpResponder responder) {
  std::string text = request.method + " " + request.path;
  for (const auto& [name, value] : request.query) text += fmt::format(" {}={}", name, value);
  responder.Send({.content_type = "text/plain", .body = text + "\n" + request.body});
}

std::unique_ptr<HttpServer> StartServer(HttpHandler handler, HttpServerOptions options = {}) {
  if (options.address.empty()) options.address = "127.0.0.1:0";
  auto server = HttpServer::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.has_value()) << (server ? "" : server.error().message);
  return server ? std::move(*server) : nullptr;
}

std::string Post(std::string_view path, std::string_view body, std::string_view more_headers = "") {
  return fmt::format("POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{}\r\n{}", path, body.size(),
                     more_headers, body);
}

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

// Keeps what a handler got, for answers from another thread.
class Parked {
 public:
  HttpHandler handler() {
    return [this](HttpRequest, HttpResponder responder) {
      const std::lock_guard lock(mutex_);
      responders_.push_back(std::move(responder));
    };
  }
  HttpResponder Take() {
    EXPECT_TRUE(WaitFor([this] {
      const std::lock_guard lock(mutex_);
      return !responders_.empty();
    }));
    const std::lock_guard lock(mutex_);
    HttpResponder responder = responders_.front();
    responders_.erase(responders_.begin());
    return responder;
  }

 private:
  std::mutex mutex_;
  std::vector<HttpResponder> responders_;
};

TEST(HttpServer, AnswersSeveralRequestsOnOneConnection) {
  const auto server = StartServer(Echo);
  RawSocket client(server->address());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(Post("/v1/a%20b?x=1+2&y=%26&z", fmt::format("body {}", i))));
    const HttpReply reply = client.ReadResponse();
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, fmt::format("POST /v1/a b x=1 2 y=& z=\nbody {}", i));
    EXPECT_EQ(reply.Header("connection"), "keep-alive");
    EXPECT_FALSE(reply.Header("date").empty());
  }
}

TEST(HttpServer, KnowsWhoComesFromThisMachine) {
  for (const char* address : {"127.0.0.1:0", "[::1]:0"}) {
    const auto server = StartServer(
        [](HttpRequest request, HttpResponder responder) {
          responder.Send({.content_type = "text/plain", .body = request.from_loopback ? "here" : "elsewhere"});
        },
        {.address = address});
    ASSERT_NE(server, nullptr);
    RawSocket client(server->address());
    ASSERT_TRUE(client.Send(kGet));
    EXPECT_EQ(client.ReadResponse().body, "here") << address;
  }
}

TEST(HttpServer, ServesIpv6) {
  const auto server = StartServer(Echo, {.address = "[::1]:0"});
  EXPECT_TRUE(server->address().starts_with("[::1]:"));
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(fmt::format("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", server->address())));
  EXPECT_EQ(client.ReadResponse().status, 200);
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  Parked parked;
  const auto server = StartServer(parked.handler(), {.threads = 2});
  RawSocket client(server->address());
  // The second comes with the first, the third while the first is being worked on.
  ASSERT_TRUE(client.Send(Post("/1", "a") + Post("/2", "bb")));
  const HttpResponder first = parked.Take();
  ASSERT_TRUE(client.Send(Post("/3", "ccc")));
  first.Send({.body = "1"});
  EXPECT_EQ(client.ReadResponse().body, "1");
  parked.Take().Send({.body = "2"});
  EXPECT_EQ(client.ReadResponse().body, "2");
  parked.Take().Send({.body = "3"});
  EXPECT_EQ(client.ReadResponse().body, "3");
}

TEST(HttpServer, AnswersRequestThatCameWhileHandlerWorked) {
  Parked parked;
  const auto server = StartServer(parked.handler());
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(kGet));
  const HttpResponder first = parked.Take();
  ASSERT_TRUE(client.Send(kGet));
  first.Send({.body = "1"});
  EXPECT_EQ(client.ReadResponse().body, "1");
  parked.Take().Send({.body = "2"});
  EXPECT_EQ(client.ReadResponse().body, "2");
}

TEST(HttpServer, ReadsChunkedBody) {
  const auto server = StartServer(Echo);
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send("POST /c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"));
  ASSERT_TRUE(client.Send("1;ext=1\r\n \r\n5\r\nworld\r\n0\r\nTrailer: x\r\n\r\n"));
  EXPECT_EQ(client.ReadResponse().body, "POST /c\nhello world");
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_EQ(client.ReadResponse().status, 200);
}

TEST(HttpServer, ReadsLargeBodyInPieces) {
  const auto server = StartServer(Echo, {.threads = 2});
  std::string body;
  for (int i = 0; body.size() < 5'000'000; ++i) body += fmt::format("{},", i);
  RawSocket client(server->address());
  std::string head = Post("/", body);
  ASSERT_TRUE(client.Send(head));
  EXPECT_EQ(client.ReadResponse().body, "POST /\n" + body);
}

TEST(HttpServer, InvitesBodyOnExpectContinue) {
  const auto server = StartServer(Echo, {.body_bytes_max = 10});
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.ReadResponse().status, 100);
  ASSERT_TRUE(client.Send("ab"));
  EXPECT_EQ(client.ReadResponse().body, "POST /\nab");
  ASSERT_TRUE(client.Send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.ReadResponse().status, 413);
}

TEST(HttpServer, AnswersHeadWithoutBody) {
  const auto server = StartServer(Echo);
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send("HEAD /x HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  const HttpReply reply = client.ReadResponse(true);
  EXPECT_EQ(reply.Header("Content-Length"), "8");
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_EQ(client.ReadResponse().body, "GET /\n");
}

TEST(HttpServer, ClosesAfterHttp10) {
  const auto server = StartServer(Echo);
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_THAT(client.ReadToEnd(), ::testing::EndsWith("\r\n\r\nGET /\n"));
}

// --- bad input -----------------------------------------------------------------------------------------------------

TEST(HttpServer, RefusesMalformedHttpWith400) {
  const auto server = StartServer(Echo);
  for (const std::string_view bad : {
           "garbage\r\n\r\n",
           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
           "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: localhost\r\nBad Header: 1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
           "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
           "GET /a%00b HTTP/1.1\r\nHost: localhost\r\n\r\n",
           "GET / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
           "GET relative HTTP/1.1\r\nHost: localhost\r\n\r\n",
       }) {
    RawSocket client(server->address());
    ASSERT_TRUE(client.Send(bad));
    const HttpReply reply = client.ReadResponse();
    EXPECT_EQ(reply.status, 400) << bad << reply.body;
    EXPECT_EQ(reply.Header("Connection"), "close");
    EXPECT_EQ(client.ReadToEnd(), "");
  }
}

TEST(HttpServer, RefusesUnknownTransferEncoding) {
  const auto server = StartServer(Echo);
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n"));
  EXPECT_EQ(client.ReadResponse().status, 501);
}

TEST(HttpServer, RefusesBodyOverLimitBeforeReadingIt) {
  const auto server = StartServer(Echo, {.body_bytes_max = 1000});
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1001\r\n\r\n"));
  EXPECT_EQ(client.ReadResponse().status, 413);
}

TEST(HttpServer, ClientThatGoesOnSendingStillReads413) {
  const auto server = StartServer(Echo, {.body_bytes_max = 1000});
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(Post("/", std::string(8 << 20, 'x'))));
  EXPECT_EQ(client.ReadResponse().status, 413);
  client.CloseSend();
  bool reset = true;
  client.ReadToEnd(&reset);
  EXPECT_FALSE(reset);
}

TEST(HttpServer, AcceptsBodyAtLimit) {
  const auto server = StartServer(Echo, {.body_bytes_max = 1000});
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(Post("/", std::string(1000, 'x'))));
  EXPECT_EQ(client.ReadResponse().status, 200);
}

TEST(HttpServer, RefusesChunkedBodyOverLimit) {
  const auto server = StartServer(Echo, {.body_bytes_max = 1000});
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"));
  ASSERT_TRUE(client.Send("300\r\n" + std::string(0x300, 'x') + "\r\n300\r\n" + std::string(0x300, 'x') + "\r\n"));
  EXPECT_EQ(client.ReadResponse().status, 413);
}

TEST(HttpServer, RefusesLargeHead) {
  const auto server = StartServer(Echo, {.header_bytes_max = 4096});
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(5000, 'x') + "\r\n\r\n"));
  EXPECT_EQ(client.ReadResponse().status, 431);
}

TEST(HttpServer, TellsClientThatStallsInTheBody408) {
  std::atomic<int> handled = 0;
  const auto server = StartServer([&](HttpRequest, HttpResponder) { ++handled; }, {.request_timeout_seconds = 1});
  RawSocket client(server->address());
  const std::string request = Post("/", std::string(1000, 'x'));
  ASSERT_TRUE(client.Send(std::string_view(request).substr(0, request.size() - 1)));
  EXPECT_EQ(client.ReadResponse().status, 408);
  EXPECT_EQ(handled, 0);
}

// Progress, one byte at a time, does not move the deadline.
TEST(HttpServer, TellsClientThatDripsBytes408) {
  const auto server = StartServer(Echo, {.request_timeout_seconds = 1});
  for (const std::string_view begin : {"GET / HTTP/1.1\r\nHost: localhost\r\nX: ",
                                       "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n"}) {
    RawSocket client(server->address());
    ASSERT_TRUE(client.Send(begin));
    int dripped = 0;
    while (!client.Readable(5) && dripped < 60'000) {
      ASSERT_TRUE(client.Send("x"));
      ++dripped;
    }
    EXPECT_GT(dripped, 0);
    EXPECT_EQ(client.ReadResponse().status, 408);
  }
}

TEST(HttpServer, ClosesIdleConnectionWithoutAWord) {
  const auto server = StartServer(Echo, {.idle_timeout_seconds = 1});
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_EQ(client.ReadResponse().status, 200);
  EXPECT_EQ(client.ReadToEnd(), "");
}

TEST(HttpServer, SurvivesResetInTheMiddleOfBody) {
  std::atomic<int> handled = 0;
  const auto server = StartServer([&](HttpRequest request, HttpResponder responder) {
    ++handled;
    Echo(std::move(request), std::move(responder));
  });
  for (int i = 0; i < 20; ++i) {
    RawSocket client(server->address());
    ASSERT_TRUE(client.Send(Post("/", std::string(100'000, 'x')).substr(0, 50'000)));
    client.Reset();
  }
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_EQ(client.ReadResponse().status, 200);
  EXPECT_EQ(handled, 1);
}

// --- who may call --------------------------------------------------------------------------------------------------

TEST(HttpServer, RefusesForeignHostAndOrigin) {
  const auto server = StartServer(Echo, {.allowed_origins = {"http://app.example"}});
  const auto status = [&](std::string_view host, std::string_view more) {
    RawSocket client(server->address());
    EXPECT_TRUE(client.Send(fmt::format("GET / HTTP/1.1\r\nHost: {}\r\n{}\r\n", host, more)));
    return client.ReadResponse().status;
  };
  EXPECT_EQ(status(server->address(), ""), 200);
  EXPECT_EQ(status("LocalHost:1234", ""), 200);
  EXPECT_EQ(status("[::1]:1", ""), 200);
  EXPECT_EQ(status("evil.example", ""), 421);
  EXPECT_EQ(status("localhost.evil.example", ""), 421);
  EXPECT_EQ(status("localhost", "Origin: http://evil.example\r\n"), 403);
  EXPECT_EQ(status("localhost", "Origin: null\r\n"), 403);
  EXPECT_EQ(status("localhost", "Origin: http://localhost\r\n"), 200);
  EXPECT_EQ(status("localhost", "Origin: http://app.example\r\n"), 200);
  EXPECT_EQ(status("localhost", "Origin: http://app.example\r\nOrigin: http://evil.example\r\n"), 400);
  // The absolute form's authority counts, not the Host field beside it.
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send("GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_EQ(client.ReadResponse().status, 421);
}

TEST(HttpServer, AnswersPreflightWithoutTheHandler) {
  std::atomic<int> handled = 0;
  const auto server = StartServer(
      [&](HttpRequest request, HttpResponder responder) {
        ++handled;
        Echo(std::move(request), std::move(responder));
      },
      {.allowed_origins = {"http://app.example"}});
  RawSocket client(server->address());
  ASSERT_TRUE(
      client.Send("OPTIONS /v1/traces HTTP/1.1\r\nHost: localhost\r\nOrigin: http://app.example\r\n"
                  "Access-Control-Request-Method: POST\r\n"
                  "Access-Control-Request-Headers: content-type,x-key\r\n\r\n"));
  const HttpReply preflight = client.ReadResponse();
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.Header("Access-Control-Allow-Origin"), "http://app.example");
  EXPECT_EQ(preflight.Header("Access-Control-Allow-Headers"), "content-type,x-key");
  EXPECT_EQ(preflight.Header("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(handled, 0);
  ASSERT_TRUE(client.Send(Post("/v1/traces", "x", "Origin: http://app.example\r\n")));
  const HttpReply reply = client.ReadResponse();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("Access-Control-Allow-Origin"), "http://app.example");
  EXPECT_EQ(reply.Header("Vary"), "Origin");
}

TEST(HttpServer, ShapesItsOwnErrorsWithTheCallersFunction) {
  HttpServerOptions options{.body_bytes_max = 10};
  options.error_response = [](const HttpRequest& head, const HttpRefusal& refusal) {
    return HttpResponse{
        .status = refusal.status,
        .body = fmt::format("[{} {}{}] {}", refusal.status, head.path, refusal.parameter, refusal.message)};
  };
  const auto server = StartServer(Echo, std::move(options));
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(Post("/v1/logs", "too long for it")));
  const HttpReply reply = client.ReadResponse();
  EXPECT_EQ(reply.body, "[413 /v1/logs] the body is larger than the limit of 10 bytes");
  EXPECT_EQ(reply.Header("Content-Type"), "application/json");
  RawSocket other(server->address());
  ASSERT_TRUE(other.Send(Post("/v1/logs?whole=a&half=%4", "")));
  EXPECT_TRUE(other.ReadResponse().body.starts_with("[400 half] the value of a parameter has a bad escape"));
}

// --- many clients --------------------------------------------------------------------------------------------------

TEST(HttpServer, Serves200KeepAliveConnectionsAtOnce) {
  const auto server = StartServer(Echo, {.threads = 2});
  std::vector<std::unique_ptr<RawSocket>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<RawSocket>(server->address()));
  for (int round = 0; round < 5; ++round) {
    for (size_t i = 0; i < clients.size(); ++i) {
      ASSERT_TRUE(clients[i]->Send(Post("/", fmt::format("{}/{}", round, i))));
    }
    for (size_t i = 0; i < clients.size(); ++i) {
      ASSERT_EQ(clients[i]->ReadResponse().body, fmt::format("POST /\n{}/{}", round, i));
    }
  }
}

TEST(HttpServer, BoundsTheBodiesThatAreArriving) {
  const auto server = StartServer(Echo, {.body_bytes_max = 1 << 20, .arriving_bytes_max = 100'000});
  const std::string large(150'000, 'x'), fits(90'000, 'y');
  const auto chunked = [](const std::string& body) {
    return fmt::format(
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n", body.size(),
        body);
  };
  for (int round = 0; round < 3; ++round) {  // what was counted is given back
    for (const std::string& request : {Post("/", large), chunked(large)}) {
      RawSocket client(server->address());
      (void)client.Send(request);
      EXPECT_EQ(client.ReadResponse().status, 503);
    }
    RawSocket client(server->address());
    for (const std::string& request : {Post("/", fits), chunked(fits), Post("/", fits)}) {
      ASSERT_TRUE(client.Send(request));
      const HttpReply reply = client.ReadResponse();
      EXPECT_EQ(reply.status, 200);
      EXPECT_TRUE(reply.body.ends_with(fits));
    }
  }
}

TEST(HttpServer, TellsConnectionsBeyondTheCap503) {
  const auto server = StartServer(Echo, {.connections_max = 3});
  std::vector<std::unique_ptr<RawSocket>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawSocket>(server->address()));
    ASSERT_TRUE(clients.back()->Send(kGet));
    ASSERT_EQ(clients.back()->ReadResponse().status, 200);
  }
  {
    RawSocket further(server->address());
    EXPECT_EQ(further.ReadResponse().status, 503);
  }
  clients.clear();
  // Room comes back.
  EXPECT_TRUE(WaitFor([&] {
    RawSocket again(server->address());
    return again.Send(kGet) && again.ReadResponse().status == 200;
  }));
}

// --- answers later, in pieces, or never ----------------------------------------------------------------------------

TEST(HttpServer, AnswersFromAnotherThread) {
  Parked parked;
  const auto server = StartServer(parked.handler());
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(kGet));
  std::thread([responder = parked.Take()] {
    responder.Send({.status = 429, .headers = {{"Retry-After", "3"}}});
  }).join();
  const HttpReply reply = client.ReadResponse();
  EXPECT_EQ(reply.status, 429);
  EXPECT_EQ(reply.Header("retry-after"), "3");
}

TEST(HttpServer, OnlyTheFirstAnswerCounts) {
  const auto server = StartServer([](HttpRequest, HttpResponder responder) {
    responder.Send({.body = "first"});
    responder.Send({.body = "second"});
  });
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(std::string(kGet) + std::string(kGet)));
  EXPECT_EQ(client.ReadResponse().body, "first");
  EXPECT_EQ(client.ReadResponse().body, "first");
}

TEST(HttpServer, AnswersForHandlerThatForgot) {
  const auto server = StartServer([](HttpRequest, HttpResponder) {});
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_EQ(client.ReadResponse().status, 500);
}

TEST(HttpServer, HeaderTextOfHandlerCannotSplitTheResponse) {
  const auto server = StartServer([](HttpRequest, HttpResponder responder) {
    responder.Send({.headers = {{"X-Bad", "a\r\nInjected: 1"}, {"X-Good", "b"}}, .body = "x"});
  });
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(kGet));
  const HttpReply reply = client.ReadResponse();
  EXPECT_EQ(reply.Header("X-Good"), "b");
  EXPECT_EQ(reply.Header("Injected"), "");
}

TEST(HttpServer, StreamsInChunksAndKeepsTheConnection) {
  Parked parked;
  const auto server = StartServer(parked.handler());
  RawSocket client(server->address());
  for (int round = 0; round < 2; ++round) {
    ASSERT_TRUE(client.Send(kGet));
    const HttpResponder responder = parked.Take();
    std::string expected;
    std::thread producer([&] {
      responder.Begin({.content_type = "text/plain"});
      for (int i = 0; i < 5000; ++i) {
        const std::string piece = fmt::format("{} of the stream, ", i) + std::string(i % 300, '.');
        expected += piece;
        ASSERT_TRUE(responder.Write(piece));
      }
      responder.End();
    });
    const HttpReply reply = client.ReadResponse();
    producer.join();
    EXPECT_EQ(reply.Header("Transfer-Encoding"), "chunked");
    EXPECT_EQ(reply.body, expected);
  }
}

TEST(HttpServer, StreamToHttp10EndsWithTheConnection) {
  Parked parked;
  const auto server = StartServer(parked.handler());
  for (const bool abort : {false, true}) {
    RawSocket client(server->address());
    ASSERT_TRUE(client.Send("GET / HTTP/1.0\r\n\r\n"));
    const HttpResponder responder = parked.Take();
    responder.Begin({});
    ASSERT_TRUE(responder.Write("piece"));
    abort ? responder.Abort() : responder.End();
    bool reset = false;
    const std::string all = client.ReadToEnd(&reset);
    EXPECT_EQ(reset, abort);
    if (!abort) EXPECT_THAT(all, ::testing::EndsWith("\r\n\r\npiece"));
  }
}

TEST(HttpServer, AbortedStreamLacksItsFinalChunk) {
  Parked parked;
  const auto server = StartServer(parked.handler());
  for (const bool explicitly : {true, false}) {
    RawSocket client(server->address());
    ASSERT_TRUE(client.Send(kGet));
    {
      const HttpResponder responder = parked.Take();
      responder.Begin({});
      ASSERT_TRUE(responder.Write("piece"));
      if (explicitly) responder.Abort();
    }  // dropped without End
    EXPECT_THAT(client.ReadToEnd(), ::testing::Not(::testing::HasSubstr("0\r\n\r\n")));
  }
}

// The producer is never far ahead of a client that reads slowly, and is let go when the client leaves.
TEST(HttpServer, StreamWaitsForSlowClientAndEndsWhenItLeaves) {
  constexpr uint64_t kAheadMax = 24 << 20;  // far above the buffers of both kernels' sockets
  Parked parked;
  const auto server = StartServer(parked.handler());
  RawSocket client(server->address(), 4096);
  ASSERT_TRUE(client.Send(kGet));
  const HttpResponder responder = parked.Take();
  std::atomic<uint64_t> written = 0;
  std::thread producer([&] {
    responder.Begin({});
    const std::string piece(64 << 10, 'x');
    while (written < 1u << 30 && responder.Write(piece)) written += piece.size();
  });
  uint64_t received = 0;
  while (received < 8 << 20) {
    const size_t size = client.ReadSome();
    ASSERT_GT(size, 0u);
    received += size;
    ASSERT_LT(written, received + kAheadMax);
  }
  client.Close();
  producer.join();
  EXPECT_LT(written, received + kAheadMax);
  EXPECT_TRUE(responder.client_gone());
}

TEST(HttpServer, StreamToClientThatNeverReadsIsGivenUp) {
  Parked parked;
  const auto server = StartServer(parked.handler(), {.idle_timeout_seconds = 1});
  RawSocket client(server->address(), 4096);
  ASSERT_TRUE(client.Send(kGet));
  const HttpResponder responder = parked.Take();
  responder.Begin({});
  const std::string piece(64 << 10, 'x');
  while (responder.Write(piece)) {
  }
  EXPECT_TRUE(responder.client_gone());
}

TEST(HttpServer, StreamOverItsBoundOnServerThreadIsAbortedNotStuck) {
  const auto server = StartServer([](HttpRequest, HttpResponder responder) {
    responder.Begin({});
    const std::string piece(64 << 10, 'x');
    while (responder.Write(piece)) {
    }
  });
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(kGet));
  EXPECT_EQ(client.ReadResponse().status, 0);  // no complete response
}

TEST(HttpServer, NoticesThatClientLeftWhileHandlerWorks) {
  Parked parked;
  const auto server = StartServer(parked.handler());
  for (const bool hard : {false, true}) {
    RawSocket client(server->address());
    ASSERT_TRUE(client.Send(kGet));
    const HttpResponder responder = parked.Take();
    std::promise<void> gone;
    EXPECT_FALSE(responder.client_gone());
    responder.OnClientGone([&] { gone.set_value(); });
    hard ? client.Reset() : client.Close();
    ASSERT_EQ(gone.get_future().wait_for(std::chrono::seconds(testing::kDeadlineSeconds)), std::future_status::ready);
    EXPECT_TRUE(responder.client_gone());
    bool at_once = false;
    responder.OnClientGone([&] { at_once = true; });
    EXPECT_TRUE(at_once);
    responder.Send({});  // harmless
  }
}

TEST(HttpServer, AnswersHalfClosedConnection) {
  Parked parked;
  const auto server = StartServer(parked.handler());
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(kGet));
  client.CloseSend();
  const HttpResponder responder = parked.Take();
  ASSERT_TRUE(WaitFor([&] { return responder.client_gone(); }));
  responder.Begin({});
  EXPECT_TRUE(responder.Write("still "));
  EXPECT_TRUE(responder.Write("here"));
  responder.End();
  EXPECT_EQ(client.ReadResponse().body, "still here");
  EXPECT_EQ(client.ReadToEnd(), "");
}

// --- start and stop ------------------------------------------------------------------------------------------------

TEST(HttpServer, SaysWhyItCannotStart) {
  const auto server = StartServer(Echo);
  const auto second = HttpServer::Start({.address = server->address()}, Echo);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_THAT(second.error().message, ::testing::AllOf(::testing::HasSubstr(server->address()),
                                                       ::testing::HasSubstr("Address already in use")));
  EXPECT_EQ(HttpServer::Start({.address = "nonsense"}, Echo).error().code, Code::kInvalidArgument);
}

TEST(HttpServer, StopLetsWorkUnderWayFinish) {
  Parked parked;
  const auto server = StartServer(parked.handler(), {.threads = 2});
  RawSocket idle(server->address());
  RawSocket busy(server->address());
  ASSERT_TRUE(busy.Send(kGet));
  const HttpResponder responder = parked.Take();
  std::thread stopping([&] { server->Stop(testing::kDeadlineSeconds); });
  EXPECT_EQ(idle.ReadToEnd(), "");  // closed at once
  responder.Send({.body = "done"});
  const HttpReply reply = busy.ReadResponse();
  EXPECT_EQ(reply.body, "done");
  EXPECT_EQ(reply.Header("Connection"), "close");
  stopping.join();
}

TEST(HttpServer, StopBreaksOffWhatOutlastsTheGrace) {
  Parked parked;
  auto server = StartServer(parked.handler());
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(kGet));
  const HttpResponder responder = parked.Take();
  responder.Begin({});
  std::thread producer([&] {
    while (responder.Write(std::string(64 << 10, 'x'))) {
    }
  });
  server->Stop(0);
  producer.join();
  server.reset();
  EXPECT_TRUE(responder.client_gone());
  responder.End();  // after the server's end: harmless
}

TEST(HttpServer, ResponderMayOutliveTheServer) {
  Parked parked;
  auto server = StartServer(parked.handler());
  RawSocket client(server->address());
  ASSERT_TRUE(client.Send(kGet));
  const HttpResponder responder = parked.Take();
  server.reset();
  responder.Send({});
}

TEST(HttpServer, StopUnderLoadLosesNoThread) {
  for (int round = 0; round < 10; ++round) {
    auto server = StartServer(Echo, {.threads = 2});
    std::vector<std::thread> clients;
    for (int i = 0; i < 4; ++i) {
      // Connected here: a thread that starts late would find nobody listening any more.
      clients.emplace_back([client = std::make_unique<RawSocket>(server->address())] {
        while (client->Send(Post("/", "x")) && client->ReadResponse().status == 200) {
        }
      });
    }
    {
      RawSocket client(server->address());
      for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(client.Send(kGet));
        ASSERT_EQ(client.ReadResponse().status, 200);
      }
    }
    server->Stop(5);
    for (auto& client : clients) client.join();
  }
}

}  // namespace
}  // namespace sightline::net
