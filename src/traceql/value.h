// What a condition compares: a typed value of a field or a literal. Attributes keep the type they were recorded with.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sightline::traceql {

enum class Type : uint8_t {
  kNil,  // absent
  kBool,
  kInt,
  kFloat,
  kDuration,  // nanoseconds
  kString,
  kStatus,    // of a span, OTLP's numbers
  kKind,      // of a span, OTLP's numbers
  kSeverity,  // of a log record: 0 unset, 1 trace .. 6 fatal
  kArray,
  kAny,  // only of expressions before they are evaluated: an attribute's type is known when it is read
};

std::string_view TypeName(Type type);  // for messages: "a number", "a string"
bool IsNumber(Type type);              // int, float, duration
// Equality can hold between them: the same type, two numbers, an array and what its elements may be, nil, unknown.
bool Comparable(Type left, Type right);

// Views into memory of others: of the query, or of the span it was read from.
struct Value {
  Type type = Type::kNil;
  union {
    int64_t integer = 0;  // bool, int, duration, status, kind, severity
    double number;        // float
  };
  std::string_view text;            // string
  std::span<const Value> elements;  // array

  static Value Nil() { return {}; }
  static Value Bool(bool value) { return Whole(Type::kBool, value); }
  static Value Int(int64_t value) { return Whole(Type::kInt, value); }
  static Value Duration(int64_t nanos) { return Whole(Type::kDuration, nanos); }
  static Value Status(int64_t otlp) { return Whole(Type::kStatus, otlp); }
  static Value Kind(int64_t otlp) { return Whole(Type::kKind, otlp); }
  static Value Severity(int64_t level) { return Whole(Type::kSeverity, level); }
  static Value Float(double value);
  static Value String(std::string_view value);
  static Value Array(std::span<const Value> values);

  bool is_nil() const { return type == Type::kNil; }
  bool is_true() const { return type == Type::kBool && integer != 0; }
  double AsDouble() const;  // of a number

 private:
  static Value Whole(Type type, int64_t value);
};

// In a query.
struct Literal {
  Value scalar;      // all but its text
  std::string text;  // of a string

  Value value() const;
};

// As a literal of the language; arrays as "[1, 2]", nil as "nil".
std::string PrintValue(const Value& value);
std::string PrintString(std::string_view text);  // with quotes and escapes
// The way back, of what PrintString wrote.
std::string PrintedText(std::string_view literal);

// Words that are literals: true, ok, server, warn, ... Nil without such a word. "error" is a status or, of logs, a
// severity.
Value LiteralWord(std::string_view word, bool of_logs);
// All of them, for suggestions.
std::span<const std::string_view> LiteralWords(bool of_logs);

// OTLP's SeverityNumber (1 to 24) -> 1 trace, 2 debug, 3 info, 4 warn, 5 error, 6 fatal; 0: unset.
int64_t SeverityLevel(int64_t severity_number);

}  // namespace sightline::traceql
