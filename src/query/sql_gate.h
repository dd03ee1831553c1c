// Lets read-only SQL of strangers through, and nothing else. Data: text as sent -> the engine's own canonical text of
// it -> checks on that text and on the engine's syntax tree of it -> the same canonical text, to be run.
//
// Why the canonical text: the engine's parser has then proved that it is one statement, and comments (which steer the
// embedded client: "-- { serverError 47 }"), heredocs and exotic quotes are gone, so a lexer of a few lines reads it
// without doubt. What runs is byte for byte what was checked.
// Why lists of what is allowed: a list of what is forbidden leaks with every release of the engine.
//
// Errors here are of kInvalidArgument for the user to mend; a second line of the message, if any, is a hint.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr size_t kSqlBytesMax = 256 * 1024;

struct CheckedSql {
  std::string text;    // canonical: run exactly this
  std::string format;  // named by a FORMAT clause in the text; empty if none
};

// What the engine knows besides the allowed tables, so that no name can mean them.
struct Catalog {
  std::string database;  // the current one
  std::set<std::string> databases;
  std::set<std::string> own_tables;  // every table and view of the current database
};

// The two pure halves. `canonical` comes from formatQuerySingleLine, `tree` from EXPLAIN AST of exactly that text.
Result<void> CheckCanonicalText(std::string_view canonical);
Result<CheckedSql> CheckSyntaxTree(const std::string& canonical, std::string_view tree, const Catalog& catalog);

// Thread: any.
class SqlGate {
 public:
  // `clickhouse` must outlive the gate. Unqualified names mean `database`: run what was checked with that one current.
  explicit SqlGate(store::ClickHouse& clickhouse, std::string database = "sightline")
      : clickhouse_(clickhouse), database_(std::move(database)) {}

  // Two small questions to the engine, neither of which runs the text.
  Result<CheckedSql> Check(std::string_view sql);

 private:
  store::ClickHouse& clickhouse_;
  const std::string database_;
};

}  // namespace sightline::query
