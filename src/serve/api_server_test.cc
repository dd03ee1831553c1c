// The HTTP API as a client sees it, over a real socket and the real engine.
#include "serve/api_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/compression.h"
#include "net/http_client.h"
#include "query/testing/engine.h"

namespace sightline::serve {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kEndless = "SELECT max(sipHash64(number)) FROM numbers(1000000000000)";

// Asks for kEndless until it is answered or leaves.
class EndlessClient {
 public:
  explicit EndlessClient(const std::string& server)
      : thread_([this, server] {
          net::HttpClient client;
          net::HttpCall call;
          call.method = "POST";
          call.url = server + "/api/v1/sql";
          call.body = kEndless;
          call.cancelled = [this] { return leave_.load(); };
          if (const auto reply = client.Call(call)) status_ = reply->status;
        }) {}
  ~EndlessClient() { Leave(); }

  int status() const { return status_; }  // of the answer; 0 before
  // True: it was answered before.
  bool Leave() {
    leave_ = true;
    Join();
    return status_ != 0;
  }
  // Until the server ends it.
  void Join() {
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> leave_ = false;
  std::atomic<int> status_ = 0;
  std::thread thread_;  // last: it uses the others
};

class ApiServerTest : public query::testing::EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (!IsSkipped()) StartServer({});
  }

  void StartServer(ApiOptions options) {
    options.address = "127.0.0.1:0";
    options.sql.rows_to_read_max = 0;
    server_.reset();
    auto started = ApiServer::Start(options, clickhouse(), metrics_, [this] {
      ProgramStatus status{
          .version = "1.2.3", .otlp_grpc_address = "127.0.0.1:4317<", .otlp_http_address = "127.0.0.1:4318"};
      if (not_ready_) status.not_ready_reason = "the journal is being replayed";
      status.received = {{"traces", 5, 1, 77}};
      return status;
    });
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }

  net::HttpReply Call(const std::string& method, const std::string& path, std::string_view body = "") {
    net::HttpClient client;
    net::HttpCall call;
    call.method = method;
    call.url = "http://" + server_->address() + path;
    call.body = body;
    call.timeout_seconds = 60;
    auto reply = client.Call(call);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : net::HttpReply{};
  }
  net::HttpReply Get(const std::string& path) { return Call("GET", path); }
  net::HttpReply Sql(std::string_view sql, const std::string& parameters = "") {
    return Call("POST", "/api/v1/sql" + parameters, sql);
  }

  // Queries with this text that the engine runs now.
  size_t Running(const std::string& text) {
    auto rows = clickhouse().Rows("SELECT count() FROM system.processes WHERE query LIKE '%" + text +
                                  "%' AND query NOT LIKE '%system.processes%'");
    EXPECT_TRUE(rows) << rows.error().message;
    return rows ? std::stoul((*rows)[0][0]) : 0;
  }

  template <typename Condition>
  bool Eventually(Condition condition) {
    const auto deadline = steady_clock::now() + std::chrono::seconds(30);
    while (steady_clock::now() < deadline) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  }

  MetricsRegistry metrics_;
  std::atomic<bool> not_ready_ = false;
  std::unique_ptr<ApiServer> server_;
};

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_F(ApiServerTest, HealthReadinessAndMetrics) {
  EXPECT_EQ(Get("/healthz").status, 200);
  EXPECT_EQ(Get("/readyz").status, 200);
  not_ready_ = true;
  const auto reply = Get("/readyz");
  EXPECT_EQ(reply.status, 503);
  EXPECT_TRUE(Has(reply.body, "the journal is being replayed")) << reply.body;
  EXPECT_EQ(Get("/healthz").status, 200);
  const auto metrics = Get("/metrics");
  EXPECT_TRUE(Has(metrics.body, "sightline_api_requests_total")) << metrics.body;
}

TEST_F(ApiServerTest, CountsTheCallsThatAskTheStore) {
  for (const char* path : {"/healthz", "/metrics", "/", "/api/v1/nothing"}) Get(path);
  EXPECT_EQ(server_->questions(), 0u);
  EXPECT_EQ(Get("/api/v1/services?last=1h").status, 200);
  EXPECT_EQ(server_->questions(), 1u);
}

