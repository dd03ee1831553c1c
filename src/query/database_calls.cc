#include "query/database_calls.h"

#include <fmt/format.h>

#include "query/encoded_field.h"

namespace sightline::query {
namespace {

// A service's spans that are looked at; of more an even part.
constexpr uint64_t kRowsMax = 2'000'000;
// So many statements are told apart; the rest of those is left out, which the number of all then does not know.
constexpr uint32_t kStatementsMax = 20'000;
constexpr const char* kWeight = "toUInt64(round(least(AdjustedCount, 1e9) * 1000))";

// The text of an attribute; '' where there is none.
Result<std::string> TextOf(const char* name, const FieldColumns& columns, Conditions& conditions) {
  auto field = ParseField(name, /*of_logs=*/false);
  if (!field) return std::unexpected(field.error());
  auto encoded = EncodedField(*field, columns, conditions);
  if (!encoded) return std::unexpected(encoded.error());
  return "substring(" + *encoded + ", 2)";
}

// Columns System, Database and Statement of a span's row.
Result<std::string> Keys(const FieldColumns& columns, Conditions& conditions) {
  std::string texts;
  for (const auto& [name, alias] : {std::pair{"span.db.system.name", "System"},
                                    {"span.db.namespace", "DatabaseName"},
                                    {"span.db.query.text", "Text"},
                                    {"span.db.query.summary", "Summary"},
                                    {"span.db.operation.name", "Operation"},
                                    {"span.db.collection.name", "Collection"}}) {
    auto text = TextOf(name, columns, conditions);
    if (!text) return std::unexpected(text.error());
    texts += fmt::format("{} AS {}, ", *text, alias);
  }
  return texts +
         fmt::format(
             "multiIf(Text != '', substringUTF8(normalizeQuery(Text), 1, {0}), Summary != '', "
             "Summary, Operation != '', trim(concat(Operation, ' ', Collection)), toString(SpanName)) AS Statement",
             kStatementBytesMax);
}

}  // namespace

Result<DatabaseCalls> DatabaseCallReader::Read(const DatabaseCallSearch& search, store::Cancellation* cancellation) {
  if (search.limit == 0 || search.limit > kDatabaseCallsMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kDatabaseCallsMax);
  }
  Question question = source_.Ask(cancellation);
  auto query = ParseItemQuery(otlp::Signal::kTraces, "{ span.db.system.name != nil }", search.from_unix_nanos,
                              search.to_unix_nanos);
  if (!query) return std::unexpected(query.error());
  auto whole = source_.Select(question, *query);
  if (!whole) return std::unexpected(whole.error());
  whole->conditions.AddService(search.service);
  auto size = EstimateSize(question, *whole);
  if (!size) return std::unexpected(size.error());
  const ItemSet set = Thinned(*whole, *size, kRowsMax);
  Conditions conditions = set.conditions;
  auto keys = Keys({set.hot_attributes, question.Table("attribute_sets")}, conditions);
  if (!keys) return std::unexpected(keys.error());
  DatabaseCalls answer{.is_estimate = set.one_in > 1};
  const std::string spans = fmt::format("SELECT {}, AdjustedCount, StatusCode, Duration FROM {} WHERE {}", *keys,
                                        set.table, conditions.Sql());
  const std::string groups = fmt::format(
      "SELECT System, DatabaseName, Statement, sum(AdjustedCount) AS Calls, sumIf(AdjustedCount, StatusCode = "
      "'Error'), "
      "quantilesBFloat16Weighted(0.5, 0.9, 0.95, 0.99)(toFloat64(Duration), {0}) AS Quantiles, sum(AdjustedCount * "
      "Duration) AS Total, max(Duration), max(AdjustedCount > 1) AS Estimate FROM ({1}) GROUP BY System, DatabaseName, "
      "Statement",
      kWeight, spans);
  SIGHTLINE_TRY(question.ForEachRow(
      fmt::format("SELECT * EXCEPT (Quantiles), arrayMap(q -> toFloat64(q), Quantiles), count() OVER () FROM ({}) "
                  "ORDER BY Total DESC, System, DatabaseName, Statement LIMIT {} SETTINGS max_rows_to_group_by = {}, "
                  "group_by_overflow_mode = 'any'",
                  groups, search.limit, kStatementsMax),
      conditions.parameters(), [&](RowReader& row) {
        DatabaseCall call;
        call.system = row.Text();
        call.database = row.Text();
        call.statement = row.Text();
        call.calls = row.Number<double>() * set.one_in;
        call.errors = row.Number<double>() * set.one_in;
        call.total_nanos = row.Number<double>() * set.one_in;
        call.max_nanos = row.Number<uint64_t>();
        const bool is_estimate = row.Number<uint8_t>() != 0;
        const auto quantiles = row.Numbers<double>();
        answer.calls_in_all = row.Number<uint64_t>();
        call.p50_nanos = quantiles.at(0);
        call.p90_nanos = quantiles.at(1);
        call.p95_nanos = quantiles.at(2);
        call.p99_nanos = quantiles.at(3);
        answer.is_estimate = answer.is_estimate || is_estimate;
        answer.calls.push_back(std::move(call));
      }));
  answer.scanned = question.stats();
  return answer;
}

}  // namespace sightline::query
