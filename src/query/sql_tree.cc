#include "query/sql_tree.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <utility>

#include <fmt/ranges.h>

#include "query/sql_allowed.h"
#include "query/sql_gate.h"

namespace sightline::query {
namespace {

// Takes " (children N)" off the end of a line; 0 if it is not there.
int TakeChildren(std::string_view& line) {
  constexpr std::string_view kMark = " (children ";
  const size_t at = line.rfind(kMark);
  if (at == line.npos || !line.ends_with(')')) return 0;
  int count = 0;
  const char* first = line.data() + at + kMark.size();
  const char* last = line.data() + line.size() - 1;
  const auto [end, error] = std::from_chars(first, last, count);
  if (error != std::errc{} || end != last || count <= 0) return 0;
  line = line.substr(0, at);
  return count;
}

SqlNode ParseLine(std::string_view line, int& children) {
  SqlNode node;
  node.kind = line.substr(0, line.find(' '));
  // A literal has no children, and its text may contain anything.
  children = node.kind == "Literal" ? 0 : TakeChildren(line);
  if (node.kind.size() < line.size()) node.detail = line.substr(node.kind.size() + 1);
  if (const size_t alias = node.detail.find(" (alias "); alias != node.detail.npos && node.kind != "Literal") {
    node.detail = node.detail.substr(0, alias);
  }
  return node;
}

// Walks the tree once and says why it is refused, if it is.
class Checker {
 public:
  Checker(const std::string& canonical, const std::vector<SqlNode>& nodes, const Catalog& catalog)
      : canonical_(canonical), nodes_(nodes), catalog_(catalog), prefix_(catalog.database + ".") {}

  Result<CheckedSql> Check() {
    // This node shows nothing of its text, so the text itself must be known.
    if (nodes_[0].kind == "ShowTables") return ShowTables();
    SIGHTLINE_TRY(CheckRoot());
    for (size_t i = 1; i < nodes_.size(); ++i) SIGHTLINE_TRY(CheckNode(static_cast<int>(i)));
    return CheckedSql{canonical_, format_};
  }

 private:
  const SqlNode& Child(const SqlNode& node, size_t index) const { return nodes_[node.children[index]]; }

  // FORMAT is the last child of the root; a Literal there is INTO OUTFILE, a Set is SETTINGS.
  Result<void> CheckFormat(const SqlNode& root, size_t index) {
    if (root.children.size() <= index) return {};
    const SqlNode& format = Child(root, index);
    if (root.children.size() > index + 1 || format.kind != "Identifier") {
      return Fail(Code::kInvalidArgument, "only a FORMAT clause may follow the query");
    }
    if (!IsAllowedFormat(format.detail)) {
      return Fail(Code::kInvalidArgument, "format {} is not on the list", format.detail);
    }
    format_ = format.detail;
    format_node_ = root.children[index];
    return {};
  }

  Result<void> CheckRoot() {
    const SqlNode& root = nodes_[0];
    if (root.kind == "SelectWithUnionQuery") return CheckFormat(root, 1);
    if (root.kind == "DescribeQuery") return CheckFormat(root, 1);
    if (root.kind == "Explain") return CheckExplain(root);
    if (root.kind == "ShowCreateTableQuery" || root.kind == "ShowCreateViewQuery") return CheckShowCreate();
    return Fail(
        Code::kInvalidArgument,
        "statements of this kind ({}) are not allowed\nSELECT, WITH … SELECT, DESCRIBE TABLE, SHOW TABLES, SHOW "
        "CREATE TABLE and EXPLAIN of a SELECT are served",
        root.kind);
  }