TEST_F(ApiServerTest, ServesTheWebUiWhereThereIsNoEndpoint) {
  const auto page = Get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.Header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_TRUE(Has(page.body, "<div id=\"app\">")) << page.body;
  EXPECT_EQ(Call("POST", "/").status, 404);
  EXPECT_EQ(Get("/assets/gone.js").status, 404);
}

TEST_F(ApiServerTest, MetricsAreTextToProgramsAndAPageToABrowser) {
  net::HttpClient client;
  net::HttpCall call;
  call.url = "http://" + server_->address() + "/metrics";
  call.headers = {{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}};
  const auto page = client.Call(call);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_TRUE(Has(page->body, "<div id=\"app\">")) << page->body;
  // As Prometheus asks.
  call.headers = {
      {"Accept", "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"}};
  const auto text = client.Call(call);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_TRUE(Has(text->body, "sightline_api_requests_total")) << text->body;
}

TEST_F(ApiServerTest, UnknownPathsAndWrongMethodsHaveTheOneErrorShape) {
  const auto missing = Get("/api/v2/sql");
  EXPECT_EQ(missing.status, 404);
  EXPECT_TRUE(missing.body.starts_with("{\"error\":{\"code\":\"NOT_FOUND\",\"message\":")) << missing.body;
  const auto wrong = Get("/api/v1/sql");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.Header("Allow"), "POST");
  EXPECT_EQ(Call("DELETE", "/api/v1/traces").status, 405);
}

TEST_F(ApiServerTest, SqlAnswersInTheFormatThatWasAskedFor) {
  const auto json = Sql("SELECT 1 AS x");
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(json.Header("Content-Type"), "application/json");
  EXPECT_TRUE(Has(json.body, "\"rows\": 1")) << json.body;
  EXPECT_EQ(Sql("SELECT 1, 'a'", "?format=CSV").body, "1,\"a\"\n");
  EXPECT_EQ(Sql("SELECT 1, 'a' FORMAT TSV", "?format=CSV").body, "1\ta\n");
  EXPECT_EQ(Sql("SELECT name FROM (DESCRIBE TABLE otel_traces)").status, 400);
  EXPECT_TRUE(Has(Sql("DESCRIBE TABLE otel_traces", "?format=TSV").body, "SpanAttributes\tMap("));
}

TEST_F(ApiServerTest, PathAndParametersMustBeText) {
  for (const char* path : {"/api/v1/traces?service=%ff", "/api/v1/traces?attribute=k%3D%c3%28", "/api/v1/logs?%ff=1",
                           "/api/v1/services/%ff/operations"}) {
    const auto refused = Get(path);
    EXPECT_EQ(refused.status, 400) << path;
    EXPECT_TRUE(Has(refused.body, "valid UTF-8")) << refused.body;
  }
  EXPECT_TRUE(Has(Get("/api/v1/logs?last=1h&service=%ff").body, "\"where\":\"service\"")) << "the one at fault";
  EXPECT_TRUE(Has(Get("/api/v1/logs?last=1h&service=%zz").body, "\"where\":\"service\"")) << "the one at fault";
  EXPECT_TRUE(Has(Sql("SELECT 1", "?format=%00").body, "\"where\":\"format\"")) << "the one at fault";
  EXPECT_EQ(Get("/api/v1/traces?service=caf%c3%a9").status, 200);
}

