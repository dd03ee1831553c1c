// Silent failures, on the real engine: spans and the counts of requests are written by SQL, so that the test says what
// is in the store.
#include "query/silent_failures.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using ::testing::ElementsAre;
using testing::EngineTest;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1'000'000'000;

class SilentFailuresTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    Clear({"spans", "span_metric_rollups", "kept_span_rollups", "attribute_sets", "hot_keys_in_maps"});
    // In the middle of a minute that is over, so that nothing runs into the next one.
    now_ = Clock::System().UnixNanos() / (60 * kSecond) * 60 * kSecond - 30 * kSecond;
  }

  struct Row {
    int trace = 1, span = 1, parent = 0;
    std::string service = "web", name = "op", kind = "Internal", status = "Unset", message;
    int64_t ago_seconds = 10;
    std::string exception;  // its message
    std::string http_status, server;
    double count = 1;
    std::string resource;
  };

  void Insert(const std::vector<Row>& rows) {
    std::string sql =
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, "
        "SpanKind, "
        "StatusCode, StatusMessage, `a.http.response.status_code`, `a.server.address`, AdjustedCount, ResourceId, "
        "Events.Timestamp, Events.Name, Events.Attributes, Events.AttributeTypes, Events.DroppedAttributesCount) "
        "VALUES ";
    for (const auto& row : rows) {
      const bool has = !row.exception.empty();
      sql += fmt::format(
          "(1, fromUnixTimestamp64Nano({}), unhex('{:032x}'), unhex('{:016x}'), unhex('{:016x}'), '{}', '{}', '{}', "
          "'{}', '{}', '{}', '{}', {}, '{}', {}, {}, {}, {}, {}),",
          now_ - row.ago_seconds * kSecond, row.trace, row.span, row.parent, row.service, row.name, row.kind,
          row.status, row.message, row.http_status, row.server, row.count, row.resource, has ? "[0]" : "[]",
          has ? "['exception']" : "[]",
          has ? "[map('exception.type', 'Error', 'exception.message', '" + row.exception + "')]" : "[]",
          has ? "['ss']" : "[]", has ? "[0]" : "[]");
    }
    sql.pop_back();
    Execute(sql);
  }

  // A request that answered well though its call failed.
  void InsertSilent(int trace, Row failed, double count = 1, std::string entry = "GET /search") {
    failed.trace = trace;
    failed.span = 2;
    failed.parent = 1;
    Insert(
        {{.trace = trace, .name = entry, .kind = "Server", .ago_seconds = failed.ago_seconds, .count = count}, failed});
  }

  // Requests of the minute of now_, at each resolution.
  void Count(std::string_view name, double calls, std::string_view service = "web") {
    for (const int seconds : {10, 60, 3600}) {
      Execute(
          fmt::format("INSERT INTO sightline.span_metric_rollups (Block, Seconds, Time, ServiceName, SpanName, "
                      "SpanKind, StatusCode, Entry, Bucket, Calls) VALUES (0, {}, toDateTime({}), '{}', '{}', "
                      "'Server', 'Unset', true, 200, {})",
                      seconds, (now_ / kSecond - 10) / seconds * seconds, service, name, calls));
    }
  }

  SilentSearch Last(int64_t seconds) const {
    return {
        .from_unix_nanos = now_ - seconds * kSecond, .to_unix_nanos = now_ + kSecond, .now_unix_nanos = now_ + kSecond};
  }
  SilentFailures Read(const SilentSearch& search) {
    auto failures = reader_.Read(search);
    EXPECT_TRUE(failures) << failures.error().message;
    return failures ? *std::move(failures) : SilentFailures();
  }
  SilentFailures Read() { return Read(Last(3600)); }

  int64_t now_ = 0;
  SilentFailureReader reader_{*testing::kEngine->clickhouse()};
};

