// Typed questions about log records, on the real engine. Rows are written by SQL, so that the test says what is in the
// store.
#include "query/logs.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using testing::EngineTest;

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kHour = 3600 * kSecond, kDay = 24 * kHour;

using Strings = std::vector<std::string>;

class LogsTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped()) return;
    // Now, so that nothing runs into the retention; whole minutes make steps that can be counted.
    now_ = Clock::System().UnixNanos() / (60 * kSecond) * (60 * kSecond);
    Execute("TRUNCATE TABLE sightline.logs");
    Execute("TRUNCATE TABLE sightline.attribute_sets");
  }

  struct Row {
    std::string body;
    int64_t ago_nanos = kSecond;
    std::string service = "web";
    int severity = 9;
    std::string trace, span;
    std::string attributes = "{}";
    std::string resource;
  };

  void Insert(int block, const std::vector<Row>& rows) {
    std::string sql =
        "INSERT INTO sightline.logs (Block, Timestamp, Body, BodyType, ServiceName, SeverityNumber, TraceId, SpanId, "
        "LogAttributes, ResourceId) VALUES ";
    for (const auto& row : rows) {
      sql += fmt::format("({}, fromUnixTimestamp64Nano({}), '{}', 's', '{}', {}, unhex('{}'), unhex('{}'), {}, '{}'),",
                         block, now_ - row.ago_nanos, row.body, row.service, row.severity, row.trace, row.span,
                         row.attributes, row.resource);
    }
    sql.pop_back();
    Execute(sql);
  }

  LogSearch Last(int64_t nanos) const {
    LogSearch search;
    search.filter.from_unix_nanos = now_ - nanos;
    search.filter.to_unix_nanos = now_ + kSecond;
    return search;
  }

  LogPage Find(const LogSearch& search) {
    auto page = reader_.Search(search);
    EXPECT_TRUE(page) << page.error().message;
    return page ? std::move(*page) : LogPage();
  }

  static void AddBodies(const LogPage& page, Strings& bodies) {
    for (const auto& record : page.records) bodies.push_back(record.body.text);
  }
  Strings Bodies(const LogSearch& search) {
    Strings bodies;
    AddBodies(Find(search), bodies);
    return bodies;
  }

  // All pages; `between` runs after each.
  template <typename Between>
  Strings AllPages(LogSearch search, Between between) {
    Strings bodies;
    for (int pages = 0; pages < 1000; ++pages) {
      const LogPage page = Find(search);
      EXPECT_LE(page.records.size(), search.limit);
      AddBodies(page, bodies);
      if (!page.next) return bodies;
      search.cursor = page.next;
      between(pages);
    }
    ADD_FAILURE() << "the list does not end";
    return bodies;
  }

  Code Refusal(const LogSearch& search) {
    auto page = reader_.Search(search);
    return page ? Code::kInternal : page.error().code;
  }

  int64_t now_ = 0;
  LogReader reader_{*testing::kEngine->clickhouse()};
};

TEST_F(LogsTest, NewestOrOldestFirstHoweverFarApart) {
  Insert(1, {{"seconds", 5 * kSecond}, {"hours", 7 * kHour}, {"minutes", 300 * kSecond}});
  Insert(2, {{"days", 9 * kDay}, {"an hour", kHour}});
  LogSearch search = Last(10 * kDay);
  EXPECT_EQ(Bodies(search), (Strings{"seconds", "minutes", "an hour", "hours", "days"}));
  search.limit = 2;
  EXPECT_EQ(Bodies(search), (Strings{"seconds", "minutes"}));
  search.sort = LogSort::kOldest;
  EXPECT_EQ(Bodies(search), (Strings{"days", "hours"}));
  search = Last(kHour);  // its start is included
  EXPECT_EQ(Bodies(search), (Strings{"seconds", "minutes", "an hour"}));
  search.filter.to_unix_nanos = now_ - 5 * kSecond;  // its end is not
  EXPECT_EQ(Bodies(search), (Strings{"minutes", "an hour"}));
}