TEST_F(ApiServerTest, SqlErrorsSayCodePlaceAndHint) {
  const auto json = Sql(R"({"query": "SELECT 1"})");
  EXPECT_EQ(json.status, 400);
  EXPECT_TRUE(Has(json.body, "\"hint\":\"send the text of the SQL itself")) << json.body;
  const auto syntax = Sql("SELECT 1 FROM");
  EXPECT_EQ(syntax.status, 400);
  EXPECT_TRUE(Has(syntax.body, "\"clickhouse_code\":62")) << syntax.body;
  EXPECT_TRUE(Has(syntax.body, "\"where\":\"position 14\"")) << syntax.body;
  const auto refused = Sql("DROP TABLE spans");
  EXPECT_EQ(refused.status, 400);
  EXPECT_TRUE(Has(refused.body, "\"hint\":\"SELECT,")) << refused.body;
  const auto unknown = Sql("SELECT nosuch FROM otel_traces");
  EXPECT_TRUE(Has(unknown.body, "\"clickhouse_code\":47")) << unknown.body;
  EXPECT_EQ(Sql("SELECT 1", "?format=Protobuf").status, 400);
  EXPECT_TRUE(Has(Sql("SELECT 1", "?max_threads=9").body, "\"where\":\"max_threads\""));
}

TEST_F(ApiServerTest, SqlStreamsALargeAnswerWhole) {
  const auto reply = Sql("SELECT number FROM numbers(900000)", "?format=TSV");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(std::count(reply.body.begin(), reply.body.end(), '\n'), 900000);
  EXPECT_TRUE(reply.body.ends_with("\n899999\n"));
}

TEST_F(ApiServerTest, AClientThatLeavesEndsItsQuery) {
  EndlessClient client("http://" + server_->address());
  EXPECT_TRUE(Eventually([&] { return Running("numbers(1000000000000)") > 0; }));
  EXPECT_FALSE(client.Leave());
  EXPECT_TRUE(Eventually([&] { return Running("numbers(1000000000000)") == 0; }));
}

// The engine's own limit is for SQL. Here a table of spans that has no end stands for a question that is too large.
TEST_F(ApiServerTest, AQuestionThatTakesTooLongIsEndedAndSaysSo) {
  ASSERT_TRUE(clickhouse().Execute("CREATE DATABASE IF NOT EXISTS endless"));
  ASSERT_TRUE(clickhouse().Execute(
      "CREATE OR REPLACE VIEW endless.spans AS SELECT toFixedString(toString(sipHash64(number) % 10), 16) AS TraceId "
      "FROM numbers(1000000000000)"));
  ApiOptions options;
  options.database = "endless";
  options.sql.seconds_max = 1;
  StartServer(options);
  const auto reply = Get("/api/v1/traces/ffffffff/outline");
  EXPECT_EQ(reply.status, 504);
  EXPECT_TRUE(Has(reply.body, "\"code\":\"DEADLINE_EXCEEDED\"")) << reply.body;
  EXPECT_TRUE(Has(reply.body, "limits.query_seconds_max")) << reply.body;
  EXPECT_TRUE(Eventually([&] { return Running("endless.spans") == 0; }));
}

// The engine ends a statement between calls of functions only, and one of these takes seconds.
TEST_F(ApiServerTest, AQuestionThatTheEngineCannotEndIsAnsweredInTime) {
  ASSERT_TRUE(clickhouse().Execute("CREATE DATABASE IF NOT EXISTS slow"));
  ASSERT_TRUE(clickhouse().Execute(
      "CREATE OR REPLACE VIEW slow.spans AS SELECT toFixedString(toString(editDistance(repeat('a', 40000), "
      "concat(repeat('b', 39990), toString(number)))), 16) AS TraceId FROM numbers(4)"));
  ApiOptions options;
  options.database = "slow";
  options.sql.seconds_max = 1;
  StartServer(options);
  const auto reply = Get("/api/v1/traces/ffffffff/outline");
  EXPECT_EQ(reply.status, 504);
  EXPECT_TRUE(Has(reply.body, "limits.query_seconds_max")) << reply.body;
}

TEST_F(ApiServerTest, SqlTakesNoThreadFromTheScreens) {
  StartServer({.query_threads = 1, .sql_threads = 1});
  EndlessClient client("http://" + server_->address());
  EXPECT_TRUE(Eventually([&] { return Running("numbers(1000000000000)") > 0; }));
  EXPECT_EQ(Get("/api/v1/services?last=1h").status, 200);
  // It has not ended: what ran before may have been the gate's statement about it.
  EXPECT_TRUE(Eventually([&] { return Running("numbers(1000000000000)") > 0; }));
  EXPECT_FALSE(client.Leave());
}

