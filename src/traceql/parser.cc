#include "traceql/parser.h"

#include <array>

#include "traceql/parse.h"

namespace sightline::traceql {

Parser::Parser(std::string_view text, Subject subject, size_t offset, Variables variables)
    : text_(text), subject_(subject), lexer_(text, subject, offset, variables) {
  Advance();
}

void Parser::Advance() {
  if (failed()) return;
  token_ = lexer_.Next();
  if (!lexer_.error()) return;
  error_ = lexer_.error();
  token_ = Token{};
}

void Parser::Fail(size_t offset, std::string message, std::vector<std::string> expected, std::string suggestion) {
  if (!failed()) error_ = MakeParseError(text_, offset, std::move(message), std::move(expected), std::move(suggestion));
  token_ = Token{};
}

void Parser::FailHere(std::vector<std::string> expected, std::string suggestion) {
  const std::string found =
      token_.kind == Token::Kind::kEnd ? "the query ends here" : "unexpected `" + std::string(token_.text) + "`";
  Fail(token_.kind == Token::Kind::kEnd ? text_.size() : token_.offset, found, std::move(expected),
       std::move(suggestion));
}

bool Parser::Accept(char punctuation) {
  if (!token_.Is(punctuation)) return false;
  Advance();
  return true;
}

bool Parser::AcceptWord(std::string_view word) {
  if (!token_.IsWord(word)) return false;
  Advance();
  return true;
}

bool Parser::Expect(char punctuation) {
  if (!token_.Is(punctuation)) {
    FailHere({"`" + std::string(1, punctuation) + "`"});
    return false;
  }
  Advance();
  return !failed();
}

bool Parser::CountOperator(size_t offset) {
  if (++operators_ <= kOperatorsMax) return true;
  Fail(offset, "a query has at most " + std::to_string(kOperatorsMax) + " operators");
  return false;
}

}  // namespace sightline::traceql
