// Metrics as a client of the HTTP API sees them, over a real socket and the real engine.
#include "serve/metrics_api.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "net/http_client.h"
#include "query/testing/engine.h"
#include "serve/api_server.h"

namespace sightline::serve {
namespace {

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class MetricsApiTest : public query::testing::EngineTest {
 protected:
  // Two streams of one counter, 1 and 2 more by second for 11 minutes, and a gauge.
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    auto started = ApiServer::Start({.address = "127.0.0.1:0"}, clickhouse(), metrics_, [] { return ProgramStatus(); });
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
    for (const char* table : {"metric_series", "metric_points"}) {
      Execute(std::string("TRUNCATE TABLE sightline.") + table);
    }
    Execute(
        "INSERT INTO sightline.metric_series (SeriesId, Seen, MetricName, MetricType, Unit, Description, "
        "AggregationTemporality, IsMonotonic, ServiceName, Attributes) VALUES "
        "(1, intDiv(@800@, 1000000000), 'shop/orders', 'sum', '{order}', 'Orders \\'placed\\'', 2, true, 'web', "
        "map('k', 'a\"b')), "
        "(2, intDiv(@800@, 1000000000), 'shop/orders', 'sum', '{order}', 'Orders \\'placed\\'', 2, true, 'api', "
        "map('k', 'c')), "
        "(3, intDiv(@800@, 1000000000), 'zz.load', 'gauge', '', '', 0, false, 'web', map())");
    Execute(
        "INSERT INTO sightline.metric_points (SeriesId, Timestamp, Value, Block) SELECT 1 + number % 2, "
        "fromUnixTimestamp64Nano(@0@ + intDiv(number, 2) * 10000000000), intDiv(number, 2) * 10 * (1 + "
        "number % 2), 1 FROM numbers(132)");
    Execute(
        "INSERT INTO sightline.metric_points (SeriesId, Timestamp, Value, Block) VALUES (3, "
        "fromUnixTimestamp64Nano(@0@), inf, 1), (3, fromUnixTimestamp64Nano(@60@), 0.5, "
        "1)");
  }