TEST_F(ApiServerTest, TooManyWaitingQueriesAreRefusedAndStopEndsThoseThatRun) {
  StartServer({.sql_threads = 1, .queries_waiting_max = 1});
  std::vector<std::unique_ptr<EndlessClient>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<EndlessClient>("http://" + server_->address()));
  const auto refused = [&] {
    return std::ranges::any_of(clients, [](const auto& client) { return client->status() == 503; });
  };
  EXPECT_TRUE(Eventually([&] { return refused() && Running("numbers(1000000000000)") > 0; }));
  EXPECT_EQ(Get("/healthz").status, 200);  // the HTTP threads are free
  server_->Stop(0);
  for (const auto& client : clients) client->Join();
  EXPECT_TRUE(Eventually([&] { return Running("numbers(1000000000000)") == 0; }));
}

TEST_F(ApiServerTest, TracesAndTraceKeepTheTypesOfValues) {
  Execute("TRUNCATE TABLE sightline.spans");
  Execute(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName, ServiceName, StatusCode, Duration, "
      "`a.http.response.status_code`, SpanAttributes, SpanAttributeTypes) VALUES (1, now64(9), "
      "unhex('aa000000000000000000000000000001'), unhex('00000000000000aa'), 'op', 'web', 'Error', 5000000000, '200', "
      "{'big': '9007199254740993', 'd': '5', 'b': 'true', 'raw': 'AAE=', 'list': '[1,2.5]', 'cut': '[1,2', 'none': '', "
      "'nan': 'NaN'}, 'idbxaaed')");
  const auto list = Get("/api/v1/traces?last=10m&service=web&status=error&min_duration=1s&limit=5");
  EXPECT_EQ(list.status, 200);
  EXPECT_TRUE(Has(list.body, "\"trace_id\":\"aa000000000000000000000000000001\"")) << list.body;
  EXPECT_TRUE(Has(list.body, "\"duration_nano\":5000000000,\"span_count\":1,\"error_count\":1")) << list.body;
  EXPECT_TRUE(Has(Get("/api/v1/traces?min_duration=6s").body, "\"traces\":[]"));

  const auto trace = Get("/api/v1/traces/aa00");
  EXPECT_EQ(trace.status, 200);
  EXPECT_TRUE(Has(trace.body,
                  "\"attributes\":{\"b\":true,\"big\":9007199254740993,\"cut\":\"[1,2\",\"d\":5.0,"
                  "\"http.response.status_code\":200,\"list\":[1,2.5],\"nan\":\"NaN\",\"none\":null,"
                  "\"raw\":{\"bytes\":\"AAE=\"}}"))
      << trace.body;
  EXPECT_EQ(Get("/api/v1/traces/ffff").status, 404);
  EXPECT_TRUE(
      Has(Get("/api/v1/traces/aa000000000000000000000000000001/spans/00000000000000ff").body, "\"where\":\"span_id\""));
  EXPECT_TRUE(Has(Get("/api/v1/traces/ffff/spans/00000000000000ff").body, "\"where\":\"trace_id\""));
  EXPECT_EQ(Get("/api/v1/traces/nothex").status, 400);
}

TEST_F(ApiServerTest, BadParametersAreNamed) {
  for (std::string_view bad : {"last=yesterday", "limit=0x", "limit=99999999999", "min_duration=5", "status=perhaps",
                               "from=1.5", "nosuch=1"}) {
    const auto reply = Get("/api/v1/traces?" + std::string(bad));
    EXPECT_EQ(reply.status, 400) << bad;
    EXPECT_TRUE(Has(reply.body, "\"where\":\"" + std::string(bad.substr(0, bad.find('='))) + "\"")) << reply.body;
  }
  EXPECT_EQ(Get("/api/v1/traces?limit=0").status, 400);
  EXPECT_EQ(Get("/api/v1/traces?last=1h&from=1").status, 400);
}

