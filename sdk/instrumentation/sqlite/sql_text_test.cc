#include "sql_text.h"

#include <gmock/gmock.h>
#include <sqlite3.h>

#include <random>
#include <string>
#include <vector>

namespace otel::instrumentation {
namespace {

struct Case {
  const char *sql, *text, *operation, *summary;
};

TEST(DescribeSql, SaysWhatAStatementDoesWithoutItsValues) {
  const Case cases[] = {
      {"SELECT * FROM users WHERE name = 'O''Brien' AND id = 42", "SELECT * FROM users WHERE name = ? AND id = ?",
       "SELECT", "SELECT users"},
      {"\n  select  a,\n b -- who?\nfrom /* the */ t;", "select a, b from t;", "select", "select t"},
      {"INSERT INTO orders (id, note) SELECT id, 'x' FROM carts",
       "INSERT INTO orders (id, note) SELECT id, ? FROM carts", "INSERT", "INSERT orders SELECT carts"},
      {"INSERT OR REPLACE INTO t VALUES (1, -2.5e-3, x'00ff', 0x1F, NULL, TRUE)",
       "INSERT OR REPLACE INTO t VALUES (?, -?, ?, ?, NULL, ?)", "INSERT", "INSERT t"},
      {"REPLACE INTO t VALUES (replace('a', 'b', 'c'))", "REPLACE INTO t VALUES (replace(?, ?, ?))", "REPLACE",
       "REPLACE t"},
      {"UPDATE OR IGNORE main.t SET a = 1 WHERE b = ?2", "UPDATE OR IGNORE main.t SET a = ? WHERE b = ?2", "UPDATE",
       "UPDATE main.t"},
      {"DELETE FROM t WHERE a IN (1, 2, 3) AND b IN (?, ?) AND c IN (SELECT 4)",
       "DELETE FROM t WHERE a IN (?) AND b IN (?) AND c IN (SELECT ?)", "DELETE", "DELETE t SELECT"},
      {"SELECT * FROM songs, artists WHERE songs.artist_id == artists.id",
       "SELECT * FROM songs, artists WHERE songs.artist_id == artists.id", "SELECT", "SELECT songs artists"},
      {"SELECT order_date FROM (SELECT * FROM orders o JOIN customers c ON o.customer_id = c.customer_id)",
       "SELECT order_date FROM (SELECT * FROM orders o JOIN customers c ON o.customer_id = c.customer_id)", "SELECT",
       "SELECT SELECT orders customers"},
      {"SELECT * FROM \"song list\", 'artists'", "SELECT * FROM \"song list\", ?", "SELECT",
       "SELECT \"song list\" 'artists'"},
      {"SELECT a FROM [my table] AS m, `x` WHERE m.\"b\" = \"secret\" AND c LIKE \"secret%\"",
       "SELECT a FROM [my table] AS m, `x` WHERE m.\"b\" = ? AND c LIKE ?", "SELECT", "SELECT [my table] `x`"},
      {"INSERT INTO t VALUES (\"secret\", 'b'), (\"secret\", 'd')", "INSERT INTO t VALUES (?, ?), (?, ?)", "INSERT",
       "INSERT t"},
      {"WITH recent AS (SELECT * FROM orders) DELETE FROM old WHERE id IN (SELECT id FROM recent)",
       "WITH recent AS (SELECT * FROM orders) DELETE FROM old WHERE id IN (SELECT id FROM recent)", "DELETE",
       "SELECT orders DELETE old SELECT recent"},
      {"EXPLAIN QUERY PLAN SELECT 1 FROM t", "EXPLAIN QUERY PLAN SELECT ? FROM t", "EXPLAIN", "EXPLAIN SELECT t"},
      {"CREATE TEMP TABLE IF NOT EXISTS t (a TEXT DEFAULT 'x')", "CREATE TEMP TABLE IF NOT EXISTS t (a TEXT DEFAULT ?)",
       "CREATE TABLE", "CREATE TABLE t"},
      {"CREATE UNIQUE INDEX i ON t (a, b)", "CREATE UNIQUE INDEX i ON t (a, b)", "CREATE INDEX", "CREATE INDEX i"},
      {"CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM u; END",
       "CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM u; END", "CREATE TRIGGER", "CREATE TRIGGER g"},
      {"DROP TABLE IF EXISTS t", "DROP TABLE IF EXISTS t", "DROP TABLE", "DROP TABLE t"},
      {"BEGIN IMMEDIATE", "BEGIN IMMEDIATE", "BEGIN", "BEGIN"},
      {"PRAGMA user_version = 7", "PRAGMA user_version = ?", "PRAGMA", "PRAGMA user_version"},
      {"INSERT INTO t(a) VALUES (:a) ON CONFLICT DO UPDATE SET a = @a, b = $b",
       "INSERT INTO t(a) VALUES (:a) ON CONFLICT DO UPDATE SET a = @a, b = $b", "INSERT", "INSERT t"},
      {"SELECT a IS DISTINCT FROM b, (SELECT max(x) FROM y), c FROM z",
       "SELECT a IS DISTINCT FROM b, (SELECT max(x) FROM y), c FROM z", "SELECT", "SELECT SELECT y z"},
      {"SELECT value ->> '$.a' FROM json_each('[1]')", "SELECT value ->> ? FROM json_each(?)", "SELECT",
       "SELECT json_each"},
      {"", "", "", ""},
      {"-- nothing", "", "", ""},
      {"SELECT 'no end", "SELECT ?", "SELECT", "SELECT"},
      {"/* no end", "", "", ""},
      {"SELECT \"no end", "SELECT \"no end", "SELECT", "SELECT"},
      {"SELEC * FORM ((t", "SELEC * FORM ((t", "SELEC", "SELEC"},
      {")))';--", ")))?", "", ""},
  };
  for (const Case& c : cases) {
    const SqlDescription got = DescribeSql(c.sql);
    EXPECT_EQ(got.text, c.text) << c.sql;
    EXPECT_EQ(got.operation, c.operation) << c.sql;
    EXPECT_EQ(got.summary, c.summary) << c.sql;
  }
}

TEST(DescribeSql, IsCutWhereItIsTooLong) {
  std::string sql = "SELECT a FROM t0";
  for (int i = 1; i < 5000; ++i) sql += ", table_" + std::to_string(i);
  const SqlDescription got = DescribeSql(sql);
  EXPECT_LE(got.text.size(), kSqlTextBytesMax);
  EXPECT_GT(got.text.size(), kSqlTextBytesMax - 20);
  EXPECT_LE(got.summary.size(), kSqlSummaryBytesMax);
  EXPECT_THAT(got.summary, testing::MatchesRegex("SELECT t0( table_[0-9]+)+")) << "no name is cut";
  EXPECT_THAT(DescribeSql("SELECT '" + std::string(1 << 20, 'x') + "'").text, "SELECT ?");
}

// What takes other tokenizers long: each opens what never ends.
TEST(DescribeSql, TakesLinearTimeWhateverComes) {
  for (const char* piece :
       {"'", "\"", "(", ")", "/*", "--", "IN (?,", "VALUES(", "[", "SELECT ", "x'", "1e", ",", ";"}) {
    std::string sql;
    while (sql.size() < kSqlReadBytesMax) sql += piece;
    EXPECT_LE(DescribeSql(sql).text.size(), kSqlTextBytesMax) << piece;
  }
}

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}
  size_t Below(size_t n) { return random_() % n; }
  const char* Pick(const std::vector<const char*>& from) { return from[Below(from.size())]; }

