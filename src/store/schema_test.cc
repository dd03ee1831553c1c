// The schema on a real ClickHouse of either kind: made, found again, changed by configuration, refused when it is
// newer; and the views that other tools read.
#include "store/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>

#include "store/testing/stores.h"

namespace sightline::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Kind;
using ::testing::Not;

class Schema : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::kRemote && testing::ChildServer::Program().empty()) {
      GTEST_SKIP() << "no sightline-clickhouse: name one with SIGHTLINE_CLICKHOUSE_BIN";
    }
    directory_ = std::make_unique<testing::TempDirectory>();
    Reopen();
  }

  void Reopen() {
    store_.reset();
    store_ = std::make_unique<testing::TestStore>(GetParam(), directory_->path());
    ASSERT_EQ(store_->error(), "");
  }

  ClickHouse& store() { return **store_; }

  void Open(const SchemaOptions& options = {}) {
    auto opened = OpenSchema(store(), options);
    ASSERT_TRUE(opened) << opened.error().message;
  }

  void Execute(const std::string& sql) {
    auto done = store().Execute(sql);
    ASSERT_TRUE(done) << sql << ": " << done.error().message;
  }

  std::vector<std::vector<std::string>> Rows(const std::string& sql) {
    auto rows = store().Rows(sql, {.settings = {{"database", "sightline"}}});
    EXPECT_TRUE(rows) << sql << ": " << rows.error().message;
    return rows ? *rows : std::vector<std::vector<std::string>>();
  }

  std::string Value(const std::string& sql) {
    auto rows = Rows(sql);
    return rows.size() == 1 && rows[0].size() == 1 ? rows[0][0] : fmt::format("{} rows", rows.size());
  }

  std::string Engine(const std::string& table) {
    return Value("SELECT engine_full FROM system.tables WHERE database = 'sightline' AND name = '" + table + "'");
  }

  // "name type" of each column as DESCRIBE gives it.
  std::vector<std::string> Describe(const std::string& table) {
    std::vector<std::string> columns;
    for (const auto& row : Rows("DESCRIBE TABLE sightline." + table)) columns.push_back(row[0] + " " + row[1]);
    return columns;
  }

  std::unique_ptr<testing::TempDirectory> directory_;
  std::unique_ptr<testing::TestStore> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, Schema, ::testing::ValuesIn(testing::Kinds()),
                         [](const auto& info) { return testing::KindName(info.param); });

// The columns that the OpenTelemetry Collector's exporter makes, in its order; metric times with nanoseconds.
const std::string kMap = "Map(LowCardinality(String), String)";
const std::string kLow = "LowCardinality(String)";

std::vector<std::string> TraceColumns() {
  return {"Timestamp DateTime64(9)",
          "TraceId String",
          "SpanId String",
          "ParentSpanId String",
          "TraceState String",
          "SpanName " + kLow,
          "SpanKind " + kLow,
          "ServiceName " + kLow,
          "ResourceAttributes " + kMap,
          "ScopeName String",
          "ScopeVersion String",
          "SpanAttributes " + kMap,
          "Duration UInt64",
          "StatusCode " + kLow,
          "StatusMessage String",
          "Events.Timestamp Array(DateTime64(9))",
          "Events.Name Array(" + kLow + ")",
          "Events.Attributes Array(" + kMap + ")",
          "Links.TraceId Array(String)",
          "Links.SpanId Array(String)",
          "Links.TraceState Array(String)",
          "Links.Attributes Array(" + kMap + ")"};
}

std::vector<std::string> LogColumns() {
  std::vector<std::string> columns = {"Timestamp DateTime64(9)",
                                      "TraceId String",
                                      "SpanId String",
                                      "TraceFlags UInt8",
                                      "SeverityText " + kLow,
                                      "SeverityNumber UInt8",
                                      "ServiceName " + kLow,
                                      "Body String",
                                      "ResourceSchemaUrl " + kLow,
                                      "ResourceAttributes " + kMap,
                                      "ScopeSchemaUrl " + kLow,
                                      "ScopeName String",
                                      "ScopeVersion " + kLow,
                                      "ScopeAttributes " + kMap,
                                      "LogAttributes " + kMap,
                                      "EventName String"};
  for (const char* key : {"k8s.cluster.name", "k8s.container.name", "k8s.deployment.name", "k8s.namespace.name",
                          "k8s.node.name", "k8s.pod.name", "k8s.pod.uid", "deployment.environment.name"}) {
    columns.push_back(fmt::format("__otel_materialized_{} {}", key, kLow));
  }
  return columns;
}

