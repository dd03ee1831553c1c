// Conditions on log records: terms outside of braces, and what is in braces.
#include <algorithm>
#include <string>
#include <utility>

#include "traceql/check.h"
#include "traceql/lexer.h"
#include "traceql/parse.h"
#include "traceql/parser.h"

namespace sightline::traceql {
namespace {

using Result = std::expected<Expression, ParseError>;

class LogParser {
 public:
  LogParser(std::string_view text, Variables variables) : text_(text), variables_(variables) {}

  Result Parse() {
    SkipSpaces();
    if (AtEnd()) return Expression{Literal{Value::Bool(true), ""}, 0};
    Result condition = ParseTerm();
    while (condition) {
      SkipSpaces();
      if (AtEnd()) break;
      const size_t offset = at_;
      Operator op = Operator::kAnd;
      if (Rest().starts_with("&&") || Rest().starts_with("||")) {
        op = Rest()[0] == '&' ? Operator::kAnd : Operator::kOr;
        at_ += 2;
      }
      if (++operators_ > kOperatorsMax)
        return Fail(offset, "a condition has at most " + std::to_string(kOperatorsMax) + " terms");
      Result right = ParseTerm();
      if (!right) return right;
      condition = Expression{Binary{op, std::make_unique<Expression>(std::move(*condition)),
                                    std::make_unique<Expression>(std::move(*right)), nullptr},
                             offset};
    }
    return condition;
  }

 private:
  static constexpr std::string_view kSpaces = " \t\r\n\v\f";

  Result Fail(size_t offset, std::string message, std::vector<std::string> expected = {},
              std::string suggestion = {}) const {
    return std::unexpected(
        MakeParseError(text_, offset, std::move(message), std::move(expected), std::move(suggestion)));
  }
  std::string_view Rest() const { return text_.substr(at_); }
  bool AtEnd() const { return at_ >= text_.size(); }
  void SkipSpaces() { at_ = std::min(text_.find_first_not_of(kSpaces, at_), text_.size()); }

  Result ParseTerm() {
    SkipSpaces();
    if (AtEnd()) return Fail(at_, "the condition ends here", {"`{`", "a word", "\"quoted text\""});
    const size_t offset = at_;
    if (text_[at_] == '!') {
      if (++nesting_ > kNestingMax) return Fail(offset, "the condition is nested too deeply");
      ++at_;
      Result operand = ParseTerm();
      --nesting_;
      if (!operand) return operand;
      return Expression{Unary{Operator::kNot, std::make_unique<Expression>(std::move(*operand))}, offset};
    }
    if (text_[at_] == '{') return ParseBraces();
    if (text_[at_] == '"' || text_[at_] == '`') return ParseQuoted();
    if (variables_ == Variables::kAllowed && text_[at_] == '$') {
      Lexer lexer(text_, Subject::kLogs, at_, variables_);
      if (lexer.Next().IsVariable()) {
        at_ = lexer.offset();
        return Expression{FullText{"", nullptr}, offset};
      }
    }
    return ParseWord();
  }

  // The lexer finds the end, as a brace can stand in a string too.
  Result ParseBraces() {
    const size_t begin = at_;
    Lexer lexer(text_, Subject::kLogs, begin, variables_);
    Token token = lexer.Next();
    while (token.kind != Token::Kind::kEnd && !token.Is('}')) token = lexer.Next();
    const size_t end = token.kind == Token::Kind::kEnd ? text_.size() : lexer.offset();
    Parser parser(text_.substr(0, end), Subject::kLogs, begin, variables_);
    Expression inner = parser.ParseBraces();
    if (auto error = parser.error()) return std::unexpected(std::move(*error));
    at_ = end;
    return inner;
  }

  Result ParseQuoted() {
    Lexer lexer(text_, Subject::kLogs, at_);
    const Token token = lexer.Next();
    if (lexer.error()) return std::unexpected(*lexer.error());
    const size_t offset = std::exchange(at_, lexer.offset());
    return Expression{FullText{token.literal.text, nullptr}, offset};
  }

  Result ParseWord() {
    const size_t begin = at_;
    at_ = std::min(text_.find_first_of(" \t\r\n\v\f{", at_), text_.size());
    const std::string word(text_.substr(begin, at_ - begin));
    if (word == "=" || word == "!=" || word == "<" || word == "<=" || word == ">" || word == ">=" || word == "=~" ||
        word == "!~")
      return Fail(begin, "comparisons stand in braces", {"a form like `{ severity >= warn }`"});
    if (word.starts_with("&&") || word.starts_with("||"))
      return Fail(begin, "two operators follow each other", {"`{`", "a word", "\"quoted text\""});
    if (word.starts_with('}')) return Fail(begin, "this brace closes nothing");
    return Expression{FullText{word, nullptr}, begin};
  }

  std::string_view text_;
  Variables variables_;
  size_t at_ = 0;
  int nesting_ = 0;
  int operators_ = 0;
};

}  // namespace

std::expected<Expression, ParseError> ParseLogCondition(std::string_view text, Variables variables) {
  if (auto error = CheckText(text)) return std::unexpected(std::move(*error));
  Result condition = LogParser(text, variables).Parse();
  if (!condition) return condition;
  MakeFullTexts(*condition);
  if (auto error = CheckCondition(*condition, text)) return std::unexpected(std::move(*error));
  return condition;
}

}  // namespace sightline::traceql