TEST_F(SilentFailuresTest, OneGroupForOneFailureWithItsShareAndSamples) {
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES "
      "('aa', now(), ['service.version'], ['1.2'], 's'), ('bb', now(), ['service.version'], ['1.3'], 's')");
  for (int i = 1; i <= 8; ++i) {
    InsertSilent(i, {.name = "GET",
                     .kind = "Client",
                     .status = "Error",
                     .message = fmt::format("timeout after {} ms", i),
                     .ago_seconds = i,
                     .server = "wiki",
                     .resource = i <= 6 ? "aa" : "bb"});
  }
  Count("GET /search", 40);
  const SilentFailures failures = Read();
  ASSERT_THAT(failures.groups, SizeIs(1));
  const SilentGroup& group = failures.groups[0];
  EXPECT_EQ(group.service, "web");
  EXPECT_EQ(group.name, "GET");
  EXPECT_EQ(group.kind, "Client");
  EXPECT_EQ(group.target, "wiki");
  EXPECT_EQ(group.shape, "timeout after # ms");
  EXPECT_EQ(group.requests, 8);
  EXPECT_EQ(group.requests_in_all, 40);
  EXPECT_EQ(group.retried_requests, 0);
  EXPECT_EQ(group.first_seen_unix_nanos, now_ - 8 * kSecond);
  EXPECT_EQ(group.last_seen_unix_nanos, now_ - kSecond);
  EXPECT_THAT(group.versions, ElementsAre("1.2", "1.3"));
  ASSERT_THAT(group.entries, SizeIs(1));
  EXPECT_EQ(group.entries[0].name, "GET /search");
  EXPECT_EQ(group.entries[0].requests_in_all, 40);
  ASSERT_THAT(group.samples, SizeIs(kSilentSamplesMax));
  EXPECT_EQ(group.samples[0].trace_id, fmt::format("{:032x}", 1));
  EXPECT_EQ(group.samples[0].span_id, fmt::format("{:016x}", 2));
  EXPECT_EQ(group.samples[0].message, "timeout after 1 ms");
  double in_series = 0;
  for (const double requests : group.series) in_series += requests;
  EXPECT_EQ(in_series, 8);
  EXPECT_TRUE(failures.examined.is_complete);
  EXPECT_EQ(failures.examined.traces, 8);
  EXPECT_EQ(failures.examined.spans, 16);
  EXPECT_EQ(failures.requests, 8);
  // Nothing older is stored.
  EXPECT_EQ(failures.first_seen_since_unix_nanos, now_ - 8 * kSecond);
}

TEST_F(SilentFailuresTest, NoneWhereTheRequestFailedToo) {
  Insert({{.trace = 1, .kind = "Server", .status = "Error"},
          {.trace = 1, .span = 2, .parent = 1, .kind = "Client", .status = "Error"},
          {.trace = 2, .kind = "Server", .http_status = "503"},
          {.trace = 2, .span = 2, .parent = 1, .kind = "Client", .status = "Error"},
          {.trace = 3, .kind = "Server", .http_status = "200"}});
  EXPECT_THAT(Read().groups, IsEmpty());
}

TEST_F(SilentFailuresTest, FindsWhatHasNoStatusError) {
  InsertSilent(1, {.name = "by status", .kind = "Client", .http_status = "404"});
  InsertSilent(2, {.name = "by exception", .exception = "key \\'a\\' is missing"});
  InsertSilent(3, {.name = "fine", .kind = "Client", .http_status = "302"});
  const SilentFailures failures = Read();
  ASSERT_THAT(failures.groups, SizeIs(2));
  EXPECT_EQ(failures.groups[0].name, "by exception");
  EXPECT_EQ(failures.groups[0].shape, "Error: key '…' is missing");
  EXPECT_EQ(failures.groups[1].name, "by status");
  EXPECT_EQ(failures.groups[1].shape, "HTTP 404");
}

