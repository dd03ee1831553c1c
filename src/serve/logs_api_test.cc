// Log records as a client of the HTTP API sees them, over a real socket and the real engine.
#include "serve/logs_api.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <set>
#include <utility>

#include "base/clock.h"
#include "net/http_client.h"
#include "query/testing/engine.h"
#include "serve/api_server.h"

namespace sightline::serve {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr std::string_view kTrace = "a1000000000000000000000000000001";

bool Has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

class LogsApiTest : public query::testing::EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Execute("TRUNCATE TABLE sightline.logs");
    Execute("TRUNCATE TABLE sightline.spans");
    Execute("TRUNCATE TABLE sightline.attribute_sets");
    auto started = ApiServer::Start({.address = "127.0.0.1:0"}, clickhouse(), metrics_, [] { return ProgramStatus(); });
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
    now_ = Clock::System().UnixNanos() / kSecond * kSecond;
  }

  net::HttpReply Get(const std::string& path) {
    net::HttpClient client;
    net::HttpCall call;
    call.url = "http://" + server_->address() + path;
    call.timeout_seconds = 60;
    auto reply = client.Call(call);
    EXPECT_TRUE(reply) << reply.error().message;
    return reply ? *reply : net::HttpReply{};
  }

  // The bodies of "logs", and "next_cursor" ("" for null).
  struct List {
    std::vector<std::string> bodies;
    std::string cursor;
  };
  List GetList(const std::string& path) {
    const auto reply = Get(path);
    EXPECT_EQ(reply.status, 200) << reply.body;
    simdjson::dom::parser parser;
    const auto answer = parser.parse(reply.body);
    List list;
    for (auto record : answer["logs"].get_array()) list.bodies.emplace_back(record["body"].get_c_str().value());
    std::string_view cursor;
    if (answer["next_cursor"].get(cursor) == simdjson::SUCCESS) list.cursor = cursor;
    return list;
  }

  void Insert(int block, const std::string& body, int64_t ago_nanos, int severity = 9, std::string_view trace = "") {
    Execute(
        fmt::format("INSERT INTO sightline.logs (Block, Timestamp, Body, BodyType, ServiceName, SeverityNumber, "
                    "TraceId, ResourceId) VALUES ({}, fromUnixTimestamp64Nano({}), '{}', 's', 'web', {}, "
                    "unhex('{}'), 'cc')",
                    block, now_ - ago_nanos, body, severity, trace));
  }

  MetricsRegistry metrics_;
  std::unique_ptr<ApiServer> server_;
  int64_t now_ = 0;
};

using Strings = std::vector<std::string>;

TEST_F(LogsApiTest, ARecordHasAllItsMembersTyped) {
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('aa', now(), ['n'], ['7'], 'i')");
  Execute(fmt::format(
      "INSERT INTO sightline.logs (Block, Timestamp, ObservedTimestamp, TraceId, SpanId, Flags, SeverityText, "
      "SeverityNumber, ServiceName, Body, BodyType, EventName, ResourceId, ScopeName, LogAttributes, "
      "LogAttributeTypes, DroppedAttributesCount) VALUES (1, fromUnixTimestamp64Nano({}), fromUnixTimestamp64Nano({}), "
      "unhex('{}'), unhex('00000000000000bb'), 1, 'WARN', 13, 'web', '{{\"k\":[1,2.5]}}', 'm', 'ev', 'aa', 'lib', "
      "{{'d': '5'}}, 'd', 2)",
      now_, now_ + 1, kTrace));
  const auto reply = Get("/api/v1/logs?last=1m");
  EXPECT_EQ(reply.status, 200);
  const std::string expected = fmt::format(
      R"({{"logs":[{{"time_unix_nano":"{}","observed_unix_nano":"{}","severity_number":13,"severity_text":"WARN",)"
      R"("service":"web","body":{{"k":[1,2.5]}},"event_name":"ev","trace_id":"{}","span_id":"00000000000000bb",)"
      R"("flags":1,"resource":"aa","scope":{{"name":"lib","version":""}},"attributes":{{"d":5.0}},)"
      R"("dropped_attributes_count":2,"repairs":""}}],"attribute_sets":{{"aa":{{"attributes":{{"n":7}},)"
      R"("schema_url":""}}}},"next_cursor":null,"scanned":)",
      now_, now_ + 1, kTrace);
  EXPECT_TRUE(reply.body.starts_with(expected)) << reply.body << "\n" << expected;
}