  std::string Space() { return Pick({" ", "\n", "  ", " /* SECRET ' */ ", " -- SECRET '\n", "\t"}); }
  std::string Value() {
    return Pick({"'SECRET'", "'it''s SECRET'", "\"SECRET\"", "x'5345'", "7331", "7331.5", ".7331", "7331e-7", "0x7331",
                 "?", ":a", "NULL", "TRUE"});
  }
  std::string Column() { return Pick({"a", "b", "\"a\"", "[b]", "`a`", "t.a"}); }
  std::string Condition(int depth) {
    if (depth > 2 || Below(3) == 0) return Column() + Pick({"=", " < ", " <> ", " LIKE "}) + Space() + Value();
    if (Below(3) == 0) return Column() + " IN (" + Value() + "," + Space() + Value() + ")";
    if (Below(4) == 0) return Column() + " IN (" + Select(depth + 1) + ")";
    return "(" + Condition(depth + 1) + Pick({" AND ", " OR "}) + Condition(depth + 1) + ")";
  }
  std::string Select(int depth) { return "SELECT" + Space() + "t.a FROM" + Space() + "t WHERE " + Condition(depth); }
  std::string Statement() {
    switch (Below(4)) {
      case 0:
        return "INSERT INTO t" + Space() + "VALUES (" + Value() + "," + Value() + "), (" + Value() + ", " + Value() +
               ")";
      case 1:
        return "UPDATE" + Space() + "t SET a = " + Value() + " WHERE " + Condition(0);
      case 2:
        return "DELETE FROM t WHERE" + Space() + Condition(0);
      default:
        return Select(0);
    }
  }

 private:
  std::mt19937_64 random_;
};

TEST(DescribeSql, WhatItLeavesOfValidStatementsIsValidAndHasNoValues) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "CREATE TABLE t (a, b)", nullptr, nullptr, nullptr), SQLITE_OK);
  const auto prepares = [&](const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr);
    sqlite3_finalize(statement);
    return code == SQLITE_OK;
  };
  Generator generator(20260101);
  for (int i = 0; i < 5'000; ++i) {
    const std::string sql = generator.Statement();
    ASSERT_TRUE(prepares(sql)) << sql << "\n" << sqlite3_errmsg(db);
    const SqlDescription got = DescribeSql(sql);
    ASSERT_TRUE(prepares(got.text)) << sql << "\n" << got.text << "\n" << sqlite3_errmsg(db);
    ASSERT_THAT(got.text, testing::Not(testing::ContainsRegex("SECRET|7331|5345"))) << sql;
    ASSERT_THAT(got.summary, testing::MatchesRegex("(INSERT|UPDATE|DELETE|SELECT) t( SELECT t)*")) << sql;
    ASSERT_EQ(DescribeSql(got.text).text, got.text) << sql;
  }
  sqlite3_close(db);
}

TEST(DescribeSql, TakesAnyBytes) {
  std::mt19937_64 random(7);
  const std::vector<std::string> pieces = {"'",  "\"", "`",  "[",     "]",       "(",     ")",        "--",
                                           "/*", "*/", "\n", " ",     "SELECT ", "FROM ", "IN(",      "VALUES",
                                           "x'", "0x", "1.", "e+",    "?",       ":",     "\xff",     "\xc3",
                                           ";",  ",",  ".",  "INTO ", "WITH ",   "a",     "TRIGGER ", "CREATE "};
  for (int i = 0; i < 20'000; ++i) {
    std::string sql;
    for (size_t n = random() % 30; n > 0; --n) sql += pieces[random() % pieces.size()];
    if (i % 3 == 0) sql += static_cast<char>(random());
    const SqlDescription got = DescribeSql(sql);
    ASSERT_LE(got.text.size(), sql.size() + 1) << sql;
    ASSERT_LE(got.operation.size(), kSqlSummaryBytesMax);
  }
}

}  // namespace
}  // namespace otel::instrumentation
