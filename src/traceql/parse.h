// Text -> a checked query. What comes out is well typed: an evaluator meets no operator between things that cannot have
// it, apart from what attributes hold.
#pragma once

#include <expected>
#include <string_view>

#include "traceql/ast.h"
#include "traceql/lexer.h"
#include "traceql/parse_error.h"

namespace sightline::traceql {

inline constexpr size_t kQueryBytesMax = 64 * 1024;
inline constexpr int kOperatorsMax = 2000;  // and so the height of the tree
inline constexpr int kNestingMax = 100;     // of parentheses and signs
inline constexpr int kRegexesMax = 50;      // of up to kRegexMemoryMax each
inline constexpr int64_t kRegexMemoryMax = 1 << 20;
inline constexpr size_t kRegexBytesMax = 16 * 1024;

// With Variables::kAllowed what comes out says only whether the text is a query once values stand in place of its
// variables: nothing can be asked with it.

// A query on traces: `{ span.http.status_code >= 500 } | rate() by (resource.service.name)`.
std::expected<Query, ParseError> ParseQuery(std::string_view text, Variables variables = Variables::kRefused);

// A condition on one span: a query that is one filter, `{ status = error }`.
std::expected<Expression, ParseError> ParseSpanCondition(std::string_view text,
                                                         Variables variables = Variables::kRefused);

// A condition on log records: terms next to each other all hold; && and || stand between terms too, and ! before one. A
// term is `{ severity >= warn && body =~ "time.?out" }`, or a word or "quoted text" that the body has. In braces a text
// in the place of a condition is such a term too: `{ severity >= warn && "time out" }`. An empty text is true.
std::expected<Expression, ParseError> ParseLogCondition(std::string_view text,
                                                        Variables variables = Variables::kRefused);

}  // namespace sightline::traceql