  Result<void> CheckExplain(const SqlNode& root) {
    constexpr std::string_view kKinds[] = {
        "EXPLAIN", "EXPLAIN AST", "EXPLAIN SYNTAX", "EXPLAIN QUERY TREE", "EXPLAIN PIPELINE", "EXPLAIN ESTIMATE"};
    if (std::find(std::begin(kKinds), std::end(kKinds), root.detail) == std::end(kKinds)) {
      return Fail(Code::kInvalidArgument, "{} is not allowed", root.detail);
    }
    size_t first = 0;
    // The tree hides what is set, the beginning of the canonical text does not.
    constexpr std::string_view kOptions[] = {"EXPLAIN indexes = 1 ", "EXPLAIN actions = 1 ", "EXPLAIN header = 1 "};
    if (!root.children.empty() && Child(root, 0).kind == "Set") {
      for (auto option : kOptions) {
        if (!canonical_.starts_with(option)) continue;
        const auto rest = std::string_view(canonical_).substr(option.size());
        if (rest.starts_with("SELECT ") || rest.starts_with("WITH ")) first = 1;
      }
      if (first == 1) explain_options_node_ = root.children[0];
    }
    if (root.children.size() <= first || Child(root, first).kind != "SelectWithUnionQuery") {
      return Fail(Code::kInvalidArgument, "only a SELECT can be explained, without options except indexes = 1");
    }
    return CheckFormat(root, first + 1);
  }

  // [database] table [format]: the tree does not tell names from the format, the canonical text's end does.
  Result<void> CheckShowCreate() {
    const SqlNode& root = nodes_[0];
    size_t names = root.children.size();
    if (names > 1) {
      const SqlNode& last = Child(root, names - 1);
      if (canonical_.ends_with(fmt::format(" FORMAT {}", last.detail))) {
        SIGHTLINE_TRY(CheckFormat(root, names - 1));
        --names;
      }
    }
    std::string name;
    for (size_t i = 0; i < names; ++i) {
      if (!name.empty()) name += '.';
      name += Child(root, i).detail;
    }
    if (!IsOurTable(name)) return RefuseTable(name);
    return {};
  }

  // SHOW TABLES [FROM database] [[NOT] LIKE|ILIKE 'pattern'] [FORMAT format], as a question for the tables that may be
  // read: the engine's own answer also names those that may not.
  Result<CheckedSql> ShowTables() const {
    std::string_view rest = canonical_;
    const auto take = [&rest](std::string_view word) {
      if (!rest.starts_with(word)) return false;
      rest.remove_prefix(word.size());
      return true;
    };
    if (!take("SHOW TABLES")) return RefuseShow();
    take(" FROM " + catalog_.database);
    std::string condition;
    for (std::string_view like : {" LIKE '", " NOT LIKE '", " ILIKE '", " NOT ILIKE '"}) {
      if (!take(like)) continue;
      size_t end = 0;
      while (end < rest.size() && rest[end] != '\'') end += rest[end] == '\\' ? 2 : 1;
      if (end >= rest.size()) return RefuseShow();
      condition = fmt::format(" AND name{}{}", like, rest.substr(0, end + 1));
      rest.remove_prefix(end + 1);
      break;
    }
    std::string format;
    if (take(" FORMAT ")) {
      if (!IsAllowedFormat(rest)) return Fail(Code::kInvalidArgument, "format {} is not on the list", rest);
      format = std::exchange(rest, {});
    }
    if (!rest.empty()) return RefuseShow();
    return CheckedSql{
        fmt::format("SELECT name FROM system.tables WHERE database = '{}' AND name IN ('{}'){} ORDER BY name",
                    catalog_.database, fmt::join(AllowedTables(), "', '"), condition),
        format};
  }

  static std::unexpected<Error> RefuseShow() {
    return Fail(Code::kInvalidArgument,
                "SHOW is served as SHOW TABLES, with LIKE and FORMAT, and as SHOW CREATE TABLE\nthe tables of other "
                "databases cannot be read");
  }

