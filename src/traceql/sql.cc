#include "traceql/sql.h"

#include "traceql/evaluate.h"
#include "traceql/sql_attribute.h"
#include "traceql/sql_intrinsic.h"
#include "traceql/sql_values.h"

namespace sightline::traceql {
namespace {

// A condition and whether it says all. One that does not is true for more rows, and so cannot be negated.
struct Part {
  std::string sql;
  bool exact = true;
};

const Part kUnknown = {"1", false};

class NoSpan : public SpanView {
 public:
  Value Intrinsic(traceql::Intrinsic) const override { return Value::Nil(); }
  Value Attribute(Scope, std::string_view) const override { return Value::Nil(); }
};

bool IsConstant(const Expression& expression) {
  if (const auto* unary = std::get_if<Unary>(&expression.node)) return IsConstant(*unary->operand);
  if (const auto* binary = std::get_if<Binary>(&expression.node))
    return IsConstant(*binary->left) && IsConstant(*binary->right);
  return std::holds_alternative<Literal>(expression.node);
}

Value ConstantOf(const Expression& expression) {
  return EvaluateExpression(expression, SpanContext{NoSpan()});
}

Operator Exchanged(Operator op) {
  if (op == Operator::kLess) return Operator::kGreater;
  if (op == Operator::kLessEqual) return Operator::kGreaterEqual;
  if (op == Operator::kGreater) return Operator::kLess;
  return op == Operator::kGreaterEqual ? Operator::kLessEqual : op;
}

class Compiler {
 public:
  explicit Compiler(const SqlOptions& options)
      : subject_(options.subject), parameters_(options.parameter_prefix), attributes_(options, parameters_) {}

  SqlCondition Compile(const Expression& condition) {
    const Part part = CompileCondition(condition);
    return {part.sql, parameters_.Take(), part.exact};
  }

 private:
  Part CompileCondition(const Expression& expression) {
    if (IsConstant(expression)) return {ConstantOf(expression).is_true() ? "1" : "0"};
    if (const auto* field = std::get_if<Field>(&expression.node)) {
      if (field->of_parent || field->intrinsic != Intrinsic::kNone) return kUnknown;
      return {attributes_.Is(*field, true)};
    }
    if (const auto* unary = std::get_if<Unary>(&expression.node)) return CompileUnary(*unary);
    if (const auto* text = std::get_if<FullText>(&expression.node)) return {HasText(*text, parameters_)};
    const auto* binary = std::get_if<Binary>(&expression.node);
    if (binary == nullptr) return kUnknown;
    if (binary->op == Operator::kAnd) {
      const Part left = CompileCondition(*binary->left), right = CompileCondition(*binary->right);
      if (left.sql.size() + right.sql.size() > kSqlBytesMax) return {left.sql, false};
      const std::string sql = And(left.sql, right.sql);
      return {sql, sql == "0" || (left.exact && right.exact)};
    }
    if (binary->op == Operator::kOr) {
      const Part left = CompileCondition(*binary->left), right = CompileCondition(*binary->right);
      if (left.sql.size() + right.sql.size() > kSqlBytesMax) return kUnknown;
      return {Or(left.sql, right.sql), left.exact && right.exact};
    }
    return CompileComparison(*binary);
  }

  Part CompileUnary(const Unary& unary) {
    if (unary.op == Operator::kNot) return CompileNot(*unary.operand, true);
    const auto* field = std::get_if<Field>(&unary.operand->node);
    if (field == nullptr || field->of_parent || (unary.op != Operator::kExists && unary.op != Operator::kAbsent))
      return kUnknown;
    const auto has =
        field->intrinsic == Intrinsic::kNone ? attributes_.Has(*field) : HasIntrinsic(subject_, field->intrinsic);
    if (!has) return kUnknown;
    return {unary.op == Operator::kExists ? *has : Not(*has)};
  }

  // `negated`: the number of signs before it is odd. An attribute that is neither true nor false has no opposite.
  Part CompileNot(const Expression& operand, bool negated) {
    const auto* unary = std::get_if<Unary>(&operand.node);
    if (unary != nullptr && unary->op == Operator::kNot) return CompileNot(*unary->operand, !negated);
    if (const auto* field = std::get_if<Field>(&operand.node)) {
      if (field->of_parent || field->intrinsic != Intrinsic::kNone) return kUnknown;
      return {attributes_.Is(*field, !negated)};
    }
    const Part part = CompileCondition(operand);
    if (!negated) return part;
    return part.exact ? Part{Not(part.sql)} : kUnknown;
  }

  Part CompileComparison(const Binary& binary) {
    const auto* left = std::get_if<Field>(&binary.left->node);
    const auto* right = std::get_if<Field>(&binary.right->node);
    if (!IsComparison(binary.op)) return kUnknown;
    if (left != nullptr && IsConstant(*binary.right)) return Compare(*left, binary.op, ConstantOf(*binary.right));
    if (right != nullptr && IsConstant(*binary.left))
      return Compare(*right, Exchanged(binary.op), ConstantOf(*binary.left));
    return kUnknown;
  }

  Part Compare(const Field& field, Operator op, const Value& literal) {
    if (literal.is_nil()) return {"0"};
    if (field.of_parent) return kUnknown;
    if (field.intrinsic == Intrinsic::kCriticalPath) return CompareCriticalPath(op, literal);
    const SqlTest test(op, literal, parameters_);
    if (field.intrinsic == Intrinsic::kNone) return {attributes_.Compare(field, test)};
    const auto sql = CompareIntrinsic(subject_, field.intrinsic, test, parameters_);
    return sql ? Part{*sql} : kUnknown;
  }

  // It follows from the whole trace, and is never longer than the span.
  Part CompareCriticalPath(Operator op, const Value& literal) {
    if (op == Operator::kEqual) op = Operator::kGreaterEqual;
    if (op != Operator::kGreater && op != Operator::kGreaterEqual) return kUnknown;
    return {SqlTest(op, literal, parameters_).OfWhole("Duration"), false};
  }

  const Subject subject_;
  SqlParameters parameters_;
  SqlAttributes attributes_;
};

}  // namespace

SqlCondition CompileToSql(const Expression& condition, const SqlOptions& options) {
  return Compiler(options).Compile(condition);
}

}  // namespace sightline::traceql
