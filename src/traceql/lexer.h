// Text of a query -> tokens. A field with its scope is one token, as a "." or a "-" in an attribute's name is part of
// it: `span.a-b` is one attribute, `span.a - b` a difference.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "traceql/field.h"
#include "traceql/operators.h"
#include "traceql/parse_error.h"
#include "traceql/value.h"

namespace sightline::traceql {

// What stands for values that are not known yet, as in the queries of dashboards: $name and ${name}, outside of quotes.
enum class Variables : bool { kRefused, kAllowed };

struct Token {
  enum class Kind : uint8_t {
    kEnd,
    kWord,         // text
    kField,        // field: an attribute, or a scoped intrinsic
    kLiteral,      // literal: a number, a duration, a string; a variable, whose type is kAny
    kOperator,     // op
    kPunctuation,  // text: one of { } ( ) , |
  };
  Kind kind = Kind::kEnd;
  size_t offset = 0;
  std::string_view text;  // as written
  Field field;
  Literal literal;
  Operator op = Operator::kAdd;

  bool Is(char punctuation) const { return kind == Kind::kPunctuation && text[0] == punctuation; }
  bool IsWord(std::string_view word) const { return kind == Kind::kWord && text == word; }
  bool IsVariable() const { return kind == Kind::kLiteral && literal.scalar.type == Type::kAny; }
};

// Thread: of its owner. Borrows the text.
class Lexer {
 public:
  Lexer(std::string_view text, Subject subject, size_t offset = 0, Variables variables = Variables::kRefused)
      : text_(text), subject_(subject), at_(offset), variables_(variables) {}

  // kEnd at the end and after an error, of which the first is kept.
  Token Next();
  size_t offset() const { return at_; }
  const std::optional<ParseError>& error() const { return error_; }

  void SkipSpaces();  // and comments

 private:
  Token Fail(size_t offset, std::string message, std::string suggestion = {});
  Token Word(Token token);
  Token Scoped(Token token, Scope scope, bool of_parent);
  Token ScopedIntrinsic(Token token, Scope scope);
  Token Number(Token token);
  Token Duration(Token token);
  Token Quoted(Token token);
  Token RawQuoted(Token token);
  Token Finish(Token token, Token::Kind kind);
  Token InBody(Token token);
  bool AcceptVariable();
  // False: an error. `part`: only until a point.
  bool AttributeKey(std::string& key, bool part = false);
  bool Escape(std::string& text);  // false: an error
  bool Unicode(size_t digits, std::string& text);
  char Peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  size_t SpaceHere() const;  // bytes of the white space here, 0 without

  std::string_view text_;
  Subject subject_;
  size_t at_;
  Variables variables_;
  std::optional<ParseError> error_;
};

}  // namespace sightline::traceql
