#include "query/log_series.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "query/encoded_field.h"

namespace sightline::query {

Result<SpanSeriesAnswer> ReadLogSeries(ItemSource& source, const LogSeriesSearch& search,
                                       store::Cancellation* cancellation) {
  if (search.by.size() > kLogSeriesFieldsMax) {
    return Fail(Code::kInvalidArgument, "groups are by {} fields at most, not {}", kLogSeriesFieldsMax,
                search.by.size());
  }
  const auto grid =
      MakeGrid(search.query.from_unix_nanos, search.query.to_unix_nanos, search.step_seconds, search.origin_unix_nanos);
  if (!grid) return std::unexpected(grid.error());
  Question question = source.Ask(cancellation);
  ItemQuery query = search.query;
  query.from_unix_nanos = grid->from;
  query.to_unix_nanos = grid->to;
  auto set = source.Select(question, query);
  if (!set) return std::unexpected(set.error());
  const FieldColumns columns{source.hot_attributes(), question.Table("attribute_sets"), /*of_logs=*/true};
  std::vector<std::string> fields, names;
  std::string keys;
  for (const std::string& name : search.by) {
    auto field = ParseField(name, /*of_logs=*/true);
    if (!field) return std::unexpected(field.error());
    auto key = EncodedField(*field, columns, set->conditions);
    if (!key) return std::unexpected(key.error());
    names.push_back(fmt::format("K{}", names.size()));
    keys += fmt::format("{} AS {}, ", *key, names.back());
    fields.push_back(traceql::PrintField(*field));
  }
  const std::string by = fmt::format("{}", fmt::join(names, ", "));
  const std::string comma = names.empty() ? "" : ", ";
  // Of one window, which is asked for often, planning is most of the cost: no query within another.
  const std::string one_step = fmt::format(
      "SELECT {}if(count() = 0, emptyArrayUInt32(), [toUInt32(0)]), if(count() = 0, [], [toFloat64(count())]) FROM {} "
      "WHERE {}{} ORDER BY count() DESC{}{} LIMIT {}",
      names.empty() ? "emptyArrayString(), " : "[" + keys.substr(0, keys.size() - 2) + "], ", set->table,
      set->conditions.Sql(), names.empty() ? "" : " GROUP BY " + by, comma, by, kSpanSeriesMax + 1);
  const std::string counts = fmt::format(
      "SELECT {}toUInt32(intDiv(toUnixTimestamp64Nano(Timestamp) - {}, {})) AS Step, toFloat64(count()) AS Records "
      "FROM {} WHERE {} GROUP BY Step{}{}",
      keys, grid->from, grid->step, set->table, set->conditions.Sql(), comma, by);
  SpanSeriesAnswer answer{
      .from_unix_nanos = grid->from, .to_unix_nanos = grid->to, .step_seconds = search.step_seconds, .counts = true};
  const std::string many_steps = fmt::format(
      "SELECT {}, groupArray(Step), groupArray(Records) FROM ({}){} ORDER BY sum(Records) DESC{}{} LIMIT {}",
      names.empty() ? "emptyArrayString()" : "[" + by + "]", counts, names.empty() ? "" : " GROUP BY " + by, comma, by,
      kSpanSeriesMax + 1);
  SIGHTLINE_TRY(question.ForEachRow(
      grid->steps() == 1 ? one_step : many_steps, set->conditions.parameters(), [&](RowReader& row) {
        const auto values = row.Texts();
        const auto steps = row.Numbers<uint32_t>();
        const auto records = row.Numbers<double>();
        if (answer.series.size() == kSpanSeriesMax || answer.series.size() * grid->steps() > kSeriesValuesMax) {
          answer.is_cut = true;
          return;
        }
        SpanSeries series{.values = std::vector<double>(grid->steps(), 0)};
        for (size_t i = 0; i < fields.size(); ++i) series.labels.emplace_back(fields[i], DecodedField(values[i]));
        for (size_t i = 0; i < steps.size(); ++i) series.values.at(steps[i]) = records[i];
        answer.series.push_back(std::move(series));
      }));
  answer.scanned = question.stats();
  return answer;
}

}  // namespace sightline::query
