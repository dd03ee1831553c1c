#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <chrono>
#include <future>
#include <mutex>

#include "transport/gzip.h"
#include "transport/testing/tcp_server.h"
#include "transport/transport.h"

namespace otel::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::Connection;
using ::testing::HasSubstr;
using testing::HttpAnswer;
using testing::HttpRequest;
using testing::TcpServer;

using Kind = Answer::Kind;

// Far above what anything here takes, far below what would hide that something waits for ever.
constexpr seconds kLong{30};

OtlpOptions OptionsFor(const std::string& endpoint) {
  OtlpOptions options;
  options.endpoint = endpoint;
  return options;
}

std::unique_ptr<Transport> Connect(const OtlpOptions& options) {
  return MakeHttpTransport(options, kSignal<SpanBatch>);
}

Answer SendTo(const std::string& endpoint, seconds timeout = kLong) {
  return Connect(OptionsFor(endpoint))->Send("request", steady_clock::now() + timeout);
}

// Answers each request with the same, and keeps what it was asked.
class HttpServer {
 public:
  explicit HttpServer(std::string answer)
      : answer_(std::move(answer)), server_([this](Connection& connection) { Serve(connection); }) {}

  std::string url() const { return server_.url(); }
  size_t connections() { return server_.connections(); }
  std::vector<HttpRequest> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void Serve(Connection& connection) {
    while (auto request = connection.ReadRequest()) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(std::move(*request));
      }
      if (!connection.Send(answer_)) return;
    }
  }

  const std::string answer_;
  std::mutex mutex_;
  std::vector<HttpRequest> requests_;
  TcpServer server_;
};

Answer AnswerTo(const std::string& http) {
  HttpServer server(http);
  return SendTo(server.url());
}

std::string Inflate(std::string_view bytes) {
  std::string out(1 << 20, '\0');
  z_stream stream{};
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  inflateEnd(&stream);
  out.resize(stream.total_out);
  return out;
}

TEST(HttpTransport, SendsWhatTheSpecificationAsksFor) {
  HttpServer server(HttpAnswer(200, "", ""));
  OtlpOptions options = OptionsFor(server.url() + "/");
  options.headers = {{"X-Api-Key", "s3cret"}, {"X-Empty", ""}};
  EXPECT_EQ(Connect(options)->Send("request", steady_clock::now() + kLong).kind, Kind::kAccepted);
  ASSERT_EQ(server.requests().size(), 1);
  const HttpRequest request = server.requests()[0];
  EXPECT_EQ(request.body, "request");
  EXPECT_THAT(request.head, ::testing::StartsWith("POST /v1/traces HTTP/1.1\r\n"));
  for (const char* line : {"\r\nContent-Type: application/x-protobuf\r\n", "\r\nX-Api-Key: s3cret\r\n",
                           "\r\nX-Empty:\r\n", "\r\nUser-Agent: OTel-OTLP-Exporter-Cpp/"}) {
    EXPECT_THAT(request.head, HasSubstr(line));
  }
  EXPECT_THAT(request.head, Not(HasSubstr("Expect:")));
}

