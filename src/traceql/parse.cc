#include "traceql/parse.h"

#include "traceql/check.h"
#include "traceql/parser.h"
#include "traceql/utf8.h"

namespace sightline::traceql {
namespace {

// Bytes that make no characters would come back in errors and in stored queries.
std::optional<size_t> FirstBadUtf8(std::string_view text) {
  for (size_t i = 0, length = 0; i < text.size(); i += length) {
    length = CharacterBytes(text, i);
    if (length == 0) return i;
  }
  return std::nullopt;
}

}  // namespace

std::optional<ParseError> CheckText(std::string_view text) {
  if (text.size() > kQueryBytesMax)
    return MakeParseError(text, kQueryBytesMax, "a query has at most " + std::to_string(kQueryBytesMax) + " bytes");
  if (const auto bad = FirstBadUtf8(text)) return MakeParseError(text, *bad, "this is not UTF-8");
  return std::nullopt;
}

std::expected<Query, ParseError> ParseQuery(std::string_view text, Variables variables) {
  if (auto error = CheckText(text)) return std::unexpected(std::move(*error));
  Parser parser(text, Subject::kSpans, 0, variables);
  Query query = parser.ParseWholeQuery();
  if (auto error = parser.error()) return std::unexpected(std::move(*error));
  if (auto error = CheckQuery(query, text)) return std::unexpected(std::move(*error));
  return query;
}

std::expected<Expression, ParseError> ParseSpanCondition(std::string_view text, Variables variables) {
  auto query = ParseQuery(text, variables);
  if (!query) return std::unexpected(std::move(query.error()));
  auto* pipeline = std::get_if<Pipeline>(&query->node);
  const bool alone = pipeline != nullptr && pipeline->stages.size() == 1;
  auto* spans = alone ? std::get_if<SpansetExpression>(&pipeline->stages[0].node) : nullptr;
  auto* filter = spans == nullptr ? nullptr : std::get_if<SpansetFilter>(&spans->node);
  if (filter == nullptr)
    return std::unexpected(MakeParseError(text, 0, "this is more than a condition on one span",
                                          {"one filter, as in `{ status = error }`"}));
  if (filter->condition != nullptr) return std::move(*filter->condition);
  return Expression{Literal{Value::Bool(true), ""}, 0};
}

}  // namespace sightline::traceql