std::vector<std::string> MetricColumns(const std::vector<std::string>& own) {
  std::vector<std::string> columns = {
      "ResourceAttributes " + kMap,  "ResourceSchemaUrl String",     "ScopeName String",      "ScopeVersion String",
      "ScopeAttributes " + kMap,     "ScopeDroppedAttrCount UInt32", "ScopeSchemaUrl String", "ServiceName " + kLow,
      "MetricName " + kLow,          "MetricDescription String",     "MetricUnit String",     "Attributes " + kMap,
      "StartTimeUnix DateTime64(9)", "TimeUnix DateTime64(9)"};
  for (const std::string& column : own) {
    if (column != "Exemplars") {
      columns.push_back(column);
      continue;
    }
    columns.push_back("Exemplars.FilteredAttributes Array(" + kMap + ")");
    columns.push_back("Exemplars.TimeUnix Array(DateTime64(9))");
    columns.push_back("Exemplars.Value Array(Float64)");
    columns.push_back("Exemplars.SpanId Array(String)");
    columns.push_back("Exemplars.TraceId Array(String)");
  }
  return columns;
}

TEST_P(Schema, ViewsHaveTheExportersColumnsFirst) {
  Open();
  const std::map<std::string, std::vector<std::string>> expected = {
      {"otel_traces", TraceColumns()},
      {"otel_traces_trace_id_ts", {"TraceId String", "Start DateTime", "End DateTime"}},
      {"otel_logs", LogColumns()},
      {"otel_metrics_gauge", MetricColumns({"Value Float64", "Flags UInt32", "Exemplars"})},
      {"otel_metrics_sum", MetricColumns({"Value Float64", "Flags UInt32", "Exemplars", "AggregationTemporality Int32",
                                          "IsMonotonic Bool"})},
      {"otel_metrics_histogram",
       MetricColumns({"Count UInt64", "Sum Float64", "BucketCounts Array(UInt64)", "ExplicitBounds Array(Float64)",
                      "Exemplars", "Flags UInt32", "Min Float64", "Max Float64", "AggregationTemporality Int32"})},
      {"otel_metrics_exponential_histogram",
       MetricColumns({"Count UInt64", "Sum Float64", "Scale Int32", "ZeroCount UInt64", "PositiveOffset Int32",
                      "PositiveBucketCounts Array(UInt64)", "NegativeOffset Int32",
                      "NegativeBucketCounts Array(UInt64)", "Exemplars", "Flags UInt32", "Min Float64", "Max Float64",
                      "AggregationTemporality Int32"})},
      {"otel_metrics_summary", MetricColumns({"Count UInt64", "Sum Float64", "ValueAtQuantiles.Quantile Array(Float64)",
                                              "ValueAtQuantiles.Value Array(Float64)", "Flags UInt32"})}};
  for (const auto& [view, columns] : expected) {
    std::vector<std::string> described = Describe(view);
    ASSERT_GE(described.size(), columns.size()) << view;
    described.resize(columns.size());
    EXPECT_EQ(described, columns) << view;
  }
}

TEST_P(Schema, OurColumnsOfTracesStandBehind) {
  Open();
  std::vector<std::string> described = Describe("otel_traces");
  described.erase(described.begin(), described.begin() + static_cast<int>(TraceColumns().size()));
  EXPECT_THAT(described, ::testing::IsSupersetOf({"AdjustedCount Float64", "SamplingPolicy LowCardinality(String)",
                                                  "SpanAttributeTypes String", "Repairs LowCardinality(String)",
                                                  "DroppedAttributesCount UInt32", "Flags UInt32",
                                                  "ScopeAttributes Map(LowCardinality(String), String)"}));
}

