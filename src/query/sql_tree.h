// The syntax tree as EXPLAIN AST prints it: one node a line, one space of indent a level,
// "Kind name (alias a) (children N)".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sightline::query {

struct SqlNode {
  std::string_view kind;    // "Function"
  std::string_view detail;  // "count": the rest of the line without alias and children
  int parent = -1;
  std::vector<int> children;
};

// Nodes in the order of lines; borrows `tree`. kInvalidArgument when indents and numbers of children do not agree,
// which they always do unless a name was made to look like a part of the tree.
Result<std::vector<SqlNode>> ParseSqlTree(std::string_view tree);

}  // namespace sightline::query
