#include "net/http_exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace sightline::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class CountingWire final : public HttpWire {
 public:
  void Wake() override {
    ++wakes;
    wakes.notify_all();
  }
  bool OnServerThread() const override { return on_server_thread; }
  std::atomic<int> wakes = 0;
  std::atomic<bool> on_server_thread = false;
};

std::string All(const HttpExchange::Output& output) {
  return output.head + output.body + output.tail;
}

TEST(HttpExchange, ProducerIsHeldAtTheBound) {
  const auto wire = std::make_shared<CountingWire>();
  HttpExchange exchange(wire, {});
  constexpr size_t kPiece = 40'000;
  constexpr size_t kPieces = 200;
  std::thread producer([&] {
    exchange.Begin({});
    for (size_t i = 0; i < kPieces; ++i) ASSERT_TRUE(exchange.Write(std::string(kPiece, 'x')));
    exchange.End();
  });
  size_t total = 0;
  int seen = 0;
  for (bool last = false; !last;) {
    wire->wakes.wait(seen);
    seen = wire->wakes;
    for (;;) {
      const HttpExchange::Output output = exchange.Take(false);
      if (output.empty()) break;
      ASSERT_LE(output.body.size(), HttpExchange::kStreamBufferBytesMax + kPiece);
      total += output.body.size();
      last = output.last;
    }
  }
  producer.join();
  EXPECT_EQ(total, kPiece * kPieces);
}

TEST(HttpExchange, TrailersStandBehindTheLastChunk) {
  HttpExchange exchange(std::make_shared<CountingWire>(), {});
  exchange.Begin({});
  exchange.Write("all");
  exchange.End({{"X-Items", "1"}, {"Content-Length", "9"}, {"bad name", "x"}, {"X-Split", "a\r\nb"}});
  const std::string answer = All(exchange.Take(false));
  EXPECT_THAT(answer, ::testing::EndsWith("3\r\nall\r\n0\r\nX-Items: 1\r\n\r\n"))
      << "what frames the message or is no field";
  HttpExchange old(std::make_shared<CountingWire>(), {.http_1_0 = true});
  old.Begin({});
  old.Write("all");
  old.End({{"X-Items", "1"}});
  EXPECT_THAT(All(old.Take(false)), ::testing::EndsWith("\r\n\r\nall")) << "it knows no chunks, and so no trailers";
}

TEST(HttpExchange, ProducerOnServerThreadIsAbortedAtTheBound) {
  const auto wire = std::make_shared<CountingWire>();
  wire->on_server_thread = true;
  HttpExchange exchange(wire, {});
  exchange.Begin({});
  size_t accepted = 0;
  while (exchange.Write(std::string(1000, 'x'))) accepted += 1000;
  EXPECT_LE(accepted, HttpExchange::kStreamBufferBytesMax + 1000);
  const HttpExchange::Output output = exchange.Take(false);
  EXPECT_TRUE(output.close);
  EXPECT_FALSE(output.last);
}

TEST(HttpExchange, WholeAnswerIsOneOutput) {
  HttpExchange exchange(std::make_shared<CountingWire>(), {});
  EXPECT_TRUE(exchange.Take(false).empty());
  exchange.Send({.status = 404, .body = "none"});
  const HttpExchange::Output output = exchange.Take(false);
  EXPECT_TRUE(output.last);
  EXPECT_FALSE(output.close);
  EXPECT_THAT(All(output), ::testing::StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(All(output), ::testing::EndsWith("\r\n\r\nnone"));
  EXPECT_TRUE(exchange.Take(false).empty());
}

TEST(HttpExchange, NoContentHasNeitherLengthNorBody) {
  HttpExchange exchange(std::make_shared<CountingWire>(), {});
  exchange.Send({.status = 204, .body = "ignored"});
  const std::string all = All(exchange.Take(false));
  EXPECT_THAT(all, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(all, Not(HasSubstr("ignored")));
}

TEST(HttpExchange, FieldsThatFrameTheMessageStayOurs) {
  HttpExchange exchange(std::make_shared<CountingWire>(), {});
  exchange.Send({.headers = {{"content-length", "999"}, {"Transfer-Encoding", "chunked"}, {"X", "y"}}, .body = "four"});
  const std::string all = All(exchange.Take(true));
  EXPECT_THAT(all, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_THAT(all, Not(HasSubstr("999")));
  EXPECT_THAT(all, Not(HasSubstr("chunked")));
  EXPECT_THAT(all, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(all, HasSubstr("X: y\r\n"));
}

TEST(HttpExchange, GoneActionRunsOnceAndNotAfterTheAnswer) {
  int runs = 0;
  HttpExchange gone(std::make_shared<CountingWire>(), {});
  gone.OnClientGone([&] { ++runs; });
  gone.PeerClosed();
  gone.Lost();
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(gone.Write("x"));
  HttpExchange answered(std::make_shared<CountingWire>(), {});
  answered.OnClientGone([&] { ++runs; });
  answered.Send({});
  EXPECT_TRUE(answered.Take(false).last);
  answered.Lost();
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace sightline::net
