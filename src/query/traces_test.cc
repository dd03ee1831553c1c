// Typed questions about traces, on the real engine. Rows are written by SQL, so that the test says what is in the
// store.
#include "query/traces.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/clock.h"
#include "query/status.h"
#include "query/testing/engine.h"
#include "query/trace_query.h"

namespace sightline::query {
namespace {

using testing::EngineTest;

constexpr int64_t kSecond = 1'000'000'000;

class TracesTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    // Now, so that nothing runs into the retention; whole seconds read better in failures.
    now_ = Clock::System().UnixNanos() / kSecond * kSecond;
    Execute("TRUNCATE TABLE sightline.spans");
    Execute("TRUNCATE TABLE sightline.attribute_sets");
  }

  struct Row {
    std::string trace, span, parent, service = "web", name = "op", status = "Unset";
    int64_t ago_seconds = 0;
    int64_t millis = 10;
  };

  void Insert(const std::vector<Row>& rows, int block = 1) {
    std::string sql =
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, "
        "SpanKind, StatusCode, Duration) VALUES ";
    for (const auto& row : rows) {
      sql += fmt::format(
          "({}, fromUnixTimestamp64Nano({}), unhex('{:0>32}'), unhex('{:0>16}'), unhex('{}'), '{}', '{}', "
          "'Server', '{}', {}),",
          block, now_ - row.ago_seconds * kSecond, row.trace, row.span,
          row.parent.empty() ? "" : fmt::format("{:0>16}", row.parent), row.service, row.name, row.status,
          row.millis * 1'000'000);
    }
    sql.pop_back();
    Execute(sql);
  }

  TraceSearch Last(int64_t seconds) const {
    TraceSearch search;
    search.filter.from_unix_nanos = now_ - seconds * kSecond;
    search.filter.to_unix_nanos = now_ + kSecond;
    return search;
  }

  TracePage Find(const TraceSearch& search) {
    auto page = reader_.Search(search);
    EXPECT_TRUE(page) << page.error().message;
    return page ? std::move(*page) : TracePage{};
  }

  TraceSearch Query(std::string_view text, int64_t seconds = 3600) const {
    TraceSearch search = Last(seconds);
    auto query = TraceQuery::Parse(text);
    EXPECT_TRUE(query) << query.error().message;
    if (query) search.filter.query = *std::move(query);
    return search;
  }

  static std::vector<std::string> Ids(const TracePage& page) {
    std::vector<std::string> ids;
    // Without the zeros in front.
    for (const auto& trace : page.traces) ids.push_back(trace.trace_id.substr(trace.trace_id.find_first_not_of('0')));
    return ids;
  }
  std::vector<std::string> Ids(const TraceSearch& search) { return Ids(Find(search)); }

  int64_t now_ = 0;
  TraceReader reader_{*testing::kEngine->clickhouse()};
};

using Strings = std::vector<std::string>;

TEST_F(TracesTest, NewestFirstAcrossAllWindows) {
  Insert({{.trace = "a1", .span = "1", .ago_seconds = 5},
          {.trace = "a2", .span = "2", .ago_seconds = 300},
          {.trace = "a3", .span = "3", .ago_seconds = 3000},
          {.trace = "a4", .span = "4", .ago_seconds = 7200}});
  EXPECT_EQ(Ids(Last(3600)), (Strings{"a1", "a2", "a3"}));
  EXPECT_EQ(Ids(Last(10000)), (Strings{"a1", "a2", "a3", "a4"}));
  auto two = Last(10000);
  two.limit = 2;
  EXPECT_EQ(Ids(two), (Strings{"a1", "a2"}));
}

TEST_F(TracesTest, WhatWasStoredLateStandsAtItsTime) {
  std::vector<Row> rows;
  for (int i = 0; i < 40; ++i) rows.push_back({.trace = fmt::format("a{}", i), .span = "1", .ago_seconds = 100 + i});
  Insert(rows, 1);
  Insert({{.trace = "b", .span = "1", .ago_seconds = 3500}, {.trace = "c", .span = "1", .ago_seconds = 120}}, 2);
  auto search = Last(3600);
  search.limit = 3;
  EXPECT_EQ(Ids(search), (Strings{"a0", "a1", "a2"}));
  search.limit = 42;
  EXPECT_EQ(Ids(search).back(), "b");
}