// A value of another type than the column's is in the map.
TEST_F(SilentFailuresTest, StatusesInTheMapAreReadToo) {
  const auto put = [&](int trace, int span, const char* status) {
    Execute(
        fmt::format("ALTER TABLE sightline.spans UPDATE SpanAttributes = map('http.response.status_code', '{}'), "
                    "SpanAttributeTypes = 's' WHERE TraceId = unhex('{:032x}') AND SpanId = unhex('{:016x}') SETTINGS "
                    "mutations_sync = 1",
                    status, trace, span));
  };
  Execute("INSERT INTO sightline.hot_keys_in_maps VALUES ('http.response.status_code', 0, 100000)");
  InsertSilent(1, {.name = "GET", .kind = "Client"});
  InsertSilent(2, {.name = "GET", .kind = "Client", .status = "Error"});
  put(1, 2, "503");
  put(2, 1, "500");
  const SilentFailures failures = Read();
  ASSERT_THAT(failures.groups, SizeIs(1)) << "the other request failed";
  EXPECT_EQ(failures.groups[0].requests, 1);
  ASSERT_THAT(failures.groups[0].samples, SizeIs(1));
  EXPECT_EQ(failures.groups[0].samples[0].trace_id, fmt::format("{:032x}", 1));
}

TEST_F(SilentFailuresTest, RequestsCountForThoseTheyStandFor) {
  InsertSilent(1, {.name = "GET", .status = "Error"}, 10);
  InsertSilent(2, {.name = "GET", .status = "Error"}, 2.5);
  Count("GET /search", 50);
  const SilentFailures failures = Read();
  ASSERT_THAT(failures.groups, SizeIs(1));
  EXPECT_EQ(failures.groups[0].requests, 12.5);
  EXPECT_EQ(failures.groups[0].requests_in_all, 50);
}

TEST_F(SilentFailuresTest, SeveralFailuresOfARequestAreOneOfItsGroup) {
  std::vector<Row> rows = {{.kind = "Server"}};
  for (int i = 2; i < 20; ++i) rows.push_back({.span = i, .parent = 1, .name = "GET", .status = "Error"});
  rows.push_back({.span = 30, .parent = 1, .name = "PUT", .status = "Error"});
  rows.push_back({.span = 31, .parent = 1, .name = "PUT", .ago_seconds = 9});
  Insert(rows);
  const SilentFailures failures = Read();
  ASSERT_THAT(failures.groups, SizeIs(2));
  EXPECT_EQ(failures.requests, 1);
  EXPECT_EQ(failures.groups[0].requests, 1);
  EXPECT_EQ(failures.groups[0].retried_requests, 0);
  EXPECT_EQ(failures.groups[1].name, "PUT");
  EXPECT_EQ(failures.groups[1].retried_requests, 1);
}

TEST_F(SilentFailuresTest, MostRequestsFirstAndTheRestIsCounted) {
  for (int i = 1; i <= 6; ++i)
    InsertSilent(i, {.name = i <= 3 ? "often" : i <= 5 ? "twice" : "once", .status = "Error"});
  SilentSearch search = Last(3600);
  search.limit = 2;
  const SilentFailures failures = Read(search);
  ASSERT_THAT(failures.groups, SizeIs(2));
  EXPECT_EQ(failures.groups[0].name, "often");
  EXPECT_EQ(failures.groups[1].name, "twice");
  EXPECT_EQ(failures.groups_in_all, 3);
  EXPECT_EQ(failures.requests, 6);
}

TEST_F(SilentFailuresTest, OnlyTheRangeAndTheService) {
  InsertSilent(1, {.name = "now", .status = "Error"});
  InsertSilent(2, {.name = "before", .status = "Error", .ago_seconds = 7000});
  Insert({{.trace = 3, .service = "pay", .kind = "Server"},
          {.trace = 3, .span = 2, .parent = 1, .service = "pay", .name = "of pay", .status = "Error"}});
  SilentSearch search = Last(3600);
  search.service = "web";
  SilentFailures failures = Read(search);
  ASSERT_THAT(failures.groups, SizeIs(1));
  EXPECT_EQ(failures.groups[0].name, "now");
  search.service = "pay";
  failures = Read(search);
  ASSERT_THAT(failures.groups, SizeIs(1));
  EXPECT_EQ(failures.groups[0].name, "of pay");
  EXPECT_THAT(Read().groups, SizeIs(2));
}