TEST_P(Schema, TracesViewPutsEverythingBack) {
  Open();
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types, SchemaUrl) VALUES "
      "('r1', now(), ['service.name', 'host.name'], ['shop', 'h1'], 'ss', 'https://r'), ('s1', now(), ['k'], ['v'], "
      "'s', '')");
  ASSERT_TRUE(ReloadAttributeSets(store(), "sightline"));
  Execute(
      "INSERT INTO sightline.spans (Block, Timestamp, TraceId, SpanId, SpanName, ResourceId, ScopeId, `a.http.route`, "
      "`a.http.response.status_code`, `a.user.id`, SpanAttributes, SpanAttributeTypes, `Links.TraceId`, "
      "`Links.SpanId`, "
      "`Links.TraceState`, `Links.Attributes`, `Links.AttributeTypes`, `Links.DroppedAttributesCount`, `Links.Flags`) "
      "VALUES (1, now64(9), unhex('0102030405060708090a0b0c0d0e0fAB'), unhex('00000000000000ff'), 'GET', 'r1', 's1', "
      "'/cart', '200', 'u7', {'empty': '', 'ratio': '0.5'}, 'sd', [unhex('ff000000000000000000000000000000')], [''], "
      "[''], "
      "[{}], [''], [0], [0])");
  EXPECT_EQ(Value("SELECT TraceId FROM otel_traces"), "0102030405060708090a0b0c0d0e0fab");
  EXPECT_EQ(Value("SELECT concat(SpanId, '|', ParentSpanId) FROM otel_traces"), "00000000000000ff|");
  EXPECT_EQ(Value("SELECT ResourceAttributes FROM otel_traces"), "{'service.name':'shop','host.name':'h1'}");
  EXPECT_EQ(Value("SELECT ScopeAttributes FROM otel_traces"), "{'k':'v'}");
  EXPECT_EQ(Value("SELECT ResourceSchemaUrl FROM otel_traces"), "https://r");
  EXPECT_EQ(Value("SELECT SpanAttributes FROM otel_traces"),
            "{'empty':'','ratio':'0.5','http.route':'/cart','http.response.status_code':'200','user.id':'u7'}");
  EXPECT_EQ(Value("SELECT SpanAttributeTypes FROM otel_traces"), "sdsis");  // in the map's order
  EXPECT_EQ(Value("SELECT concat(`Links.TraceId`[1], '|', `Links.SpanId`[1]) FROM otel_traces"),
            "ff000000000000000000000000000000|");
  EXPECT_EQ(Value("SELECT AdjustedCount FROM otel_traces"), "1");
  EXPECT_EQ(Value("SELECT TraceId FROM otel_traces_trace_id_ts WHERE End >= Start"),
            "0102030405060708090a0b0c0d0e0fab");
  EXPECT_EQ(Value("SELECT count() FROM otel_traces WHERE SpanAttributes['http.route'] = '/cart'"), "1");
}

TEST_P(Schema, LogsViewHasEmptyIdsWhereThereAreNone) {
  Open();
  Execute(
      "INSERT INTO sightline.attribute_sets (Id, Seen, Keys, Values, Types) VALUES "
      "('r1', now(), ['k8s.pod.name'], ['pod-1'], 's')");
  ASSERT_TRUE(ReloadAttributeSets(store(), "sightline"));
  Execute(
      "INSERT INTO sightline.logs (Block, Timestamp, Flags, Body, BodyType, EventName, ResourceId, LogAttributes) "
      "VALUES "
      "(1, now64(9), 257, 'hello', 's', 'started', 'r1', {'a': 'b'})");
  const auto rows = Rows(
      "SELECT TraceId, SpanId, TraceFlags, Flags, Body, EventName, ResourceAttributes, ScopeAttributes, LogAttributes, "
      "`__otel_materialized_k8s.pod.name`, `__otel_materialized_k8s.pod.uid` FROM otel_logs");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_THAT(rows[0], ElementsAre("", "", "1", "257", "hello", "started", "{'k8s.pod.name':'pod-1'}", "{}",
                                   "{'a':'b'}", "pod-1", ""));
}

