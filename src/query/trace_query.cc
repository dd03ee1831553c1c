#include "query/trace_query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "traceql/operators.h"
#include "traceql/parse.h"
#include "traceql/sql.h"

namespace sightline::query {
namespace {

using traceql::Operator;
using traceql::Pipeline;
using traceql::SpansetExpression;
using traceql::SpansetFilter;
using traceql::SpansetOperation;

// Writes the condition of candidates. Thread: of its owner.
class Candidates {
 public:
  Candidates(const std::vector<otlp::HotAttribute>& hot_attributes, const std::string& attribute_sets)
      : hot_attributes_(hot_attributes), attribute_sets_(attribute_sets) {}

  // Later stages only take away from what the first one finds.
  std::string Of(const Pipeline& pipeline) {
    for (size_t i = 1; i < pipeline.stages.size(); ++i) {
      exact_ &= std::holds_alternative<traceql::Select>(pipeline.stages[i].node);
    }
    const auto* spans =
        pipeline.stages.empty() ? nullptr : std::get_if<SpansetExpression>(&pipeline.stages.front().node);
    if (spans != nullptr) return Of(*spans);
    exact_ = pipeline.stages.empty();
    return "1";
  }

  bool exact() const { return exact_; }
  const std::map<std::string, std::string>& parameters() const { return parameters_; }

 private:
  std::string Of(const SpansetExpression& spans) {
    if (const auto* filter = std::get_if<SpansetFilter>(&spans.node)) return Of(*filter);
    if (const auto* operation = std::get_if<SpansetOperation>(&spans.node)) return Of(*operation);
    return Of(*std::get<traceql::Box<Pipeline>>(spans.node));
  }

  std::string Of(const SpansetFilter& filter) {
    if (filter.condition == nullptr) return "1";
    traceql::SqlCondition compiled =
        traceql::CompileToSql(*filter.condition, {.attribute_sets = attribute_sets_,
                                                  .hot_attributes = &hot_attributes_,
                                                  .parameter_prefix = fmt::format("q{}_", filters_++)});
    exact_ &= compiled.exact;
    parameters_.merge(compiled.parameters);
    return "(" + compiled.sql + ")";
  }

  // `||` needs one of both sides; everything else has spans of the right side, which are its answer or part of it.
  std::string Of(const SpansetOperation& operation) {
    exact_ = false;
    std::string right = Of(*operation.right);
    if (operation.op != Operator::kOr) return right;
    return "(" + Of(*operation.left) + " OR " + right + ")";
  }

  const std::vector<otlp::HotAttribute>& hot_attributes_;
  const std::string& attribute_sets_;
  std::map<std::string, std::string> parameters_;
  int filters_ = 0;
  bool exact_ = true;
};

}  // namespace

Error QueryError(const traceql::ParseError& error) {
  std::string message = error.line > 1 ? fmt::format("line {}, ", error.line) : "";
  message += fmt::format("column {}: {}", error.column, error.message);
  std::string hint;
  if (!error.suggestion.empty()) hint = fmt::format("did you mean `{}`?", error.suggestion);
  const bool says_no_more = !error.suggestion.empty() && error.expected.size() == 1;
  if (!error.expected.empty() && !says_no_more) {
    hint += fmt::format("{}expected: {}", hint.empty() ? "" : " ", fmt::join(error.expected, ", "));
  }
  return {Code::kInvalidArgument, hint.empty() ? message : message + "\n" + hint};
}

Result<std::shared_ptr<const TraceQuery>> TraceQuery::Parse(std::string_view text) {
  auto parsed = traceql::ParseQuery(text);
  if (!parsed) return std::unexpected(QueryError(parsed.error()));
  if (!std::holds_alternative<Pipeline>(parsed->node)) {
    return Fail(Code::kInvalidArgument,
                "this query makes numbers over time, and a search wants traces\nleave out what follows the spans");
  }
  return std::shared_ptr<const TraceQuery>(new TraceQuery(*std::move(parsed)));
}

bool AddCandidates(const Pipeline& pipeline, Conditions& conditions,
                   const std::vector<otlp::HotAttribute>& hot_attributes, const std::string& attribute_sets) {
  Candidates candidates(hot_attributes, attribute_sets);
  const std::string sql = candidates.Of(pipeline);
  conditions.AddBound(sql, candidates.parameters());
  return candidates.exact();
}

}  // namespace sightline::query