TEST_F(LogsTest, AConditionInTraceQlHoldsToo) {
  Insert(1, {{.body = "Request timed out", .severity = 17},
             {.body = "timed out, again", .service = "shop", .severity = 9},
             {.body = "fine", .service = "shop", .severity = 13}});
  LogSearch search = Last(kHour);
  const auto find = [&](std::string_view text) {
    auto condition = ParseLogQuery(text);
    EXPECT_TRUE(condition) << condition.error().message;
    search.filter.condition = condition.value_or(nullptr);
    return Bodies(search);
  };
  EXPECT_EQ(find("{ severity >= warn }").size(), 2u);
  EXPECT_EQ(find("\"timed out\" { severity >= error }"), Strings{"Request timed out"});
  EXPECT_EQ(find("{ resource.service.name = \"shop\" } !fine"), Strings{"timed out, again"});
  search.filter.service = "web";
  EXPECT_EQ(find("timed"), Strings{"Request timed out"});
  const auto wrong = ParseLogQuery("{ severity > }");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kInvalidArgument);
}

TEST_F(LogsTest, EqualTimesStandInTheOrderOfArrival) {
  Insert(1, {{"a"}, {"b"}, {"c"}});
  Insert(2, {{"d"}, {"e"}});
  LogSearch search = Last(60 * kSecond);
  EXPECT_EQ(Bodies(search), (Strings{"e", "d", "c", "b", "a"}));
  search.sort = LogSort::kOldest;
  EXPECT_EQ(Bodies(search), (Strings{"a", "b", "c", "d", "e"}));
}

TEST_F(LogsTest, RecordHasAllFieldsWithTheirTypes) {
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types, SchemaUrl) VALUES "
      "('00112233445566778899aabbccddeeff', now(), ['service.name', 'n'], ['web', '7'], 'si', 'http://schema')");
  Execute(fmt::format(
      "INSERT INTO sightline.logs (Block, Timestamp, ObservedTimestamp, TraceId, SpanId, Flags, SeverityText, "
      "SeverityNumber, ServiceName, Body, BodyType, EventName, ResourceId, ScopeName, ScopeVersion, LogAttributes, "
      "LogAttributeTypes, DroppedAttributesCount, Repairs) VALUES (1, fromUnixTimestamp64Nano({}), "
      "fromUnixTimestamp64Nano({}), unhex('a1000000000000000000000000000001'), unhex('00000000000000aa'), 257, 'WARN', "
      "13, 'web', '{{\"k\":[1,2]}}', 'm', 'started', '00112233445566778899aabbccddeeff', 'lib', '1.2', "
      "{{'s': 'x', 'i': '9007199254740993', 'e': ''}}, 'sie', 3, 'time_clamped')",
      now_ - 7, now_ - 5));
  const LogPage page = Find(Last(kSecond));
  ASSERT_EQ(page.records.size(), 1u);
  const LogRecord& record = page.records[0];
  EXPECT_EQ(record.unix_nanos, now_ - 7);
  EXPECT_EQ(record.observed_unix_nanos, now_ - 5);
  EXPECT_EQ(record.severity_number, 13);
  EXPECT_EQ(record.severity_text, "WARN");
  EXPECT_EQ(record.service, "web");
  EXPECT_EQ(record.body.type, 'm');
  EXPECT_EQ(record.body.text, "{\"k\":[1,2]}");
  EXPECT_EQ(record.event_name, "started");
  EXPECT_EQ(record.trace_id, "a1000000000000000000000000000001");
  EXPECT_EQ(record.span_id, "00000000000000aa");
  EXPECT_EQ(record.flags, 257u);
  EXPECT_EQ(record.scope_name, "lib");
  EXPECT_EQ(record.scope_version, "1.2");
  EXPECT_EQ(record.dropped_attributes, 3u);
  EXPECT_EQ(record.repairs, "time_clamped");
  std::string attributes;
  for (const auto& a : record.attributes) attributes += fmt::format("{}:{}={} ", a.key, a.type, a.text);
  EXPECT_EQ(attributes, "e:e= i:i=9007199254740993 s:s=x ");
  ASSERT_EQ(page.attribute_sets.size(), 1u);
  EXPECT_EQ(page.attribute_sets[0].id, record.resource_id);
  EXPECT_EQ(page.attribute_sets[0].attributes[1].type, 'i');
  EXPECT_GT(page.scanned.rows_read, 0u);
}

TEST_F(LogsTest, WithoutATraceTheIdsAreEmpty) {
  Insert(1, {{"plain"}});
  const LogPage page = Find(Last(kHour));
  ASSERT_EQ(page.records.size(), 1u);
  EXPECT_EQ(page.records[0].trace_id, "");
  EXPECT_EQ(page.records[0].span_id, "");
}

