#include "otel/instrumentation/http_client.h"

#include <gmock/gmock.h>
#include <otel/baggage.h>
#include <otel/trace.h>

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../testing/collected.h"
#include "transport/testing/tcp_server.h"
#include "url.h"

namespace otel::instrumentation {
namespace {

using internal::testing::Connection;
using internal::testing::HttpAnswer;
using internal::testing::TcpServer;
using testing::HasSubstr;
using testing::Not;

TEST(ParseUrl, TellsWhereToAndHidesWhatIsSecret) {
  struct Case {
    const char *url, *redacted, *address;
    int port;
  };
  const std::string secrets[] = {"token"};
  for (const auto& [url, redacted, address, port] : {
           Case{"http://a.example/x?q=1&b#f", "http://a.example/x?q=1&b#f", "a.example", 80},
           Case{"HTTPS://user:pass@a.example:8443", "HTTPS://REDACTED:REDACTED@a.example:8443", "a.example", 8443},
           Case{"https://user@h/p@q", "https://REDACTED@h/p@q", "h", 443},
           Case{"https://b.example/?sig=abc&x=1&token=t&sig", "https://b.example/?sig=REDACTED&x=1&token=REDACTED&sig",
                "b.example", 443},
           Case{"http://[::1]:90/?", "http://[::1]:90/?", "::1", 90},
           Case{"http://h?a=1&", "http://h?a=1&", "h", 80},
           Case{"plain/x", "plain/x", "plain", 80},
           Case{"ftp://h/", "ftp://h/", "h", 0},
           Case{"http://h:port/", "http://h:port/", "h", 80},
           Case{"", "", "", 80},
       }) {
    const UrlParts got = ParseUrl(url, secrets);
    EXPECT_EQ(got.redacted, redacted) << url;
    EXPECT_EQ(got.address, address) << url;
    EXPECT_EQ(got.port, port) << url;
  }
}

size_t DropBody(char*, size_t size, size_t count, void*) {
  return size * count;
}

class HttpClientTest : public testing::Test {
 protected:
  HttpClientTest() : curl_(curl_easy_init(), curl_easy_cleanup) {
    curl_easy_setopt(curl_.get(), CURLOPT_WRITEFUNCTION, DropBody);
    curl_easy_setopt(curl_.get(), CURLOPT_NOSIGNAL, 1L);
    collected_.ClearSpans();
  }

  CURLcode Get(const std::string& url, HttpClientRequest request = {}) {
    curl_easy_setopt(curl_.get(), CURLOPT_URL, url.c_str());
    request.url = url;
    return Perform(curl_.get(), request);
  }
  // Answers with the status that the path has: "/404".
  void Serve(Connection& connection) {
    while (const auto request = connection.ReadRequest()) {
      {
        const std::lock_guard lock(mutex_);
        heads_.push_back(request->head);
      }
      const size_t slash = request->head.find('/');
      if (!connection.Send(HttpAnswer(std::stoi(request->head.substr(slash + 1)), "", "body"))) return;
    }
  }
  std::vector<std::string> heads() {
    const std::lock_guard lock(mutex_);
    return heads_;
  }