TEST_P(Schema, MetricViewsJoinEachPointWithItsSeriesOnce) {
  Open();
  // The second series row is the same series, written again after a restart.
  for (int i = 0; i < 2; ++i) {
    Execute(
        "INSERT INTO sightline.metric_series (SeriesId, Seen, MetricName, MetricType, Unit, IsMonotonic, ServiceName, "
        "Attributes, AttributeTypes) VALUES (1, now(), 'requests', 'sum', '1', true, 'shop', {'route': '/'}, 's'), "
        "(2, now(), 'temperature', 'gauge', 'Cel', false, 'shop', {}, '')");
  }
  Execute(
      "INSERT INTO sightline.metric_points (SeriesId, Timestamp, Value, IsInt, IntResidual, Block, "
      "`Exemplars.FilteredAttributes`, "
      "`Exemplars.AttributeTypes`, `Exemplars.Timestamp`, `Exemplars.Value`, `Exemplars.IsInt`, `Exemplars.SpanId`, "
      "`Exemplars.TraceId`) VALUES (1, now64(9), 9007199254740992, true, 1, 7, [{'x': 'y'}], ['s'], [now64(9)], [3], "
      "[true], [unhex('0000000000000001')], ['']), (1, now64(9), 5, true, 0, 7, [], [], [], [], [], [], []), "
      "(2, now64(9), 21.5, false, 0, 7, [], [], [], [], [], [], [])");
  EXPECT_EQ(Value("SELECT count() FROM otel_metrics_sum"), "2");
  EXPECT_EQ(Value("SELECT max(IntValue) FROM otel_metrics_sum WHERE MetricName = 'requests'"), "9007199254740993");
  EXPECT_EQ(Value("SELECT arrayStringConcat(groupUniqArray(concat(ServiceName, ' ', MetricUnit, ' ', "
                  "Attributes['route'])), ';') "
                  "FROM otel_metrics_sum"),
            "shop 1 /");
  EXPECT_EQ(Value("SELECT concat(`Exemplars.SpanId`[1], '|', `Exemplars.TraceId`[1]) FROM otel_metrics_sum WHERE "
                  "notEmpty(`Exemplars.SpanId`)"),
            "0000000000000001|");
  EXPECT_EQ(Value("SELECT Value FROM otel_metrics_gauge"), "21.5");

  Execute(
      "INSERT INTO sightline.metric_series (SeriesId, Seen, MetricName, MetricType) VALUES (3, now(), 'h', "
      "'histogram'), "
      "(4, now(), 'e', 'exponential_histogram'), (5, now(), 's', 'summary')");
  Execute(
      "INSERT INTO sightline.metric_histograms (SeriesId, Timestamp, Count, Sum, Has, BucketCounts, ExplicitBounds) "
      "VALUES (3, now64(9), 3, 1.5, 5, [1, 2], [0.5])");
  Execute(
      "INSERT INTO sightline.metric_exponential_histograms (SeriesId, Timestamp, Count, Scale, ZeroThreshold) "
      "VALUES (4, now64(9), 3, -2, 0.25)");
  Execute(
      "INSERT INTO sightline.metric_summaries (SeriesId, Timestamp, Count, `ValueAtQuantiles.Quantile`, "
      "`ValueAtQuantiles.Value`) VALUES (5, now64(9), 3, [0.5], [7])");
  EXPECT_THAT(Rows("SELECT Count, BucketCounts, HasSum, HasMin, HasMax FROM otel_metrics_histogram"),
              ElementsAre(ElementsAre("3", "[1,2]", "true", "false", "true")));
  EXPECT_THAT(Rows("SELECT Scale, ZeroThreshold FROM otel_metrics_exponential_histogram"),
              ElementsAre(ElementsAre("-2", "0.25")));
  EXPECT_EQ(Value("SELECT `ValueAtQuantiles.Value` FROM otel_metrics_summary"), "[7]");
}

