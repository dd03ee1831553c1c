#include "otel/instrumentation/sqlite.h"

#include <gmock/gmock.h>
#include <otel/trace.h>
#include <sqlite3.h>

#include <string>
#include <thread>
#include <vector>

#include "../testing/collected.h"

namespace otel::instrumentation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class SqliteTest : public testing::Test {
 protected:
  void SetUp() override {
    collected_.ClearSpans();
    db_ = Open(":memory:");
    Execute("CREATE TABLE t (a INTEGER UNIQUE, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')");
    ASSERT_TRUE(InstrumentSqlite(db_, {.db_namespace = "shop"}));
  }
  void TearDown() override {
    for (sqlite3* db : open_) EXPECT_EQ(sqlite3_close(db), SQLITE_OK);
  }

  sqlite3* Open(const std::string& name, int flags = 0) {
    sqlite3* db = nullptr;
    const int code = sqlite3_open_v2(name.c_str(), &db,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | flags, nullptr);
    EXPECT_EQ(code, SQLITE_OK) << name;
    open_.push_back(db);
    return db;
  }
  int Execute(const std::string& sql, sqlite3* db = nullptr) {
    return sqlite3_exec(db == nullptr ? db_ : db, sql.c_str(), nullptr, nullptr, nullptr);
  }
  sqlite3_stmt* Prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sqlite3_errmsg(db_);
    return statement;
  }
  std::vector<SpanData> Spans() const { return collected_.Spans(); }
  std::vector<std::string> Names() const { return collected_.Names(); }
  // How many statements were measured, by the value of an attribute.
  std::map<std::string, int64_t> Measured(std::string_view key) const {
    return collected_.Measured("db.client.operation.duration", key);
  }

  Collected& collected_ = Collected::Global();
  sqlite3* db_ = nullptr;
  std::vector<sqlite3*> open_;
};

TEST_F(SqliteTest, EachRunIsAChildOfWhoRunsIt) {
  const Tracer tracer = GetTracer("test");
  sqlite3_stmt* select = Prepare("SELECT b FROM t WHERE a > ? ORDER BY a /* all */");
  SpanContext parents[2];
  for (int run = 0; run < 2; ++run) {
    const Span parent = tracer.StartSpan("parent");
    parents[run] = parent.context();
    const Scope scope(parent);
    sqlite3_bind_int(select, 1, run);
    while (sqlite3_step(select) == SQLITE_ROW) {
    }
    sqlite3_reset(select);
  }
  sqlite3_finalize(select);
  const auto spans = Spans();
  ASSERT_THAT(Names(), ElementsAre("SELECT t", "parent", "SELECT t", "parent"));
  for (int run = 0; run < 2; ++run) {
    const SpanData& span = spans[2 * run];
    EXPECT_EQ(span.parent, parents[run]);
    EXPECT_EQ(span.kind, SpanKind::kClient);
    EXPECT_EQ(span.status, StatusCode::kUnset);
    EXPECT_EQ(Text(span.attributes, "db.system.name"), "sqlite");
    EXPECT_EQ(Text(span.attributes, "db.namespace"), "shop");
    EXPECT_EQ(Text(span.attributes, "db.operation.name"), "SELECT");
    EXPECT_EQ(Text(span.attributes, "db.query.summary"), "SELECT t");
    EXPECT_EQ(Text(span.attributes, "db.query.text"), "SELECT b FROM t WHERE a > ? ORDER BY a");
    EXPECT_EQ(Value(span.attributes, "db.response.returned_rows")->as_int(), 3 - run);
    EXPECT_GE(span.start, spans[2 * run + 1].start);
    EXPECT_LE(span.end, spans[2 * run + 1].end);
  }
}

TEST_F(SqliteTest, AStatementThatIsLeftEarlyEndsWithItsReset) {
  sqlite3_stmt* select = Prepare("SELECT a FROM t");
  ASSERT_EQ(sqlite3_step(select), SQLITE_ROW);
  EXPECT_THAT(Names(), ElementsAre());
  sqlite3_stmt* other = Prepare("SELECT b FROM t LIMIT 1");  // begins and ends within
  ASSERT_EQ(sqlite3_step(other), SQLITE_ROW);
  sqlite3_finalize(other);
  sqlite3_reset(select);
  sqlite3_finalize(select);
  const auto spans = Spans();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_THAT(std::string(Text(spans[0].attributes, "db.query.text")), HasSubstr("LIMIT ?"));
  for (const auto& span : spans) EXPECT_EQ(Value(span.attributes, "db.response.returned_rows")->as_int(), 1);
}

TEST_F(SqliteTest, FailuresSayWhatSqliteSays) {
  const auto before = Measured("error.type");
  sqlite3_stmt* insert = Prepare("INSERT INTO t VALUES (1, 'again')");
  EXPECT_EQ(sqlite3_step(insert), SQLITE_CONSTRAINT);
  EXPECT_EQ(sqlite3_finalize(insert), SQLITE_CONSTRAINT);
  const auto spans = Spans();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].status, StatusCode::kError);
  EXPECT_EQ(spans[0].status_description, "UNIQUE constraint failed: t.a");
  EXPECT_EQ(Text(spans[0].attributes, "db.response.status_code"), std::to_string(SQLITE_CONSTRAINT_UNIQUE));
  EXPECT_EQ(Text(spans[0].attributes, "error.type"), std::to_string(SQLITE_CONSTRAINT_UNIQUE));
  EXPECT_EQ(Measured("error.type")["2067"], (before.contains("2067") ? before.at("2067") : 0) + 1);
}

