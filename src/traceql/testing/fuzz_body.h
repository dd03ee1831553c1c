// What the fuzzer does with an input, and the tests with each stored one: the text is refused at a place within it, or
// printed so that it is understood as the same query. What is understood is also evaluated on a small trace and
// compiled to SQL, of which no text of the query may be a part.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/error.h"
#include "traceql/evaluate.h"
#include "traceql/parse.h"
#include "traceql/print.h"
#include "traceql/sql.h"

namespace sightline::traceql::testing {

inline void CheckError(std::string_view text, const ParseError& error) {
  SIGHTLINE_CHECK(error.offset <= text.size() && error.line >= 1 && error.column >= 1 && !error.message.empty());
  SIGHTLINE_CHECK(!DescribeParseError(text, error).empty());
}

// Three spans in a row, of which each has every attribute, as its number.
class FuzzTrace : public TraceView, public SpanView {
 public:
  size_t size() const override { return 3; }
  const SpanView& span(size_t) const override { return *this; }
  int64_t parent(size_t index) const override { return static_cast<int64_t>(index) - 1; }
  Value Intrinsic(traceql::Intrinsic intrinsic) const override {
    return intrinsic == traceql::Intrinsic::kDuration ? Value::Duration(5) : Value::String("a");
  }
  Value Attribute(Scope, std::string_view key) const override { return Value::Int(static_cast<int64_t>(key.size())); }
};

inline void FuzzSql(const Expression& condition, Subject subject) {
  SqlOptions options;
  options.subject = subject;
  const SqlCondition compiled = CompileToSql(condition, options);
  // Letters beyond ASCII and control characters are in none of our own SQL, and quotes of ours come in pairs.
  for (const char c : compiled.sql) SIGHTLINE_CHECK(c >= ' ' && c <= '~');
  SIGHTLINE_CHECK(std::ranges::count(compiled.sql, '\'') % 2 == 0);
}

inline void FuzzLogs(std::string_view text) {
  const auto condition = ParseLogCondition(text);
  if (!condition) return CheckError(text, condition.error());
  FuzzSql(*condition, Subject::kLogs);
  Matches(*condition, FuzzTrace());
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
  if (const auto* pipeline = std::get_if<Pipeline>(&query->node)) Evaluate(*pipeline, FuzzTrace());
  if (const auto condition = ParseSpanCondition(text)) FuzzSql(*condition, Subject::kSpans);
  const std::string printed = Print(*query);
  if (printed.size() > kQueryBytesMax) return true;  // escapes and parentheses make it longer
  const auto again = ParseQuery(printed);
  if (!again && again.error().message.contains("nested too deeply")) return true;
  SIGHTLINE_CHECK(again.has_value());
  SIGHTLINE_CHECK(Print(*again) == printed);
  return true;
}

}  // namespace sightline::traceql::testing