TEST_P(Schema, SecondStartChangesNothing) {
  Open();
  const auto metadata = [this] {
    return Rows(
        "SELECT name, uuid, metadata_modification_time FROM system.tables WHERE database = 'sightline' ORDER BY name");
  };
  const auto before = metadata();
  Reopen();
  Open();
  EXPECT_EQ(metadata(), before);
  EXPECT_EQ(Value("SELECT count() FROM schema_version"), fmt::format("{}", Migrations().size()));
}

TEST_P(Schema, ViewThatWasDroppedComesBack) {
  Open();
  Execute("DROP VIEW sightline.otel_logs");
  Open();
  EXPECT_EQ(Value("SELECT count() FROM otel_logs"), "0");
}

TEST_P(Schema, NewerVersionIsRefusedAndLeftAlone) {
  Open();
  Execute("INSERT INTO sightline.schema_version VALUES (99, now64(6) + 1, 'of the future')");
  Execute("DROP VIEW sightline.otel_logs");
  auto opened = OpenSchema(store(), {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(opened.error().message, HasSubstr("99"));
  EXPECT_EQ(Value("SELECT count() FROM system.tables WHERE database = 'sightline' AND name = 'otel_logs'"), "0");
}

TEST_P(Schema, MigrationsRunOnceAndInOrder) {
  std::vector<Migration> migrations = Migrations();
  Open();
  Execute("INSERT INTO sightline.logs (Block, Timestamp, Body) VALUES (1, now64(9), 'old')");
  const uint32_t newest = migrations.back().version;
  migrations.push_back({newest + 1, "later", "CREATE TABLE {db}.later (a UInt8) ENGINE = Memory;\n"});
  migrations.push_back({newest + 2, "latest", "ALTER TABLE {db}.later ADD COLUMN b UInt8;\n"});
  for (int i = 0; i < 2; ++i) Open({.migrations = &migrations});
  EXPECT_THAT(Describe("later"), ElementsAre("a UInt8", "b UInt8"));
  EXPECT_EQ(Value("SELECT max(Version) FROM schema_version"), fmt::format("{}", newest + 2));
  EXPECT_EQ(Value("SELECT Body FROM otel_logs"), "old");
  auto older = OpenSchema(store(), {});
  ASSERT_FALSE(older);
  EXPECT_EQ(older.error().code, Code::kFailedPrecondition);
}

TEST_P(Schema, LogsOfAVersionWithoutTheTextIndexGetItInMerges) {
  Open();
  Execute("ALTER TABLE sightline.logs DROP INDEX idx_body");
  Execute("TRUNCATE TABLE sightline.schema_version");
  Execute("INSERT INTO sightline.schema_version VALUES (1, now64(6), '')");
  const auto insert = [this](int block, const std::string& body) {
    Execute(
        fmt::format("INSERT INTO sightline.logs (Block, Timestamp, Body) VALUES ({}, now64(9), '{}')", block, body));
  };
  insert(1, "Connection reset");
  Reopen();
  Open();
  insert(2, "connection accepted");
  const auto found = [this](const std::string& text) {
    return Value("SELECT count() FROM logs WHERE lower(Body) LIKE '%" + text + "%'");
  };
  const auto index_bytes = [this] {
    return std::stoull(
        Value("SELECT data_uncompressed_bytes FROM system.data_skipping_indices WHERE database = "
              "'sightline' AND table = 'logs' AND name = 'idx_body'"));
  };
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(found("connection"), "2");
    EXPECT_EQ(found("tion reset"), "1");
    EXPECT_EQ(found("nowhere"), "0");
    Execute("OPTIMIZE TABLE sightline.logs FINAL");
  }
  EXPECT_EQ(Value("SELECT count() FROM system.parts WHERE database = 'sightline' AND table = 'logs' AND active"), "1");
  EXPECT_GT(index_bytes(), 16'000u);
}

TEST_P(Schema, MigrationThatFailedIsRunAgain) {
  std::vector<Migration> migrations = Migrations();
  migrations.push_back({migrations.back().version + 1, "9999_broken",
                        "CREATE TABLE IF NOT EXISTS {db}.half (a UInt8) ENGINE = Memory;\nSELEC 1;\n"});
  auto broken = OpenSchema(store(), {.migrations = &migrations});
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, HasSubstr("9999_broken"));
  migrations.back().sql =
      "CREATE TABLE IF NOT EXISTS {db}.half (a UInt8) ENGINE = Memory;\nALTER TABLE {db}.half ADD COLUMN b UInt8;\n";
  Open({.migrations = &migrations});
  EXPECT_THAT(Describe("half"), ElementsAre("a UInt8", "b UInt8"));
}

TEST_P(Schema, RetentionChangesAtAReopen) {
  Open();
  EXPECT_THAT(Engine("spans"), HasSubstr("TTL toDateTime(Timestamp) + toIntervalSecond(2592000)"));
  EXPECT_THAT(Engine("metric_points"), HasSubstr("toIntervalSecond(7776000)"));
  Execute(
      "INSERT INTO sightline.spans (Block, Timestamp, SpanName) VALUES (1, now64(9) - toIntervalDay(20), 'old'), (2, "
      "now64(9), 'new')");
  Reopen();
  Open({.retention_seconds = {3 * kDaySeconds, kForever, 30 * kDaySeconds}});
  EXPECT_THAT(Engine("spans"), HasSubstr("toIntervalSecond(259200)"));
  EXPECT_THAT(Engine("metric_points"), Not(HasSubstr("TTL ")));
  EXPECT_THAT(Engine("logs"), HasSubstr("toIntervalSecond(2592000)"));
  // What was stored under the longer retention goes too.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (Value("SELECT count() FROM spans") != "1") {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    Execute("OPTIMIZE TABLE sightline.spans FINAL");
  }
  EXPECT_EQ(Value("SELECT SpanName FROM spans"), "new");
  Reopen();
  Open({.retention_seconds = {kForever, 7 * kDaySeconds, kForever}});
  EXPECT_THAT(Engine("spans"), Not(HasSubstr("TTL ")));
  EXPECT_THAT(Engine("metric_summaries"), HasSubstr("toIntervalSecond(604800)"));
}