TEST_F(TracesTest, ATraceOfManySpansHidesNoOther) {
  std::vector<Row> rows;
  for (int i = 1; i <= 500; ++i) rows.push_back({.trace = "a1", .span = fmt::format("{}", i), .ago_seconds = 1});
  rows.push_back({.trace = "a2", .span = "1", .ago_seconds = 2000});
  rows.push_back({.trace = "a3", .span = "1", .ago_seconds = 3599});
  Insert(rows);
  auto search = Last(3600);
  EXPECT_EQ(Ids(search), (Strings{"a1", "a2", "a3"}));
  search.limit = 2;
  EXPECT_EQ(Ids(search), (Strings{"a1", "a2"}));
  search = Last(1000);
  EXPECT_EQ(Ids(search), Strings{"a1"});
}

TEST_F(TracesTest, TraceQlOnSingleSpansIsAskedInSql) {
  Insert({{.trace = "a1", .span = "1", .service = "web", .ago_seconds = 1, .millis = 900},
          {.trace = "a1", .span = "2", .service = "shop", .status = "Error", .ago_seconds = 1},
          {.trace = "a2", .span = "3", .service = "shop", .ago_seconds = 2}});
  EXPECT_EQ(Ids(Query("{ resource.service.name = \"shop\" }")), (Strings{"a1", "a2"}));
  EXPECT_EQ(Ids(Query("{ resource.service.name = \"shop\" && status = error }")), Strings{"a1"});
  EXPECT_EQ(Ids(Query("{ resource.service.name = \"shop\" && duration > 500ms }")), Strings{});
  EXPECT_EQ(Ids(Query("{ name =~ \"o.\" } | select(name)")), (Strings{"a1", "a2"}));
  // With a filter beside it: one span must meet both.
  auto both = Query("{ status = error }");
  both.filter.service = "web";
  EXPECT_EQ(Ids(both), Strings{});
}

TEST_F(TracesTest, TraceQlOnWholeTracesIsJudgedInMemory) {
  for (const auto& [trace, last] : {std::pair{"a1", "Error"}, {"a2", "Unset"}}) {
    Insert(
        {{.trace = trace, .span = "1", .service = "web", .ago_seconds = trace[1] - '0'},
         {.trace = trace, .span = "2", .parent = "1", .service = "shop", .ago_seconds = trace[1] - '0'},
         {.trace = trace, .span = "3", .parent = "2", .service = "db", .status = last, .ago_seconds = trace[1] - '0'}});
  }
  Insert({{.trace = "a3", .span = "1", .service = "web", .ago_seconds = 3}});
  EXPECT_EQ(Ids(Query("{ resource.service.name = \"web\" } >> { resource.service.name = \"db\" }")),
            (Strings{"a1", "a2"}));
  EXPECT_EQ(Ids(Query("{ resource.service.name = \"web\" } > { resource.service.name = \"db\" }")), Strings{});
  EXPECT_EQ(Ids(Query("{ resource.service.name = \"web\" } >> { status = error }")), Strings{"a1"});
  EXPECT_EQ(Ids(Query("{ } | count() < 3")), Strings{"a3"});
  EXPECT_EQ(Ids(Query("{ resource.service.name = \"db\" } || { .none = 1 } | count() = 1")), (Strings{"a1", "a2"}));
  EXPECT_EQ(Ids(Query("{ rootServiceName = \"web\" && status = error }")), Strings{"a1"});
  const auto found = Find(Query("{ resource.service.name = \"web\" } >> { status = error }"));
  ASSERT_EQ(found.traces.size(), 1u);
  EXPECT_EQ(found.traces[0].matched.span_id, "0000000000000003");
  EXPECT_EQ(found.traces[0].spans, 3u);
}