class CompressionTest : public ApiServerTest {
 protected:
  // As a proxy on this machine asks for somebody elsewhere.
  net::HttpCall FromElsewhere(const std::string& path) {
    net::HttpCall call;
    call.url = "http://" + server_->address() + path;
    call.headers = {{"Accept-Encoding", "gzip, deflate"}, {"X-Forwarded-For", "192.0.2.7"}};
    call.timeout_seconds = 60;
    return call;
  }
  static net::HttpReply Reply(const net::HttpCall& call) {
    net::HttpClient client;
    auto reply = client.Call(call);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : net::HttpReply{};
  }
  static std::string Plain(const net::HttpReply& reply) {
    auto plain = net::Decompress("gzip", reply.body, 64 << 20);
    EXPECT_TRUE(plain) << plain.error().message;
    return plain ? *plain : "";
  }
  // Times differ from call to call.
  static std::string WithoutCost(const std::string& body) { return body.substr(0, body.find("\"scanned\"")); }

  void InsertTrace(int spans) {
    Execute("TRUNCATE TABLE sightline.spans");
    Execute(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName, ServiceName, StatusCode, Duration) "
        "SELECT 1, now64(9), unhex('aa000000000000000000000000000001'), unhex(leftPad(hex(number + 1), 16, '0')), "
        "concat('op ', toString(number % 50)), 'web', 'Unset', number FROM numbers(" +
        std::to_string(spans) + ")");
  }
};

TEST_F(CompressionTest, JsonIsCompressedWholeAndInPieces) {
  for (const int spans : {60, 5000}) {
    InsertTrace(spans);
    const std::string path = "/api/v1/traces/aa00/outline";
    const auto plain = Get(path);
    ASSERT_EQ(plain.body.size() > kAnswerPieceBytes, spans > 1000);
    const auto reply = Reply(FromElsewhere(path));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.Header("Content-Encoding"), "gzip");
    EXPECT_EQ(reply.Header("Vary"), "Accept-Encoding");
    EXPECT_EQ(reply.Header("Content-Type"), "application/json");
    EXPECT_LT(reply.body.size() * 4, plain.body.size());
    EXPECT_EQ(WithoutCost(Plain(reply)), WithoutCost(plain.body));
    EXPECT_TRUE(Plain(reply).ends_with("}\n"));

    auto head = FromElsewhere(path);
    head.method = "HEAD";
    const auto only_head = Reply(head);
    EXPECT_EQ(only_head.status, 200);
    EXPECT_EQ(only_head.Header("Content-Encoding"), "gzip");
    EXPECT_EQ(only_head.body, "");
  }
}

TEST_F(CompressionTest, OnlyWhereItIsWantedAndPays) {
  InsertTrace(1000);
  const std::string path = "/api/v1/traces/aa00/outline";
  auto call = FromElsewhere(path);
  call.headers = {{"Accept-Encoding", "gzip"}};  // on this machine
  EXPECT_EQ(Reply(call).Header("Content-Encoding"), "");
  EXPECT_EQ(Reply(call).Header("Vary"), "Accept-Encoding");
  call.headers = {{"Forwarded", "for=192.0.2.7"}};
  EXPECT_EQ(Reply(call).Header("Content-Encoding"), "");
  call.headers = {{"Forwarded", "for=192.0.2.7"}, {"Accept-Encoding", "br, gzip;q=0"}};
  EXPECT_EQ(Reply(call).Header("Content-Encoding"), "");
  call.headers = {{"Forwarded", "for=192.0.2.7"}, {"Accept-Encoding", "br, gzip;q=0.5"}};
  EXPECT_EQ(Reply(call).Header("Content-Encoding"), "gzip");
  const auto small = Reply(FromElsewhere("/api/v1/status"));
  EXPECT_EQ(small.Header("Content-Encoding"), "");
  EXPECT_EQ(small.Header("Vary"), "Accept-Encoding");
  EXPECT_EQ(Reply(FromElsewhere("/metrics")).Header("Content-Encoding"), "") << "no JSON";
  const auto refused = Reply(FromElsewhere("/api/v1/traces?limit=0"));
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.Header("Content-Encoding"), "");
}