TEST_F(LogsApiTest, ParametersBecomeConditions) {
  Insert(1, "first Line", 30 * kSecond, 9);
  Insert(2, "second line", 20 * kSecond, 17, kTrace);
  Insert(3, "third", 7200 * kSecond, 13, kTrace);
  const std::string logs = "/api/v1/logs?";
  EXPECT_EQ(GetList(logs).bodies, (Strings{"second line", "first Line"}));
  EXPECT_EQ(GetList(logs + "sort=oldest").bodies, (Strings{"first Line", "second line"}));
  EXPECT_EQ(GetList(logs + "text=LINE&severity=error").bodies, Strings{"second line"});
  EXPECT_EQ(GetList(logs + "severity=warn&last=3h").bodies, (Strings{"second line", "third"}));
  EXPECT_EQ(GetList(logs + "service=db").bodies, Strings{});
  EXPECT_EQ(GetList(logs + "attribute=k%3Dv").bodies, Strings{});
  // Without a range all times of the trace.
  EXPECT_EQ(GetList(logs + "trace_id=A1000000000000000000000000000001").bodies, (Strings{"second line", "third"}));
  EXPECT_EQ(GetList(logs + "last=1h&trace_id=" + std::string(kTrace)).bodies, Strings{"second line"});
}

TEST_F(LogsApiTest, CursorsJoinPagesWhileDataArrives) {
  for (int i = 1; i <= 7; ++i) Insert(i, fmt::format("r{}", i), i < 5 ? kSecond : 2 * kSecond);
  for (const std::string sort : {"newest", "oldest"}) {
    const std::string path = "/api/v1/logs?last=1h&limit=2&text=r&sort=" + sort;
    const Strings all = GetList("/api/v1/logs?last=1h&limit=7&text=r&sort=" + sort).bodies;
    ASSERT_EQ(all.size(), 7u);
    Strings paged;
    for (List list = GetList(path);; list = GetList(path + "&cursor=" + list.cursor)) {
      paged.insert(paged.end(), list.bodies.begin(), list.bodies.end());
      Insert(100 + static_cast<int>(paged.size()), "later", kSecond);
      if (list.cursor.empty()) break;
      ASSERT_LT(paged.size(), 20u);
    }
    EXPECT_EQ(paged, all);
    Execute("ALTER TABLE sightline.logs DELETE WHERE Block >= 100 SETTINGS mutations_sync = 1");
  }
}

TEST_F(LogsApiTest, VolumeHasAnEntryForEachSeverityThatOccurs) {
  const int64_t minute = now_ / (60 * kSecond) * 60 * kSecond;
  Insert(1, "a", now_ - minute + 1, 9);
  Insert(2, "b", now_ - minute + 1, 0);
  Insert(3, "c", now_ - minute + 60 * kSecond, 10);
  const auto reply = Get(fmt::format("/api/v1/logs/volume?from={}&to={}&step=1m", minute - 120 * kSecond + 1, minute));
  EXPECT_EQ(reply.status, 200);
  const std::string expected =
      fmt::format(R"({{"from_unix_nano":"{}","to_unix_nano":"{}","step_seconds":60,"total":3,"series":[)"
                  R"({{"severity":"unset","counts":[0,1]}},{{"severity":"info","counts":[0,2]}}],"scanned":)",
                  minute - 120 * kSecond, minute);
  EXPECT_TRUE(reply.body.starts_with(expected)) << reply.body << "\n" << expected;
  EXPECT_TRUE(Has(Get("/api/v1/logs/volume?text=nowhere").body, "\"total\":0,\"series\":[],"));
}

