#include "query/search_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "otlp/sql_quote.h"
#include "query/log_sql.h"
#include "query/span_sql.h"

namespace sightline::query {
namespace {

constexpr int kRows = 100;

bool IsWhole(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

Result<std::string> LiteralOf(std::string_view type, const std::string& value) {
  if (type == "String") return otlp::QuoteString(value);
  if ((type.starts_with("Int") || type.starts_with("UInt")) && type.find('(') == type.npos && IsWhole(value)) {
    return fmt::format("to{}({})", type, value);
  }
  if (type == "Bool" && (value == "true" || value == "false")) return value;
  if (type == "Float64") {
    char* end = nullptr;
    std::strtod(value.c_str(), &end);
    if (!value.empty() && *end == '\0') return fmt::format("toFloat64({})", otlp::QuoteString(value));
  }
  return Fail(Code::kInternal, "there is no literal of the type {}", type);
}

Error NeedsTraces() {
  return {Code::kFailedPrecondition,
          "this query has no SQL: the traces that it may mean are read whole and judged in memory\nuse conditions that "
          "compare fields of single spans with constants"};
}

}  // namespace

Result<std::string> WithLiterals(const std::string& sql, const std::map<std::string, std::string>& parameters) {
  std::string text;
  for (size_t at = 0; at < sql.size();) {
    const size_t open = sql.find('{', at);
    text.append(sql, at, std::min(open, sql.size()) - at);
    if (open == sql.npos) break;
    const size_t colon = sql.find(':', open), close = sql.find('}', open);
    const auto found = colon < close ? parameters.find(sql.substr(open + 1, colon - open - 1)) : parameters.end();
    if (found == parameters.end()) {
      text += '{';
      at = open + 1;
      continue;
    }
    auto literal = LiteralOf(std::string_view(sql).substr(colon + 1, close - colon - 1), found->second);
    if (!literal) return literal;
    text += *literal;
    at = close + 1;
  }
  return text;
}

Result<std::string> SpanSearchSql(ItemSource& source, const ItemQuery& query, TraceSort sort,
                                  store::Cancellation* cancellation) {
  Question question = source.Ask(cancellation);
  Conditions conditions;
  conditions.AddTimeRange(query.from_unix_nanos, query.to_unix_nanos);
  if (query.spans != nullptr &&
      !query.spans->AddCandidates(conditions, source.hot_attributes(), question.Table("attribute_sets"))) {
    return std::unexpected(NeedsTraces());
  }
  return WithLiterals(
      fmt::format(
          "SELECT Timestamp, lower(hex(TraceId)) AS trace_id, lower(hex(SpanId)) AS span_id, ServiceName, SpanName, "
          "StatusCode, Duration\nFROM {}\nWHERE {}\nORDER BY {} DESC LIMIT {}",
          question.Table("spans"), conditions.Sql(), sort == TraceSort::kNewest ? "Timestamp" : "Duration", kRows),
      conditions.parameters());
}

Result<std::string> TraceSearchSql(ItemSource& source, const SpanFilter& filter, TraceSort sort,
                                   store::Cancellation* cancellation) {
  Question question = source.Ask(cancellation);
  bool exact = true;
  SIGHTLINE_TRY(CheckRange(filter));
  auto conditions = MatchConditions(filter, source.hot_attributes(), question, exact);
  if (!conditions) return std::unexpected(conditions.error());
  if (!exact) return std::unexpected(NeedsTraces());
  return WithLiterals(
      fmt::format("SELECT lower(hex(TraceId)) AS trace_id, count() AS matching_spans, min(Timestamp) AS first_match, "
                  "max(Timestamp) AS last_match, max(Duration) AS longest_match, groupUniqArray(10)(ServiceName) AS "
                  "services\nFROM {}\nWHERE {}\nGROUP BY TraceId ORDER BY {} DESC LIMIT {}",
                  question.Table("spans"), conditions->Sql(),
                  sort == TraceSort::kNewest ? "last_match" : "longest_match", kRows),
      conditions->parameters());
}

Result<std::string> LogSearchSql(ItemSource& source, const LogFilter& filter, LogSort sort,
                                 store::Cancellation* cancellation) {
  Question question = source.Ask(cancellation);
  SIGHTLINE_TRY(CheckFilter(filter));
  auto conditions = MatchConditions(filter, question);
  if (!conditions) return std::unexpected(conditions.error());
  if (HasRange(filter)) conditions->AddTimeRange(filter.from_unix_nanos, filter.to_unix_nanos);
  return WithLiterals(
      fmt::format(
          "SELECT Timestamp, SeverityText, ServiceName, Body, lower(hex(TraceId)) AS trace_id, lower(hex(SpanId)) AS "
          "span_id, LogAttributes\nFROM {}\nWHERE {}\nORDER BY Timestamp{} LIMIT {}",
          question.Table("logs"), conditions->Sql(), sort == LogSort::kNewest ? " DESC" : "", kRows),
      conditions->parameters());
}

}  // namespace sightline::query
