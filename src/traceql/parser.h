// Recursive descent over the tokens; the parts of the grammar lie in parser_*.cc. For parse.cc only.
//
// The first error is kept and the rest of the text skipped, so that all loops end by themselves; what is returned after
// it means nothing.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <variant>

#include "traceql/ast.h"
#include "traceql/lexer.h"
#include "traceql/parse_error.h"

namespace sightline::traceql {

// Thread: of its owner.
class Parser {
 public:
  Parser(std::string_view text, Subject subject, size_t offset = 0, Variables variables = Variables::kRefused);

  Query ParseWholeQuery();
  Expression ParseBraces();                        // { condition }
  size_t offset() const { return token_.offset; }  // of the next token

  bool failed() const { return error_.has_value(); }
  std::optional<ParseError> error() const { return error_; }
  void Fail(size_t offset, std::string message, std::vector<std::string> expected = {}, std::string suggestion = {});

 private:
  // What stands between two bars, before it is clear what it is.
  struct Term {
    std::variant<SpansetExpression, ScalarExpression, ScalarFilter, MetricsExpression, Group, Coalesce, Select> node;
    size_t offset = 0;
  };

  // parser.cc
  void Advance();
  bool Accept(char punctuation);
  bool AcceptWord(std::string_view word);
  bool Expect(char punctuation);
  void FailHere(std::vector<std::string> expected, std::string suggestion = {});
  bool CountOperator(size_t offset);
  bool AtOperator(Operator op) const { return token_.kind == Token::Kind::kOperator && token_.op == op; }
  std::string_view text_of_token() const { return token_.text; }

  // parser_expression.cc
  Expression ParseExpression(int precedence);
  Expression ParseOperand();
  Expression ParseSign(Operator op);
  Expression ParseWord();
  Expression JoinWithNil(Expression left, Operator op, size_t offset);
  Expression JoinNil();
  Field ParseField();
  std::vector<Field> ParseFields();  // in parentheses

  // parser_pipeline.cc
  Term ParsePipeline();
  Term ParseStage(bool first);
  Term ParseStageExpression(int precedence);
  Term ParseStageOperand();
  Term ParseStageWord();
  Term ParseAggregate(AggregateFunction function);
  Term Join(Term left, Operator op, size_t offset, Term right);
  Term JoinSpansets(Term left, Operator op, size_t offset, Term right);
  Term JoinNumbers(Term left, Operator op, size_t offset, Term right);
  Term Fold(const ScalarExpression& left, Operator op, size_t offset, const ScalarExpression& right);
  bool AddStage(Pipeline& pipeline, Term term, bool last);
  Term ClosePipeline(Pipeline pipeline, Term last);
  SpansetFilter ParseFilter();

  // parser_metrics.cc
  Term ParseMetrics(Pipeline spans, MetricsFunction function);
  Comparison ParseComparison();
  std::vector<double> ParseQuantiles();
  void ParseSecondStages(MetricsExpression& metrics);
  void ParseTopK(MetricsExpression& metrics);
  Term JoinMetrics(Term left, Operator op, size_t offset, Term right);
  int64_t ParseWholeNumber();
  std::vector<Hint> ParseHints();

  std::string_view text_;
  Subject subject_;
  Lexer lexer_;
  Token token_;  // the next one
  std::optional<ParseError> error_;
  int nesting_ = 0;
  int operators_ = 0;
};

}  // namespace sightline::traceql
