#include "traceql/sql_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "traceql/sql_intrinsic.h"

namespace sightline::traceql {
namespace {

// Fewer digits occur in nearly every body, and a round number may be written as 1e6.
constexpr size_t kTellingDigits = 4;

using Bind = std::function<std::string(const std::string& text)>;

std::string RawBehind(std::span<const std::string> path, const Bind& bind) {
  std::string sql = "JSONExtractRaw(Body";
  for (const std::string& key : path) sql += ", " + bind(key);
  return sql + ")";
}

// What stands there, as JSON; '': nothing. Keys one within the other come before one with points.
std::string Raw(const Field& field, const Bind& bind) {
  const std::string nested = RawBehind(field.path, bind);
  if (field.path.size() == 1) return nested;
  return fmt::format("if({0} IN ('', 'null'), {1}, {0})", nested, RawBehind({&field.key, 1}, bind));
}

std::string HasPart(const std::string& part, SqlParameters& parameters) {
  return HasText(FullText{part, nullptr}, parameters);
}

// What the body's text has where the field is there: its last key with the quote behind it, which both ways of writing
// a path have.
std::string HasKey(const Field& field, SqlParameters& parameters) {
  const std::string& key = field.path.back();
  const std::string part = UnescapedPart(key);
  if (part.empty()) return "1";
  const bool ends = key.ends_with(part), whole = part == key && field.path.size() == 1;
  return HasPart((whole ? "\"" : "") + part + (ends ? "\"" : ""), parameters);
}

std::string HasString(const std::string& text, SqlParameters& parameters) {
  std::string part = UnescapedPart(text);
  if (part.empty()) return "1";
  if (part == text) part = '"' + part + '"';
  return HasPart(part, parameters);
}

// 482133 may be written as 482133.0 and as 4.82133e5.
std::string HasNumber(int64_t number, SqlParameters& parameters) {
  // From 2^53 on it is equal to fractions that are written with other digits.
  constexpr int64_t kExactMax = int64_t{1} << 53;
  if (number <= -kExactMax || number >= kExactMax) return "1";
  std::string digits = std::to_string(number);
  if (digits[0] == '-') digits.erase(0, 1);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (digits.size() < kTellingDigits) return "1";
  const std::string scientific = digits.substr(0, 1) + "." + digits.substr(1);
  return Or(HasPart(digits, parameters), HasPart(scientific, parameters));
}

// That the value is in the body's text, for comparisons that only an equal value meets.
std::string HasLiteral(const SqlTest& test, SqlParameters& parameters) {
  if (test.op() != Operator::kEqual) return "1";
  if (test.literal().type == Type::kString) return HasString(std::string(test.literal().text), parameters);
  const bool whole = test.literal().type == Type::kInt || test.literal().type == Type::kDuration;
  return whole ? HasNumber(test.literal().integer, parameters) : "1";
}

}  // namespace

std::string UnescapedPart(std::string_view text) {
  // Encoders for web pages escape < > & ' + ` =, some the slash.
  const auto escaped = [](char c) { return c < ' ' || c > '~' || std::string_view("\"\\/<>&'+`=").contains(c); };
  std::string_view longest;
  while (!text.empty()) {
    const auto end = static_cast<size_t>(std::ranges::find_if(text, escaped) - text.begin());
    if (end > longest.size()) longest = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return std::string(longest);
}

BodyValueSql BodyValue(const Field& field, const Bind& bind) {
  const std::string raw = Raw(field, bind);
  BodyValueSql value;
  value.letter = fmt::format(
      "transform(substring({0}, 1, 1), ['', 'n', '\"', 't', 'f', '[', '{{'], ['', 'e', 's', 'b', 'b', 'a', 'o'], "
      "if(isNull(toInt64OrNull({0})), 'd', 'i'))",
      raw);
  value.text = fmt::format("if(startsWith({0}, '\"'), JSONExtractString({0}), {0})", raw);
  return value;
}

std::string HasInBody(const Field& field, SqlParameters& parameters) {
  const std::string has_key = HasKey(field, parameters);
  const std::string raw = Raw(field, [&](const std::string& text) { return parameters.BindText(text); });
  return And(has_key, raw + " NOT IN ('', 'null')");
}

std::string CompareInBody(const Field& field, const SqlTest& test, bool arrays, SqlParameters& parameters) {
  const std::string has_literal = HasLiteral(test, parameters), has_key = HasKey(field, parameters);
  const std::string raw = Raw(field, [&](const std::string& text) { return parameters.BindText(text); });
  return And(And(has_literal, has_key), test.OfJson(raw, arrays));
}

}  // namespace sightline::traceql
