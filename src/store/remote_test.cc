// The remote adapter's own parts: its address, errors at the end of a body, logins, servers that are too old or not
// there. What both adapters do is in contract_test.cc.
#include "store/remote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http_server.h"
#include "store/remote_exception.h"
#include "store/testing/stores.h"

namespace sightline::store {
namespace {

using testing::ChildServer;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(RemoteUrl, IsTakenApart) {
  auto url = ParseRemoteUrl("https://us%40er:p%3Ass@db.example:9000/otel");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->endpoint, "https://db.example:9000/");
  EXPECT_EQ(url->user, "us@er");
  EXPECT_EQ(url->password, "p:ss");
  EXPECT_EQ(url->database, "otel");
  EXPECT_EQ(ParseRemoteUrl("http://db")->endpoint, "http://db:8123/");
  EXPECT_EQ(ParseRemoteUrl("https://[::1]/")->endpoint, "https://[::1]:8443/");
  EXPECT_FALSE(ParseRemoteUrl("ftp://db"));
  EXPECT_FALSE(ParseRemoteUrl("db:8123"));
  auto wrong = ParseRemoteUrl("htp://user:secret@db");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, Not(HasSubstr("secret")));
}

// Feeds `body` in pieces of `piece` bytes; returns what passed and the error found.
std::pair<std::string, std::string> Filter(const std::string& body, size_t piece, const std::string& tag) {
  std::string passed;
  ExceptionFilter filter([&](std::string_view bytes) {
    passed += bytes;
    return true;
  });
  for (size_t at = 0; at < body.size(); at += piece) filter.Feed(std::string_view(body).substr(at, piece));
  bool stopped = false;
  std::string error = filter.Finish(tag, stopped);
  return {passed, error};
}

TEST(ExceptionFilter, FindsTheBlockHoweverTheBodyIsCut) {
  const std::string rows = "1\n2\n\r\n__exc\r\n__exception__\r\nno tag\n3\n";
  const std::string error = "Code: 395. DB::Exception: boom\nwith two lines";
  const std::string body = rows + ExceptionBlock("abcdefgh12345678", error);
  for (size_t piece = 1; piece <= body.size(); ++piece) {
    EXPECT_EQ(Filter(body, piece, "abcdefgh12345678"), std::make_pair(rows, error)) << piece;
  }
}

