// SQL for fields within the body of a log record that is JSON: key-value lists, which are stored as JSON, and texts
// that hold an object (docs/adr/005-log-text.md). Bodies are read as they are asked for. What a condition looks for
// must stand in the body's text, which the table's index of texts and a search of the text tell without reading the
// JSON.
#pragma once

#include <functional>
#include <string>

#include "traceql/ast.h"
#include "traceql/sql_values.h"

namespace sightline::traceql {

// The value of a field of Scope::kBody, in SQL: a letter as attributes have it (o: an object; '' and e: nothing is
// there) and its text. `bind` gives what stands for a text.
struct BodyValueSql {
  std::string letter, text;
};
BodyValueSql BodyValue(const Field& field, const std::function<std::string(const std::string& text)>& bind);

// For sql*.cc.
std::string HasInBody(const Field& field, SqlParameters& parameters);
std::string CompareInBody(const Field& field, const SqlTest& test, bool arrays, SqlParameters& parameters);

// The longest part of a text that every JSON has as it is: no writer escapes these characters. "": there is none.
std::string UnescapedPart(std::string_view text);

}  // namespace sightline::traceql
