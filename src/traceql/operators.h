// The operators, their text, how tightly they bind, and on which types they work.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "traceql/value.h"

namespace sightline::traceql {

enum class Operator : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kPower,
  kEqual,
  kNotEqual,
  kMatch,     // =~
  kNotMatch,  // !~, between spansets: not a sibling
  kGreater,   // between spansets: the right is a child of the left
  kGreaterEqual,
  kLess,  // between spansets: the right is a parent of the left
  kLessEqual,
  kAnd,
  kOr,
  kNot,  // !x
  // The rest only between spansets. The answer is spans of the right side.
  kDescendant,
  kAncestor,
  kSibling,
  kNotChild,
  kNotParent,
  kNotDescendant,
  kNotAncestor,
  kWithChild,  // &>: the spans of both sides
  kWithParent,
  kWithDescendant,
  kWithAncestor,
  kWithSibling,
  // x != nil, x = nil
  kExists,
  kAbsent,
};

std::string_view OperatorText(Operator op);
// The operator at the front of `text`, the longest that fits.
std::optional<Operator> OperatorAt(std::string_view text);

// Higher binds tighter; all but ^ group to the left. As in Tempo, && and || bind alike: a || b && c is (a || b) && c.
int Precedence(Operator op);
inline constexpr int kLowestPrecedence = 1;
// Of what follows a sign and a "!": in -a * b the product is negated, in -a + b only a is.
inline constexpr int kOperandOfMinus = 4;
inline constexpr int kOperandOfNot = 5;

bool IsArithmetic(Operator op);
bool IsComparison(Operator op);  // = != < <= > >= =~ !~
bool IsStructural(Operator op);  // between spansets, of those that are only there and > < !~
// Whether an operand may have this type.
bool Accepts(Operator op, Type type);

}  // namespace sightline::traceql