TEST_F(LogsApiTest, AnInstanceIsNamedInTheAnswer) {
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('cc', now(), ['service.name', "
      "'host.name'], ['web', 'a'], 'ss')");
  Insert(1, "of it", kSecond);
  const auto reply = Get("/api/v1/logs?instance_of=cc");
  EXPECT_TRUE(Has(reply.body, "\"instance\":{\"service\":\"web\",\"attribute\":\"host.name\",\"value\":\"a\"}"))
      << reply.body;
  EXPECT_EQ(GetList("/api/v1/logs?instance_of=cc").bodies, Strings{"of it"});
  EXPECT_EQ(GetList("/api/v1/logs?instance_of=dd").bodies, Strings{});
  EXPECT_TRUE(Has(Get("/api/v1/logs/volume?instance_of=cc").body, "\"total\":1,"));
}

TEST_F(LogsApiTest, BadParametersAreNamed) {
  for (std::string_view bad : {"severity=loud", "trace_id=12", "span_id=xyz", "sort=slowest", "limit=1001", "last=0s",
                               "attribute=novalue", "cursor=abc", "step=1m"}) {
    const auto reply = Get("/api/v1/logs?" + std::string(bad));
    EXPECT_EQ(reply.status, 400) << bad;
    EXPECT_TRUE(Has(reply.body, "\"where\":\"" + std::string(bad.substr(0, bad.find('='))) + "\"")) << reply.body;
  }
  EXPECT_EQ(Get("/api/v1/logs/volume?last=1d&step=1s").status, 400);
  EXPECT_EQ(Get("/api/v1/logs/volume?cursor=abc").status, 400);
}

TEST_F(LogsApiTest, ATraceBringsItsLogs) {
  Execute(
      fmt::format("INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName, Duration) VALUES "
                  "(1, fromUnixTimestamp64Nano({}), unhex('{}'), unhex('00000000000000aa'), 'op', 5000000000)",
                  now_ - 60 * kSecond, kTrace));
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('cc', now(), ['n'], ['7'], 'i')");
  EXPECT_TRUE(Has(Get("/api/v1/traces/" + std::string(kTrace)).body, "\"logs\":[],"));
  Insert(1, "second", 50 * kSecond, 9, kTrace);
  Insert(2, "first", 55 * kSecond, 9, kTrace);
  Insert(3, "of no trace", 55 * kSecond);
  auto reply = Get("/api/v1/traces/" + std::string(kTrace));
  EXPECT_EQ(reply.status, 200);
  simdjson::dom::parser parser;
  const auto answer = parser.parse(reply.body);
  Strings bodies;
  for (auto record : answer["logs"].get_array()) bodies.emplace_back(record["body"].get_c_str().value());
  EXPECT_EQ(bodies, (Strings{"first", "second"}));
  EXPECT_TRUE(Has(reply.body, "\"next_cursor\":null")) << reply.body;
  EXPECT_TRUE(Has(reply.body, "\"cc\":{\"attributes\":{\"n\":7}")) << reply.body;
  Execute(fmt::format(
      "INSERT INTO sightline.logs (Block, Timestamp, TraceId, BodyType) SELECT 4, fromUnixTimestamp64Nano({}), "
      "unhex('{}'), 's' FROM numbers(999)",
      now_ - 52 * kSecond, kTrace));
  // Spans and logs go on from page to page, each list to its own end.
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName, Duration) SELECT 5, "
      "fromUnixTimestamp64Nano({}), unhex('{}'), unhex(leftPad(hex(toUInt16(number + 1)), 16, '0')), 'op', 5 "
      "FROM numbers(9)",
      now_ - 59 * kSecond, kTrace));
  for (const char* limit : {"50000", "400", "7"}) {
    const std::string path = "/api/v1/traces/" + std::string(kTrace) + "?limit=" + limit;
    std::set<std::string> span_ids;
    size_t span_count = 0;
    bodies.clear();
    std::string cursor;
    do {
      reply = Get(path + (cursor.empty() ? "" : "&cursor=" + cursor));
      ASSERT_EQ(reply.status, 200) << reply.body;
      const auto page = parser.parse(reply.body);
      for (auto span : page["spans"].get_array()) {
        span_ids.insert(span["span_id"].get_c_str().value());
        ++span_count;
      }
      for (auto record : page["logs"].get_array()) bodies.emplace_back(record["body"].get_c_str().value());
      std::string_view next;
      cursor = page["next_cursor"].get(next) == simdjson::SUCCESS ? std::string(next) : "";
    } while (!cursor.empty() && bodies.size() < 2000);
    EXPECT_EQ(span_count, span_ids.size());
    EXPECT_EQ(span_ids.size(), 10U);
    ASSERT_EQ(bodies.size(), 1001U);
    EXPECT_EQ(bodies.front(), "first");
    EXPECT_EQ(bodies.back(), "second");
  }
  EXPECT_EQ(Get("/api/v1/traces/" + std::string(kTrace) + "?cursor=abc").status, 400);
  EXPECT_EQ(Get("/api/v1/traces/" + std::string(kTrace) + "?limit=50001").status, 400);
}

}  // namespace
}  // namespace sightline::serve