TEST_F(CompressionTest, RowsOfSqlAreCompressedAsTheyCome) {
  auto call = FromElsewhere("/api/v1/sql?format=JSONEachRow");
  call.method = "POST";
  call.body = "SELECT number FROM numbers(200000)";
  const auto reply = Reply(call);
  EXPECT_EQ(reply.Header("Content-Encoding"), "gzip");
  const std::string plain = Plain(reply);
  EXPECT_EQ(std::count(plain.begin(), plain.end(), '\n'), 200'000);
  EXPECT_TRUE(plain.ends_with("{\"number\":199999}\n")) << plain.substr(plain.size() - 40);
  call.url = "http://" + server_->address() + "/api/v1/sql?format=TSV";
  EXPECT_EQ(Reply(call).Header("Content-Encoding"), "");
}

TEST_F(CompressionTest, AClientThatLeavesInTheMiddleEndsItsQuery) {
  auto call = FromElsewhere("/api/v1/sql?format=JSONEachRow");
  call.method = "POST";
  call.body = "SELECT number FROM numbers(1000000000000) WHERE sipHash64(number) % 100000 = 0";
  size_t pieces = 0;
  call.sink = [&](std::string_view piece) {
    EXPECT_TRUE(pieces > 0 || piece.starts_with("\x1f\x8b"));
    return ++pieces < 3;
  };
  net::HttpClient client;
  const auto reply = client.Call(call);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kCancelled) << reply.error().message;
  EXPECT_EQ(pieces, 3u);
  EXPECT_TRUE(Eventually([&] { return Running("numbers(1000000000000)") == 0; }));
}

TEST_F(CompressionTest, AnAnswerThatBreaksOffHasNoEnd) {
  auto call = FromElsewhere("/api/v1/sql?format=JSONEachRow");
  call.method = "POST";
  call.body = "SELECT intDiv(1, toInt64(number) - 900000) FROM numbers(1000000)";
  std::string body;
  call.sink = [&](std::string_view piece) {
    body += piece;
    return true;
  };
  net::HttpClient client;
  const auto reply = client.Call(call);
  EXPECT_FALSE(reply) << reply->status;
  EXPECT_TRUE(body.starts_with("\x1f\x8b"));
  EXPECT_FALSE(net::Decompress("gzip", body, 64 << 20));
}

class ServicesApiTest : public ApiServerTest {
 protected:
  void SetUp() override {
    ApiServerTest::SetUp();
    if (IsSkipped()) return;
    Execute("TRUNCATE TABLE sightline.span_metric_rollups");
    // Bucket 160 is 2^20 ns. The minute is the last whole one: within the last 15 for as long as the test runs.
    Execute(
        "INSERT INTO sightline.span_metric_rollups (* EXCEPT (Dimensions)) SELECT 0, 60, toStartOfMinute(now()) - 60, "
        "service, name, kind, "
        "status, "
        "entry, 160, calls, calls * 1100000, 1100000, toStartOfMinute(now()) - 50 FROM values('service String, name "
        "String, kind String, status String, entry Bool, calls Float64', ('shop/eu west', 'GET /', 'Server', 'Unset', "
        "true, 90), ('shop/eu west', 'GET /', 'Server', 'Error', true, 10), ('shop/eu west', 'GET', 'Client', 'Unset', "
        "false, 7.5), ('', 'poll', 'Consumer', 'Ok', true, 1), ('a/operations', 'x', 'Server', 'Ok', true, 1))");
  }

  // The text between `before` and `after`.
  static std::string Between(const std::string& text, std::string_view before, std::string_view after) {
    const size_t start = text.find(before);
    if (start == text.npos) return "";
    const size_t first = start + before.size();
    return text.substr(first, text.find(after, first) - first);
  }
  static std::string CursorOf(const std::string& body) { return Between(body, "\"next_cursor\":\"", "\""); }
};