// An announcement is at most a day older than the receipt of a point, whose time is at most a day ahead of that: so the
// points of a series may be two days younger than it.
TEST_P(Schema, SeriesExpireButNotBeforeTheirPoints) {
  Open({.retention_seconds = {kForever, 7 * kDaySeconds, kForever}});
  EXPECT_THAT(Engine("metric_series"), HasSubstr(fmt::format("toIntervalSecond({})", (7 + 1 + 3) * kDaySeconds)));
  Execute(
      "INSERT INTO sightline.metric_series (SeriesId, Seen, MetricName) SELECT Id, now() - toIntervalHour(24 * Days), "
      "'m' FROM values('Id UInt64, Days Float64', (1, 12), (2, 9.5), (3, 12))");
  Execute("INSERT INTO sightline.metric_series (SeriesId, Seen, MetricName) VALUES (3, now(), 'm')");
  Execute(
      "INSERT INTO sightline.metric_points (SeriesId, Timestamp, Block) SELECT Id, now64(9) - toIntervalHour(24 * "
      "Days), 1 FROM values('Id UInt64, Days Float64', (1, 10), (2, 7.5), (2, 6.9), (3, 1))");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (Value("SELECT count() FROM metric_series WHERE SeriesId = 1") != "0") {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    Execute("OPTIMIZE TABLE sightline.metric_series FINAL");
  }
  Execute("OPTIMIZE TABLE sightline.metric_points FINAL");
  EXPECT_EQ(Value("SELECT groupArray(SeriesId) FROM (SELECT SeriesId FROM metric_series ORDER BY SeriesId)"), "[2,3]");
  EXPECT_NE(Value("SELECT count() FROM metric_points WHERE SeriesId = 2"), "0");
  EXPECT_EQ(Value("SELECT count() FROM metric_points WHERE SeriesId NOT IN (SELECT SeriesId FROM metric_series)"), "0");
  Reopen();
  Open({.retention_seconds = {kForever, 7 * kDaySeconds, kForever}, .future_seconds_max = 30 * kDaySeconds});
  EXPECT_THAT(Engine("metric_series"), HasSubstr(fmt::format("toIntervalSecond({})", (7 + 30 + 3) * kDaySeconds)));
  Reopen();
  Open({.retention_seconds = {kForever, kForever, kForever}});
  EXPECT_THAT(Engine("metric_series"), Not(HasSubstr("TTL ")));
}

