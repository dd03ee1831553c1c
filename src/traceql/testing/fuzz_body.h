// What the fuzzer does with an input, and the tests with each stored one: the text is refused at a place within it, or
// printed so that it is understood as the same query.
#pragma once

#include <string_view>

#include "base/error.h"
#include "traceql/parse.h"
#include "traceql/print.h"

namespace sightline::traceql::testing {

inline void CheckError(std::string_view text, const ParseError& error) {
  SIGHTLINE_CHECK(error.offset <= text.size() && error.line >= 1 && error.column >= 1 && !error.message.empty());
  SIGHTLINE_CHECK(!DescribeParseError(text, error).empty());
}

inline void FuzzLogs(std::string_view text) {
  const auto condition = ParseLogCondition(text);
  if (!condition) return CheckError(text, condition.error());
  const std::string printed = "{ " + Print(*condition) + " }";
  const auto again = ParseLogCondition(printed);
  if (!again && (printed.size() > kQueryBytesMax || again.error().message.contains("nested too deeply"))) return;
  SIGHTLINE_CHECK(again.has_value());
  SIGHTLINE_CHECK("{ " + Print(*again) + " }" == printed);
}

inline bool FuzzParse(std::string_view text) {
  FuzzLogs(text);
  const auto query = ParseQuery(text);
  if (!query) {
    CheckError(text, query.error());
    return false;
  }
  const std::string printed = Print(*query);
  if (printed.size() > kQueryBytesMax) return true;  // escapes and parentheses make it longer
  const auto again = ParseQuery(printed);
  if (!again && again.error().message.contains("nested too deeply")) return true;
  SIGHTLINE_CHECK(again.has_value());
  SIGHTLINE_CHECK(Print(*again) == printed);
  return true;
}

}  // namespace sightline::traceql::testing
