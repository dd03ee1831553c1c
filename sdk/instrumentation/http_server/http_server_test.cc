#include "otel/instrumentation/http_server.h"

#include <gmock/gmock.h>

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <string>
#include <thread>
#include <utility>

#include "../testing/collected.h"

namespace otel::instrumentation {
namespace {

namespace beast = boost::beast;
using Request = beast::http::request<beast::http::string_body>;
using testing::ElementsAre;

class HttpServerTest : public testing::Test {
 protected:
  void SetUp() override { collected_.ClearSpans(); }
  SpanData TheSpan() const {
    EXPECT_EQ(collected_.Spans().size(), 1u);
    return collected_.Spans().at(0);
  }
  std::map<std::string, int64_t> Measured(std::string_view key) const {
    return collected_.Measured("http.server.request.duration", key);
  }

  Collected& collected_ = Collected::Global();
};

TEST_F(HttpServerTest, ARequestOfBeastIsASpanOfItsCallersTrace) {
  Request request(beast::http::verb::get, "/users/7?tab=a&sig=secret", 11);
  request.set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  request.insert("baggage", "tenant=acme");
  request.insert("baggage", "plan=free");
  request.set(beast::http::field::host, "shop.example:8443");
  request.set(beast::http::field::user_agent, "curl/8");
  request.set("X-Forwarded-For", " 203.0.113.7 , 10.0.0.2");
  SpanContext inner;
  {
    HttpServerSpan span(request, {.scheme = "https", .peer_address = "10.0.0.2", .peer_port = 4711});
    const Scope scope(span.context());
    EXPECT_EQ(Context::Current().baggage().Get("tenant"), "acme");
    EXPECT_EQ(Context::Current().baggage().Get("plan"), "free");
    inner = CurrentSpan().context();
    span.SetRoute("/users/{id}");
    span.End(200);
  }
  const auto span = TheSpan();
  EXPECT_EQ(span.context.trace_id.Hex(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(span.parent.span_id.Hex(), "b7ad6b7169203331");
  EXPECT_EQ(span.context, inner);
  EXPECT_EQ(span.name, "GET /users/{id}");
  EXPECT_EQ(span.kind, SpanKind::kServer);
  EXPECT_EQ(span.status, StatusCode::kUnset);
  const std::pair<const char*, const char*> expected[] = {
      {"http.request.method", "GET"},
      {"url.scheme", "https"},
      {"url.path", "/users/7"},
      {"url.query", "tab=a&sig=REDACTED"},
      {"http.route", "/users/{id}"},
      {"http.response.status_code", "200"},
      {"client.address", "203.0.113.7"},
      {"network.peer.address", "10.0.0.2"},
      {"network.peer.port", "4711"},
      {"server.address", "shop.example"},
      {"server.port", "8443"},
      {"network.protocol.version", "1.1"},
      {"user_agent.original", "curl/8"},
      {"error.type", "(none)"},
      {"http.request.method_original", "(none)"},
  };
  for (const auto& [key, value] : expected) EXPECT_EQ(Text(span.attributes, key), value) << key;
}

TEST_F(HttpServerTest, OnlyTheServersErrorsAreErrors) {
  struct Case {
    int status;
    StatusCode code;
    const char* error_type;
  };
  for (const auto& [status, code, error_type] :
       {Case{302, StatusCode::kUnset, "(none)"}, Case{404, StatusCode::kUnset, "(none)"},
        Case{503, StatusCode::kError, "503"}}) {
    collected_.ClearSpans();
    const auto before = Measured("error.type")[error_type];
    HttpServerSpan(Request(beast::http::verb::get, "/", 10)).End(status);
    EXPECT_EQ(TheSpan().status, code) << status;
    EXPECT_EQ(Text(TheSpan().attributes, "error.type"), error_type);
    EXPECT_EQ(Text(TheSpan().attributes, "network.protocol.version"), "1.0");
    EXPECT_EQ(TheSpan().name, "GET");
    EXPECT_EQ(Measured("error.type")[error_type], before + 1);
  }
}

TEST_F(HttpServerTest, MethodsThatAreMadeUpMakeNoNewNames) {
  const std::string long_query = "a=" + std::string(500, 'x');
  HttpServerSpan({.method = "BREW", .target = "/pot?" + long_query}, [](std::string_view) { return std::nullopt; },
                 {.route = "/pot"})
      .End(405);
  EXPECT_EQ(TheSpan().name, "HTTP /pot");
  EXPECT_EQ(Text(TheSpan().attributes, "http.request.method"), "_OTHER");
  EXPECT_EQ(Text(TheSpan().attributes, "http.request.method_original"), "BREW");
  EXPECT_EQ(Text(TheSpan().attributes, "url.query"), long_query);
  EXPECT_EQ(Measured("http.request.method").count("BREW"), 0u);
}

TEST_F(HttpServerTest, CountsWhatIsUnderWayAndWhatWasNeverAnswered) {
  const auto active = [&] { return collected_.Measured("http.server.active_requests", "http.request.method")["PUT"]; };
  EXPECT_EQ(active(), 0);
  {
    HttpServerSpan first(Request(beast::http::verb::put, "/a", 11));
    HttpServerSpan moved(std::move(first));
    HttpServerSpan second(Request(beast::http::verb::put, "/b", 11));
    EXPECT_EQ(active(), 2);
    second.End(200);
    second.End(500);  // it has ended
    EXPECT_EQ(active(), 1);
  }
  EXPECT_EQ(active(), 0);
  ASSERT_EQ(collected_.Spans().size(), 2u);
  EXPECT_EQ(collected_.Spans()[0].status, StatusCode::kUnset);
  EXPECT_EQ(collected_.Spans()[1].status, StatusCode::kError);
  EXPECT_EQ(Text(collected_.Spans()[1].attributes, "error.type"), "_OTHER");
}

TEST_F(HttpServerTest, BeginsWhereTheRequestWasReceivedAndEndsInAnyThread) {
  using namespace std::chrono_literals;
  HttpServerSpan span(Request(beast::http::verb::get, "/", 11), {.received = std::chrono::steady_clock::now() - 10s});
  std::thread([&] { span.End(200); }).join();
  const std::chrono::nanoseconds took(TheSpan().end - TheSpan().start);
  EXPECT_GE(took, 10s);
  EXPECT_LT(took, 60s);
}

}  // namespace
}  // namespace otel::instrumentation