TEST_F(TracesTest, TheCriticalPathIsKnownOfWholeTraces) {
  Insert({{.trace = "b1", .span = "1", .service = "web", .ago_seconds = 9, .millis = 3000},
          {.trace = "b1", .span = "2", .parent = "1", .service = "db", .ago_seconds = 8, .millis = 1500},
          {.trace = "b1", .span = "3", .parent = "1", .service = "cache", .ago_seconds = 8, .millis = 1000}});
  EXPECT_EQ(Ids(Query("{ span:criticalPath = 1500ms && resource.service.name = \"db\" }")), Strings{"b1"});
  EXPECT_EQ(Ids(Query("{ span:criticalPath > 0 && resource.service.name = \"cache\" }")), Strings{});
  EXPECT_EQ(Ids(Query("{ span:criticalPath < 1s && resource.service.name = \"cache\" }")), Strings{"b1"});
  EXPECT_EQ(Ids(Query("{ } | max(span:criticalPath) > 1500ms")), Strings{});
  const std::string id = "000000000000000000000000000000b1";
  const auto whole = reader_.GetOutline(id, {});
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_TRUE(whole->has_critical_path);
  std::map<std::string, uint64_t> millis;
  for (const OutlineSpan& span : whole->spans) millis[span.span_id.substr(15)] = span.critical_path_nanos / 1'000'000;
  EXPECT_EQ(millis, (std::map<std::string, uint64_t>{{"1", 1500}, {"2", 1500}, {"3", 0}}));
  const auto trace = reader_.GetTrace(id, {});
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->spans.at(0).critical_path_nanos, 1'500'000'000u);
  // A page does not know what the rest of the trace waited for.
  const auto page = reader_.GetOutline(id, {.limit = 2, .cursor = {}});
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_FALSE(page->has_critical_path);
  EXPECT_EQ(page->spans.at(0).critical_path_nanos, 0u);
  EXPECT_EQ(reader_.GetTrace(id, {.limit = 2, .cursor = {}})->spans.at(0).critical_path_nanos, std::nullopt);
}

TEST_F(TracesTest, JudgedPagesHaveEachTraceOnceWhateverComesMeanwhile) {
  Strings wanted;
  std::vector<Row> rows;
  for (int i = 0; i < 300; ++i) {
    const std::string trace = fmt::format("{:x}", 0x1000 + i);
    rows.push_back({.trace = trace, .span = "1", .ago_seconds = i});
    rows.push_back({.trace = trace, .span = "2", .parent = "1", .ago_seconds = i});
    if (i % 3 == 0) rows.push_back({.trace = trace, .span = "3", .parent = "1", .status = "Error", .ago_seconds = i});
    if (i % 3 == 0) wanted.push_back(trace);
  }
  Insert(rows);
  auto search = Query("{ } | count() > 2");
  search.limit = 7;
  Strings ids;
  for (int page = 0; page < 100; ++page) {
    const TracePage found = Find(search);
    for (const auto& id : Ids(found)) ids.push_back(id);
    if (!found.next) break;
    search.cursor = found.next;
    if (page == 3) {
      Insert({{.trace = "b1", .span = "1"}, {.trace = "b1", .span = "2"}, {.trace = "b1", .span = "3"}}, 2);
    }
  }
  EXPECT_EQ(ids, wanted);
}

TEST_F(TracesTest, AJudgedPageEndsWhereEnoughWasLookedAt) {
  std::vector<Row> rows;
  for (int i = 0; i < 2500; ++i) {
    rows.push_back({.trace = fmt::format("{:x}", 0x1000 + i), .span = "1", .ago_seconds = 10});
  }
  rows.push_back({.trace = "1", .span = "1", .ago_seconds = 100});
  rows.push_back({.trace = "1", .span = "2", .ago_seconds = 100});
  Insert(rows);
  auto search = Query("{ } | count() > 1");
  const TracePage first = Find(search);
  EXPECT_EQ(Ids(first), Strings{});
  ASSERT_TRUE(first.next);
  search.cursor = first.next;
  const TracePage second = Find(search);
  EXPECT_EQ(Ids(second), Strings{"1"});
  EXPECT_FALSE(second.next);
}

TEST_F(TracesTest, TheDurationPlotTakesTraceQl) {
  Insert({{.trace = "a1", .span = "1", .status = "Error", .ago_seconds = 1},
          {.trace = "a1", .span = "2", .parent = "1", .ago_seconds = 1},
          {.trace = "a2", .span = "3", .ago_seconds = 2}});
  const auto single = reader_.GetScatter(Query("{ status = error }").filter, 10);
  ASSERT_TRUE(single) << single.error().message;
  EXPECT_EQ(single->matched, 1u);
  const auto judged = reader_.GetScatter(Query("{ status = error } > { }").filter, 10);
  ASSERT_TRUE(judged) << judged.error().message;
  ASSERT_EQ(judged->points.size(), 1u);
  EXPECT_EQ(judged->points[0].span_id, "0000000000000002");
}

TEST(TraceQuery, SaysWhereItIsWrongAndWhatWasMeant) {
  const auto wrong = TraceQuery::Parse("{ span.http.status_code == 500 }");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kInvalidArgument);
  EXPECT_TRUE(wrong.error().message.starts_with("column 25: ")) << wrong.error().message;
  EXPECT_NE(wrong.error().message.find("\ndid you mean `=`?"), std::string::npos) << wrong.error().message;
  EXPECT_FALSE(TraceQuery::Parse("{ } | rate()"));
  EXPECT_FALSE(TraceQuery::Parse(""));
}