TEST_F(LogsTest, AllConditionsMustHold) {
  const std::string trace = "000000000000000000000000000000ab";
  Insert(1, {{.body = "one", .service = "web", .severity = 9, .trace = trace, .span = "00000000000000aa"},
             {.body = "two", .ago_nanos = 2 * kSecond, .service = "web", .severity = 17, .trace = trace},
             {.body = "three", .ago_nanos = 3 * kSecond, .service = "db", .severity = 13},
             {.body = "four", .ago_nanos = 4 * kSecond, .service = "db", .severity = 0},
             {.body = "five", .ago_nanos = 5 * kSecond, .service = "", .severity = 0}});
  auto with = [&](auto change) {
    LogSearch search = Last(kHour);
    change(search.filter);
    return Bodies(search);
  };
  EXPECT_EQ(with([](LogFilter& f) { f.service = "db"; }), (Strings{"three", "four"}));
  EXPECT_EQ(with([](LogFilter& f) { f.service = ""; }), Strings{"five"});
  EXPECT_EQ(with([](LogFilter& f) { f.service = "x' OR 1 = 1 --\t\\"; }), Strings{});
  EXPECT_EQ(with([](LogFilter& f) { f.severity_min = 13; }), (Strings{"two", "three"}));
  EXPECT_EQ(with([](LogFilter& f) { f.severity_min = 1; }), (Strings{"one", "two", "three"}));
  EXPECT_EQ(with([&](LogFilter& f) { f.trace_id = trace; }), (Strings{"one", "two"}));
  EXPECT_EQ(with([](LogFilter& f) { f.span_id = "00000000000000AA"; }), Strings{"one"});
  EXPECT_EQ(with([&](LogFilter& f) { f.trace_id = trace, f.severity_min = 17; }), Strings{"two"});
  EXPECT_EQ(with([](LogFilter& f) { f.service = "db", f.text = "o"; }), Strings{"four"});
}

TEST_F(LogsTest, TextIsFoundAnywhereAndCaseDoesNotMatter) {
  Insert(1, {{"Connection Reset by peer"}, {"100%_done"}, {"GRÖSSE unbekannt"}, {"it\\'s \\\\ over"}, {""}});
  auto with = [&](const std::string& text) {
    LogSearch search = Last(kHour);
    search.filter.text = text;
    return Bodies(search);
  };
  EXPECT_EQ(with("connection"), Strings{"Connection Reset by peer"});
  EXPECT_EQ(with("TION RES"), Strings{"Connection Reset by peer"});
  EXPECT_EQ(with("Peer"), Strings{"Connection Reset by peer"});
  EXPECT_EQ(with("%_D"), Strings{"100%_done"});
  EXPECT_EQ(with("%"), Strings{"100%_done"});
  EXPECT_EQ(with("größe"), Strings{});  // ß is not SS
  EXPECT_EQ(with("grösse UN"), Strings{"GRÖSSE unbekannt"});
  EXPECT_EQ(with("'s \\ O"), Strings{"it's \\ over"});
  EXPECT_EQ(with("connection  reset"), Strings{});
}

// Blocks of earlier versions got the index on bodies when they were merged; what it says must not change what is found,
// in whole parts or in small ones.
TEST_F(LogsTest, TextIsFoundWithAndWithoutTheIndex) {
  const std::string insert = fmt::format(
      "INSERT INTO sightline.logs (Block, Timestamp, Body) SELECT intDiv(number, 5000), fromUnixTimestamp64Nano({} - "
      "number), concat('Order ', toString(number * 7919), if(number = 8111, ' REFUSED: 100%_\\\\ of stock', ' "
      "placed')) FROM numbers(20000) SETTINGS exclude_materialize_skip_indexes_on_insert = 'idx_body', "
      "max_block_size = 5000, min_insert_block_size_rows = 5000",
      now_);
  Execute(insert);
  const std::string wanted = fmt::format("Order {} REFUSED: 100%_\\ of stock", 8111 * 7919);
  for (int i = 0; i < 2; ++i) {
    LogSearch search = Last(kHour);
    for (const std::string& text : {std::string("refused"), std::string(": 100%_\\ OF"),
                                    fmt::format("{} r", 8111 * 7919), std::string("d: 100%_"), wanted}) {
      search.filter.text = text;
      EXPECT_EQ(Bodies(search), Strings{wanted}) << text;
    }
    for (const std::string text : {"refused: 100%%", "refused: 100_", "accepted", "order 7919\\", "order  7919"}) {
      search.filter.text = text;
      EXPECT_EQ(Bodies(search), Strings{}) << text;
    }
    Execute("OPTIMIZE TABLE sightline.logs FINAL");
  }
  auto used = clickhouse().Rows(
      "SELECT count() FROM (EXPLAIN indexes = 1 SELECT count() FROM sightline.logs WHERE lower(Body) LIKE '%nowhere%') "
      "WHERE explain LIKE '%idx_body%'");
  ASSERT_TRUE(used) << used.error().message;
  EXPECT_EQ(used->at(0).at(0), "1");
}