TEST_P(Schema, RowsOfOneDayExpireByTheirResolution) {
  Open();
  const auto insert = [this] {
    Execute(
        "INSERT INTO sightline.span_metric_rollups (Block, Seconds, Time, Calls) SELECT Block, Seconds, "
        "toStartOfDay(now('UTC')) - toIntervalDay(Days), 1 FROM values('Block UInt64, Seconds UInt16, Days UInt16', "
        "(0, 10, 2), (0, 60, 2), (0, 10, 20), (0, 60, 20), (0, 3600, 20), (7, 0, 20), (0, 60, 200), (0, 3600, 200), "
        "(8, 0, 200), (0, 3600, 500), (9, 0, 500))");
    Execute("OPTIMIZE TABLE sightline.span_metric_rollups FINAL");
    return Value(
        "SELECT arrayStringConcat(groupArray(Text), ' ') FROM (SELECT concat(Seconds, '/', dateDiff('day', Time, "
        "now('UTC'))) AS Text FROM span_metric_rollups ORDER BY Time DESC, Seconds)");
  };
  EXPECT_EQ(insert(), "10/2 60/2 0/20 60/20 3600/20 0/200 3600/200");
  Reopen();
  Open({.retention_seconds = {kForever, kForever, kForever}, .rollup_retention_seconds = kForever});
  EXPECT_THAT(Engine("span_metric_rollups"), HasSubstr("toIntervalSecond(345600) WHERE Seconds = 10 SETTINGS"));
  Reopen();
  Open({.retention_seconds = {kForever, 3 * kDaySeconds, kForever}, .rollup_retention_seconds = 30 * kDaySeconds});
  EXPECT_THAT(Engine("service_graph_edges"), HasSubstr("WHERE Seconds IN (10, 60)"));
  Execute("TRUNCATE TABLE sightline.span_metric_rollups");
  EXPECT_EQ(insert(), "10/2 60/2 0/20 3600/20");
}

TEST_P(Schema, DurabilityChangesAtAReopen) {
  Open({.fsync_inserts = true});
  // Rows that others only name are as much a part of what was accepted.
  for (const char* table : {"spans", "metric_summaries", "attribute_sets", "metric_series"}) {
    EXPECT_THAT(Engine(table), HasSubstr("fsync_after_insert = 1")) << table;
  }
  Execute("INSERT INTO sightline.spans (Block, Timestamp) VALUES (1, now64(9))");  // with a fsynced directory
  Reopen();
  Open();
  for (const char* table : {"spans", "metric_summaries", "attribute_sets", "metric_series"}) {
    EXPECT_THAT(Engine(table), Not(HasSubstr("fsync_after_insert = 1"))) << table;
  }
}