TEST_F(TracesTest, OneSpanMustMeetAllConditions) {
  Insert({{.trace = "b1", .span = "1", .service = "web", .millis = 900},
          {.trace = "b1", .span = "2", .parent = "1", .service = "db", .status = "Error", .millis = 5},
          {.trace = "b2", .span = "3", .service = "db", .status = "Error", .ago_seconds = 1, .millis = 600}});
  auto search = Last(60);
  search.filter.service = "db";
  EXPECT_EQ(Ids(search), (Strings{"b1", "b2"}));
  search.filter.status = "Error";
  EXPECT_EQ(Ids(search), (Strings{"b1", "b2"}));
  search.filter.min_duration_nanos = 500'000'000;
  EXPECT_EQ(Ids(search), (Strings{"b2"}));
  search.filter.service = "x' OR 1 = 1 --\t\\";
  EXPECT_EQ(Ids(search), Strings{});
}

TEST_F(TracesTest, SpansThatNameNoServiceCanBeAskedFor) {
  Insert({{.trace = "b1", .span = "1", .service = ""}, {.trace = "b2", .span = "2", .ago_seconds = 1}});
  auto search = Last(60);
  EXPECT_EQ(Ids(search), (Strings{"b1", "b2"}));
  search.filter.service = "";
  EXPECT_EQ(Ids(search), Strings{"b1"});
  const auto scatter = reader_.GetScatter(search.filter, 10);
  ASSERT_TRUE(scatter) << scatter.error().message;
  EXPECT_EQ(scatter->matched, 1u);
}

