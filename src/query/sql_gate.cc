#include "query/sql_gate.h"

#include <array>
#include <vector>

#include "query/sql_tree.h"

namespace sightline::query {
namespace {

constexpr size_t kExpectedBytesMax = 100;  // of the engine's list of what a syntax error could have been instead

bool IsWordByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (c & 0x80) != 0;
}

// Position after the closing quote; npos if there is none. Canonical text escapes with backslashes only.
size_t EndOfQuoted(std::string_view text, size_t open) {
  for (size_t i = open + 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == text[open]) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

// Identifiers are printed raw in the tree: one that could look like a part of the tree is refused.
Result<void> CheckQuotedIdentifier(std::string_view name) {
  bool odd = name.find("(children ") != name.npos || name.find("(alias ") != name.npos;
  for (char c : name) odd = odd || c == '\\' || (c >= 0 && c < ' ') || c == 0x7f;
  if (!odd) return {};
  return Fail(Code::kInvalidArgument, "a quoted name with control characters, backslashes or \"(children\" is refused");
}

// The words that begin a statement this gate may let through.
bool MayBegin(std::string_view canonical) {
  for (std::string_view word : {"SELECT", "WITH", "(", "DESCRIBE", "EXPLAIN", "SHOW"}) {
    if (canonical.starts_with(word)) return true;
  }
  return false;
}

}  // namespace

Result<void> CheckCanonicalText(std::string_view text) {
  if (!MayBegin(text)) {
    return Fail(Code::kInvalidArgument,
                "only reading statements are allowed, this one begins with {}\nSELECT, WITH … SELECT, DESCRIBE TABLE, "
                "SHOW TABLES, SHOW CREATE TABLE and EXPLAIN of a SELECT are served",
                text.substr(0, text.find(' ')));
  }
  std::string_view last_word;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '\'' || c == '`') {
      const size_t end = EndOfQuoted(text, i);
      if (end == text.npos) return Fail(Code::kInvalidArgument, "a quote is not closed");
      if (c == '`') SIGHTLINE_TRY(CheckQuotedIdentifier(text.substr(i + 1, end - i - 2)));
      i = end;
      last_word = {};
      continue;
    }
    if (IsWordByte(c)) {
      size_t end = i;
      while (end < text.size() && IsWordByte(text[end])) ++end;
      const auto word = text.substr(i, end - i);
      if (last_word == "PARALLEL" && word == "WITH") return Fail(Code::kInvalidArgument, "one statement only");
      if (last_word == "INTO" && word == "OUTFILE") return Fail(Code::kInvalidArgument, "INTO OUTFILE is refused");
      if (word == "SETTINGS") return Fail(Code::kInvalidArgument, "a SETTINGS clause is refused: the server sets them");
      last_word = word;
      i = end;
      continue;
    }
    const auto two = text.substr(i, 2);
    if (c == '{') {
      return Fail(Code::kInvalidArgument, "query parameters are not supported here\nwrite the value into the text");
    }
    // None of these stands outside quotes in canonical text: if one does, it was not the engine's printer that made it.
    if (c == ';' || c == '"' || c == '$' || c == '#' || c == '\\' || (c >= 0 && c < ' ') || two == "--" ||
        two == "/*") {
      return Fail(Code::kInvalidArgument, "byte {} outside quotes is refused: {}", i, two);
    }
    if (c != ' ') last_word = {};
    ++i;
  }
  return {};
}

Result<CheckedSql> SqlGate::Check(std::string_view sql) {
  if (sql.size() > kSqlBytesMax) {
    return Fail(Code::kInvalidArgument, "the text has {} bytes, the limit is {}", sql.size(), kSqlBytesMax);
  }
  if (sql.find_first_not_of(" \t\r\n") == sql.npos) return Fail(Code::kInvalidArgument, "the text is empty");
  if (sql.find('\0') != sql.npos) return Fail(Code::kInvalidArgument, "the text contains a zero byte");

  store::QueryOptions options;
  options.settings = {{"database", database_}, {"readonly", "1"}};
  options.parameters["sql"] = std::string(sql);
  auto rows = clickhouse_.Rows(
      "SELECT formatQuerySingleLine({sql:String}), currentDatabase(), "
      "arrayJoin(arrayConcat((SELECT groupArray(concat('d', name)) FROM system.databases), "
      "(SELECT groupArray(concat('t', name)) FROM system.tables WHERE database = currentDatabase())))",
      options);
  if (!rows) {
    // The engine quotes our own question behind the place of the mistake.
    Error error = rows.error();
    if (const auto scope = error.message.find(": In scope SELECT formatQuery"); scope != std::string::npos) {
      error.message.resize(scope);
    }
    // It may go on to list everything that could have stood there.
    if (const auto list = error.message.find(" Expected one of: "); list != std::string::npos) {
      const auto cut = error.message.find(", ", list + kExpectedBytesMax);
      if (cut != std::string::npos) error.message.replace(cut, std::string::npos, ", …");
    }
    return std::unexpected(std::move(error));
  }
  if (rows->empty()) return Fail(Code::kInternal, "the engine named no database");
  Catalog catalog;
  catalog.database = database_;
  for (const auto& row : *rows) {
    if (row.size() != 3 || row[2].empty()) return Fail(Code::kInternal, "the engine answered {} columns", row.size());
    (row[2][0] == 'd' ? catalog.databases : catalog.own_tables).insert(row[2].substr(1));
  }
  if (rows->front()[1] != database_) {
    return Fail(Code::kInternal, "the current database is {}, not {}", rows->front()[1], database_);
  }
  const std::string canonical = rows->front()[0];
  SIGHTLINE_TRY(CheckCanonicalText(canonical));

  std::string tree;
  store::QueryOptions explain;
  explain.settings = options.settings;
  explain.format = "TSVRaw";
  auto explained = clickhouse_.Query("EXPLAIN AST " + canonical, explain, [&](std::string_view piece) {
    tree += piece;
    return true;
  });
  if (!explained) return std::unexpected(explained.error());
  return CheckSyntaxTree(canonical, tree, catalog);
}

}  // namespace sightline::query
