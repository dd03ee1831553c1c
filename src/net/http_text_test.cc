#include "net/http_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_access.h"
#include "net/http_server.h"

namespace sightline::net {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ParseTarget, DecodesPathAndQuery) {
  const auto target = ParseTarget("/a%2Fb/%E2%82%AC?x=1&y=a+b%2B&flag&=v&&x=2#part");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->path, "/a/b/€");
  EXPECT_THAT(target->query,
              ElementsAre(Pair("x", "1"), Pair("y", "a b+"), Pair("flag", ""), Pair("", "v"), Pair("x", "2")));
}

TEST(ParseTarget, KnowsTheAbsoluteForm) {
  const auto target = ParseTarget("http://Host:80?q=1");
  ASSERT_TRUE(target.has_value());
  EXPECT_EQ(target->authority, "Host:80");
  EXPECT_EQ(target->path, "/");
  EXPECT_THAT(target->query, ElementsAre(Pair("q", "1")));
  EXPECT_EQ(ParseTarget("/x?u=http://a/")->authority, "");
}

TEST(ParseTarget, RefusesBadEscapes) {
  for (const char* bad : {"", "x", "/%", "/%1", "/%g1", "/%00", "/?a=%", "/?%zz=1", "host:80"}) {
    EXPECT_FALSE(ParseTarget(bad).has_value()) << bad;
  }
  EXPECT_EQ(ParseTarget("/?a=1&b%20c=%00&d=%").error().parameter, "b c");
  EXPECT_EQ(ParseTarget("/%?a=%").error().parameter, "");
  EXPECT_EQ(ParseTarget("/?%zz=1").error().parameter, "");
}

TEST(ParseHostPort, AcceptsWhatCanBeBound) {
  EXPECT_EQ(ParseHostPort("127.0.0.1:4318")->host, "127.0.0.1");
  EXPECT_EQ(ParseHostPort("127.0.0.1:4318")->port, 4318);
  EXPECT_EQ(ParseHostPort("[::1]:0")->host, "::1");
  EXPECT_EQ(ParseHostPort("localhost:65535")->port, 65535);
  for (const char* bad :
       {"", "4318", ":4318", "host:", "host:x", "host:65536", "host:-1", "::1:4318", "[]:1", "[::1]"}) {
    EXPECT_EQ(ParseHostPort(bad).error().code, Code::kInvalidArgument) << bad;
  }
}

TEST(HostName, DropsPortBracketsAndCase) {
  EXPECT_EQ(HostName("LocalHost:80"), "localhost");
  EXPECT_EQ(HostName("[::1]:80"), "::1");
  EXPECT_EQ(HostName("[::1"), "");
  EXPECT_EQ(HostName("a.b"), "a.b");
}

HttpRequest Head(std::string host, std::string origin = "", std::string method = "GET") {
  HttpRequest head{.method = std::move(method), .headers = {{"host", std::move(host)}}};
  if (!origin.empty()) head.headers.emplace_back("origin", std::move(origin));
  return head;
}

TEST(HttpAccess, ServesListedHostsAndTheOwnAddress) {
  const HttpAccess access({"Example.com", "2001:db8::1"}, {}, "0.0.0.0");
  EXPECT_EQ(access.Check(Head("example.com:8080"), "10.0.0.5").refused_status, 0);
  EXPECT_EQ(access.Check(Head("[2001:db8::1]:8080"), "10.0.0.5").refused_status, 0);
  EXPECT_EQ(access.Check(Head("10.0.0.5:8080"), "10.0.0.5").refused_status, 0);
  EXPECT_EQ(access.Check(Head("10.0.0.6:8080"), "10.0.0.5").refused_status, 421);
  EXPECT_EQ(access.Check(Head("example.com.evil"), "10.0.0.5").refused_status, 421);
  const HttpAccess any({"*"}, {}, "127.0.0.1");
  EXPECT_EQ(any.Check(Head("whatever"), "127.0.0.1").refused_status, 0);
}

TEST(HttpAccess, OwnOriginNeedsTheSameHostAndPort) {
  const HttpAccess access({}, {}, "127.0.0.1");
  EXPECT_EQ(access.Check(Head("localhost:8080", "http://localhost:8080"), "").refused_status, 0);
  EXPECT_EQ(access.Check(Head("localhost:8080", "http://localhost:8081"), "").refused_status, 403);
  EXPECT_EQ(access.Check(Head("localhost:8080", "ftp://localhost:8080"), "").refused_status, 403);
}

TEST(HttpAccess, AnyOriginGetsNoCredentials) {
  const HttpAccess access({}, {"*"}, "127.0.0.1");
  const auto verdict = access.Check(Head("localhost", "https://app.example", "POST"), "");
  EXPECT_EQ(verdict.refused_status, 0);
  EXPECT_THAT(verdict.cors, ::testing::Contains(Pair("Access-Control-Allow-Origin", "*")));
  EXPECT_THAT(verdict.cors, ::testing::Not(::testing::Contains(Pair("Access-Control-Allow-Credentials", "true"))));
}

TEST(HttpAccess, PreflightDoesNotEchoWhatIsNoHeaderName) {
  const HttpAccess access({}, {"http://a"}, "127.0.0.1");
  HttpRequest head = Head("localhost", "http://a", "OPTIONS");
  head.headers.emplace_back("Access-Control-Request-Method", "POST");
  head.headers.emplace_back("Access-Control-Request-Headers", "x; y");
  const auto verdict = access.Check(head, "");
  EXPECT_TRUE(verdict.preflight);
  for (const auto& [name, value] : verdict.cors) EXPECT_NE(name, "Access-Control-Allow-Headers");
}

TEST(HttpText, RetryAfterIsSecondsOrADate) {
  constexpr int64_t kSecond = 1'000'000'000, kNow = 1'783'000'000 * kSecond;  // 2026-07-02 13:46:40 UTC
  EXPECT_EQ(RetryAfterNanos("7", kNow), 7 * kSecond);
  EXPECT_EQ(RetryAfterNanos("Thu, 02 Jul 2026 13:47:00 GMT", kNow), 20 * kSecond);
  EXPECT_EQ(RetryAfterNanos("Thu, 02 Jul 2026 13:00:00 GMT", kNow), 0) << "is over";
  EXPECT_EQ(RetryAfterNanos("9999999", kNow), 86'400 * kSecond);
  for (const char* none : {"", "soon", "7s"}) EXPECT_EQ(RetryAfterNanos(none, kNow), std::nullopt) << none;
}

}  // namespace
}  // namespace sightline::net
