#include "traceql/sql_values.h"

#include <fmt/format.h>

#include <cmath>

#include "otlp/attribute_text.h"

namespace sightline::traceql {
namespace {

constexpr std::string_view kFalse = "0", kTrue = "1";

bool IsText(const Value& literal) {
  return literal.type == Type::kString;
}

}  // namespace

std::string SqlParameters::Bind(std::string_view type, const std::string& value) {
  const auto [known, is_new] = known_.try_emplace({std::string(type), value});
  if (is_new) {
    const std::string name = prefix_ + std::to_string(values_.size());
    values_[name] = value;
    known->second = fmt::format("{{{}:{}}}", name, type);
  }
  return known->second;
}

std::string Not(const std::string& sql) {
  if (sql == kFalse) return std::string(kTrue);
  if (sql == kTrue) return std::string(kFalse);
  return "NOT (" + sql + ")";
}

std::string And(const std::string& left, const std::string& right) {
  if (left == kFalse || right == kFalse) return std::string(kFalse);
  if (left == kTrue) return right;
  return right == kTrue ? left : "(" + left + " AND " + right + ")";
}

std::string Or(const std::string& left, const std::string& right) {
  if (left == kTrue || right == kTrue) return std::string(kTrue);
  if (left == kFalse) return right;
  return right == kFalse ? left : "(" + left + " OR " + right + ")";
}

std::string AnyOrNone(const SqlTest& test, const std::function<std::string(const std::string&)>& exists,
                      const std::string& is_comparable, const std::string& holds) {
  if (!test.negative()) return exists(holds);
  return And(exists(is_comparable), Not(exists(holds)));
}

SqlTest SqlTest::Positive() const {
  const Operator positive = op_ == Operator::kNotEqual   ? Operator::kEqual
                            : op_ == Operator::kNotMatch ? Operator::kMatch
                                                         : op_;
  return {positive, literal_, parameters_};
}

std::vector<std::string> SqlTest::Texts() const {
  constexpr double kExactMax = 0x1p53;  // beyond it several whole numbers are one double
  if (op_ != Operator::kEqual) return {};
  if (IsText(literal_)) return {std::string(literal_.text)};
  if (!IsNumber(literal_.type) || !(std::fabs(literal_.AsDouble()) < kExactMax)) return {};
  if (literal_.AsDouble() == 0) return {"0", "-0"};
  char text[32];
  return {std::string(text, otlp::FormatDouble(literal_.AsDouble(), text))};
}

std::string SqlTest::OfText(const std::string& text) const {
  if (!IsText(literal_)) return std::string(kFalse);
  if (op_ == Operator::kMatch || op_ == Operator::kNotMatch) {
    const std::string match =
        "match(" + text + ", " + parameters_.BindText("^(?s:" + std::string(literal_.text) + ")$") + ")";
    return op_ == Operator::kMatch ? match : Not(match);
  }
  return text + " " + std::string(OperatorText(op_)) + " " + parameters_.BindText(literal_.text);
}

std::string SqlTest::OfDouble(const std::string& number) const {
  return fmt::format("{} {} {}", number, OperatorText(op_),
                     parameters_.Bind("Float64", fmt::format("{}", literal_.AsDouble())));
}

std::string SqlTest::OfWhole(const std::string& number) const {
  if (!IsNumber(literal_.type) || op_ == Operator::kMatch || op_ == Operator::kNotMatch) return std::string(kFalse);
  if (literal_.type == Type::kFloat) return OfDouble("toFloat64(" + number + ")");
  return fmt::format("{} {} {}", number, OperatorText(op_),
                     parameters_.Bind("Int64", std::to_string(literal_.integer)));
}

std::string SqlTest::OfKnown(char letter, const std::string& text) const {
  switch (letter) {
    case 's':
    case 'x':
    case 'm':
      return OfText(text);
    case 'i':
      return OfWhole("toInt64OrZero(" + text + ")");
    case 'd':
      return IsNumber(literal_.type) && op_ != Operator::kMatch && op_ != Operator::kNotMatch
                 ? OfDouble("toFloat64OrZero(" + text + ")")
                 : std::string(kFalse);
    case 'b':
      if (literal_.type != Type::kBool) return std::string(kFalse);
      return fmt::format("{} {} '{}'", text, OperatorText(op_), literal_.is_true() ? "true" : "false");
    default:
      return std::string(kFalse);
  }
}

std::string SqlTest::IsComparable(const std::string& letter) const {
  if (IsText(literal_)) return letter + " IN ('s', 'x', 'm')";
  if (IsNumber(literal_.type)) return letter + " IN ('i', 'd')";
  return literal_.type == Type::kBool ? letter + " = 'b'" : std::string(kFalse);
}

// Pieces are made one after the other, in the order in which they are read, so that every compiler names the bound
// values alike.
std::string SqlTest::OfScalar(const std::string& letter, const std::string& text) const {
  if (IsText(literal_)) return And(OfText(text), IsComparable(letter));
  if (literal_.type == Type::kBool) return And(OfKnown('b', text), IsComparable(letter));
  if (literal_.type == Type::kFloat) return And(OfKnown('d', text), IsComparable(letter));
  const std::string whole = And(letter + " = 'i'", OfKnown('i', text));
  return Or(whole, And(letter + " = 'd'", OfKnown('d', text)));
}

std::string SqlTest::IsComparableJson(const std::string& json) const {
  if (IsText(literal_)) return "startsWith(" + json + ", '\"')";
  if (literal_.type == Type::kBool) return json + " IN ('true', 'false')";
  return IsNumber(literal_.type) ? "isNotNull(toFloat64OrNull(" + json + "))" : std::string(kFalse);
}

std::string SqlTest::OfJsonScalar(const std::string& json) const {
  const std::string is_comparable = IsComparableJson(json);
  if (is_comparable == kFalse) return is_comparable;
  if (IsText(literal_)) return And(is_comparable, OfText("JSONExtractString(" + json + ")"));
  if (literal_.type == Type::kBool) return And(is_comparable, OfKnown('b', json));
  const std::string whole = OfKnown('i', json), fraction = OfKnown('d', json);
  if (literal_.type == Type::kFloat) return And(is_comparable, fraction);
  return And(is_comparable, "if(isNotNull(toInt64OrNull(" + json + ")), " + whole + ", " + fraction + ")");
}

std::string SqlTest::OfArray(const std::string& json) const {
  const std::string elements = "JSONExtractArrayRaw(" + json + ")";
  auto exists = [&](const std::string& condition) { return "arrayExists(e -> " + condition + ", " + elements + ")"; };
  const std::string answer = AnyOrNone(*this, exists, IsComparableJson("e"), Positive().OfJsonScalar("e"));
  return negative() ? Or("empty(" + elements + ")", answer) : answer;
}

std::string SqlTest::OfJson(const std::string& json, bool arrays) const {
  if (IsComparableJson(json) == kFalse) return std::string(kFalse);
  const std::string scalar = OfJsonScalar(json);
  return arrays ? Or(scalar, And("startsWith(" + json + ", '[')", OfArray(json))) : scalar;
}

std::string SqlTest::OfAttribute(const std::string& letter, const std::string& text) const {
  if (IsComparable(letter) == kFalse) return std::string(kFalse);
  const std::string scalar = OfScalar(letter, text);
  return Or(scalar, And(letter + " = 'a'", OfArray(text)));
}

}  // namespace sightline::traceql