TEST_F(LogsTest, AttributesOfTheRecordComeBeforeThoseOfItsResource) {
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES ('aa', now(), ['region'], ['eu'], "
      "'s'), ('bb', now(), ['region'], ['us'], 's')");
  Insert(1, {{.body = "resource", .resource = "aa"},
             {.body = "record", .ago_nanos = 2 * kSecond, .attributes = "{'region': 'eu'}", .resource = "bb"},
             {.body = "hidden", .ago_nanos = 3 * kSecond, .attributes = "{'region': 'us'}", .resource = "aa"}});
  LogSearch search = Last(kHour);
  search.filter.attributes = {{"region", "eu", false}};
  EXPECT_EQ(Bodies(search), (Strings{"resource", "record"}));
  search.filter.attributes = {{"region", "eu", true}};
  EXPECT_EQ(Bodies(search), (Strings{"resource", "hidden"}));
  search.filter.attributes = {{"region", "eu", true}, {"region", "us", false}};
  EXPECT_EQ(Bodies(search), Strings{"hidden"});
}

// Pages must join to the list as it was at the first of them: while blocks arrive that would stand on every page, while
// parts are merged, and wherever a page ends: within records of one time, within a block of them, at its boundary.
TEST_F(LogsTest, PagesAreStableWhileDataArrivesAndParts) {
  std::vector<std::vector<Row>> blocks(4);
  for (int i = 0; i < 24; ++i) {
    // Blocks 1 to 4 share the times 1 s, 2 s and 100 s, six records of each time a block at most.
    const int64_t ago = i % 3 == 0 ? kSecond : i % 3 == 1 ? 2 * kSecond : 100 * kSecond;
    blocks[static_cast<size_t>(i / 6)].push_back({.body = fmt::format("r{}", i), .ago_nanos = ago});
  }
  for (LogSort sort : {LogSort::kNewest, LogSort::kOldest}) {
    for (uint32_t limit : {1u, 4u, 5u, 24u}) {
      Execute("TRUNCATE TABLE sightline.logs");
      for (size_t i = 0; i < blocks.size(); ++i) Insert(static_cast<int>(i) + 1, blocks[i]);
      LogSearch search = Last(kHour);
      search.sort = sort;
      const Strings all = Bodies(search);
      ASSERT_EQ(all.size(), 24u);
      search.limit = limit;
      const Strings paged = AllPages(search, [&](int page) {
        Insert(10 + page, {{"late"}, {"late", 2 * kSecond}, {"late", 100 * kSecond}, {"late", 50 * kSecond}});
        if (page % 2 == 1) Execute("OPTIMIZE TABLE sightline.logs FINAL");
      });
      EXPECT_EQ(paged, all) << "limit " << limit;
    }
  }
}

TEST_F(LogsTest, PagesOfConditionsAreStableToo) {
  for (int block = 1; block <= 3; ++block) {
    std::vector<Row> rows;
    for (int i = 0; i < 9; ++i) {
      rows.push_back({.body = fmt::format("{} {}.{}", i % 2 == 0 ? "hit" : "miss", block, i), .service = "web"});
    }
    Insert(block, rows);
  }
  LogSearch search = Last(kHour);
  search.filter.text = "HIT";
  const Strings all = Bodies(search);
  ASSERT_EQ(all.size(), 15u);
  search.limit = 2;
  EXPECT_EQ(AllPages(search, [&](int page) { Insert(10 + page, {{"hit late"}}); }), all);
}

TEST_F(LogsTest, OfATraceWithoutARangeAllTimesAreLookedAt) {
  const std::string trace = "000000000000000000000000000000cd";
  Insert(1, {{.body = "old", .ago_nanos = 20 * kDay, .trace = trace}});
  Insert(2, {{.body = "new", .trace = trace}, {.body = "other"}});
  LogSearch search;
  EXPECT_EQ(Refusal(search), Code::kInvalidArgument);
  search.filter.trace_id = trace;
  search.sort = LogSort::kOldest;
  EXPECT_EQ(Bodies(search), (Strings{"old", "new"}));
  search.limit = 1;
  EXPECT_EQ(AllPages(search, [](int) {}), (Strings{"old", "new"}));
  search.sort = LogSort::kNewest;
  EXPECT_EQ(AllPages(search, [](int) {}), (Strings{"new", "old"}));
}