TEST_P(Schema, HotAttributeMayComeAndGo) {
  using Type = otlp::HotAttribute::Type;
  Open({.hot_attributes = {{"http.route"}}});
  Execute(
      "INSERT INTO sightline.spans (Block, Timestamp, `a.http.route`, SpanAttributes, SpanAttributeTypes) VALUES "
      "(1, now64(9), '/a', {'order.id': '7'}, 'i')");
  Reopen();
  Open({.hot_attributes = {{"http.route"}, {"order.id", Type::kInt, true}}});
  Execute(
      "INSERT INTO sightline.spans (Block, Timestamp, `a.http.route`, `a.order.id`) VALUES (2, now64(9), '/b', '8')");
  EXPECT_EQ(
      Value("SELECT type FROM system.columns WHERE database = 'sightline' AND table = 'spans' AND name = 'a.order.id'"),
      "String");
  EXPECT_EQ(
      Value("SELECT count() FROM system.data_skipping_indices WHERE database = 'sightline' AND name = 'idx_order.id'"),
      "1");
  const auto attributes = [this] {
    return Rows("SELECT SpanAttributes, SpanAttributeTypes FROM otel_traces ORDER BY Timestamp");
  };
  const auto both = ElementsAre(ElementsAre("{'order.id':'7','http.route':'/a'}", "is"),
                                ElementsAre("{'http.route':'/b','order.id':'8'}", "si"));
  EXPECT_THAT(attributes(), both);
  // No longer configured: the column and its values stay visible.
  Reopen();
  Open({.hot_attributes = {{"http.route"}}});
  EXPECT_THAT(attributes(), both);
  auto stored = StoredHotAttributes(store(), "sightline");
  ASSERT_TRUE(stored) << stored.error().message;
  ASSERT_EQ(stored->size(), 2);
  EXPECT_EQ(stored->at(1).key, "order.id");
  EXPECT_EQ(stored->at(1).type, Type::kInt);
  auto changed = OpenSchema(store(), {.hot_attributes = {{"http.route", Type::kInt}}});
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(changed.error().message, HasSubstr("http.route"));
}

TEST_P(Schema, KnowsWhichHotAttributesMapsMayHold) {
  const auto known = [this] { return Rows("SELECT Key, FirstDay, LastDay FROM hot_keys_in_maps FINAL ORDER BY ALL"); };
  const std::array<int64_t, 3> forever = {kForever, kForever, kForever};
  // Spans of an earlier version were not watched.
  std::vector<Migration> earlier(Migrations().begin(),
                                 std::ranges::find(Migrations(), "0007_attribute_indexes", &Migration::name));
  EXPECT_FALSE(OpenSchema(store(), {.retention_seconds = forever,
                                    .hot_attributes = {{"http.route"}},
                                    .migrations = &earlier}));  // a table is missing
  Execute(
      "INSERT INTO sightline.spans (Block, Timestamp) VALUES (1, '1970-01-04 23:59:59'), (1, '1970-01-06 00:00:00')");
  Open({.retention_seconds = forever, .hot_attributes = {{"http.route"}}});
  EXPECT_THAT(known(), ElementsAre(ElementsAre("*", "3", "5")));
  Execute("TRUNCATE TABLE sightline.hot_keys_in_maps");
  // One that becomes hot is in the maps of what is there.
  Open({.retention_seconds = forever, .hot_attributes = {{"http.route"}, {"order.id"}}});
  EXPECT_THAT(known(), ElementsAre(ElementsAre("order.id", "3", "5")));
  Execute("TRUNCATE TABLE sightline.hot_keys_in_maps");
  // One that is no longer goes to the maps from now on, whatever the times of spans are.
  Open({.retention_seconds = forever, .hot_attributes = {{"order.id"}}});
  EXPECT_THAT(known(),
              ElementsAre(ElementsAre("http.route", fmt::format("{}", INT32_MIN), fmt::format("{}", INT32_MAX))));
}

TEST_P(Schema, WorksWithoutHotAttributes) {
  Open({.hot_attributes = {}});
  Execute(
      "INSERT INTO sightline.spans (Block, Timestamp, SpanAttributes, SpanAttributeTypes) VALUES (1, now64(9), {'a': "
      "'b'}, 's')");
  EXPECT_THAT(Rows("SELECT SpanAttributes, SpanAttributeTypes FROM otel_traces"),
              ElementsAre(ElementsAre("{'a':'b'}", "s")));
}

TEST_P(Schema, TableThatDisagreesWithTheWriterIsRefused) {
  Open();
  Execute("ALTER TABLE sightline.logs MODIFY COLUMN Body LowCardinality(String)");
  auto opened = OpenSchema(store(), {});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("logs.Body"));
}

TEST_P(Schema, RefusesADatabaseNameThatIsNotPlain) {
  auto opened = OpenSchema(store(), {.database = "a b; DROP DATABASE x"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace sightline::store
