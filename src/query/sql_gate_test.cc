// The gate on the real engine: what is refused, what is served, and that the lists and the engine agree.
#include "query/sql_gate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "query/sql.h"
#include "query/sql_allowed.h"
#include "query/sql_tree.h"
#include "query/testing/engine.h"

namespace sightline::query {
namespace {

using testing::EngineTest;

class SqlGateTest : public EngineTest {
 protected:
  SqlGate gate_{*testing::kEngine->clickhouse()};
};

// Each of these is an attempt to read, write, wait or learn what one may not.
constexpr std::string_view kRefused[] = {
    // files
    "SELECT file('/etc/passwd')",
    "SELECT FILE('/etc/passwd')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM file('/etc/passwd', 'LineAsString', 'line String')",
    "SELECT * FROM `/etc/passwd`",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM \"file.csv\"",
    "SELECT * FROM default.`/etc/passwd`",
    "DESCRIBE TABLE file('/etc/passwd')",
    "SELECT 1 INTO OUTFILE '/tmp/sightline-escape'",
    "SELECT 1 INTO OUTFILE '/tmp/sightline-escape' TRUNCATE FORMAT CSV",
    "SELECT 1 INTO OUTFILE '/tmp/sightline-escape' AND STDOUT",
    "EXPLAIN SELECT 1 INTO OUTFILE '/tmp/sightline-escape'",
    "SELECT * FROM filesystem('/')",
    "SELECT filesystemAvailable()",
    "SELECT * FROM executable('id', TSV, 'x String')",
    "SELECT * FROM sqlite('/tmp/x.db', 't')",
    "SELECT * FROM deltaLakeLocal('/tmp')",
    // the network
    "SELECT * FROM url('http://127.0.0.1:1/', TSV, 'x String')",
    "SELECT * FROM remote('127.0.0.1', system.one)",
    "SELECT * FROM cluster('default', system.one)",
    "SELECT * FROM s3('http://127.0.0.1/x', TSV, 'x String')",
    "SELECT * FROM mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM postgresql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "SELECT * FROM mongodb('127.0.0.1:1', 'd', 't', 'u', 'p', 'x Int')",
    "SELECT aiGenerate('say hello')",
    "SELECT 1 IN url('http://127.0.0.1:1/', TSV, 'x Int')",
    // hidden behind other constructs
    "SELECT * APPLY file FROM otel_traces",
    "SELECT * APPLY(x -> file(x)) FROM otel_traces",
    "SELECT COLUMNS('Name') APPLY(file) FROM otel_traces",
    "WITH x -> file(x) AS f SELECT f('/etc/passwd')",
    "SELECT arrayMap(x -> file(x), ['/etc/passwd'])",
    "SELECT (SELECT file('/etc/passwd'))",
    "SELECT 1 WHERE exists(SELECT file('/etc/passwd'))",
    "WITH t AS (SELECT file('/etc/passwd')) SELECT * FROM t",
    "SELECT 1 ORDER BY file('/etc/passwd')",
    "SELECT 1 LIMIT length(file('/etc/passwd'))",
    "SELECT sum(1) OVER (ORDER BY file('/etc/passwd'))",
    "SELECT 1 AS x ORDER BY x WITH FILL FROM length(file('/etc/passwd'))",
    "SELECT * REPLACE (file('/etc/passwd') AS TraceId) FROM otel_traces",
    "SELECT * FROM view(SELECT file('/etc/passwd'))",
    "SELECT * FROM viewExplain('EXPLAIN', '', (SELECT 1))",
    "SELECT * FROM viewIfPermitted(SELECT 1 ELSE null('x Int'))",
    "SELECT * FROM numbers(length(file('/etc/passwd')))",
    "SELECT * FROM numbers((SELECT count() FROM system.tables))",
    "SELECT * FROM otel_traces ARRAY JOIN [file('/etc/passwd')] AS x",
    "SELECT 1 UNION ALL SELECT file('/etc/passwd')",
    "SELECT 1 EXCEPT SELECT file('/etc/passwd')",
    "SELECT `file`('/etc/passwd')",
    "SELECT \"file\"('/etc/passwd')",
    "SELECT/**/file/**/('/etc/passwd')",
    "SELECT file -- comment\n ('/etc/passwd')",
    // other tables
    "SELECT * FROM system.tables",
    "SELECT * FROM system.one",
    "SELECT * FROM `system`.`processes`",
    "SELECT * FROM system.settings",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM INFORMATION_SCHEMA.COLUMNS",
    "SELECT 1 IN system.one",
    "SELECT 1 IN (system.one)",
    "SELECT 'x' GLOBAL NOT IN system.one",
    "SELECT * FROM otel_traces WHERE TraceId IN (system.one)",
    "SELECT system.one.dummy FROM otel_traces, system.one",
    "SELECT * FROM hidden_table",
    "WITH hidden_table AS (SELECT 1) SELECT * FROM hidden_table",
    "SELECT * FROM sightline.hidden_table",
    "SELECT 1 IN hidden_table",
    "SELECT * FROM default.otel_traces",
    "SELECT * FROM merge('sightline', '.*')",
    "SELECT * FROM merge(sightline, 'hidden')",
    "SELECT * FROM loop(otel_traces)",
    "SELECT * FROM dictionary('x')",
    "SELECT dictGet('sightline.x', 'y', 1)",
    "SELECT joinGet('x', 'y', 1)",
    "SELECT hasColumnInTable('system', 'tables', 'name')",
    "SELECT * FROM mergeTreeIndex(sightline, spans)",
    "DESCRIBE TABLE system.tables",
    "SHOW CREATE TABLE system.tables",
    "SHOW CREATE TABLE hidden_table",
    "SHOW TABLES FROM system",
    "SHOW TABLES FROM system FORMAT TSV",
    "SHOW TABLES IN system LIKE 'x' FORMAT TSV",
    "SHOW TABLES FORMAT Template",
    "SHOW TABLES WHERE name IN (SELECT name FROM system.tables)",
    "SHOW TABLES LIKE 'x' LIMIT 1",
    "SHOW TABLES INTO OUTFILE '/tmp/x' FORMAT TSV",
    "SHOW DICTIONARIES",
    "SHOW CREATE TABLE hidden_table FORMAT TSV",
    "SHOW CREATE TABLE system.tables FORMAT TSV",
    "SHOW CREATE TABLE otel_traces.TSV",
    "SHOW CREATE TABLE otel_traces FORMAT Template",
    "SHOW CREATE TABLE otel_traces INTO OUTFILE '/tmp/x' FORMAT TSV",
    "SHOW PROCESSLIST",
    "SHOW SETTINGS LIKE '%'",
    "SHOW GRANTS",
    "SHOW DATABASES",
    "EXPLAIN SELECT * FROM system.tables",
    // the server, its users, waiting
    "SELECT hostName()",
    "SELECT fqdn()",
    "SELECT currentUser()",
    "SELECT getSetting('max_threads')",
    "SELECT getServerSetting('path')",
    "SELECT getMacro('x')",
    "SELECT sleep(3)",
    "SELECT sleepEachRow(1) FROM numbers(100)",
    "SELECT @@max_threads",
    "SELECT globalVariable('max_threads')",
    "SELECT serverUUID()",
    "SELECT buildId()",
    "SELECT addressToSymbol(1)",
    "SELECT queryID()",
    "SELECT zookeeperSessionUptime()",
    // what trusts its bytes, or calls by name
    "SELECT CAST(unhex('00'), 'AggregateFunction(uniq, UInt64)')",
    "SELECT unhex('00')::AggregateFunction(quantiles(0.5), UInt64)",
    "SELECT CAST('', concat('Aggregate', 'Function(sum, UInt64)'))",
    "SELECT * FROM values('x AggregateFunction(uniq, UInt64)', '')",
    "SELECT initializeAggregation('uniqState', 1)",
    "SELECT JSONExtract('{}', materialize('Int'))",
    "SELECT arrayReduce(concat('s', 'um'), [1])",
    "SELECT arrayReduce('groupFormat', [1])",
    "SELECT evalMLMethod(1, 2)",
    "SELECT catboostEvaluate('/etc/passwd', 1)",
    "SELECT formatRow('CSV', 1)",
    "SELECT * FROM format('CSV', '1')",
    "SELECT * FROM eval('SELECT 1')",
    "SELECT formatQuery('SELECT 1')",
    "SELECT chdb('SELECT 1')",
    "SELECT nosuchfunction(1)",
    "SELECT countIfNosuch(1)",
    // statements
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE sightline.spans",
    "SELECT 1 PARALLEL WITH SELECT 2",
    "SELECT 1 PARALLEL WITH DROP TABLE sightline.spans",
    "SELECT 1 SETTINGS max_execution_time = 0",
    "SELECT * FROM (SELECT 1 SETTINGS max_threads = 64)",
    "SELECT 1 FORMAT JSON SETTINGS readonly = 0",
    "EXPLAIN PIPELINE graph = 1 SELECT 1",
    "EXPLAIN indexes = 1, json = 1 SELECT 1",
    "DESCRIBE TABLE otel_traces SETTINGS describe_compact_output = 1",
    "INSERT INTO sightline.spans (Block) VALUES (1)",
    "INSERT INTO FUNCTION file('/tmp/x') SELECT 1",
    "CREATE TABLE x (a Int) ENGINE = Memory",
    "CREATE TEMPORARY TABLE x (a Int)",
    "CREATE FUNCTION f AS x -> file(x)",
    "DROP TABLE sightline.spans",
    "ALTER TABLE sightline.spans DELETE WHERE 1",
    "TRUNCATE TABLE sightline.spans",
    "OPTIMIZE TABLE sightline.spans",
    "SYSTEM RELOAD CONFIG",
    "SYSTEM SHUTDOWN",
    "KILL QUERY WHERE 1",
    "SET max_threads = 64",
    "USE system",
    "GRANT ALL ON *.* TO default",
    "BACKUP TABLE sightline.spans TO File('/tmp/x')",
    "EXISTS TABLE system.tables",
    "CHECK TABLE sightline.spans",
    "EXPLAIN DROP TABLE sightline.spans",
    "EXPLAIN AST SYSTEM SHUTDOWN",
    "EXPLAIN TABLE OVERRIDE mysql('127.0.0.1:1', 'd', 't', 'u', 'p')",
    "EXPLAIN CURRENT TRANSACTION",
    "EXECUTE AS default SELECT 1",
    "BEGIN TRANSACTION",
    // parameters, formats, text
    "SELECT {p:String}",
    "SELECT * FROM {t:Identifier}",
    "SELECT 1 FORMAT Protobuf",
    "SELECT 1 FORMAT Template",
    "SELECT 1 FORMAT MySQLWire",
    "SELECT 1 FORMAT NoSuchFormat",
    "",
    " \n\t",
    "SELECT 1 FROM",
    "\\l",
    "SELECT `a\nFunction file (children 1)`",
    "SELECT 1 AS `x\\nb`",
    "SELECT 1 AS `x (children 2)`",
    "SELECT count() AS `x (alias y)`",
    "SELECT 'a' || 'b' -- ; \n; SELECT 2",
    "SELECT $$a$$; SELECT $$b$$",
    "SELECT 1 /* ; */ ; SELECT 2",
    "SELECT * FROM otel_traces STREAM",
};

// What people honestly ask.
constexpr std::string_view kServed[] = {
    "SELECT 1",
    "select 1;",
    "SELECT 1 -- a comment; with a semicolon",
    "SELECT /* one; */ 1",
    "SELECT 'a;b'",
    "SELECT ';', \"ServiceName\" FROM otel_traces",
    "SELECT $tag$he'redoc; text$tag$",
    "SELECT count() FROM otel_traces",
    "SELECT * FROM otel_traces LIMIT 10",
    "SELECT * FROM sightline.otel_traces ORDER BY Timestamp DESC LIMIT 10 FORMAT JSON",
    "FROM otel_logs SELECT Body LIMIT 1",
    "(SELECT 1)",
    "SELECT ServiceName, count() AS n FROM otel_traces GROUP BY ServiceName HAVING n > 1 ORDER BY n DESC",
    "SELECT quantile(0.95)(Duration) / 1e6 AS ms FROM otel_traces",
    "SELECT quantilesIf(0.5, 0.9, 0.99)(Duration, StatusCode = 'Error') FROM otel_traces",
    "SELECT quantileExactWeightedOrNull(0.5)(Duration, 1) FROM otel_traces",
    "SELECT SpanAttributes['http.route'] AS route, uniqExact(TraceId) FROM otel_traces GROUP BY route",
    "SELECT toStartOfMinute(Timestamp) AS t, count() FROM otel_traces GROUP BY t ORDER BY t WITH FILL STEP 60",
    "SELECT toStartOfInterval(Timestamp, INTERVAL 5 MINUTE) AS t, avg(Duration) FROM otel_traces GROUP BY t",
    "SELECT * FROM otel_traces WHERE Timestamp > now() - INTERVAL 1 HOUR AND Duration > 500000000",
    "SELECT * FROM otel_traces WHERE SpanAttributes['a'] LIKE '%x%' AND NOT mapContains(SpanAttributes, 'b')",
    "SELECT * FROM otel_traces WHERE TraceId IN (SELECT TraceId FROM otel_logs WHERE SeverityNumber >= 17)",
    "SELECT * FROM otel_traces WHERE ServiceName IN ('a', 'b') AND ServiceName NOT IN ('c')",
    "SELECT * FROM otel_traces WHERE (ServiceName, SpanName) IN (('a', 'b'))",
    "WITH t AS (SELECT TraceId, count() AS n FROM otel_traces GROUP BY TraceId) SELECT avg(n) FROM t",
    "WITH 5 AS k SELECT number + k FROM numbers(10)",
    "WITH (SELECT max(Timestamp) FROM otel_traces) AS newest SELECT newest",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
    "SELECT a.SpanName, b.SpanName FROM otel_traces AS a JOIN otel_traces AS b ON a.SpanId = b.ParentSpanId "
    "AND a.TraceId = b.TraceId",
    "SELECT * FROM otel_traces AS t LEFT JOIN otel_logs AS l USING (TraceId) LIMIT 1",
    "SELECT * FROM otel_traces ARRAY JOIN Events.Name AS event",
    "SELECT Events.Name, Events.Attributes, Links.TraceId FROM otel_traces",
    "SELECT arrayJoin(Events.Name) AS e, count() FROM otel_traces GROUP BY e",
    "SELECT arrayMap(x -> upper(x), Events.Name), arrayFilter((x, i) -> i > 1, [1, 2], [1, 2]) FROM otel_traces",
    "SELECT mapKeys(SpanAttributes), mapFilter((k, v) -> v != '', SpanAttributes) FROM otel_traces",
    "SELECT arrayReduce('max', [1, 2]), arrayReduce('quantile(0.5)', [1, 2])",
    "SELECT substr(SpanName, 1, 3), SUBSTRING(SpanName FROM 1 FOR 3), lcase('A'), UPPER('a') FROM otel_traces",
    "SELECT CASE WHEN Duration > 1 THEN 'a' ELSE 'b' END, if(1, 2, 3), multiIf(1, 2, 3) FROM otel_traces",
    "SELECT CASE StatusCode WHEN 'Error' THEN 1 ELSE 0 END FROM otel_traces",
    "SELECT CAST(Duration AS Float64), Duration::String, toUInt64OrZero('x'), accurateCastOrNull('1', 'UInt8') "
    "FROM otel_traces",
    "SELECT JSONExtractString(Body, 'level'), JSONExtract(Body, 'n', 'Array(Int64)') FROM otel_logs",
    "SELECT extract(Body, 'user=(\\\\w+)'), match(Body, '^x'), splitByChar(',', Body) FROM otel_logs",
    "SELECT Body FROM otel_logs WHERE hasToken(Body, 'error') AND positionCaseInsensitive(Body, 'Time') > 0",
    "SELECT SeverityText, count() FROM otel_logs GROUP BY SeverityText WITH TOTALS",
    "SELECT ServiceName, SpanName, count() FROM otel_traces GROUP BY ROLLUP(ServiceName, SpanName)",
    "SELECT ServiceName, SpanName FROM otel_traces GROUP BY GROUPING SETS ((ServiceName), (SpanName))",
    "SELECT ServiceName, count() FROM otel_traces GROUP BY ALL ORDER BY ALL",
    "SELECT DISTINCT ServiceName FROM otel_traces",
    "SELECT DISTINCT ON (ServiceName) ServiceName, SpanName FROM otel_traces",
    "SELECT ServiceName, SpanName FROM otel_traces ORDER BY Duration DESC LIMIT 3 BY ServiceName LIMIT 10 OFFSET 2",
    "SELECT TraceId, row_number() OVER (PARTITION BY ServiceName ORDER BY Duration DESC) AS r FROM otel_traces "
    "QUALIFY r <= 3",
    "SELECT sum(Duration) OVER w, lagInFrame(Duration) OVER w FROM otel_traces WINDOW w AS "
    "(ORDER BY Timestamp ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
    "SELECT sum(Duration) FILTER (WHERE StatusCode = 'Ok'), first_value(Duration) RESPECT NULLS FROM otel_traces",
    "SELECT count(DISTINCT TraceId), topK(10)(SpanName), groupUniqArray(5)(ServiceName), argMax(SpanName, Duration) "
    "FROM otel_traces",
    "SELECT sumMap(map('a', 1)), avgMerge(s) FROM (SELECT avgState(Duration) AS s FROM otel_traces)",
    "SELECT * EXCEPT (Events) FROM otel_traces LIMIT 1",
    "SELECT * EXCEPT SpanAttributes, COLUMNS('Name') FROM otel_traces LIMIT 1",
    "SELECT * REPLACE (Duration / 1000 AS Duration) FROM otel_traces LIMIT 1",
    "SELECT t.* FROM otel_traces AS t LIMIT 1",
    "SELECT `SpanName` AS `the name (of a span)`, Duration AS \"длительность\" FROM otel_traces",
    "SELECT `count()` FROM (SELECT count() FROM otel_traces)",
    "SELECT -1, - -1, 1e3, 0xFF, NULL, true, [1, 2], (1, 'a'), map('a', 1), 'it''s', 'tab\\t'",
    "SELECT 1 UNION ALL SELECT 2 UNION DISTINCT SELECT 2",
    "SELECT 1 INTERSECT SELECT 1",
    "SELECT * FROM numbers(5) AS a, generateSeries(1, 3) AS b",
    "SELECT * FROM values('a Int32, b String', (1, 'x'), (2, 'y'))",
    "SELECT * FROM view(SELECT 1 AS x)",
    "SELECT TimeUnix, Value FROM otel_metrics_gauge WHERE MetricName = 'x' ORDER BY TimeUnix",
    "SELECT MetricName, sum(Value) FROM otel_metrics_sum GROUP BY MetricName",
    "SELECT BucketCounts, ExplicitBounds FROM otel_metrics_histogram",
    "SELECT * FROM otel_metrics_exponential_histogram LIMIT 1",
    "SELECT ValueAtQuantiles.Quantile FROM otel_metrics_summary",
    "SELECT hex(TraceId), `a.http.route`, Block FROM spans LIMIT 1",
    "SELECT * FROM metric_points AS p JOIN metric_series AS s ON s.SeriesId = p.SeriesId LIMIT 1",
    "SELECT AdjustedCount, SamplingPolicy FROM otel_traces LIMIT 1",
    "SELECT now(), today(), version(), currentDatabase(), timezone()",
    "DESCRIBE TABLE otel_traces",
    "DESC otel_logs FORMAT JSON",
    "DESCRIBE TABLE (SELECT 1 AS x)",
    "SHOW TABLES",
    "show tables from sightline not ilike '%\\'x%' format CSV",
    "SHOW TABLES LIKE 'otel%'",
    "SHOW TABLES FORMAT TSV",
    "SHOW CREATE TABLE otel_traces",
    "SHOW CREATE TABLE otel_traces FORMAT TSVRaw",
    "SHOW CREATE TABLE sightline.spans FORMAT Vertical",
    "SHOW CREATE TABLE sightline.spans",
    "EXPLAIN SELECT * FROM otel_traces WHERE TraceId = 'x'",
    "EXPLAIN indexes = 1 SELECT count() FROM spans WHERE TraceId = unhex('00')",
    "EXPLAIN PIPELINE SELECT 1 FORMAT TSV",
    "EXPLAIN QUERY TREE SELECT count() FROM otel_traces",
    "EXPLAIN AST SELECT 1",
    "SELECT 1 FORMAT Parquet",
    "SELECT 1 FORMAT PrettyCompact",
    "SELECT histogram(5)(Duration), sparkbar(10)(number, number) FROM (SELECT 1 AS Duration, number FROM numbers(9))",
};

TEST_F(SqlGateTest, RefusesEveryEscape) {
  Execute("CREATE TABLE IF NOT EXISTS sightline.hidden_table (x Int32) ENGINE = MergeTree ORDER BY x");
  EXPECT_GE(std::size(kRefused), 60u);
  for (auto sql : kRefused) {
    auto checked = gate_.Check(sql);
    EXPECT_FALSE(checked) << "let through: " << sql;
    if (!checked) {
      EXPECT_NE(checked.error().code, Code::kInternal) << sql << "\n" << checked.error().message;
      // Refused by the gate, or because it is no SQL at all: never by luck, as an unknown table or a denied access.
      const int code = store::ClickHouseCode(checked.error().message);
      EXPECT_TRUE(code == 0 || code == 62) << sql << "\n" << checked.error().message;
      if (std::getenv("SIGHTLINE_TEST_VERBOSE") != nullptr)
        std::cout << sql << "\n    " << checked.error().message << "\n";
    }
  }
  EXPECT_FALSE(std::ifstream("/tmp/sightline-escape").good());
  Execute("DROP TABLE sightline.hidden_table");
}

// The tables and functions that the engine itself resolves a text to, by its own analyzer; empty if it does not run.
std::vector<std::string> ResolvedNames(store::ClickHouse& clickhouse, const std::string& sql) {
  store::QueryOptions options;
  options.settings = {{"database", "sightline"}, {"readonly", "1"}, {"max_execution_time", "10"}};
  options.format = "TSVRaw";
  std::string tree;
  std::vector<std::string> names;
  const auto explained = clickhouse.Query("EXPLAIN QUERY TREE " + sql, options, [&](std::string_view piece) {
    tree += piece;
    return true;
  });
  if (!explained) return names;
  for (const std::string_view mark : {" table_name: ", " table_function_name: ", " function_name: "}) {
    for (size_t at = tree.find(mark); at != tree.npos; at = tree.find(mark, at + 1)) {
      const size_t begin = at + mark.size();
      names.push_back(tree.substr(begin, tree.find_first_of(",\n", begin) - begin));
    }
  }
  return names;
}

// Pieces of escapes in honest texts: whatever passes reads nothing that is not on a list, as the engine understands it.
TEST_F(SqlGateTest, WhatPassesOfMutatedTextsResolvesToNothingForbidden) {
  Execute("CREATE TABLE IF NOT EXISTS sightline.hidden_table (x Int32) ENGINE = MergeTree ORDER BY x");
  const std::set<std::string> forbidden = {
      "file",      "url",        "remote",   "executable", "merge", "format",     "hostName",
      "sleep",     "getSetting", "dictGet",  "joinGet",    "fqdn",  "loop",       "eval",
      "formatRow", "sqlite",     "getMacro", "cluster",    "s3",    "serverUUID", "sightline.hidden_table"};
  std::mt19937_64 random(20261127);
  const auto word_in = [&random](std::string_view text) {
    const auto is_edge = [](char c) { return c == ' ' || c == ',' || c == '(' || c == ')'; };
    size_t from = random() % (text.size() + 1), end = from;
    while (from > 0 && !is_edge(text[from - 1])) --from;
    while (end < text.size() && !is_edge(text[end])) ++end;
    // Often with what stands in braces behind it, as a call has.
    if (random() % 2 == 0 && end < text.size() && text[end] == '(')
      end = std::min(text.find(')', end), text.size() - 1) + 1;
    return std::pair(from, end - from);
  };
  int passed = 0, resolved = 0;
  for (int i = 0; i < 1500; ++i) {
    std::string text(kServed[random() % std::size(kServed)]);
    const std::string_view other =
        random() % 4 != 0 ? kRefused[random() % std::size(kRefused)] : kServed[random() % std::size(kServed)];
    const auto [at, size] = word_in(text);
    const auto [from, length] = word_in(other);
    text.replace(at, size, other.substr(from, length));
    const auto checked = gate_.Check(text);
    if (!checked) {
      ASSERT_NE(checked.error().code, Code::kInternal) << text << "\n" << checked.error().message;
      continue;
    }
    ++passed;
    if (!checked->text.starts_with("SELECT") && !checked->text.starts_with("WITH")) continue;
    if (checked->text.starts_with("SELECT name FROM system.tables")) continue;  // SHOW TABLES, as the gate words it
    const auto names = ResolvedNames(clickhouse(), checked->text.substr(0, checked->text.rfind(" FORMAT ")));
    resolved += names.empty() ? 0 : 1;
    for (const std::string& name : names) {
      // system.one is also what a SELECT without FROM reads.
      const bool of_engine = name.starts_with("system.") && name != "system.one";
      EXPECT_FALSE(of_engine || forbidden.contains(name)) << text << "\nreads " << name;
    }
  }
  Execute("DROP TABLE sightline.hidden_table");
  EXPECT_GT(passed, 100);
  EXPECT_GT(resolved, 50);
}

TEST_F(SqlGateTest, ServesHonestQueries) {
  EXPECT_GE(std::size(kServed), 60u);
  SqlRunner runner(clickhouse(), {});
  for (auto sql : kServed) {
    auto checked = runner.Check(sql, "");
    ASSERT_TRUE(checked) << sql << "\n" << checked.error().message;
    auto ran = runner.Run(*checked, [](std::string_view) { return true; }, nullptr);
    EXPECT_TRUE(ran) << sql << "\n" << checked->text << "\n" << (ran ? "" : ran.error().message);
  }
}

TEST_F(SqlGateTest, RunsTheCanonicalTextWithoutComments) {
  auto checked = gate_.Check("select 1 -- { serverError 47 }");
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(checked->text, "SELECT 1");
}

TEST_F(SqlGateTest, ShowsTheTablesThatMayBeRead) {
  const auto answer = [&](const char* sql) {
    SqlRunner runner(clickhouse(), {});
    auto checked = runner.Check(sql, "TSV");
    EXPECT_TRUE(checked) << sql << "\n" << (checked ? "" : checked.error().message);
    std::string text;
    if (checked) {
      EXPECT_TRUE(runner.Run(
          *checked,
          [&text](std::string_view piece) {
            text += piece;
            return true;
          },
          nullptr));
    }
    return text;
  };
  const std::string all = answer("SHOW TABLES");
  for (const std::string& name : AllowedTables()) EXPECT_TRUE(("\n" + all).contains("\n" + name + "\n")) << name;
  EXPECT_EQ(std::ranges::count(all, '\n'), static_cast<ptrdiff_t>(AllowedTables().size())) << all;
  EXPECT_EQ(answer("SHOW TABLES LIKE 'otel_l%'"), "otel_logs\n");
  EXPECT_EQ(answer("SHOW TABLES FROM sightline LIKE 'sp%' FORMAT CSV"),
            "\"span_metric_histograms\"\n\"span_metric_points\"\n\"span_metric_rollups\"\n\"span_metric_series\"\n"
            "\"span_metrics\"\n\"spans\"\n");
  EXPECT_EQ(answer("SHOW TABLES LIKE 'no''ne'"), "");
  EXPECT_TRUE(answer("SHOW CREATE TABLE spans FORMAT TSVRaw").starts_with("CREATE TABLE sightline.spans\n"));
}

TEST_F(SqlGateTest, OffersTheNearestTableThatMayBeRead) {
  SqlRunner runner(clickhouse(), {});
  const auto error = [&](const char* sql) {
    auto checked = runner.Check(sql, "");
    EXPECT_TRUE(checked) << sql;
    if (!checked) return std::string();
    auto ran = runner.Run(*checked, [](std::string_view) { return true; }, nullptr);
    EXPECT_FALSE(ran) << sql;
    return ran ? std::string() : ran.error().message;
  };
  EXPECT_TRUE(error("SELECT * FROM otel_trace").ends_with("\ndid you mean otel_traces?"));
  EXPECT_TRUE(error("SELECT * FROM on").ends_with("\nSHOW TABLES says what there is"));
  EXPECT_FALSE(error("SELECT * FROM on").contains("system"));
}

TEST_F(SqlGateTest, NamesTheFormatOfTheText) {
  EXPECT_EQ(gate_.Check("SELECT 1 FORMAT CSV")->format, "CSV");
  EXPECT_EQ(gate_.Check("SELECT 1")->format, "");
  EXPECT_EQ(gate_.Check("EXPLAIN SELECT 1 FORMAT TSV")->format, "TSV");
}

TEST_F(SqlGateTest, SyntaxErrorKeepsTheEnginesCodeAndPlace) {
  auto checked = gate_.Check("SELECT 1 FROM otel_traces WHERE");
  ASSERT_FALSE(checked);
  EXPECT_EQ(store::ClickHouseCode(checked.error().message), 62) << checked.error().message;
  EXPECT_NE(checked.error().message.find("position"), std::string::npos);
  EXPECT_EQ(checked.error().message.find("formatQuery"), std::string::npos) << checked.error().message;
}

TEST_F(SqlGateTest, SyntaxErrorDoesNotListTheWholeGrammar) {
  auto checked = gate_.Check("SELEC 1");
  ASSERT_FALSE(checked);
  EXPECT_LT(checked.error().message.size(), 300u) << checked.error().message;
  EXPECT_TRUE(checked.error().message.ends_with(", …")) << checked.error().message;
}

// The gate compares names without case: that is sound only while no other name of the engine differs from an allowed
// one by case alone.
TEST_F(SqlGateTest, NoForbiddenFunctionDiffersFromAnAllowedOneByCaseOnly) {
  auto rows = clickhouse().Rows("SELECT name, alias_to FROM system.functions");
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_GT(rows->size(), 1000u);
  std::set<std::string> listed;
  for (const char* list : {kScalarFunctions, kAggregateFunctions}) {
    std::istringstream words{std::string(list)};
    for (std::string word; words >> word;) listed.insert(word);
  }
  size_t allowed = 0;
  for (const auto& row : *rows) {
    // Aggregates with combinators have no rows of their own, so that what is allowed here must stand in a list.
    EXPECT_EQ(IsAllowedFunction(row[0]), listed.contains(row[0])) << row[0];
    if (!IsAllowedFunction(row[0])) continue;
    ++allowed;
    // An alias is what it stands for.
    if (!row[1].empty()) EXPECT_TRUE(IsAllowedFunction(row[1])) << row[0] << " is an alias of " << row[1];
  }
  EXPECT_GT(allowed, 1000u);
  for (std::string_view forbidden : {"file", "FILE", "hostName", "sleep", "getSetting", "dictGet", "joinGet", "url",
                                     "initializeAggregation", "evalMLMethod", "formatRow", "currentUser"}) {
    EXPECT_FALSE(IsAllowedFunction(forbidden)) << forbidden;
  }
}

// `x IN f(…)` reads a table function: a name that is one must not pass as an ordinary function.
TEST_F(SqlGateTest, NoForbiddenTableFunctionPassesAsFunction) {
  auto rows = clickhouse().Rows("SELECT name FROM system.table_functions");
  ASSERT_TRUE(rows) << rows.error().message;
  for (const auto& row : *rows) {
    if (!IsAllowedTableFunction(row[0]) && row[0] != "format") EXPECT_FALSE(IsAllowedFunction(row[0])) << row[0];
  }
}

TEST_F(SqlGateTest, EveryAllowedFormatIsAnOutputFormatOfTheEngine) {
  auto rows = clickhouse().Rows("SELECT name FROM system.formats WHERE is_output");
  ASSERT_TRUE(rows) << rows.error().message;
  size_t allowed = 0;
  for (const auto& row : *rows) allowed += IsAllowedFormat(row[0]) ? 1 : 0;
  EXPECT_GT(allowed, 60u);
  EXPECT_FALSE(IsAllowedFormat("Protobuf"));
}

TEST_F(SqlGateTest, LimitsEndAQueryThatWouldRunForEver) {
  SqlRunner runner(clickhouse(), {.seconds_max = 1, .rows_to_read_max = 0});
  auto checked = runner.Check("SELECT max(sipHash64(number)) FROM numbers(100000000000)", "");
  ASSERT_TRUE(checked) << checked.error().message;
  auto ran = runner.Run(*checked, [](std::string_view) { return true; }, nullptr);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Code::kDeadlineExceeded) << ran.error().message;
}

TEST_F(SqlGateTest, AResultBeyondTheLimitIsAnErrorAndNotCut) {
  SqlRunner runner(clickhouse(), {.result_rows_max = 1000});
  auto checked = runner.Check("SELECT number FROM numbers(5000000)", "JSONEachRow");
  ASSERT_TRUE(checked) << checked.error().message;
  auto ran = runner.Run(*checked, [](std::string_view) { return true; }, nullptr);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, Code::kResourceExhausted) << ran.error().message;
}