TEST_F(SilentFailuresTest, FirstSeenIsBeforeTheRangeWhereItWasThere) {
  InsertSilent(1, {.name = "GET", .status = "Error", .message = "refused 1"});
  InsertSilent(2, {.name = "GET", .status = "Error", .message = "refused 2", .ago_seconds = 3 * 86'400});
  InsertSilent(3, {.name = "GET", .status = "Error", .message = "another", .ago_seconds = 4 * 86'400});
  InsertSilent(4, {.name = "GET", .status = "Error", .message = "refused 3", .ago_seconds = 8 * 86'400});
  SilentSearch search = Last(3600);
  const SilentFailures failures = Read(search);
  ASSERT_THAT(failures.groups, SizeIs(1));
  EXPECT_EQ(failures.groups[0].first_seen_unix_nanos, now_ - 3 * 86'400 * kSecond);
  EXPECT_EQ(failures.first_seen_since_unix_nanos, search.now_unix_nanos - kFirstSeenSecondsMax * kSecond);
  search.wants_first_seen = false;
  EXPECT_FALSE(Read(search).groups[0].first_seen_unix_nanos);
}

TEST_F(SilentFailuresTest, FirstSeenIsLookedForInFewEnoughSpans) {
  InsertSilent(1, {.name = "GET", .status = "Error"});
  InsertSilent(2, {.name = "GET", .status = "Error", .ago_seconds = 5 * 3600});
  const int64_t hour = now_ / kSecond / 3600;
  for (const auto& [ago, spans] : {std::pair{0, uint64_t{1000}}, {2, kFirstSeenSpansMax}}) {
    Execute(fmt::format(
        "INSERT INTO sightline.kept_span_rollups (Block, Seconds, Time, ServiceName, Spans) VALUES (0, 3600, "
        "toDateTime({}), 'web', {})",
        (hour - ago) * 3600, spans));
  }
  const SilentFailures failures = Read(Last(600));
  ASSERT_THAT(failures.groups, SizeIs(1));
  EXPECT_EQ(failures.first_seen_since_unix_nanos, (hour - 1) * 3600 * kSecond);
  EXPECT_EQ(failures.groups[0].first_seen_unix_nanos, now_ - 10 * kSecond);
}

TEST_F(SilentFailuresTest, ARequestIsHitByWhatFailedInAnotherService) {
  Insert({{.kind = "Server"}, {.span = 2, .parent = 1, .service = "lib", .name = "render", .exception = "no luck"}});
  SilentSearch search = Last(3600);
  search.service = "web";
  const SilentFailures failures = Read(search);
  ASSERT_THAT(failures.groups, SizeIs(1));
  EXPECT_EQ(failures.groups[0].service, "lib");
  EXPECT_EQ(failures.groups[0].entries[0].service, "web");
  search.service = "lib";
  EXPECT_THAT(Read(search).groups, IsEmpty());
}

TEST_F(SilentFailuresTest, NamesOfAllKindsAreBoundAsTheyAre) {
  const std::string odd = R"(it\'s \\ "odd", [x] {y:String} %)";
  InsertSilent(1, {.name = odd, .status = "Error", .message = odd}, 1, odd);
  Count(odd, 4);
  const SilentFailures failures = Read();
  ASSERT_THAT(failures.groups, SizeIs(1));
  EXPECT_EQ(failures.groups[0].name, R"(it's \ "odd", [x] {y:String} %)");
  EXPECT_EQ(failures.groups[0].requests_in_all, 4);
  EXPECT_EQ(failures.groups[0].first_seen_unix_nanos, now_ - 10 * kSecond);
}

TEST_F(SilentFailuresTest, ServicesHaveTheirRequestsEachOnce) {
  InsertSilent(1, {.name = "GET", .status = "Error"});
  Insert({{.trace = 1, .span = 3, .parent = 1, .name = "PUT", .status = "Error"}});
  InsertSilent(2, {.name = "GET", .status = "Error"});
  Insert({{.trace = 3, .service = "pay", .kind = "Server"},
          {.trace = 3, .span = 2, .parent = 1, .service = "pay", .status = "Error"}});
  Count("GET /search", 5);
  Count("GET /other", 5);
  const auto counts = reader_.CountByService(Last(3600));
  ASSERT_TRUE(counts) << counts.error().message;
  ASSERT_THAT(counts->services, SizeIs(2));
  EXPECT_EQ(counts->services[0].service, "web");
  EXPECT_EQ(counts->services[0].requests, 2);
  EXPECT_EQ(counts->services[0].requests_in_all, 10);
  EXPECT_EQ(counts->services[1].service, "pay");
  EXPECT_EQ(counts->services[1].requests_in_all, 0);
}

TEST_F(SilentFailuresTest, NoMoreRequestsAreHitThanThereAre) {
  InsertSilent(1, {.name = "GET", .status = "Error"});
  // The parent of this one's entry never came: no request that is counted begins there.
  Insert({{.trace = 2, .parent = 99, .kind = "Internal"}, {.trace = 2, .span = 2, .parent = 1, .status = "Error"}});
  Count("GET /search", 1);
  const auto counts = reader_.CountByService(Last(3600));
  ASSERT_TRUE(counts) << counts.error().message;
  ASSERT_THAT(counts->services, SizeIs(1));
  EXPECT_EQ(counts->services[0].requests, 2);
  EXPECT_EQ(counts->services[0].requests_in_all, 2);
}

TEST_F(SilentFailuresTest, OfMoreTracesTheNewestAreExaminedAndTheAnswerSaysSinceWhen) {
  // As many as are examined in the last ten minutes, and one more in each minute before.
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, SpanKind, "
      "StatusCode) SELECT 1, fromUnixTimestamp64Nano(toInt64({} - number * 300000000)), toFixedString(unhex(leftPad("
      "hex(number + 1), 32, '0')), 16), toFixedString(unhex(if(side = 1, '0000000000000001', '0000000000000002')), 8), "
      "toFixedString(unhex(if(side = 1, '', '0000000000000001')), 8), 'web', if(side = 1, 'entry', 'call'), "
      "if(side = 1, 'Server', 'Client'), if(side = 1, 'Unset', 'Error') FROM numbers({}) ARRAY JOIN [1, 2] AS side",
      now_, kSilentTracesMax + 100));
  const SilentFailures failures = Read();
  EXPECT_FALSE(failures.examined.is_complete);
  EXPECT_EQ(failures.examined.traces, kSilentTracesMax);
  const int64_t cut = now_ - static_cast<int64_t>(kSilentTracesMax) * 300'000'000;
  EXPECT_GT(failures.examined.from_unix_nanos, cut);
  EXPECT_LE(failures.examined.from_unix_nanos, cut + 10 * kSecond);
  ASSERT_THAT(failures.groups, SizeIs(1));
  // All that are in the time which the answer says it is of.
  EXPECT_EQ(failures.groups[0].requests,
            static_cast<double>((now_ - failures.examined.from_unix_nanos) / 300'000'000 + 1));
}

TEST_F(SilentFailuresTest, RefusesWhatCannotBeAnswered) {
  SilentSearch search = Last(3600);
  search.limit = 0;
  EXPECT_EQ(reader_.Read(search).error().code, Code::kInvalidArgument);
  search.limit = kSilentGroupsMax + 1;
  EXPECT_EQ(reader_.Read(search).error().code, Code::kInvalidArgument);
  search = Last(3600);
  search.to_unix_nanos = search.from_unix_nanos;
  EXPECT_EQ(reader_.Read(search).error().code, Code::kInvalidArgument);
  EXPECT_EQ(reader_.CountByService(search).error().code, Code::kInvalidArgument);
}

TEST_F(SilentFailuresTest, AnyRangeIsAnsweredInFewSteps) {
  InsertSilent(1, {.name = "GET", .status = "Error"});
  SilentSearch search = Last(3600);
  search.from_unix_nanos = 1;
  search.to_unix_nanos = INT64_MAX;
  const SilentFailures failures = Read(search);
  ASSERT_THAT(failures.groups, SizeIs(1));
  EXPECT_LE(failures.groups[0].series.size(), size_t{kServiceStepsByDefaultMax} + 1);
}

}  // namespace
}  // namespace sightline::query