  Result<void> CheckNode(int index) {
    const SqlNode& node = nodes_[index];
    if (index == format_node_ || index == explain_options_node_) return {};
    if (node.kind == "Function") return CheckFunction(node);
    if (node.kind == "Literal") return CheckLiteral(node);
    if (node.kind == "TableIdentifier") return CheckTable(node.detail);
    if (node.kind == "Identifier") return CheckIdentifier(node);
    if (node.kind == "SelectWithUnionQuery" && (node.children.size() != 1 || Child(node, 0).kind != "ExpressionList")) {
      return Fail(Code::kInvalidArgument, "a clause of a subquery is not allowed");
    }
    if (node.kind == "ColumnsApplyTransformer") {
      return Fail(Code::kInvalidArgument, "APPLY is refused\nwrite the function around each column");
    }
    if (node.kind == "Set") return Fail(Code::kInvalidArgument, "settings are refused: the server sets them");
    constexpr std::string_view kHarmless[] = {"SelectWithUnionQuery",
                                              "SelectIntersectExceptQuery",
                                              "SelectQuery",
                                              "ExpressionList",
                                              "Subquery",
                                              "WithElement",
                                              "TablesInSelectQuery",
                                              "TablesInSelectQueryElement",
                                              "TableExpression",
                                              "TableJoin",
                                              "ArrayJoin",
                                              "SampleRatio",
                                              "Asterisk",
                                              "QualifiedAsterisk",
                                              "ColumnsRegexpMatcher",
                                              "ColumnsListMatcher",
                                              "QualifiedColumnsRegexpMatcher",
                                              "QualifiedColumnsListMatcher",
                                              "ColumnsTransformerList",
                                              "ColumnsExceptTransformer",
                                              "ColumnsReplaceTransformer",
                                              "ColumnsReplaceTransformer::Replacement",
                                              "OrderByElement",
                                              "InterpolateElement",
                                              "WindowDefinition",
                                              "WindowListElement"};
    if (std::find(std::begin(kHarmless), std::end(kHarmless), node.kind) != std::end(kHarmless)) return {};
    return Fail(Code::kInvalidArgument, "this kind of expression ({}) is not on the list", node.kind);
  }

  Result<void> CheckFunction(const SqlNode& node) {
    if (nodes_[node.parent].kind == "TableExpression") {
      if (IsAllowedTableFunction(node.detail)) return {};
      return Fail(Code::kInvalidArgument, "table function {} is not on the list", node.detail);
    }
    if (!IsAllowedFunction(node.detail)) {
      return Fail(Code::kInvalidArgument, "function {} is not on the list", node.detail);
    }
    return CheckNamesInArguments(node);
  }

  // Functions that take a type or an aggregate function by name must take it as a literal, which is checked.
  Result<void> CheckNamesInArguments(const SqlNode& node) {
    std::string name(node.detail);
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    const bool cast = name == "cast" || name.starts_with("accuratecast");
    const bool extract =
        name == "jsonextract" || name == "jsonextractcaseinsensitive" || name.starts_with("jsonextractkeysandvalues");
    const bool reduce = name == "arrayreduce" || name == "arrayreduceinranges";
    if (!cast && !extract && !reduce) return {};
    if (node.children.empty() || Child(node, 0).children.empty()) return {};  // too few: the engine says so
    const SqlNode& arguments = Child(node, 0);
    const size_t count = arguments.children.size();
    const SqlNode& named = Child(arguments, reduce ? 0 : cast ? std::min<size_t>(1, count - 1) : count - 1);
    const bool raw_pairs = name.starts_with("jsonextractkeysandvaluesraw");  // takes no type
    if (named.kind != "Literal" && !raw_pairs) {
      return Fail(Code::kInvalidArgument, "{} takes the name of a {} only as a literal", node.detail,
                  reduce ? "function" : "type");
    }
    if (!reduce) return {};
    // 'quantile(0.5)' -> quantile
    auto aggregate = named.detail;
    if (aggregate.starts_with('\'')) aggregate.remove_prefix(1);
    aggregate = aggregate.substr(0, aggregate.find_first_of("('"));
    if (IsAllowedAggregate(aggregate)) return {};
    return Fail(Code::kInvalidArgument, "aggregate function {} is not on the list", aggregate);
  }

  // States of aggregate functions must not be made from bytes: their deserializers trust what they read.
  Result<void> CheckLiteral(const SqlNode& node) {
    std::string lower(node.detail);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    if (lower.find("aggregatefunction") == lower.npos) return {};
    return Fail(Code::kInvalidArgument, "a literal with the type AggregateFunction is refused");
  }