TEST_F(TracesTest, APageBehindALongTraceMayLookAtVeryManyOthers) {
  // By time: 1,100 traces of a span, one trace of 4,000 spans, 10,000 traces of a span. The second page finds few
  // traces in its first read, and more in its next one than a statement can name.
  const auto insert = [&](int64_t from_millis, const char* trace, int count) {
    Execute(fmt::format(
        "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, Duration) SELECT 1, "
        "fromUnixTimestamp64Nano({} - toInt64(number) * 1000000), unhex(leftPad(hex({}), 32, '0')), "
        "unhex(leftPad(hex(number + 1), 16, '0')), 'web', 'op', 1 FROM numbers({})",
        now_ - from_millis * 1'000'000, trace, count));
  };
  insert(0, "number + 1", 1'100);
  insert(2'000, "999999", 4'000);
  insert(10'000, "number + 2000", 10'000);
  auto search = Last(60);
  search.limit = kTracesMax;
  std::set<std::string> found;
  for (int pages = 0; pages < 12; ++pages) {
    const TracePage page = Find(search);
    for (const auto& id : Ids(page)) EXPECT_TRUE(found.insert(id).second) << id << " came twice";
    search.cursor = page.next;
    if (!page.next) break;
  }
  EXPECT_FALSE(search.cursor);
  EXPECT_EQ(found.size(), 11'101u);
}

TEST_F(TracesTest, TheNewestAreFoundWithoutReadingTheWholeRange) {
  constexpr int kSpans = 400'000;  // one each 5 ms, a failed one each 10 s
  Execute(
      fmt::format("INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, ServiceName, SpanName, StatusCode, "
                  "Duration) SELECT 1, fromUnixTimestamp64Nano({} - ({} - toInt64(number)) * 5000000), "
                  "unhex(leftPad(hex(number + 1), 32, '0')), unhex(leftPad(hex(number + 1), 16, '0')), 'web', 'op', "
                  "if(number % 2000 = 0, 'Error', 'Unset'), 1 FROM numbers({})",
                  now_, kSpans, kSpans));
  auto search = Last(3600);
  search.limit = 10;
  const TracePage newest = Find(search);
  ASSERT_EQ(newest.traces.size(), 10u);
  EXPECT_LT(newest.scanned.rows_read, kSpans / 4);
  // After a quiet time too.
  search.filter.to_unix_nanos = now_ + 1000 * kSecond;
  const TracePage later = Find(search);
  EXPECT_EQ(Ids(later), Ids(newest));
  EXPECT_LE(later.scanned.rows_read, newest.scanned.rows_read);
  search.filter.status = "Error";
  search.limit = 5;
  const TracePage failed = Find(search);
  ASSERT_EQ(failed.traces.size(), 5u);
  EXPECT_LT(failed.scanned.rows_read, kSpans / 4);
}

TEST_F(TracesTest, ACursorBehindAllTimesIsOnlyAnotherFirstPage) {
  auto search = Last(60);
  search.cursor = TraceCursor{.from_unix_nanos = search.filter.from_unix_nanos,
                              .to_unix_nanos = search.filter.to_unix_nanos,
                              .block = INT64_MAX,
                              .key = INT64_MAX,
                              .trace_id = std::string(32, '0')};
  EXPECT_TRUE(Find(search).traces.empty());
}

TEST_F(TracesTest, SummaryCountsTheWholeTraceAndNamesItsRoot) {
  Insert(
      {{.trace = "c1", .span = "1", .name = "GET /", .ago_seconds = 100, .millis = 2000},
       {.trace = "c1", .span = "2", .parent = "1", .service = "db", .name = "q", .status = "Error", .ago_seconds = 99},
       {.trace = "c1", .span = "3", .parent = "1", .service = "late", .name = "l", .ago_seconds = 1}});
  auto search = Last(10);  // only the last span lies in the range
  const TracePage page = Find(search);
  ASSERT_EQ(page.traces.size(), 1u);
  const auto& trace = page.traces.front();
  EXPECT_EQ(trace.spans, 3u);
  EXPECT_EQ(trace.errors, 1u);
  EXPECT_EQ(trace.root_service, "web");
  EXPECT_EQ(trace.root_name, "GET /");
  EXPECT_FALSE(trace.root_missing);
  EXPECT_EQ(trace.start_unix_nanos, now_ - 100 * kSecond);
  EXPECT_EQ(trace.duration_nanos, 99u * kSecond + 10'000'000u);
  EXPECT_EQ(trace.services, (Strings{"db", "late", "web"}));
}

TEST_F(TracesTest, WithoutARootTheEarliestSpanStandsForIt) {
  Insert({{.trace = "d1", .span = "2", .parent = "1", .name = "second", .ago_seconds = 1},
          {.trace = "d1", .span = "3", .parent = "1", .name = "first", .ago_seconds = 2}});
  const TracePage page = Find(Last(60));
  ASSERT_EQ(page.traces.size(), 1u);
  EXPECT_TRUE(page.traces.front().root_missing);
  EXPECT_EQ(page.traces.front().root_name, "first");
}

TEST_F(TracesTest, ACauseIsAFailedSpanWithNoFailedOneAnywhereBelowIt) {
  Insert({{.trace = "e1", .span = "1", .name = "root", .status = "Error", .ago_seconds = 9},
          {.trace = "e1", .span = "2", .parent = "1", .name = "between", .ago_seconds = 8},
          {.trace = "e1", .span = "3", .parent = "2", .name = "cause", .status = "Error", .ago_seconds = 7},
          {.trace = "e1", .span = "4", .parent = "1", .name = "another", .status = "Error", .ago_seconds = 6},
          {.trace = "e2", .span = "1", .name = "alone", .status = "Error", .ago_seconds = 20},
          {.trace = "e2", .span = "2", .parent = "1", .ago_seconds = 19},
          {.trace = "e3", .span = "1", .ago_seconds = 30}});
  const TracePage page = Find(Last(60));
  ASSERT_EQ(Ids(page), (Strings{"e1", "e2", "e3"}));
  const auto names = [](const TraceSummary& trace) {
    Strings names;
    for (const auto& failure : trace.failures) names.push_back(failure.name);
    return names;
  };
  EXPECT_EQ(names(page.traces[0]), (Strings{"cause", "another"}));
  EXPECT_EQ(names(page.traces[1]), Strings{"alone"});
  EXPECT_EQ(names(page.traces[2]), Strings{});
}

TEST_F(TracesTest, BadFiltersAreRefused) {
  auto search = Last(60);
  search.limit = 0;
  EXPECT_EQ(reader_.Search(search).error().code, Code::kInvalidArgument);
  search.limit = kTracesMax + 1;
  EXPECT_EQ(reader_.Search(search).error().code, Code::kInvalidArgument);
  search = Last(60);
  search.filter.to_unix_nanos = search.filter.from_unix_nanos;
  EXPECT_EQ(reader_.Search(search).error().code, Code::kInvalidArgument);
}

// What a row of an earlier schema version says of its columns, and what one says that fills the columns below.
class WholeTracesTest : public TracesTest, public ::testing::WithParamInterface<const char*> {
 protected:
  void ExpectTheWholeTrace(TraceReader& reader) const;
};
INSTANTIATE_TEST_SUITE_P(FilledColumns, WholeTracesTest,
                         ::testing::Values("?",
                                           "TraceState\\nFlags\\nStatusMessage\\nScopeVersion\\nScopeId\\n"
                                           "a.http.route\\na.http.response.status_code\\nDroppedAttributesCount\\n"
                                           "DroppedEventsCount\\nDroppedLinksCount\\nRepairs\\nSamplingPolicy"));

TEST_P(WholeTracesTest, TraceHasAllFieldsWithTheirTypes) {
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types, SchemaUrl) VALUES "
      "('00112233445566778899aabbccddeeff', now(), ['service.name', 'n'], ['web', '7'], 'si', 'http://schema')");
  Execute(fmt::format(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, TraceState, Flags, SpanName, SpanKind, "
      "ServiceName, "
      "StatusCode, StatusMessage, Duration, ResourceId, ScopeName, `a.http.route`, `a.http.response.status_code`, "
      "SpanAttributes, SpanAttributeTypes, DroppedAttributesCount, Events.Timestamp, Events.Name, Events.Attributes, "
      "Events.AttributeTypes, Events.DroppedAttributesCount, Links.TraceId, Links.SpanId, Links.TraceState, "
      "Links.Attributes, Links.AttributeTypes, Links.DroppedAttributesCount, Links.Flags, AdjustedCount, ScopeVersion, "
      "ScopeId, DroppedEventsCount, DroppedLinksCount, Repairs, SamplingPolicy, FilledColumns) VALUES "
      "(1, fromUnixTimestamp64Nano({}), unhex('{}'), unhex('00000000000000aa'), 'k=v', 257, 'GET', 'Server', 'web', "
      "'Error', 'boom\\n\"quoted\"', 123456789, '00112233445566778899aabbccddeeff', 'lib', '/a', '500', "
      "{{'i': '9007199254740993', 's': 'x', 'list': '[1,\"a\"]', 'd': '0.5'}}, 'isad', 3, "
      "[fromUnixTimestamp64Nano({})], ['exception'], [{{'exception.message': 'no'}}], ['s'], [2], "
      "[unhex('000000000000000000000000000000bb')], [unhex('00000000000000cc')], ['l=1'], [{{'a': 'true'}}], ['b'], "
      "[0], "
      "[1], 4.5, 'v1', 'f0', 4, 5, 'utf8', 'slow', '{}')",
      now_ + 1, "e1000000000000000000000000000001", now_ + 2, GetParam()));
  (void)reader_.GetTrace("E1000000000000000000000000000001");
  // Now it knows what to ask for; before, it had to look.
  for (const bool knows : {true, false}) {
    SCOPED_TRACE(knows);
    TraceReader fresh(clickhouse());
    ExpectTheWholeTrace(knows ? reader_ : fresh);
  }
}

