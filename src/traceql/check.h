// The rules that the grammar does not say: types, what may be nil, what must name a field of the span. For parse.cc; it
// also makes ready what evaluators need: compiled regular expressions, ids in full length.
#pragma once

#include <optional>
#include <string_view>

#include "traceql/ast.h"
#include "traceql/parse_error.h"

namespace sightline::traceql {

// Nothing: it is UTF-8 and not too long.
std::optional<ParseError> CheckText(std::string_view text);
// Nothing: the query keeps the rules. `text` is what it was parsed from.
std::optional<ParseError> CheckQuery(Query& query, std::string_view text);
// A condition, which says yes or no.
std::optional<ParseError> CheckCondition(Expression& condition, std::string_view text);

// Texts in the places of conditions become full-text searches. For conditions on logs, before CheckCondition.
void MakeFullTexts(Expression& condition);

// kAny where only evaluation tells.
Type TypeOf(const Expression& expression);
Type TypeOf(const ScalarExpression& scalar);

}  // namespace sightline::traceql