TEST(HttpTransport, KeepsItsConnection) {
  HttpServer server(HttpAnswer(200, "", ""));
  const auto transport = Connect(OptionsFor(server.url()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(transport->Send("request", steady_clock::now() + kLong).kind, Kind::kAccepted);
  EXPECT_EQ(server.requests().size(), 5);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpTransport, ConnectsAgainWhenTheServerHasClosed) {
  TcpServer server([](Connection& connection) {
    if (connection.ReadRequest()) connection.Send(HttpAnswer(200, "", ""));
  });
  const auto transport = Connect(OptionsFor(server.url()));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(transport->Send("request", steady_clock::now() + kLong).kind, Kind::kAccepted);
  EXPECT_EQ(server.connections(), 5);
}

TEST(HttpTransport, Compresses) {
  HttpServer server(HttpAnswer(200, "", ""));
  OtlpOptions options = OptionsFor(server.url());
  options.compression = OtlpCompression::kGzip;
  const std::string request(100'000, 'x');
  Connect(options)->Send(request, steady_clock::now() + kLong);
  EXPECT_THAT(server.requests()[0].head, HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  EXPECT_LT(server.requests()[0].body.size(), 2'000);
  EXPECT_EQ(Inflate(server.requests()[0].body), request);
}

TEST(HttpTransport, TellsWhatMayPassFromWhatWillNot) {
  for (const auto& [status, kind] : {std::pair(200, Kind::kAccepted),
                                     {202, Kind::kAccepted},
                                     {301, Kind::kFailed},
                                     {400, Kind::kFailed},
                                     {401, Kind::kFailed},
                                     {404, Kind::kFailed},
                                     {408, Kind::kFailed},
                                     {429, Kind::kRetry},
                                     {500, Kind::kFailed},
                                     {501, Kind::kFailed},
                                     {502, Kind::kRetry},
                                     {503, Kind::kRetry},
                                     {504, Kind::kRetry}}) {
    EXPECT_EQ(AnswerTo(HttpAnswer(status, "", "")).kind, kind) << status;
  }
}

TEST(HttpTransport, HearsWhenToComeBack) {
  EXPECT_EQ(AnswerTo(HttpAnswer(503, "Retry-After: 7\r\n", "")).retry_after, seconds(7));
  EXPECT_EQ(AnswerTo(HttpAnswer(429, "Retry-After: 99999999999\r\n", "")).retry_after, std::chrono::hours(365 * 24));
  EXPECT_EQ(AnswerTo(HttpAnswer(503, "", "")).retry_after, std::nullopt);
  EXPECT_EQ(AnswerTo(HttpAnswer(503, "Retry-After: soon\r\n", "")).retry_after, std::nullopt);
  const auto date = AnswerTo(HttpAnswer(503, "Retry-After: Fri, 31 Dec 2199 23:59:59 GMT\r\n", "")).retry_after;
  ASSERT_TRUE(date);
  EXPECT_GT(*date, std::chrono::hours(24));
}

TEST(HttpTransport, SaysWhyTheServerRefuses) {
  EXPECT_THAT(AnswerTo(HttpAnswer(400, "Content-Type: application/json\r\n", R"({"message":"bad span"})")).message,
              HasSubstr("HTTP status 400: bad span"));
  EXPECT_THAT(AnswerTo(HttpAnswer(400, "Content-Type: application/x-protobuf\r\n",
                                  "\x12\x03"
                                  "bad"))
                  .message,
              HasSubstr("HTTP status 400: bad"));
  EXPECT_THAT(AnswerTo(HttpAnswer(404, "Content-Type: text/plain\r\n", "no such page\nat all")).message,
              ::testing::EndsWith("HTTP status 404: no such page"));
  EXPECT_THAT(AnswerTo(HttpAnswer(500, "", "<html>")).message, ::testing::EndsWith("HTTP status 500"));
  EXPECT_THAT(AnswerTo(HttpAnswer(500, "Content-Type: application/x-protobuf\r\n", "\xff\xff")).message,
              ::testing::EndsWith("HTTP status 500"));
}

TEST(HttpTransport, ReadsWhatWasTakenInPart) {
  const Answer json = AnswerTo(HttpAnswer(200, "Content-Type: application/json\r\n",
                                          R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}})"));
  EXPECT_EQ(json.kind, Kind::kAccepted);
  EXPECT_EQ(json.partial.rejected, 3);
  EXPECT_EQ(json.partial.message, "old");
  EXPECT_EQ(AnswerTo(HttpAnswer(200, "Content-Type: application/x-protobuf\r\n", "\x0a\x02\x08\x04")).partial.rejected,
            4);
  EXPECT_EQ(AnswerTo(HttpAnswer(200, "Content-Type: application/x-protobuf\r\n", "\xff\xff")).kind, Kind::kAccepted);
}

TEST(HttpTransport, MayPassWhenNobodyListens) {
  std::string url;
  {
    const TcpServer server([](Connection&) {});
    url = server.url();
  }
  EXPECT_EQ(SendTo(url).kind, Kind::kRetry);
}

TEST(HttpTransport, MayPassWhenTheConnectionBreaks) {
  for (const char* before :
       {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"}) {
    TcpServer server([&](Connection& connection) {
      if (connection.ReadRequest()) connection.Send(before);
    });
    EXPECT_EQ(SendTo(server.url()).kind, Kind::kRetry) << before;
  }
}

TEST(HttpTransport, CountsARefusalWhoseExplanationBreaksOff) {
  TcpServer server([](Connection& connection) {
    if (connection.ReadRequest()) connection.Send("HTTP/1.1 400 Bad\r\nContent-Length: 50\r\n\r\nhalf");
  });
  EXPECT_EQ(SendTo(server.url()).kind, Kind::kFailed);
}

TEST(HttpTransport, FailsOnWhatIsNotHttp) {
  TcpServer server([](Connection& connection) {
    if (connection.ReadRequest()) connection.Send("\x16\x03\x01 220 smtp ready\r\n\xff\r\n\r\n");
  });
  EXPECT_NE(SendTo(server.url()).kind, Kind::kAccepted);
}

TEST(HttpTransport, BreaksOffAnAnswerWithoutEnd) {
  TcpServer server([](Connection& connection) {
    if (!connection.ReadRequest()) return;
    connection.Send("HTTP/1.1 200 OK\r\n\r\n");
    while (connection.Send(std::string(64 << 10, 'x'))) {
    }
  });
  const Answer answer = SendTo(server.url());
  EXPECT_EQ(answer.kind, Kind::kFailed);
  EXPECT_THAT(answer.message, HasSubstr("too large"));
}

TEST(HttpTransport, ReturnsByTheDeadlineFromAServerThatStalls) {
  for (const char* before : {"", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"}) {
    TcpServer server([&](Connection& connection) {
      if (connection.ReadRequest()) connection.Send(before);
      connection.WaitForEnd();
    });
    const auto begin = steady_clock::now();
    const Answer answer = Connect(OptionsFor(server.url()))->Send("request", begin + milliseconds(100));
    EXPECT_EQ(answer.kind, Kind::kRetry) << before;
    EXPECT_LT(steady_clock::now() - begin, kLong);
  }
}

TEST(HttpTransport, ReturnsByTheDeadlineFromAServerThatReadsNothing) {
  std::promise<void> end;
  TcpServer server([&](Connection&) { end.get_future().wait(); });
  const std::string large(32 << 20, 'x');
  EXPECT_EQ(Connect(OptionsFor(server.url()))->Send(large, steady_clock::now() + milliseconds(100)).kind, Kind::kRetry);
  end.set_value();
}

TEST(HttpTransport, IsInterruptedWhileItWaits) {
  std::promise<void> asked;
  TcpServer server([&](Connection& connection) {
    connection.ReadRequest();
    asked.set_value();
    connection.WaitForEnd();
  });
  const auto transport = Connect(OptionsFor(server.url()));
  auto answer =
      std::async(std::launch::async, [&] { return transport->Send("request", steady_clock::now() + 10 * kLong); });
  asked.get_future().wait();
  transport->Interrupt();
  ASSERT_EQ(answer.wait_for(kLong), std::future_status::ready);
  EXPECT_EQ(answer.get().kind, Kind::kFailed);
  EXPECT_EQ(transport->Send("request", steady_clock::now() + kLong).kind, Kind::kFailed);
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpTransport, SaysWhatIsWrongWithItsOptions) {
  const auto send = [](const OtlpOptions& options) {
    return Connect(options)->Send("request", steady_clock::now() + kLong);
  };
  OtlpOptions options = OptionsFor("http://127.0.0.1:1");
  options.headers = {{"a b", "c"}};
  EXPECT_THAT(send(options).message, HasSubstr("the header \"a b\""));
  options.headers = {{"a", "c\r\nX-Evil: d"}};
  EXPECT_THAT(send(options).message, HasSubstr("the header \"a\""));
  for (const char* endpoint : {"ftp://127.0.0.1:1", "file:///etc/passwd", "http://[", "://"}) {
    EXPECT_EQ(send(OptionsFor(endpoint)).kind, Kind::kFailed) << endpoint;
  }
}

TEST(HttpTransport, DoesNotSayPasswords) {
  EXPECT_THAT(SendTo("ftp://user:s3cret@127.0.0.1:1").message, Not(HasSubstr("s3cret")));
}

TEST(HttpTransport, ConnectsAnewInTheChildOfAFork) {
  HttpServer server(HttpAnswer(200, "", ""));
  const auto transport = Connect(OptionsFor(server.url()));
  EXPECT_EQ(transport->Send("of the parent", steady_clock::now() + kLong).kind, Kind::kAccepted);
  const pid_t child = fork();
  if (child == 0) {
    const bool sent = transport->Send("of the child", steady_clock::now() + kLong).kind == Kind::kAccepted;
    _exit(sent ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(transport->Send("of the parent", steady_clock::now() + kLong).kind, Kind::kAccepted);
  EXPECT_EQ(server.connections(), 2);
}

}  // namespace
}  // namespace otel::internal
