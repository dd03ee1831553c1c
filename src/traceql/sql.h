// A condition -> SQL on rows of the table `spans` or `logs`. Nobody's text is part of it: keys and values are bound.
//
// What SQL cannot say (calculations with attributes, what needs the rest of the trace) becomes a condition that lets
// more spans through; `exact` is then false, and what comes must be judged by Matches() or Evaluate() too.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "otlp/block_builder.h"
#include "traceql/ast.h"

namespace sightline::traceql {

// ClickHouse reads statements of up to 256 KiB. Of a longer condition a part is left out, as of what SQL cannot say.
inline constexpr size_t kSqlBytesMax = 128 * 1024;

struct SqlOptions {
  Subject subject = Subject::kSpans;
  std::string attribute_sets = "attribute_sets";  // the table of resources and scopes, as SQL writes it
  const std::vector<otlp::HotAttribute>* hot_attributes = nullptr;  // null: none
  std::string parameter_prefix = "c";                               // of the names of bound values: c0, c1, ...
  // False where it is known that no item has the key in the scope, which makes the SQL shorter. Null: nothing is known.
  std::function<bool(Scope scope, std::string_view key)> may_have;
};

struct SqlCondition {
  std::string sql;  // 0 or 1 for each row, never NULL
  std::map<std::string, std::string> parameters;
  bool exact = true;
};

SqlCondition CompileToSql(const Expression& condition, const SqlOptions& options);

}  // namespace sightline::traceql
