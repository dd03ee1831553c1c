// Conditions on one span: fields, literals, and what joins them.
#include <algorithm>

#include "traceql/parse.h"
#include "traceql/parser.h"

namespace sightline::traceql {
namespace {

using Kind = Token::Kind;

Expression MakeLiteral(Value value, size_t offset) {
  return {Literal{value, std::string(value.text)}, offset};
}

Expression MakeUnary(Operator op, Expression operand, size_t offset) {
  return {Unary{op, std::make_unique<Expression>(std::move(operand))}, offset};
}

// Whether an operator of conditions stands between fields and literals.
bool JoinsConditions(Operator op) {
  return IsArithmetic(op) || IsComparison(op) || op == Operator::kAnd || op == Operator::kOr;
}

// Every bare word that means something in a condition.
std::vector<std::string_view> KnownWords(Subject subject) {
  std::vector<std::string_view> words;
  for (const auto& info : Intrinsics())
    if (FindBareIntrinsic(info.bare, subject) != nullptr) words.push_back(info.bare);
  const auto literals = LiteralWords(subject == Subject::kLogs);
  words.insert(words.end(), literals.begin(), literals.end());
  words.push_back("nil");
  return words;
}

}  // namespace

Expression Parser::ParseBraces() {
  const size_t begin = token_.offset;
  SpansetFilter filter = ParseFilter();
  if (filter.condition != nullptr) return std::move(*filter.condition);
  return MakeLiteral(Value::Bool(true), begin);
}

Expression Parser::ParseExpression(int precedence) {
  if (++nesting_ > kNestingMax) Fail(token_.offset, "the query is nested too deeply");
  const bool nil = token_.IsWord("nil");
  Expression left = nil ? JoinNil() : ParseOperand();
  while (!failed() && token_.kind == Kind::kOperator) {
    const Operator op = token_.op;
    const size_t offset = token_.offset;
    if (!JoinsConditions(op)) {
      FailHere({"an operator of conditions"}, op == Operator::kSibling ? "=~" : "");
      break;
    }
    if (Precedence(op) < precedence || !CountOperator(offset)) break;
    Advance();
    if (op == Operator::kEqual && AtOperator(Operator::kEqual)) {
      Fail(offset, "`==` is no operator", {"`=`"}, "=");
    } else if (token_.IsWord("nil") && op != Operator::kAnd && op != Operator::kOr) {
      left = JoinWithNil(std::move(left), op, offset);
    } else {
      Expression right = ParseExpression(op == Operator::kPower ? Precedence(op) : Precedence(op) + 1);
      left = {Binary{op, std::make_unique<Expression>(std::move(left)), std::make_unique<Expression>(std::move(right)),
                     nullptr},
              offset};
    }
  }
  --nesting_;
  return left;
}

// left = nil, left != nil
Expression Parser::JoinWithNil(Expression left, Operator op, size_t offset) {
  if (op != Operator::kEqual && op != Operator::kNotEqual) FailHere({"a value"});
  Advance();
  return MakeUnary(op == Operator::kEqual ? Operator::kAbsent : Operator::kExists, std::move(left), offset);
}

// nil = right, nil != right. As in Tempo, nil is neither equal nor unequal to nil.
Expression Parser::JoinNil() {
  Advance();
  const size_t offset = token_.offset;
  const Operator op = token_.op;
  if (!AtOperator(Operator::kEqual) && !AtOperator(Operator::kNotEqual)) {
    FailHere({"`=`", "`!=`"});
    return {};
  }
  Advance();
  if (AcceptWord("nil")) return MakeLiteral(Value::Bool(false), offset);
  return MakeUnary(op == Operator::kEqual ? Operator::kAbsent : Operator::kExists, ParseExpression(Precedence(op) + 1),
                   offset);
}

Expression Parser::ParseOperand() {
  const size_t offset = token_.offset;
  if (Accept('(')) {
    Expression inner = ParseExpression(kLowestPrecedence);
    Expect(')');
    return inner;
  }
  switch (token_.kind) {
    case Kind::kField: {
      Expression field{std::move(token_.field), offset};
      Advance();
      return field;
    }
    case Kind::kLiteral: {
      Expression literal{std::move(token_.literal), offset};
      Advance();
      return literal;
    }
    case Kind::kWord:
      return ParseWord();
    case Kind::kOperator:
      if (token_.op == Operator::kSubtract || token_.op == Operator::kNot) return ParseSign(token_.op);
      [[fallthrough]];
    default:
      FailHere({"an attribute", "an intrinsic", "a value"});
      return {};
  }
}

Expression Parser::ParseSign(Operator op) {
  const size_t offset = token_.offset;
  if (!CountOperator(offset)) return {};
  Advance();
  Expression operand = ParseExpression(op == Operator::kNot ? kOperandOfNot : kOperandOfMinus);
  auto* literal = std::get_if<Literal>(&operand.node);
  if (op == Operator::kSubtract && literal != nullptr && IsNumber(literal->scalar.type)) {
    Value& value = literal->scalar;
    if (value.type == Type::kFloat) {
      value.number = -value.number;
      return operand;
    }
    if (value.integer != INT64_MIN) {
      value.integer = -value.integer;
      return operand;
    }
  }
  return MakeUnary(op, std::move(operand), offset);
}

Expression Parser::ParseWord() {
  const size_t offset = token_.offset;
  const std::string word(token_.text);
  if (const auto value = LiteralWord(word, subject_ == Subject::kLogs); !value.is_nil()) {
    Advance();
    return MakeLiteral(value, offset);
  }
  if (const auto* info = FindBareIntrinsic(word, subject_); info != nullptr) {
    Advance();
    Field field;
    field.scope = info->scope;
    field.intrinsic = info->intrinsic;
    return {std::move(field), offset};
  }
  Advance();
  const bool alone = token_.kind != Kind::kOperator || token_.op == Operator::kAnd || token_.op == Operator::kOr;
  if (subject_ == Subject::kLogs && alone && !token_.Is('(')) return {FullText{word, nullptr}, offset};
  const auto known = KnownWords(subject_);
  std::string suggestion(Nearest(word, known));
  if (suggestion.empty() && !token_.Is('(')) suggestion = "." + word;
  Fail(offset,
       token_.Is('(') ? "there is no function `" + word + "` in conditions" : "there is no intrinsic `" + word + "`",
       {"an intrinsic", "an attribute with its scope, as span." + word}, std::move(suggestion));
  return {};
}

Field Parser::ParseField() {
  Field field;
  if (token_.kind == Kind::kField) {
    field = std::move(token_.field);
  } else if (const auto* info = token_.kind == Kind::kWord ? FindBareIntrinsic(token_.text, subject_) : nullptr;
             info != nullptr) {
    field.scope = info->scope;
    field.intrinsic = info->intrinsic;
  } else if (token_.IsVariable()) {
    field.key = token_.text;
  } else {
    const auto known = KnownWords(subject_);
    FailHere({"an attribute", "an intrinsic"},
             token_.kind == Kind::kWord ? std::string(Nearest(token_.text, known)) : "");
    return field;
  }
  Advance();
  return field;
}

std::vector<Field> Parser::ParseFields() {
  std::vector<Field> fields;
  Expect('(');
  do {
    fields.push_back(ParseField());
  } while (Accept(','));
  Expect(')');
  return fields;
}

}  // namespace sightline::traceql