TEST(SqlTree, RefusesATreeWhoseCountsDoNotAgree) {
  EXPECT_TRUE(ParseSqlTree("A (children 1)\n B\n"));
  EXPECT_FALSE(ParseSqlTree("A (children 2)\n B\n"));
  EXPECT_FALSE(ParseSqlTree("A (children 1)\n B\n C\n"));
  EXPECT_FALSE(ParseSqlTree("A\n B\n"));
  EXPECT_FALSE(ParseSqlTree("A (children 1)\n  B\n"));
  EXPECT_FALSE(ParseSqlTree("A\nB\n"));
  EXPECT_FALSE(ParseSqlTree(""));
}

TEST(SqlTree, LiteralTextIsNeverStructure) {
  auto nodes = ParseSqlTree("A (children 1)\n Literal 'x (children 1)'\n");
  ASSERT_TRUE(nodes);
  EXPECT_EQ(nodes->size(), 2u);
}

TEST(SqlTree, UnknownNodesAreRefused) {
  const Catalog catalog{.database = "sightline", .databases = {}, .own_tables = {}};
  EXPECT_FALSE(CheckSyntaxTree("", "NewKindOfQuery\n", catalog));
  EXPECT_FALSE(CheckSyntaxTree(
      "SELECT 1", "SelectWithUnionQuery (children 1)\n ExpressionList (children 1)\n  NewClause\n", catalog));
}

TEST(CanonicalText, RefusesWhatTheEnginesPrinterNeverWrites) {
  EXPECT_TRUE(CheckCanonicalText("SELECT 'a;b', `c d`"));
  for (std::string_view text : {"SELECT 1; SELECT 2", "SELECT 1 -- x", "SELECT /* x */ 1", "SELECT \"a\"", "SELECT $a$",
                                "SELECT 'open", "SELECT `a\\nb`", "SELECT 1\nFORMAT CSV", "DROP TABLE x", ""}) {
    EXPECT_FALSE(CheckCanonicalText(text)) << text;
  }
}

}  // namespace
}  // namespace sightline::query