  // "@60@" becomes the nanoseconds of the first point and a minute. The time is not long ago, for the retention's sake.
  static std::string Timed(std::string text) {
    static const int64_t first =
        Clock::System().UnixNanos() / 3'600'000'000'000 * 3'600'000'000'000 - 36'000'000'000'000;
    for (size_t at; (at = text.find('@')) != text.npos;) {
      const size_t end = text.find('@', at + 1);
      text.replace(at, end + 1 - at, std::to_string(first + std::stoll(text.substr(at + 1)) * 1'000'000'000));
    }
    return text;
  }
  void Execute(const std::string& sql) { EngineTest::Execute(Timed(sql)); }
  net::HttpReply Get(const std::string& path) {
    net::HttpClient client;
    net::HttpCall call;
    call.url = "http://" + server_->address() + Timed(path);
    call.timeout_seconds = 60;
    auto reply = client.Call(call);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : net::HttpReply{};
  }

  static constexpr const char* kRange = "from=@60@&to=@240@&step=1m";

  MetricsRegistry metrics_;
  std::unique_ptr<ApiServer> server_;
};

TEST_F(MetricsApiTest, ListsPageByPage) {
  const auto all = Get("/api/v1/metrics");
  EXPECT_EQ(all.status, 200) << all.body;
  EXPECT_TRUE(all.body.starts_with(Timed(
      "{\"metrics\":[{\"name\":\"shop/orders\",\"type\":\"sum\",\"unit\":\"{order}\",\"description\":\"Orders "
      "'placed'\",\"temporality\":\"cumulative\",\"monotonic\":true,\"services\":[\"api\",\"web\"],\"series_count\":2,"
      "\"attribute_keys\":[\"k\"],\"last_seen_unix_nano\":\"@800@\"},{\"name\":\"zz.load\",")))
      << all.body;
  EXPECT_TRUE(Has(all.body, "\"next_cursor\":null,\"scanned\":{\"rows\":")) << all.body;
  const auto first = Get("/api/v1/metrics?limit=1");
  const size_t at = first.body.find("\"next_cursor\":\"") + 15;
  const std::string cursor = first.body.substr(at, first.body.find('"', at) - at);
  const auto second = Get("/api/v1/metrics?limit=1&cursor=" + cursor);
  EXPECT_TRUE(second.body.starts_with("{\"metrics\":[{\"name\":\"zz.load\",\"type\":\"gauge\"")) << second.body;
  EXPECT_TRUE(Has(second.body, "\"next_cursor\":null")) << second.body;
  EXPECT_EQ(Get("/api/v1/metrics?text=load&cursor=" + cursor).status, 400) << "another question's cursor";
  EXPECT_TRUE(Has(Get("/api/v1/metrics?text=ORD&service=api").body, "\"series_count\":1,"));
  EXPECT_TRUE(Has(Get("/api/v1/metrics?service=nobody").body, "{\"metrics\":[],\"next_cursor\":null,"));
}

TEST_F(MetricsApiTest, SeriesHaveTheirLabelsAndValues) {
  const std::string path = "/api/v1/metrics/shop%2Forders/series?";
  const auto reply = Get(path + kRange + "&group_by=k&group_by=service.name");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(reply.body.starts_with(Timed(
      "{\"name\":\"shop/orders\",\"type\":\"sum\",\"unit\":\"{order}\",\"result_unit\":\"{order}/s\",\"aggregation\":"
      "\"rate\",\"from_unix_nano\":\"@60@\",\"to_unix_nano\":\"@240@\",\"step_seconds\":"
      "60,"
      "\"series\":[{\"labels\":{\"k\":\"c\",\"service.name\":\"api\"},\"values\":[2,2,2]},{\"labels\":{\"k\":"
      "\"a\\\"b\","
      "\"service.name\":\"web\"},\"values\":[1,1,1]}],\"series_total\":2,\"scanned\":{")))
      << reply.body;
  EXPECT_TRUE(Has(Get(path + kRange + "&aggregation=increase").body, "{\"labels\":{},\"values\":[180,180,180]}"));
  EXPECT_TRUE(Has(Get(path + kRange + "&attribute=k=c&limit=1").body, "\"values\":[2,2,2]"));
  EXPECT_TRUE(Has(Get("/api/v1/metrics/shop/orders/series?from=@-1200@&to=@240@").body, "\"values\":[null,null,"))
      << "what is before the first point is null";
}

TEST_F(MetricsApiTest, WhatIsNoNumberIsNull) {
  const auto reply = Get("/api/v1/metrics/zz.load/series?from=@0@&to=@120@&step=60s");
  EXPECT_TRUE(Has(reply.body, "\"values\":[null,0.5]")) << reply.body;
}

TEST_F(MetricsApiTest, ErrorsNameWhatIsWrong) {
  const auto missing = Get("/api/v1/metrics/no.such/series");
  EXPECT_EQ(missing.status, 404);
  EXPECT_TRUE(Has(missing.body, "\"where\":\"name\",\"hint\":\"GET /api/v1/metrics lists them\"")) << missing.body;
  const auto unfit = Get("/api/v1/metrics/zz.load/series?aggregation=p95");
  EXPECT_EQ(unfit.status, 400);
  EXPECT_TRUE(Has(unfit.body, "\"where\":\"aggregation\",\"hint\":\"ask for avg, min, max, sum, last or count\""))
      << unfit.body;
  for (std::string_view bad : {"aggregation=median", "type=counter", "limit=101", "step=0s", "step=1.5s", "last=0",
                               "group_by=a&group_by=b&group_by=c&group_by=d", "attribute=x", "nosuch=1"}) {
    const auto reply = Get("/api/v1/metrics/zz.load/series?" + std::string(bad));
    EXPECT_EQ(reply.status, 400) << bad;
    EXPECT_TRUE(Has(reply.body, "\"where\":\"" + std::string(bad.substr(0, bad.find('='))) + "\"")) << reply.body;
  }
  EXPECT_EQ(Get("/api/v1/metrics/zz.load/series?last=1d&step=1s").status, 400);
  EXPECT_EQ(Get("/api/v1/metrics?cursor=x").status, 400);
}

TEST_F(MetricsApiTest, ExemplarsNameTheirTraces) {
  Execute(
      "INSERT INTO sightline.metric_points (SeriesId, Timestamp, Value, Exemplars.Timestamp, Exemplars.Value, "
      "Exemplars.TraceId, Exemplars.SpanId, Exemplars.FilteredAttributes, Exemplars.AttributeTypes, Exemplars.IsInt, "
      "Block) SELECT 1, fromUnixTimestamp64Nano(@700@), 1, [fromUnixTimestamp64Nano(@690@)], [2.5], "
      "[unhex('000102030405060708090a0b0c0d0e0f')], [unhex('0001020304050607')], [map('user', 'x')], ['s'], [false], "
      "1");
  const std::string path = "/api/v1/metrics/shop%2Forders/exemplars?";
  const auto reply = Get(path + "from=@600@&to=@720@&step=1m");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(reply.body.starts_with(
      Timed("{\"name\":\"shop/orders\",\"type\":\"sum\",\"unit\":\"{order}\",\"from_unix_nano\":\"@600@\","
            "\"to_unix_nano\":\"@720@\",\"step_seconds\":60,\"exemplars\":[{\"time_unix_nano\":\"@690@\",\"value\":2.5,"
            "\"trace_id\":\"000102030405060708090a0b0c0d0e0f\",\"span_id\":\"0001020304050607\",\"is_stored\":false,"
            "\"service\":\"web\",\"labels\":{\"k\":\"a\\\"b\"},\"attributes\":{\"user\":\"x\"}}],\"scanned\":{")))
      << reply.body;
  EXPECT_TRUE(Has(Get(path + "from=@600@&to=@720@&service=api").body, "\"exemplars\":[],"));
  const auto missing = Get("/api/v1/metrics/no.such/exemplars");
  EXPECT_EQ(missing.status, 404);
  EXPECT_TRUE(Has(missing.body, "\"where\":\"name\"")) << missing.body;
  for (std::string_view bad : {"aggregation=p95", "type=counter", "limit=501", "limit=0", "step=0s", "group_by=a"}) {
    const auto refused = Get(path + std::string(bad));
    EXPECT_EQ(refused.status, 400) << bad;
    EXPECT_TRUE(Has(refused.body, "\"where\":\"" + std::string(bad.substr(0, bad.find('='))) + "\"")) << refused.body;
  }
}

}  // namespace
}  // namespace sightline::serve