void WholeTracesTest::ExpectTheWholeTrace(TraceReader& reader) const {
  auto trace = reader.GetTrace("E1000000000000000000000000000001");
  ASSERT_TRUE(trace) << trace.error().message;
  ASSERT_EQ(trace->spans.size(), 1u);
  const Span& span = trace->spans[0];
  EXPECT_EQ(span.start_unix_nanos, now_ + 1);
  EXPECT_EQ(span.duration_nanos, 123456789u);
  EXPECT_EQ(span.span_id, "00000000000000aa");
  EXPECT_EQ(span.parent_span_id, "");
  EXPECT_EQ(span.flags, 257u);
  EXPECT_EQ(span.status_message, "boom\n\"quoted\"");
  EXPECT_EQ(span.adjusted_count, 4.5);
  EXPECT_EQ(span.trace_state, "k=v");
  EXPECT_EQ(span.scope_name, "lib");
  EXPECT_EQ(span.scope_version, "v1");
  EXPECT_EQ(span.scope_id, "f0");
  EXPECT_EQ(span.dropped_attributes, 3u);
  EXPECT_EQ(span.dropped_events, 4u);
  EXPECT_EQ(span.dropped_links, 5u);
  EXPECT_EQ(span.repairs, "utf8");
  EXPECT_EQ(span.sampling_policy, "slow");
  std::string attributes;
  for (const auto& a : span.attributes) attributes += fmt::format("{}:{}={} ", a.key, a.type, a.text);
  EXPECT_EQ(attributes,
            "d:d=0.5 http.response.status_code:i=500 http.route:s=/a i:i=9007199254740993 list:a=[1,\"a\"] s:s=x ");
  ASSERT_EQ(span.events.size(), 1u);
  EXPECT_EQ(span.events[0].unix_nanos, now_ + 2);
  EXPECT_EQ(span.events[0].attributes[0].text, "no");
  EXPECT_EQ(span.events[0].dropped_attributes, 2u);
  ASSERT_EQ(span.links.size(), 1u);
  EXPECT_EQ(span.links[0].trace_id, "000000000000000000000000000000bb");
  EXPECT_EQ(span.links[0].attributes[0].type, 'b');
  ASSERT_EQ(trace->resources.size(), 1u);
  EXPECT_EQ(trace->resources[0].id, span.resource_id);
  EXPECT_EQ(trace->resources[0].attributes[1].type, 'i');
  EXPECT_EQ(trace->resources[0].schema_url, "http://schema");
}

