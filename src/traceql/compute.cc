#include "traceql/compute.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>
#include <compare>
#include <optional>

namespace sightline::traceql {
namespace {

bool IsNegative(Operator op) {
  return op == Operator::kNotEqual || op == Operator::kNotMatch;
}

// Of a comparison with both sides exchanged.
Operator Exchanged(Operator op) {
  switch (op) {
    case Operator::kLess:
      return Operator::kGreater;
    case Operator::kLessEqual:
      return Operator::kGreaterEqual;
    case Operator::kGreater:
      return Operator::kLess;
    case Operator::kGreaterEqual:
      return Operator::kLessEqual;
    default:
      return op;
  }
}

std::partial_ordering Order(const Value& left, const Value& right) {
  if (left.type == Type::kString) return left.text <=> right.text;
  if (left.type == Type::kFloat || right.type == Type::kFloat) return left.AsDouble() <=> right.AsDouble();
  return left.integer <=> right.integer;
}

// None: the two cannot be compared in this way.
std::optional<bool> CompareScalars(Operator op, const Value& left, const Value& right, const re2::RE2* regex) {
  const bool same = left.type == right.type || (IsNumber(left.type) && IsNumber(right.type));
  if (!same || left.is_nil() || left.type == Type::kArray || !Accepts(op, left.type)) return std::nullopt;
  if (op == Operator::kMatch || op == Operator::kNotMatch) {
    if (regex == nullptr) return std::nullopt;
    return re2::RE2::FullMatch(left.text, *regex) == (op == Operator::kMatch);
  }
  const std::partial_ordering order = Order(left, right);
  switch (op) {
    case Operator::kEqual:
      return order == 0;
    case Operator::kNotEqual:
      return order != 0;
    case Operator::kLess:
      return order < 0;
    case Operator::kLessEqual:
      return order <= 0;
    case Operator::kGreater:
      return order > 0;
    case Operator::kGreaterEqual:
      return order >= 0;
    default:
      return std::nullopt;
  }
}

// "!=" asks whether no element is equal: of elements of other types nothing is asked, unless there are only such.
bool CompareArray(Operator op, const Value& array, const Value& other, const re2::RE2* regex) {
  if (other.is_nil() || other.type == Type::kArray) return false;
  const bool storable = other.type == Type::kString || other.type == Type::kBool || IsNumber(other.type);
  bool compared = array.elements.empty() && storable;
  for (const Value& element : array.elements) {
    const auto holds = CompareScalars(op, element, other, regex);
    if (!holds) continue;
    compared = true;
    if (*holds != IsNegative(op)) return *holds;
  }
  return compared && IsNegative(op);
}

Value CalculateWhole(Operator op, int64_t left, int64_t right) {
  const auto a = static_cast<uint64_t>(left), b = static_cast<uint64_t>(right);  // they wrap
  switch (op) {
    case Operator::kAdd:
      return Value::Int(static_cast<int64_t>(a + b));
    case Operator::kSubtract:
      return Value::Int(static_cast<int64_t>(a - b));
    case Operator::kMultiply:
      return Value::Int(static_cast<int64_t>(a * b));
    case Operator::kDivide:
      if (right == 0) return Value::Nil();
      return Value::Int(right == -1 ? static_cast<int64_t>(0 - a) : left / right);
    case Operator::kModulo:
      if (right == 0) return Value::Nil();
      return Value::Int(right == -1 ? 0 : left % right);
    default: {  // power
      const double power = std::pow(static_cast<double>(left), static_cast<double>(right));
      const bool whole = right >= 0 && std::abs(power) < 0x1p53;
      return whole ? Value::Int(static_cast<int64_t>(power)) : Value::Float(power);
    }
  }
}

Value Calculate(Operator op, const Value& left, const Value& right) {
  if (!IsNumber(left.type) || !IsNumber(right.type)) return Value::Nil();
  if (left.type == Type::kInt && right.type == Type::kInt) return CalculateWhole(op, left.integer, right.integer);
  const double a = left.AsDouble(), b = right.AsDouble();
  switch (op) {
    case Operator::kAdd:
      return Value::Float(a + b);
    case Operator::kSubtract:
      return Value::Float(a - b);
    case Operator::kMultiply:
      return Value::Float(a * b);
    case Operator::kDivide:
      return Value::Float(a / b);
    case Operator::kModulo:
      return Value::Float(std::fmod(a, b));
    default:
      return Value::Float(std::pow(a, b));
  }
}

}  // namespace

Value Compute(Operator op, const Value& left, const Value& right, const re2::RE2* regex) {
  if (IsArithmetic(op)) return Calculate(op, left, right);
  if (op == Operator::kAnd) return Value::Bool(left.is_true() && right.is_true());
  if (op == Operator::kOr) return Value::Bool(left.is_true() || right.is_true());
  if (left.type == Type::kArray) return Value::Bool(CompareArray(op, left, right, regex));
  if (right.type == Type::kArray) return Value::Bool(CompareArray(Exchanged(op), right, left, regex));
  return Value::Bool(CompareScalars(op, left, right, regex).value_or(false));
}

Value Negated(const Value& number) {
  if (!IsNumber(number.type)) return Value::Nil();
  Value negated = number;
  if (number.type == Type::kFloat) {
    negated.number = -number.number;
  } else {
    negated.integer = static_cast<int64_t>(0 - static_cast<uint64_t>(number.integer));
  }
  return negated;
}

}  // namespace sightline::traceql