TEST(ExceptionFilter, RowsThatLookLikeABlockPass) {
  const std::string body =
      "1\n" + ExceptionBlock("guessed", "Code: 1. DB::Exception: forged") + std::string(40'000, 'x');
  EXPECT_EQ(Filter(body, 1000, "abcdefgh12345678"), std::make_pair(body, std::string()));
  EXPECT_EQ(Filter(body, 1000, ""), std::make_pair(body, std::string()));
}

TEST(ExceptionFilter, BrokenConnectionShowsTheErrorThatOlderServersAppend) {
  ExceptionFilter filter([](std::string_view) { return true; });
  filter.Feed("1\n2\nCode: 241. DB::Exception: Memory limit exceeded\n");
  EXPECT_THAT(filter.Broken(), HasSubstr("Code: 241. DB::Exception"));
  ExceptionFilter plain([](std::string_view) { return true; });
  plain.Feed("1\n2\n");
  EXPECT_EQ(plain.Broken(), "");
}

TEST(Remote, OldServerIsRefusedWithItsVersion) {
  auto server = net::HttpServer::Start({.address = "127.0.0.1:0"}, [](net::HttpRequest, net::HttpResponder responder) {
    responder.Send({.content_type = "text/plain", .body = "18.16.1\n"});
  });
  ASSERT_TRUE(server);
  auto remote = OpenRemote({.url = "http://" + (*server)->address()});
  ASSERT_FALSE(remote);
  EXPECT_EQ(remote.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(remote.error().message, HasSubstr("18.16.1"));
}

TEST(Remote, NobodyThereIsUnavailable) {
  auto remote = OpenRemote({.url = "http://user:secret@127.0.0.1:1/db"});
  ASSERT_FALSE(remote);
  EXPECT_EQ(remote.error().code, Code::kUnavailable);
  EXPECT_THAT(remote.error().message, Not(HasSubstr("secret")));
}

class Server : public ::testing::Test {
 protected:
  void SetUp() override {
    if (ChildServer::Program().empty())
      GTEST_SKIP() << "no sightline-clickhouse: name one with SIGHTLINE_CLICKHOUSE_BIN";
  }
  testing::TempDirectory directory_;
};

TEST_F(Server, LoginIsAskedForAndWrongOnesAreRefused) {
  ChildServer server(directory_.path(), {"--user", "writer", "--password", "s3:cret"});
  ASSERT_NE(server.address(), "") << server.errors();
  EXPECT_TRUE(OpenRemote({.url = "http://writer:s3%3Acret@" + server.address()}));
  auto wrong = OpenRemote({.url = "http://writer:other@" + server.address()});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(ClickHouseCode(wrong.error().message), 516) << wrong.error().message;
}

TEST_F(Server, SpeaksClickHousesHttp) {
  ChildServer server(directory_.path());
  ASSERT_NE(server.address(), "") << server.errors();
  const std::string base = "http://" + server.address();
  net::HttpClient client;
  auto get = [&](const std::string& path) { return client.Call({.url = base + path}); };
  EXPECT_EQ(get("/ping")->body, "Ok.\n");
  auto answer = get("/?query=SELECT%20%7Bx%3AString%7D&param_x=a%5Ctb&default_format=JSONEachRow&query_id=q1");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->body, HasSubstr("a\\tb"));
  EXPECT_EQ(answer->Header("X-ClickHouse-Query-Id"), "q1");
  EXPECT_THAT(std::string(answer->Header("X-ClickHouse-Summary")), HasSubstr("read_rows"));
  answer = get("/?query=SELECT%20*%20FROM%20no.table");
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->Header("X-ClickHouse-Exception-Code"), "81");
  answer = get("/?query=CREATE%20TABLE%20x%20(a%20UInt8)%20ENGINE%3DMemory");
  EXPECT_EQ(answer->Header("X-ClickHouse-Exception-Code"), "164") << "GET only reads";
  auto post = [&](const std::string& path, std::string_view body) {
    return client.Call({.method = "POST", .url = base + path, .body = body});
  };
  EXPECT_EQ(post("/", "CREATE DATABASE d ENGINE = Atomic")->status, 200);
  EXPECT_EQ(post("/?database=d", "CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a")->status, 200);
  EXPECT_EQ(post("/?database=d&query=INSERT%20INTO%20t%20FORMAT%20CSV", "1,x\n2,y\n")->status, 200);
  EXPECT_EQ(post("/?database=d", "INSERT INTO t FORMAT JSONEachRow\n{\"a\":3,\"b\":\"z\"}\n")->status, 200);
  EXPECT_EQ(post("/?database=d", "INSERT INTO t VALUES (4, 'w')")->status, 200);
  EXPECT_EQ(post("/?database=d&query=SELECT%20sum(a),", "count() FROM t")->body, "10\t4\n");
}

TEST_F(Server, EndsCleanlyOnSigtermWithAQueryRunning) {
  ChildServer server(directory_.path());
  ASSERT_NE(server.address(), "") << server.errors();
  auto remote = OpenRemote({.url = "http://" + server.address()});
  ASSERT_TRUE(remote);
  size_t pieces = 0;
  auto result = (*remote)->Query("SELECT number FROM system.numbers", {}, [&](std::string_view) {
    // From inside the stream, so that the query runs for certain.
    if (++pieces == 3) EXPECT_EQ(server.Stop(), 0);
    return true;
  });
  EXPECT_FALSE(result);
  EXPECT_GE(pieces, 3u);
}

TEST_F(Server, SecondProgramOnADirectoryStopsWithAClearMessage) {
  ChildServer first(directory_.path());
  ASSERT_NE(first.address(), "") << first.errors();
  ChildServer second(directory_.path());
  EXPECT_EQ(second.address(), "");
  EXPECT_THAT(second.errors(), HasSubstr("in use by another program"));
  EXPECT_EQ(second.Wait(), 1);
  EXPECT_EQ(first.Stop(), 0);
}

TEST_F(Server, WrongArgumentsAreExplained) {
  ChildServer server(directory_.path(), {"--no-such-flag", "x"});
  EXPECT_EQ(server.Wait(), 2);
  EXPECT_THAT(server.errors(), HasSubstr("--no-such-flag"));
}

}  // namespace
}  // namespace sightline::store