TEST_F(LogsTest, LogsOfATraceAreThoseNearItsTimes) {
  const std::string trace = "000000000000000000000000000000ef";
  Insert(1, {{.body = "last", .ago_nanos = kHour, .trace = trace},
             {.body = "too late", .ago_nanos = kHour - kSecond, .trace = trace},
             {.body = "first", .ago_nanos = 4 * kHour, .trace = trace},
             {.body = "too early", .ago_nanos = 4 * kHour + 1, .trace = trace},
             {.body = "other", .ago_nanos = 3 * kHour}});
  auto page = reader_.GetOfTrace(trace, now_ - 3 * kHour, now_ - 2 * kHour + 1);
  ASSERT_TRUE(page) << page.error().message;
  Strings bodies;
  AddBodies(*page, bodies);
  EXPECT_EQ(bodies, (Strings{"first", "last"}));
  EXPECT_FALSE(page->next);
  Insert(2, std::vector<Row>(kLogsMax, {.body = "many", .ago_nanos = 3 * kHour, .trace = trace}));
  page = reader_.GetOfTrace(trace, now_ - 3 * kHour, now_ - 2 * kHour);
  ASSERT_TRUE(page) << page.error().message;
  EXPECT_EQ(page->records.size(), kLogsMax);
  EXPECT_EQ(page->records[0].body.text, "first");
  ASSERT_TRUE(page->next);
  Insert(3, {{.body = "new", .ago_nanos = 2 * kHour, .trace = trace}});
  LogSearch rest{.sort = LogSort::kOldest, .cursor = page->next};
  rest.filter.trace_id = trace;
  auto last = reader_.Search(rest);
  ASSERT_TRUE(last) << last.error().message;
  bodies.clear();
  AddBodies(*last, bodies);
  EXPECT_EQ(bodies, (Strings{"many"}));
  EXPECT_FALSE(last->next);
  EXPECT_EQ(reader_.GetOfTrace("abc", 0, 1).error().code, Code::kInvalidArgument);
}

TEST_F(LogsTest, BadQuestionsAreRefused) {
  Insert(1, {{"a"}, {"b"}});
  LogSearch search = Last(kHour);
  search.limit = 0;
  EXPECT_EQ(Refusal(search), Code::kInvalidArgument);
  search.limit = kLogsMax + 1;
  EXPECT_EQ(Refusal(search), Code::kInvalidArgument);
  search = Last(kHour);
  search.filter.to_unix_nanos = search.filter.from_unix_nanos;
  EXPECT_EQ(Refusal(search), Code::kInvalidArgument);
  search = Last(kHour);
  search.filter.trace_id = "abcd";
  EXPECT_EQ(Refusal(search), Code::kInvalidArgument);
  search.filter.trace_id = "";
  search.filter.span_id = "000000000000000g";
  EXPECT_EQ(Refusal(search), Code::kInvalidArgument);
  search = Last(kHour);
  search.limit = 1;
  search.cursor = Find(search).next;
  ASSERT_TRUE(search.cursor);
  search.sort = LogSort::kOldest;
  EXPECT_EQ(Refusal(search), Code::kInvalidArgument);
}

