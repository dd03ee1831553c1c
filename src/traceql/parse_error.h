// Why a query is not one: where, what was expected there, and what was perhaps meant.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sightline::traceql {

struct ParseError {
  size_t offset = 0;            // bytes
  size_t line = 1, column = 1;  // column: characters
  std::string message;          // "`==` is no operator"
  std::vector<std::string> expected;
  std::string suggestion;  // what to write instead; "" without an idea
};

// With line and column from the offset.
ParseError MakeParseError(std::string_view text, size_t offset, std::string message,
                          std::vector<std::string> expected = {}, std::string suggestion = {});

// For people:
//   line 1, column 13: `==` is no operator
//   { span.http == 3 }
//               ^
//   did you mean `=`?
std::string DescribeParseError(std::string_view text, const ParseError& error);

// The candidate with the fewest changed letters, if they are few; "" otherwise.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace sightline::traceql