TEST_F(ServicesApiTest, ServicesHaveFiguresAndSeriesOfWholeMinutes) {
  const auto reply = Get("/api/v1/services?last=15m");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(Has(reply.body, "\"step_seconds\":60,\"services\":[{\"service\":\"\",\"calls\":1,\"errors\":0,"))
      << reply.body;
  EXPECT_TRUE(Has(reply.body, "{\"service\":\"shop/eu west\",\"calls\":100,\"errors\":10,\"calls_per_second\":0."))
      << reply.body;
  // 2^20.25, the middle of the bucket by logarithm would be 2^20.0625: the 50th of 100 calls; no quantile is above the
  // max.
  EXPECT_TRUE(
      Has(reply.body,
          "\"p50_nano\":1095000,\"p90_nano\":1100000,\"p95_nano\":1100000,\"p99_nano\":1100000,\"max_nano\":1100000,"
          "\"apdex\":0.9,\"apdex_threshold_nano\":500000000,"))
      << reply.body;
  const std::string series = Between(reply.body, "\"shop/eu west\"", "}}");
  const std::string calls = Between(series, "\"calls\":[", "]");
  EXPECT_TRUE(calls.ends_with(",0,100,0") || calls.ends_with(",0,0,100")) << calls;
  EXPECT_EQ(std::count(calls.begin(), calls.end(), ','), 15) << "15 minutes touch 16";
  for (const char* quantile : {"p50_nano", "p90_nano", "p95_nano", "p99_nano"}) {
    EXPECT_TRUE(Has(series, "\"" + std::string(quantile) + "\":[null,")) << series;
  }
  EXPECT_TRUE(Has(reply.body, "\"next_cursor\":null,\"scanned\":{\"rows\":")) << reply.body;
  EXPECT_TRUE(Has(Get("/api/v1/services?last=15m&step=5m").body, "\"step_seconds\":300,"));
  EXPECT_TRUE(
      Has(Get("/api/v1/services?from=1&to=2").body, "\"from_unix_nano\":\"0\",\"to_unix_nano\":\"60000000000\""));
}

TEST_F(ServicesApiTest, OneServiceAlone) {
  const auto one = Get("/api/v1/services?last=15m&service=shop/eu%20west");
  EXPECT_TRUE(Has(one.body, "\"services\":[{\"service\":\"shop/eu west\",\"calls\":100,")) << one.body;
  EXPECT_TRUE(Has(one.body, "}}],\"next_cursor\":null")) << one.body;
  const auto nameless = Get("/api/v1/services?last=15m&service=");
  EXPECT_TRUE(Has(nameless.body, "\"services\":[{\"service\":\"\",\"calls\":1,")) << nameless.body;
  EXPECT_FALSE(Has(nameless.body, "shop")) << nameless.body;
  EXPECT_TRUE(Has(Get("/api/v1/services?last=15m&service=nobody").body, "\"services\":[],\"next_cursor\":null"));
}

TEST_F(ServicesApiTest, OperationsOfAServiceWhateverItIsCalled) {
  const auto reply = Get("/api/v1/services/shop%2Feu%20west/operations?last=15m");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(
      Has(reply.body,
          "\"operations\":[{\"name\":\"GET /\",\"kind\":\"Server\",\"entry\":true,\"calls\":100,\"errors\":10,"))
      << reply.body;
  EXPECT_TRUE(Has(reply.body, "{\"name\":\"GET\",\"kind\":\"Client\",\"entry\":false,\"calls\":7.5,\"errors\":0,"))
      << reply.body;
  EXPECT_TRUE(Has(Get("/api/v1/services//operations?last=15m").body, "\"operations\":[{\"name\":\"poll\","));
  EXPECT_TRUE(Has(Get("/api/v1/services/a%2Foperations/operations?last=15m").body, "\"operations\":[{\"name\":\"x\","));
  const auto unknown = Get("/api/v1/services/nobody/operations");
  EXPECT_EQ(unknown.status, 200);
  EXPECT_TRUE(Has(unknown.body, "\"operations\":[],\"next_cursor\":null")) << unknown.body;
  EXPECT_EQ(Get("/api/v1/services/operations").status, 404);
}