  Collected& collected_ = Collected::Global();
  std::mutex mutex_;
  std::vector<std::string> heads_;
  TcpServer server_{[this](Connection& connection) { Serve(connection); }};
  const std::unique_ptr<CURL, void (*)(CURL*)> curl_;
};

TEST_F(HttpClientTest, EachAttemptIsASpanThatTheServerGetsToKnow) {
  {
    const Span parent = GetTracer("test").StartSpan("parent");
    const Scope scope(Context::Current().WithSpan(parent).WithBaggage(Baggage().With("tenant", "acme")));
    curl_slist* headers = curl_slist_append(nullptr, "X-Mine: 1");
    for (int retry = 0; retry < 2; ++retry) {
      EXPECT_EQ(
          Get(server_.url() + "/503?sig=abc", {.url_template = "/{status}", .resend_count = retry, .headers = headers}),
          CURLE_OK);
    }
    curl_slist_free_all(headers);
  }
  const auto spans = collected_.Spans();
  ASSERT_EQ(spans.size(), 3u);
  for (int retry = 0; retry < 2; ++retry) {
    const SpanData& span = spans[retry];
    EXPECT_EQ(span.parent, spans[2].context);
    EXPECT_EQ(span.name, "GET /{status}");
    EXPECT_EQ(span.kind, SpanKind::kClient);
    EXPECT_EQ(span.status, StatusCode::kError);
    const std::string port = server_.url().substr(server_.url().rfind(':') + 1);
    const std::pair<const char*, std::string> expected[] = {
        {"http.request.method", "GET"},
        {"url.full", server_.url() + "/503?sig=REDACTED"},
        {"url.template", "/{status}"},
        {"server.address", "127.0.0.1"},
        {"server.port", port},
        {"network.peer.address", "127.0.0.1"},
        {"network.peer.port", port},
        {"network.protocol.version", "1.1"},
        {"http.response.status_code", "503"},
        {"error.type", "503"},
        {"http.request.resend_count", retry == 0 ? "(none)" : "1"},
    };
    for (const auto& [key, value] : expected) EXPECT_EQ(Text(span.attributes, key), value) << key;
    const std::string traceparent =
        "traceparent: 00-" + span.context.trace_id.Hex() + "-" + span.context.span_id.Hex() + "-03";
    EXPECT_THAT(heads().at(retry), HasSubstr(traceparent));
    EXPECT_THAT(heads().at(retry), HasSubstr("baggage: tenant=acme"));
    EXPECT_THAT(heads().at(retry), HasSubstr("X-Mine: 1"));
  }
}

TEST_F(HttpClientTest, StatusesFrom400OnAreErrorsOfTheClient) {
  for (const auto& [status, code] :
       {std::pair{200, StatusCode::kUnset}, {302, StatusCode::kUnset}, {404, StatusCode::kError}}) {
    collected_.ClearSpans();
    const auto before = collected_.Measured("http.client.request.duration", "http.response.status_code");
    EXPECT_EQ(Get(server_.url() + "/" + std::to_string(status)), CURLE_OK);
    const auto span = collected_.Spans().at(0);
    EXPECT_EQ(span.name, "GET");
    EXPECT_EQ(span.status, code) << status;
    EXPECT_EQ(span.status_description, "");
    const std::string text = std::to_string(status);
    const auto after = collected_.Measured("http.client.request.duration", "http.response.status_code");
    EXPECT_EQ(after.at(text), (before.contains(text) ? before.at(text) : 0) + 1);
  }
}

TEST_F(HttpClientTest, WhatGoesWrongOnTheWayHasLibcurlsName) {
  EXPECT_EQ(Get("http://127.0.0.1:1/"), CURLE_COULDNT_CONNECT);
  curl_easy_setopt(curl_.get(), CURLOPT_TIMEOUT_MS, 30L);
  TcpServer silent([](Connection& connection) { connection.WaitForEnd(); });
  EXPECT_EQ(Get(silent.url() + "/"), CURLE_OPERATION_TIMEDOUT);
  const auto spans = collected_.Spans();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(Text(spans[0].attributes, "error.type"), "CURLE_COULDNT_CONNECT");
  EXPECT_EQ(Text(spans[1].attributes, "error.type"), "CURLE_OPERATION_TIMEDOUT");
  for (const auto& span : spans) {
    EXPECT_EQ(span.status, StatusCode::kError);
    EXPECT_FALSE(span.status_description.empty());
    EXPECT_EQ(Text(span.attributes, "http.response.status_code"), "(none)");
  }
}

TEST_F(HttpClientTest, AHandleIsAsItWasAfterwards) {
  EXPECT_EQ(Get(server_.url() + "/200"), CURLE_OK);
  EXPECT_EQ(curl_easy_perform(curl_.get()), CURLE_OK);
  ASSERT_EQ(heads().size(), 2u);
  EXPECT_THAT(heads()[0], HasSubstr("traceparent"));
  EXPECT_THAT(heads()[1], Not(HasSubstr("traceparent")));
}

TEST_F(HttpClientTest, TheMultiInterfaceTellsTheSame) {
  const std::string url = server_.url() + "/200";
  curl_easy_setopt(curl_.get(), CURLOPT_URL, url.c_str());
  CURLM* multi = curl_multi_init();
  {
    HttpClientSpan given_up(curl_.get(), {.method = "PURGE", .url = url});
  }
  HttpClientSpan span(curl_.get(), {.url = url});
  curl_multi_add_handle(multi, curl_.get());
  for (int running = 1; running > 0;) {
    ASSERT_EQ(curl_multi_perform(multi, &running), CURLM_OK);
    if (running > 0) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  int left = 0;
  span.End(curl_multi_info_read(multi, &left)->data.result);
  curl_multi_remove_handle(multi, curl_.get());
  curl_multi_cleanup(multi);
  const auto spans = collected_.Spans();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].name, "HTTP");
  EXPECT_EQ(Text(spans[0].attributes, "error.type"), "CURLE_ABORTED_BY_CALLBACK");
  EXPECT_EQ(Text(spans[1].attributes, "http.response.status_code"), "200");
}

}  // namespace
}  // namespace otel::instrumentation