TEST_F(TracesTest, EachSpanOfATraceGetsItsOwnColumnsAndEvents) {
  const auto insert = [&](int block, const char* trace, const char* span, const char* values) {
    Execute(
        fmt::format("INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, Flags, `a.http.route`, "
                    "FilledColumns, Events.Timestamp, Events.Name, Events.Attributes, Events.AttributeTypes, "
                    "Events.DroppedAttributesCount) VALUES ({}, fromUnixTimestamp64Nano({}), unhex('{:0>32}'), "
                    "unhex('{:0>16}'), {})",
                    block, now_, trace, span, values));
  };
  insert(1, "d1", "1", "0, '/earlier', '?', [], [], [], [], []");
  insert(2, "d1", "2", "7, '', 'Flags', [now64(9)], ['retry'], [map()], [''], [0]");
  insert(2, "d1", "3", "0, '', '', [], [], [], [], []");
  insert(3, "d1", "3", "9, '/again', 'Flags\\na.http.route', [], [], [], [], []");  // sent a second time
  insert(4, "d2", "4", "0, '/other', 'a.http.route', [], [], [], [], []");
  const auto id = [](const char* trace) { return fmt::format("{:0>32}", trace); };
  // What the trace before has is asked for at once; this one has more.
  ASSERT_TRUE(reader_.GetTrace(id("d2")));
  auto trace = reader_.GetTrace(id("d1"));
  ASSERT_TRUE(trace) << trace.error().message;
  std::string seen;
  for (const Span& span : trace->spans) {
    seen += fmt::format("{} {}", span.span_id.back(), span.flags);
    for (const auto& attribute : span.attributes) seen += " " + attribute.text;
    for (const auto& event : span.events) seen += " " + event.name;
    seen += "; ";
  }
  EXPECT_EQ(seen, "1 0 /earlier; 2 7 retry; 3 0; 3 9 /again; ");
  auto detail = reader_.GetSpan(id("d1"), fmt::format("{:0>16}", "2"));
  ASSERT_TRUE(detail) << detail.error().message;
  EXPECT_EQ(detail->span.flags, 7u);
  ASSERT_EQ(detail->span.events.size(), 1u);
  EXPECT_EQ(detail->span.events[0].name, "retry");
}