TEST_F(SqliteTest, ScriptsAreTheirStatements) {
  EXPECT_EQ(Execute("BEGIN; INSERT INTO t VALUES (4, 'a'); COMMIT;"), SQLITE_OK);
  EXPECT_THAT(Names(), ElementsAre("BEGIN", "INSERT t", "COMMIT"));
  collected_.ClearSpans();
  EXPECT_EQ(Execute("INSERT INTO t VALUES (5, 'a'); INSERT INTO t VALUES (5, 'b');\n"), SQLITE_CONSTRAINT);
  const auto spans = Spans();
  ASSERT_EQ(spans.size(), 2u);
  EXPECT_EQ(spans[0].status, StatusCode::kUnset);
  EXPECT_EQ(spans[1].status, StatusCode::kError);
  collected_.ClearSpans();
  EXPECT_EQ(Execute("INSERT INTO t VALUES (6, 'a'); NO STATEMENT"), SQLITE_ERROR);
  ASSERT_EQ(Spans().size(), 1u);
  EXPECT_EQ(Spans()[0].status, StatusCode::kUnset) << "it did not fail";
}

TEST_F(SqliteTest, WhatSqliteRunsWithinAStatementBelongsToIt) {
  Execute("CREATE VIRTUAL TABLE f USING fts5(x)");
  Execute("CREATE TABLE log (a); CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END");
  collected_.ClearSpans();
  Execute("INSERT INTO f VALUES ('some words')");
  Execute("INSERT INTO t VALUES (7, 'q')");
  Execute("SELECT * FROM f WHERE f MATCH 'words'");
  EXPECT_THAT(Names(), ElementsAre("INSERT f", "INSERT t", "SELECT f"));
  EXPECT_EQ(Value(Spans()[2].attributes, "db.response.returned_rows")->as_int(), 1);
}

TEST_F(SqliteTest, AStatementThatIsPreparedAnewIsOneSpan) {
  sqlite3_stmt* select = Prepare("SELECT * FROM t");
  Execute("ALTER TABLE t ADD COLUMN c");
  collected_.ClearSpans();
  int rows = 0;
  while (sqlite3_step(select) == SQLITE_ROW) ++rows;
  sqlite3_finalize(select);
  EXPECT_EQ(rows, 3);
  const auto spans = Spans();
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].status, StatusCode::kUnset);
  EXPECT_EQ(Value(spans[0].attributes, "db.response.returned_rows")->as_int(), 3);
}

TEST_F(SqliteTest, MeasuresAlsoWhatMakesNoSpan) {
  ASSERT_TRUE(InstrumentSqlite(db_, {.db_namespace = "no roots", .root_spans = false}));
  Execute("SELECT 1");
  EXPECT_THAT(Names(), ElementsAre());
  EXPECT_EQ(Measured("db.namespace")["no roots"], 1);
  {
    const Span parent = GetTracer("test").StartSpan("parent");
    const Scope scope(parent);
    Execute("SELECT 1");
  }
  EXPECT_THAT(Names(), ElementsAre("SELECT", "parent"));
  EXPECT_EQ(Measured("db.namespace")["no roots"], 2);
}

TEST_F(SqliteTest, TheFileIsTheNamespace) {
  sqlite3* file = Open(testing::TempDir() + "orders.db");
  ASSERT_TRUE(InstrumentSqlite(file));
  Execute("SELECT 1", file);
  EXPECT_EQ(Text(Spans().at(0).attributes, "db.namespace"), "orders.db");
  sqlite3* memory = Open(":memory:");
  ASSERT_TRUE(InstrumentSqlite(memory));
  Execute("SELECT 1", memory);
  EXPECT_EQ(Text(Spans().at(1).attributes, "db.namespace"), ":memory:");
}

TEST_F(SqliteTest, ConnectionsThatAreClosedWithStatementsLeftEndLater) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  ASSERT_TRUE(InstrumentSqlite(db));
  sqlite3_stmt* select = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(db, "SELECT 1", -1, &select, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(select), SQLITE_ROW);
  ASSERT_EQ(sqlite3_close_v2(db), SQLITE_OK);
  sqlite3_finalize(select);
  EXPECT_THAT(Names(), ElementsAre("SELECT"));
}

TEST_F(SqliteTest, ThreadsMayShareAConnection) {
  sqlite3* db = Open("file:shared?mode=memory", SQLITE_OPEN_FULLMUTEX);
  Execute("CREATE TABLE s (a UNIQUE); INSERT INTO s VALUES (1)", db);
  ASSERT_TRUE(InstrumentSqlite(db));
  constexpr int kThreads = 4, kRuns = 200;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int run = 0; run < kRuns; ++run) {
        const bool fails = (run + thread) % 2 == 0;
        sqlite3_stmt* statement = nullptr;
        sqlite3_prepare_v2(db, fails ? "INSERT INTO s VALUES (1)" : "SELECT a FROM s", -1, &statement, nullptr);
        while (sqlite3_step(statement) == SQLITE_ROW) {
        }
        sqlite3_finalize(statement);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  int failed = 0;
  const auto spans = Spans();
  for (const auto& span : spans) failed += span.status == StatusCode::kError;
  EXPECT_EQ(spans.size(), static_cast<size_t>(kThreads * kRuns));
  EXPECT_EQ(failed, kThreads * kRuns / 2);
}

}  // namespace
}  // namespace otel::instrumentation