  bool IsOurTable(std::string_view name) const {
    if (name.starts_with(prefix_)) name.remove_prefix(prefix_.size());
    return IsAllowedTable(name);
  }

  Result<void> RefuseTable(std::string_view name) const {
    return Fail(
        Code::kInvalidArgument,
        "table {} is not on the list\notel_traces, otel_logs, otel_metrics_* and the tables beneath them can be "
        "read",
        name);
  }

  // A name that is neither one of ours nor known to the engine can only be a CTE of the query, or a mistake.
  Result<void> CheckTable(std::string_view name) const {
    if (IsOurTable(name)) return {};
    bool plain = !name.empty() && !catalog_.own_tables.contains(std::string(name));
    for (char c : name) plain = plain && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_');
    if (plain) return {};
    return RefuseTable(name);
  }

  // An identifier is a column almost everywhere, but `x IN name` reads a table: no name may mean one that is not ours.
  Result<void> CheckIdentifier(const SqlNode& node) const {
    if (!node.children.empty()) return Fail(Code::kInvalidArgument, "name {} has parts of its own", node.detail);
    const std::string_view name = node.detail;
    if (catalog_.own_tables.contains(std::string(name)) && !IsAllowedTable(name)) return RefuseTable(name);
    const size_t dot = name.find('.');
    if (dot == name.npos || !catalog_.databases.contains(std::string(name.substr(0, dot)))) return {};
    // database.table or database.table.column
    auto table = name.substr(dot + 1);
    table = table.substr(0, table.find('.'));
    if (name.starts_with(prefix_) && IsAllowedTable(table)) return {};
    return RefuseTable(name);
  }

  const std::string& canonical_;
  const std::vector<SqlNode>& nodes_;
  const Catalog& catalog_;
  const std::string prefix_;  // "sightline."
  std::string format_;
  int format_node_ = -1;
  int explain_options_node_ = -1;
};

}  // namespace

Result<std::vector<SqlNode>> ParseSqlTree(std::string_view tree) {
  std::vector<SqlNode> nodes;
  std::vector<int> missing;  // children still to come, for each node
  std::vector<int> path;     // the nodes above the current line
  while (!tree.empty()) {
    const size_t end = std::min(tree.find('\n'), tree.size());
    std::string_view line = tree.substr(0, end);
    tree.remove_prefix(std::min(end + 1, tree.size()));
    if (line.empty() && tree.empty()) break;
    const size_t depth = line.find_first_not_of(' ');
    if (depth == line.npos || depth > path.size() || (depth == 0) != nodes.empty()) {
      return Fail(Code::kInvalidArgument, "the syntax tree has an odd line: {}", line);
    }
    for (size_t level = depth; level < path.size(); ++level) {
      if (missing[path[level]] != 0) return Fail(Code::kInvalidArgument, "the syntax tree lacks a node");
    }
    path.resize(depth);
    int children = 0;
    SqlNode node = ParseLine(line.substr(depth), children);
    const int index = static_cast<int>(nodes.size());
    if (!path.empty()) {
      node.parent = path.back();
      if (--missing[node.parent] < 0) return Fail(Code::kInvalidArgument, "the syntax tree has a node too many");
      nodes[node.parent].children.push_back(index);
    }
    nodes.push_back(std::move(node));
    missing.push_back(children);
    path.push_back(index);
  }
  if (nodes.empty()) return Fail(Code::kInvalidArgument, "the syntax tree is empty");
  if (std::any_of(missing.begin(), missing.end(), [](int count) { return count != 0; })) {
    return Fail(Code::kInvalidArgument, "the syntax tree lacks a node");
  }
  return nodes;
}

Result<CheckedSql> CheckSyntaxTree(const std::string& canonical, std::string_view tree, const Catalog& catalog) {
  auto nodes = ParseSqlTree(tree);
  if (!nodes) return std::unexpected(nodes.error());
  return Checker(canonical, *nodes, catalog).Check();
}

}  // namespace sightline::query
