#include "traceql/operators.h"

#include <algorithm>
#include <array>

namespace sightline::traceql {
namespace {

using enum Operator;

struct Info {
  Operator op;
  std::string_view text;
  int precedence;
};

constexpr std::array kInfos = {
    Info{kAnd, "&&", 1},
    Info{kOr, "||", 1},

    Info{kEqual, "=", 2},
    Info{kNotEqual, "!=", 2},
    Info{kMatch, "=~", 2},
    Info{kNotMatch, "!~", 2},
    Info{kGreater, ">", 2},
    Info{kGreaterEqual, ">=", 2},
    Info{kLess, "<", 2},
    Info{kLessEqual, "<=", 2},
    Info{kDescendant, ">>", 2},
    Info{kAncestor, "<<", 2},
    Info{kSibling, "~", 2},
    Info{kNotChild, "!>", 2},
    Info{kNotParent, "!<", 2},
    Info{kNotDescendant, "!>>", 2},
    Info{kNotAncestor, "!<<", 2},
    Info{kWithChild, "&>", 2},
    Info{kWithParent, "&<", 2},
    Info{kWithDescendant, "&>>", 2},
    Info{kWithAncestor, "&<<", 2},
    Info{kWithSibling, "&~", 2},

    Info{kAdd, "+", 3},
    Info{kSubtract, "-", 3},
    Info{kNot, "!", 4},
    Info{kMultiply, "*", 5},
    Info{kDivide, "/", 5},
    Info{kModulo, "%", 5},
    Info{kPower, "^", 6},
    // Written with nil.
    Info{kExists, "", 2},
    Info{kAbsent, "", 2},
};

const Info& InfoFor(Operator op) {
  return *std::ranges::find(kInfos, op, &Info::op);
}

}  // namespace

std::string_view OperatorText(Operator op) {
  return InfoFor(op).text;
}

std::optional<Operator> OperatorAt(std::string_view text) {
  const Info* longest = nullptr;
  for (const Info& info : kInfos) {
    if (info.text.empty() || !text.starts_with(info.text)) continue;
    if (longest == nullptr || info.text.size() > longest->text.size()) longest = &info;
  }
  if (longest == nullptr) return std::nullopt;
  return longest->op;
}

int Precedence(Operator op) {
  return InfoFor(op).precedence;
}

bool IsArithmetic(Operator op) {
  return op <= kPower;
}

bool IsComparison(Operator op) {
  return op >= kEqual && op <= kLessEqual;
}

bool IsStructural(Operator op) {
  return op == kGreater || op == kLess || op == kNotMatch || (op >= kDescendant && op <= kWithSibling);
}

bool Accepts(Operator op, Type type) {
  const bool equality = op == kEqual || op == kNotEqual;
  const bool order = op == kLess || op == kLessEqual || op == kGreater || op == kGreaterEqual;
  switch (type) {
    case Type::kAny:
    case Type::kArray:
      return true;
    case Type::kBool:
      return equality || op == kAnd || op == kOr || op == kNot;
    case Type::kInt:
    case Type::kFloat:
    case Type::kDuration:
      return equality || order || IsArithmetic(op);
    case Type::kString:
      return equality || order || op == kMatch || op == kNotMatch;
    case Type::kSeverity:
      return equality || order;
    case Type::kNil:
    case Type::kStatus:
    case Type::kKind:
      return equality;
  }
  return false;
}

}  // namespace sightline::traceql