TEST_F(LogsTest, AnInstancesRecordsAreThoseOfAllItsResources) {
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES "
      "('i1', now(), ['service.name', 'service.instance.id', 'host.name'], ['web', '1', 'a'], 'sss'), "
      "('i1b', now(), ['service.instance.id', 'service.name', 'os'], ['1', 'web', 'linux'], 'sss'), "
      "('i2', now(), ['service.name', 'service.instance.id', 'host.name'], ['web', '2', 'a'], 'sss'), "
      "('other', now(), ['service.name', 'service.instance.id'], ['db', '1'], 'ss'), "
      "('host', now(), ['service.name', 'host.name'], ['web', 'a'], 'ss'), "
      "('bare', now(), ['service.name'], ['web'], 's')");
  int64_t ago = 10;
  for (const char* resource : {"i1", "i2", "i1b", "other", "host", "bare", "i1", "unknown"}) {
    Insert(1, {{.body = fmt::format("{} {}", resource, ago), .ago_nanos = ago, .resource = resource}});
    --ago;
  }
  LogSearch search = Last(kHour);
  search.sort = LogSort::kOldest;
  search.filter.instance_of = "i1b";
  const LogPage page = Find(search);
  Strings bodies;
  AddBodies(page, bodies);
  EXPECT_EQ(bodies, (Strings{"i1 10", "i1b 8", "i1 4"}));
  ASSERT_TRUE(page.instance);
  EXPECT_EQ(page.instance->service, "web");
  EXPECT_EQ(page.instance->attribute, "service.instance.id");
  EXPECT_EQ(page.instance->value, "1");
  search.filter.instance_of = "host";
  EXPECT_EQ(Bodies(search), (Strings{"i1 10", "i2 9", "host 6", "i1 4"}));
  for (const char* alone : {"bare", "unknown"}) {
    search.filter.instance_of = alone;
    EXPECT_EQ(Bodies(search).size(), 1u) << alone;
  }
  // Pages go on in both directions from one record.
  search.filter.instance_of = "i1";
  search.limit = 1;
  search.filter.from_unix_nanos = now_ - 8;
  EXPECT_EQ(AllPages(search, [](int) {}), (Strings{"i1b 8", "i1 4"}));
  search.filter.from_unix_nanos = now_ - kHour;
  search.filter.to_unix_nanos = now_ - 4;
  search.sort = LogSort::kNewest;
  EXPECT_EQ(AllPages(search, [](int) {}), (Strings{"i1b 8", "i1 10"}));
}

TEST_F(LogsTest, VolumeCountsByStepAndSeverity) {
  Insert(1, {{.body = "in", .ago_nanos = 1, .severity = 9},
             {.body = "in", .ago_nanos = 60 * kSecond, .severity = 12},
             {.body = "in", .ago_nanos = 60 * kSecond + 1, .severity = 17},
             {.body = "in", .ago_nanos = 90 * kSecond, .severity = 0},
             {.body = "out", .ago_nanos = 90 * kSecond + 1, .severity = 24}});
  Insert(2, {{.body = "IN TOO", .ago_nanos = 2, .severity = 24}, {.body = "future", .ago_nanos = 0}});
  LogFilter filter;
  filter.from_unix_nanos = now_ - 90 * kSecond;
  filter.to_unix_nanos = now_;
  auto volume = reader_.GetVolume(filter, 60);
  ASSERT_TRUE(volume) << volume.error().message;
  EXPECT_EQ(volume->from_unix_nanos, now_ - 120 * kSecond);
  EXPECT_EQ(volume->to_unix_nanos, now_);
  EXPECT_EQ(volume->total, 5u);
  using Counts = std::vector<uint64_t>;
  EXPECT_EQ(volume->counts[0], (Counts{1, 0}));  // unset
  EXPECT_EQ(volume->counts[1], Counts{});        // trace
  EXPECT_EQ(volume->counts[3], (Counts{0, 2}));  // info
  EXPECT_EQ(volume->counts[5], (Counts{1, 0}));  // error
  EXPECT_EQ(volume->counts[6], (Counts{0, 1}));  // fatal
  filter.text = "too";
  volume = reader_.GetVolume(filter, 60);
  ASSERT_TRUE(volume) << volume.error().message;
  EXPECT_EQ(volume->total, 1u);
  EXPECT_EQ(volume->counts[6], (Counts{0, 1}));
  filter.text = "nowhere";
  volume = reader_.GetVolume(filter, 60);
  ASSERT_TRUE(volume) << volume.error().message;
  EXPECT_EQ(volume->total, 0u);
  for (const auto& counts : volume->counts) EXPECT_TRUE(counts.empty());
}

TEST_F(LogsTest, VolumeRefusesTooManyStepsAndNoRange) {
  LogFilter filter;
  filter.from_unix_nanos = now_ - kVolumeStepsMax * kSecond;
  filter.to_unix_nanos = now_;
  EXPECT_TRUE(reader_.GetVolume(filter, 1));
  filter.to_unix_nanos = now_ + 1;
  EXPECT_EQ(reader_.GetVolume(filter, 1).error().code, Code::kInvalidArgument);
  EXPECT_EQ(reader_.GetVolume(filter, 0).error().code, Code::kInvalidArgument);
  filter = LogFilter();
  filter.trace_id = "000000000000000000000000000000cd";
  EXPECT_EQ(reader_.GetVolume(filter, 60).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace sightline::query
