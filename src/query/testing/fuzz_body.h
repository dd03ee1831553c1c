// What the fuzzer of the SQL gate does with an input, and the tests with each stored one.
//
// The input is what the engine would have answered: the canonical text in the first line, the syntax tree in the
// others. Any bytes may stand there: the gate must not rely on the engine's printers. What it lets through is read once
// more here, without the gate's own lexer and parser: line by line, and with all quoted text cut out.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.h"
#include "query/sql_allowed.h"
#include "query/sql_gate.h"

namespace sightline::query::testing {

inline const Catalog& FuzzCatalog() {
  static const Catalog catalog = {.database = "sightline",
                                  .databases = {"sightline", "system", "default", "information_schema"},
                                  .own_tables = {"spans", "otel_traces", "otel_logs", "hidden_table", ".inner.x"}};
  return catalog;
}

// Without what stands in '' and ``.
inline std::string OutsideQuotes(std::string_view text) {
  std::string outside;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (quote == 0) {
      if (text[i] == '\'' || text[i] == '`') quote = text[i];
      outside += quote == 0 ? text[i] : ' ';
    } else if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      quote = 0;
    }
  }
  SIGHTLINE_CHECK(quote == 0);
  return outside;
}

inline void CheckServedText(std::string_view canonical) {
  const std::string outside = " " + OutsideQuotes(canonical) + " ";
  SIGHTLINE_CHECK(outside.find_first_of(";\"$#\\{\n\t\r") == outside.npos);
  for (std::string_view never : {"--", "/*", " SETTINGS ", " INTO OUTFILE ", " PARALLEL WITH "}) {
    SIGHTLINE_CHECK(!outside.contains(never));
  }
}

// "  Function count (alias n) (children 1)" with "Function" -> "count"; "" if the line is of another kind.
inline std::string_view NameIn(std::string_view line, std::string_view kind) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  if (!line.starts_with(kind) || !line.substr(kind.size()).starts_with(' ')) return {};
  line.remove_prefix(kind.size() + 1);
  return line.substr(0, std::min(line.find(" (alias "), line.rfind(" (children ")));
}

inline bool MayBeTable(std::string_view name) {
  if (name.starts_with("sightline.")) name.remove_prefix(10);
  return IsAllowedTable(name) || (!FuzzCatalog().own_tables.contains(std::string(name)) && !name.contains('.'));
}

inline void CheckServedTree(std::string_view tree) {
  while (!tree.empty()) {
    const size_t end = std::min(tree.find('\n'), tree.size());
    const std::string_view line = tree.substr(0, end);
    tree.remove_prefix(std::min(end + 1, tree.size()));
    if (const auto name = NameIn(line, "Function"); !name.empty()) {
      SIGHTLINE_CHECK(IsAllowedFunction(name) || IsAllowedTableFunction(name));
    }
    if (const auto name = NameIn(line, "TableIdentifier"); !name.empty()) SIGHTLINE_CHECK(MayBeTable(name));
    SIGHTLINE_CHECK(NameIn(line, "ColumnsApplyTransformer").empty());
  }
}

// True: let through.
inline bool FuzzSqlGate(std::string_view input) {
  const std::string canonical(input.substr(0, input.find('\n')));
  const std::string_view tree = input.substr(std::min(canonical.size() + 1, input.size()));
  const auto text = CheckCanonicalText(canonical);
  if (text) CheckServedText(canonical);
  const auto served = CheckSyntaxTree(canonical, tree, FuzzCatalog());
  if (!served) {
    SIGHTLINE_CHECK(served.error().code == Code::kInvalidArgument && !served.error().message.empty());
    return false;
  }
  SIGHTLINE_CHECK(served->format.empty() || IsAllowedFormat(served->format));
  if (tree.starts_with("ShowTables")) return text.has_value();  // becomes a question of ours
  SIGHTLINE_CHECK(served->text == canonical);
  CheckServedTree(tree);
  return text.has_value();
}

}  // namespace sightline::query::testing
