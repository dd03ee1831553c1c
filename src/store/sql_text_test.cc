#include "store/sql_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/clickhouse.h"
#include "store/errors.h"

namespace sightline::store {
namespace {

using ::testing::ElementsAre;

TEST(SqlText, FindsTheFormatClauseAndWhatIsData) {
  struct Case {
    std::string sql, first_word, format;
    bool insert_of_data;
  };
  for (const Case& c : {
           Case{"SELECT 1", "SELECT", "", false},
           Case{"/* c */ -- d\n select 1 format JSON", "SELECT", "JSON", false},
           Case{"SELECT 1 FORMAT JSON SETTINGS max_threads = 1;", "SELECT", "JSON", false},
           Case{"SELECT format FROM t", "SELECT", "", false},
           Case{"SELECT format('{} FORMAT JSON', 1)", "SELECT", "", false},
           Case{"SELECT 'FORMAT JSON', \"FORMAT\", `FORMAT` FROM t", "SELECT", "", false},
           Case{"SELECT $x$ FORMAT JSON $x$ FORMAT CSV", "SELECT", "CSV", false},
           Case{"SELECT * FROM (SELECT 1 FORMAT Native)", "SELECT", "", false},
           Case{"INSERT INTO t (a, `FORMAT`) FORMAT Native", "INSERT", "Native", true},
           Case{"INSERT INTO t SETTINGS x = 'y' FORMAT CSV\n1,2 SELECT", "INSERT", "CSV", true},
           Case{"INSERT INTO t", "INSERT", "", true},
           Case{"INSERT INTO t VALUES (1), ('FORMAT JSON')", "INSERT", "", false},
           Case{"INSERT INTO t SELECT * FROM s FORMAT Null", "INSERT", "Null", false},
           Case{"(SELECT 1)", "(", "", false},
       }) {
    const SqlShape shape = ReadShape(c.sql);
    EXPECT_EQ(shape.first_word, c.first_word) << c.sql;
    EXPECT_EQ(shape.format, c.format) << c.sql;
    EXPECT_EQ(shape.insert_of_data, c.insert_of_data) << c.sql;
  }
}

TEST(SqlText, TellsWhereTheClauseStands) {
  const std::string sql = "INSERT INTO t FORMAT CSV\n1";
  const SqlShape shape = ReadShape(sql);
  EXPECT_EQ(sql.substr(0, shape.format_begin), "INSERT INTO t ");
  EXPECT_EQ(sql.substr(shape.format_end), "\n1");
}

TEST(SqlText, EscapesParametersByTheirPlaceholdersType) {
  const std::string sql = "SELECT { a : String }, {b:Array(String)}, {ab:UInt8}";
  const std::map<std::string, std::string> plain = {{"a", "x\ty\\"}, {"b", "['\\'']"}, {"ab", "1"}};
  const std::map<std::string, std::string> escaped = {{"a", "x\\ty\\\\"}, {"b", "['\\'']"}, {"ab", "1"}};
  EXPECT_EQ(EscapeParameters(sql, plain), escaped);
  EXPECT_EQ(UnescapeParameters(sql, escaped), plain);
}

TEST(SqlText, ReadsTabSeparatedFields) {
  EXPECT_THAT(ParseTabSeparated("a\\tb\t\\N\nc\\\\\t\n"),
              ElementsAre(ElementsAre("a\tb", "\\N"), ElementsAre("c\\", "")));
}

TEST(ClickHouseErrors, TheNumberIsFoundWhereverItStands) {
  EXPECT_EQ(ClickHouseCode("Code: 47. DB::Exception: x"), 47);
  EXPECT_EQ(ClickHouseCode("open schema: Code: 159. DB::Exception: x"), 159);
  EXPECT_EQ(ClickHouseCode("Postal Code: 7, Code: 60. DB::Exception"), 60);
  EXPECT_EQ(ClickHouseCode("connection refused"), 0);
}

TEST(ClickHouseErrors, FullDiskIsWorthARetry) {
  EXPECT_EQ(ClickHouseError("Code: 243. DB::Exception: Cannot reserve").code, Code::kUnavailable);
  EXPECT_EQ(ClickHouseError("Code: 75. DB::Exception: write: No space left on device").code, Code::kUnavailable);
  EXPECT_EQ(ClickHouseError("Code: 62. DB::Exception: Syntax error").code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace sightline::store
