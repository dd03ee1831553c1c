// An OTTL condition as a tree, and its parser. Internal to ottl.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sample/attributes.h"
#include "sample/span_condition.h"

namespace sightline::sample::ottl {

inline constexpr size_t kNodesMax = 1'000;  // of one condition
inline constexpr int kDepthMax = 50;

// A value while a condition is evaluated. Views point into the span, the condition, or the evaluation's own texts.
struct Value {
  enum class Type : uint8_t { kNil, kBool, kInt, kFloat, kString, kBytes, kTime, kDuration, kList, kMap };
  Type type = Type::kNil;
  int64_t number = 0;  // kBool, kInt; kTime and kDuration in nanoseconds
  double real = 0;
  std::string_view text;

  static Value Bool(bool value) { return {.type = Type::kBool, .number = value}; }
  static Value Int(int64_t value) { return {.type = Type::kInt, .number = value}; }
  static Value Float(double value) { return {.type = Type::kFloat, .real = value}; }
  static Value String(std::string_view value) { return {.type = Type::kString, .text = value}; }
  static Value Bytes(std::string_view value) { return {.type = Type::kBytes, .text = value}; }
  static Value Time(int64_t nanos) { return {.type = Type::kTime, .number = nanos}; }
  static Value Duration(int64_t nanos) { return {.type = Type::kDuration, .number = nanos}; }
};

enum class Path : uint8_t {
  kSpanAttribute,
  kResourceAttribute,
  kEventAttribute,
  kName,
  kKind,
  kKindString,
  kKindDeprecatedString,
  kStatusCode,
  kStatusMessage,
  kStartTimeNanos,
  kEndTimeNanos,
  kStartTime,
  kEndTime,
  kTraceState,
  kTraceStateMember,
  kTraceId,
  kTraceIdString,
  kSpanId,
  kSpanIdString,
  kParentSpanId,
  kParentSpanIdString,
  kFlags,
  kDroppedAttributes,
  kDroppedEvents,
  kDroppedLinks,
  kEventName,
  kEventTimeNanos,
  kEventTime,
  kEventIndex,
  kEventDroppedAttributes,
};

enum class Function : uint8_t {
  kIsMatch,
  kHasPrefix,
  kHasSuffix,
  kIsRootSpan,
  kIsString,
  kIsInt,
  kIsBool,
  kIsDouble,
  kIsMap,
  kIsList,
  kInt,
  kDouble,
  kString,
  kLen,
  kToLowerCase,
  kToUpperCase,
  kSubstring,
  kDuration,
  kNanoseconds,
  kMicroseconds,
  kMilliseconds,
  kSeconds,
  kUnixNano,
  kUnixMilli,
  kTraceId,
  kSpanId,
};

struct Expression {
  enum class Op : uint8_t {
    kLiteral,
    kPath,
    kCall,
    kNegate,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kEqual,
    kNotEqual,
    kLess,
    kLessOrEqual,
    kGreater,
    kGreaterOrEqual,
    kNot,
    kAnd,
    kOr
  };
  Op op = Op::kLiteral;
  Value literal;     // kLiteral; its text is `text`
  std::string text;  // of a literal; kTraceStateMember: the key
  Path path = Path::kName;
  uint16_t slot = 0;  // of an attribute
  Function function = Function::kIsMatch;
  std::shared_ptr<const TextMatcher> pattern;  // kIsMatch
  std::vector<Expression> operands;
};

// Where attributes of each kind get their numbers.
struct Keys {
  KeyTable& span;
  KeyTable& resource;
  KeyTable& event;
};

enum class Context : uint8_t { kSpan, kSpanEvent };

// Errors name the place in the text.
Result<Expression> Parse(std::string_view text, Context context, Keys keys);

}  // namespace sightline::sample::ottl