TEST_F(ServicesApiTest, PagesGoOnByCursor) {
  const auto first = Get("/api/v1/services?last=15m&limit=2");
  EXPECT_TRUE(Has(first.body, "\"a/operations\"")) << first.body;
  EXPECT_FALSE(Has(first.body, "shop")) << first.body;
  const auto second = Get("/api/v1/services?last=15m&limit=2&cursor=" + CursorOf(first.body));
  EXPECT_TRUE(Has(second.body, "\"services\":[{\"service\":\"shop/eu west\"")) << second.body;
  EXPECT_TRUE(Has(second.body, "\"next_cursor\":null"));
  EXPECT_EQ(Between(second.body, "\"from_unix_nano\":", ","), Between(first.body, "\"from_unix_nano\":", ","));

  const std::string path = "/api/v1/services/shop%2Feu%20west/operations?last=15m&limit=1";
  const auto most = Get(path);
  EXPECT_TRUE(Has(most.body, "\"GET /\"")) << most.body;
  const auto rest = Get(path + "&cursor=" + CursorOf(most.body));
  EXPECT_TRUE(Has(rest.body, "\"operations\":[{\"name\":\"GET\",")) << rest.body;
  EXPECT_TRUE(Has(rest.body, "\"next_cursor\":null"));
  EXPECT_EQ(Get("/api/v1/services//operations?last=15m&limit=1&cursor=" + CursorOf(most.body)).status, 400);
}

TEST_F(ServicesApiTest, ALongListOfOperationsHasCursorsThatAreAccepted) {
  Execute(
      "INSERT INTO sightline.span_metric_rollups (* EXCEPT (Dimensions)) SELECT 0, 60, toStartOfMinute(now()) - 60, "
      "'many', toString(number), "
      "'Server', 'Ok', true, 160, 1, 1, 1, now() FROM numbers(2100)");
  std::string cursor;
  size_t operations = 0;
  for (int page = 0; page < 3; ++page) {
    const auto reply = Get("/api/v1/services/many/operations?last=15m&limit=1000" + cursor);
    ASSERT_EQ(reply.status, 200) << reply.body;
    for (size_t at = 0; (at = reply.body.find("{\"name\":", at)) != std::string::npos; ++at) ++operations;
    cursor = "&cursor=" + CursorOf(reply.body);
    EXPECT_LT(cursor.size(), 7000u);
  }
  EXPECT_EQ(operations, 2100u);
  EXPECT_EQ(cursor, "&cursor=") << "the third page is the last";
}

TEST_F(ServicesApiTest, BadParametersAreNamed) {
  for (const auto& [where, query] : std::vector<std::pair<std::string, std::string>>{{"step", "step=90s"},
                                                                                     {"step", "step=1m&last=30d"},
                                                                                     {"step", "step="},
                                                                                     {"limit", "limit=1001"},
                                                                                     {"last", "last=1h&to=5"},
                                                                                     {"cursor", "cursor=AAAA"},
                                                                                     {"name", "name=a"}}) {
    const auto reply = Get("/api/v1/services?" + query);
    EXPECT_EQ(reply.status, 400) << query;
    EXPECT_TRUE(Has(reply.body, "\"where\":\"" + where + "\"")) << reply.body;
  }
  EXPECT_TRUE(Has(Get("/api/v1/services/a/operations?step=1m").body, "\"where\":\"step\""));
}

TEST_F(ApiServerTest, StatusJoinsWhatIsStoredWithWhatHasArrived) {
  const auto status = Get("/api/v1/status");
  EXPECT_EQ(status.status, 200);
  EXPECT_TRUE(Has(status.body, "\"version\":\"1.2.3\"")) << status.body;
  EXPECT_TRUE(
      Has(status.body, "\"accepted_since_start\":5,\"refused_since_start\":1,\"last_arrival_unix_nano\":\"77\""))
      << status.body;
}

TEST_F(ApiServerTest, ForeignHostsAndOriginsAreRefused) {
  net::HttpClient client;
  net::HttpCall call;
  call.url = "http://" + server_->address() + "/api/v1/status";
  call.headers = {{"Origin", "http://evil.example"}};
  auto reply = client.Call(call);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 403);
  EXPECT_TRUE(reply->body.starts_with("{\"error\":")) << reply->body;
  call.headers = {{"Host", "evil.example"}};
  reply = client.Call(call);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 421);
}

}  // namespace
}  // namespace sightline::serve
