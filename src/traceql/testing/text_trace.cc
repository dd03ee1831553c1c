#include "traceql/testing/text_trace.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "traceql/lexer.h"

namespace sightline::traceql::testing {
namespace {

using Kind = Token::Kind;

Field FieldOf(const Token& token, Subject subject) {
  if (token.kind == Kind::kField) return token.field;
  const IntrinsicInfo* info = FindBareIntrinsic(token.text, subject);
  SIGHTLINE_CHECK(info != nullptr);
  Field field;
  field.scope = info->scope;
  field.intrinsic = info->intrinsic;
  return field;
}

Value Find(const std::vector<std::pair<Field, Value>>& fields, Intrinsic intrinsic) {
  for (const auto& [field, value] : fields)
    if (field.intrinsic == intrinsic) return value;
  return Value::Nil();
}

}  // namespace

TextTrace::TextTrace(const std::string& lines, Subject subject) {
  std::istringstream stream(lines);
  for (std::string line; std::getline(stream, line);)
    if (!line.empty()) ReadLine(line, subject);
  for (TextSpan& span : spans_) {
    if (span.parent_name == "-") continue;
    span.parent = kMissingParent;
    span.parent_id = span.parent_name;
    for (size_t i = 0; i < spans_.size(); ++i)
      if (spans_[i].name == span.parent_name) span.parent = static_cast<int64_t>(i);
  }
}

void TextTrace::ReadLine(const std::string& line, Subject subject) {
  texts_.push_back(line);
  std::istringstream words(line);
  TextSpan& span = spans_.emplace_back();
  span.trace = this;
  words >> span.name >> span.parent_name;
  const auto begin = words.tellg();
  if (begin < 0) return;
  Lexer lexer(texts_.back(), subject, static_cast<size_t>(begin));
  auto literal = [&](const Token& token, bool negative) {
    Value value =
        token.kind == Kind::kWord ? LiteralWord(token.text, subject == Subject::kLogs) : token.literal.value();
    if (value.type == Type::kString) value.text = texts_.emplace_back(token.literal.text);
    if (negative)
      (value.type == Type::kFloat ? void(value.number = -value.number) : void(value.integer = -value.integer));
    return value;
  };
  auto read = [&] {
    Token token = lexer.Next();
    const bool negative = token.kind == Kind::kOperator;
    if (negative) token = lexer.Next();
    return std::pair{token, literal(token, negative)};
  };
  for (Token token = lexer.Next(); token.kind != Kind::kEnd; token = lexer.Next()) {
    const Field field = FieldOf(token, subject);
    SIGHTLINE_CHECK(lexer.Next().op == Operator::kEqual);
    auto [first, value] = read();
    if (first.Is('{')) {
      auto& array = arrays_.emplace_back();
      for (auto [element, element_value] = read(); !element.Is('}'); std::tie(element, element_value) = read())
        if (!element.Is(',')) array.push_back(element_value);
      value = Value::Array(array);
    }
    (field.scope == Scope::kTrace ? trace_fields_ : span.fields).emplace_back(field, value);
  }
  SIGHTLINE_CHECK(!lexer.error());
}

Value TextTrace::TextSpan::Intrinsic(traceql::Intrinsic intrinsic) const {
  if (const Value value = Find(fields, intrinsic); !value.is_nil()) return value;
  if (intrinsic == traceql::Intrinsic::kParentId) return Value::String(parent_id);
  return Find(trace->trace_fields_, intrinsic);
}

Value TextTrace::TextSpan::Attribute(Scope scope, std::string_view key) const {
  for (const auto& [field, value] : fields)
    if (field.intrinsic == traceql::Intrinsic::kNone && field.scope == scope && field.key == key) return value;
  return Value::Nil();
}

Value TextTrace::TextSpan::InBody(std::span<const std::string> path) const {
  for (const auto& [field, value] : fields)
    if (field.scope == Scope::kBody && std::ranges::equal(field.path, path)) return value;
  return Value::Nil();
}

}  // namespace sightline::traceql::testing