TEST_F(TracesTest, PagesOfATraceAreStableWhileSpansArrive) {
  const std::string id = "000000000000000000000000000000ab";
  // Many of the same time, two sent twice (one of them in the same block), failures, several services.
  std::vector<Row> rows;
  for (int i = 0; i < 23; ++i) {
    rows.push_back({.trace = "ab",
                    .span = std::to_string(100 + i),
                    .parent = i == 0 ? "" : "100",
                    .service = i % 3 == 0 ? "web" : "db",
                    .status = i % 4 == 0 ? "Error" : "Unset",
                    .ago_seconds = 50 - i / 5,
                    .millis = i == 0 ? 90'000 : 10});
  }
  rows.push_back(rows[7]);
  Insert(rows, 1);
  Insert({rows[8]}, 2);
  Insert({{.trace = "cd", .span = "1", .ago_seconds = 40}}, 3);
  const auto whole = reader_.GetTrace(id);
  ASSERT_TRUE(whole) << whole.error().message;
  ASSERT_EQ(whole->spans.size(), 25U);
  EXPECT_FALSE(whole->next);
  Strings all;
  for (const auto& span : whole->spans) all.push_back(span.span_id);
  for (uint32_t limit : {1U, 2U, 4U, 7U, 24U}) {
    Strings spans, outline_spans;
    SpanPageSearch search{.limit = limit};
    int block = 4;
    do {
      auto page = reader_.GetTrace(id, search);
      ASSERT_TRUE(page) << page.error().message;
      EXPECT_LE(page->spans.size(), limit + 1);
      EXPECT_EQ(page->start_unix_nanos, whole->start_unix_nanos);
      EXPECT_EQ(page->end_unix_nanos, whole->end_unix_nanos);
      auto outline = reader_.GetOutline(id, search);
      ASSERT_TRUE(outline) << outline.error().message;
      EXPECT_EQ(outline->start_unix_nanos, whole->start_unix_nanos);
      EXPECT_EQ(outline->duration_nanos, 90'000'000'000U);
      EXPECT_EQ(outline->next.has_value(), page->next.has_value());
      for (const auto& span : page->spans) spans.push_back(span.span_id);
      for (const auto& span : outline->spans) {
        outline_spans.push_back(span.span_id);
        EXPECT_EQ(outline->services.at(span.service), (std::stoi(span.span_id) - 100) % 3 == 0 ? "web" : "db");
        EXPECT_EQ(whole->start_unix_nanos + static_cast<int64_t>(span.offset_nanos),
                  now_ - (50 - (std::stoi(span.span_id) - 100) / 5) * kSecond);
      }
      search.cursor = page->next;
      if (block == 4) {
        Insert({{.trace = "ab", .span = "1", .ago_seconds = 70}, {.trace = "ab", .span = "999", .ago_seconds = 46}},
               block++);
      }
    } while (search.cursor);
    EXPECT_EQ(spans, all) << limit;
    EXPECT_EQ(outline_spans, all) << limit;
    Execute("ALTER TABLE sightline.spans DELETE WHERE Block >= 4 SETTINGS mutations_sync = 2");
  }
  EXPECT_EQ(reader_.GetTrace(id, {.limit = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(reader_.GetOutline(id, {.limit = kTraceSpansMax + 1}).error().code, Code::kInvalidArgument);
}

TEST_F(TracesTest, APrefixFindsItsTraceOnlyWhenItIsTheOnlyOne) {
  Execute(
      fmt::format("INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId) SELECT 1, "
                  "fromUnixTimestamp64Nano({}), unhex(t), unhex('00000000000000aa') FROM (SELECT arrayJoin(["
                  "'abcd0000000000000000000000000001', 'abcd0000000000000000000000000002', "
                  "'abce0000000000000000000000000003']) AS t)",
                  now_));
  auto unique = reader_.GetTrace("abce");
  ASSERT_TRUE(unique) << unique.error().message;
  EXPECT_EQ(unique->trace_id, "abce0000000000000000000000000003");
  auto ambiguous = reader_.GetTrace("abcd");
  ASSERT_FALSE(ambiguous);
  EXPECT_EQ(ambiguous.error().code, Code::kInvalidArgument);
  EXPECT_NE(ambiguous.error().message.find("abcd0000000000000000000000000002"), std::string::npos);
  EXPECT_EQ(reader_.GetTrace("beef").error().code, Code::kNotFound);
  EXPECT_EQ(reader_.GetTrace("beef0000000000000000000000000003").error().code, Code::kNotFound);
  EXPECT_EQ(reader_.GetTrace("xyz!").error().code, Code::kInvalidArgument);
  EXPECT_EQ(reader_.GetTrace("ab").error().code, Code::kInvalidArgument);
  EXPECT_EQ(reader_.GetTrace("' OR 1=1 --").error().code, Code::kInvalidArgument);
}

TEST_F(TracesTest, StatusCountsWhatIsStored) {
  Insert({{.trace = "f1", .span = "1", .ago_seconds = 30}, {.trace = "f2", .span = "2", .ago_seconds = 20}});
  auto status = ReadStatus(clickhouse());
  ASSERT_TRUE(status) << status.error().message;
  ASSERT_EQ(status->size(), 3u);
  EXPECT_EQ(status->at(0).signal, "traces");
  EXPECT_EQ(status->at(0).rows, 2u);
  EXPECT_GT(status->at(0).bytes_on_disk, 0u);
  EXPECT_EQ(status->at(0).newest_unix_nanos, now_ - 20 * kSecond);
  EXPECT_EQ(status->at(1).rows, 0u);
}

}  // namespace
}  // namespace sightline::query
