#include "query/log_groups.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "query/encoded_field.h"

namespace sightline::query {
namespace {

// Attributes and bodies are read for each record.
constexpr uint64_t kRowsMax = 300'000;

Result<void> Check(const LogGroupSearch& search) {
  if (search.limit == 0 || search.limit > kLogGroupsMax) {
    return Fail(Code::kInvalidArgument, "limit {} is not within 1 to {}", search.limit, kLogGroupsMax);
  }
  if (search.by.empty() || search.by.size() > kLogGroupFieldsMax) {
    return Fail(Code::kInvalidArgument, "groups are by 1 to {} fields, not {}", kLogGroupFieldsMax, search.by.size());
  }
  if (search.steps == 0 || search.steps > kLogGroupStepsMax) {
    return Fail(Code::kInvalidArgument, "{} steps are not within 1 to {}", search.steps, kLogGroupStepsMax);
  }
  return {};
}

}  // namespace

Result<LogGroupList> LogGroupReader::Read(const LogGroupSearch& search, store::Cancellation* cancellation) {
  SIGHTLINE_TRY(Check(search));
  Question question = source_.Ask(cancellation);
  auto whole = source_.Select(question, search.query);
  if (!whole) return std::unexpected(whole.error());
  auto size = EstimateSize(question, *whole);
  if (!size) return std::unexpected(size.error());
  const ItemSet set = Thinned(*whole, *size, kRowsMax);
  Conditions conditions = set.conditions;
  const FieldColumns columns{source_.hot_attributes(), question.Table("attribute_sets"), /*of_logs=*/true};
  LogGroupList list;
  list.one_in = set.one_in;
  std::string keys;
  std::vector<std::string> names;
  for (const std::string& name : search.by) {
    auto field = ParseField(name, /*of_logs=*/true);
    if (!field) return std::unexpected(field.error());
    auto key = EncodedField(*field, columns, conditions);
    if (!key) return std::unexpected(key.error());
    keys += fmt::format("{} AS K{}, ", *key, names.size());
    names.push_back(fmt::format("K{}", names.size()));
    list.fields.push_back(traceql::PrintField(*field));
  }
  const std::string by = fmt::format("{}", fmt::join(names, ", "));
  const int64_t from = search.query.from_unix_nanos;
  const std::string step = fmt::format(
      "toUInt32(intDiv(toUnixTimestamp64Nano(Timestamp) - {}, {}))", conditions.Bind("Int64", std::to_string(from)),
      conditions.Bind("Int64", std::to_string((search.query.to_unix_nanos - from - 1) / search.steps + 1)));
  const std::string steps = fmt::format(
      "SELECT {}{} AS Step, toFloat64(count()) AS Records, toFloat64(countIf(SeverityNumber >= 17)) AS Errors, "
      "max(Timestamp) AS Last FROM {} WHERE {} GROUP BY {}, Step",
      keys, step, set.table, conditions.Sql(), by);
  const std::string groups = fmt::format(
      "SELECT [{0}] AS Keys, sum(Records) AS All, sum(Errors) AS Failed, max(Last) AS Newest, groupArray(Step) AS "
      "Steps, "
      "groupArray(Records) AS Counts FROM ({1}) GROUP BY {0}",
      by, steps);
  SIGHTLINE_TRY(question.ForEachRow(
      fmt::format(
          "SELECT Keys, All, Failed, Newest, Steps, Counts, sum(All) OVER (), count() OVER () FROM ({}) ORDER BY "
          "All DESC, Keys LIMIT {}",
          groups, search.limit),
      conditions.parameters(), [&](RowReader& row) {
        LogGroup group;
        for (const auto& key : row.Texts()) group.literals.push_back(DecodedField(key));
        group.records = row.Number<double>() * set.one_in;
        group.errors = row.Number<double>() * set.one_in;
        group.last_unix_nanos = row.Number<int64_t>();
        const auto at = row.Numbers<uint32_t>();
        const auto counts = row.Numbers<double>();
        const double records = row.Number<double>();
        list.groups_in_all = row.Number<uint64_t>();
        list.records = records * set.one_in;
        group.sparkline.assign(search.steps, 0);
        for (size_t i = 0; i < at.size(); ++i) group.sparkline.at(at[i]) = counts[i] * set.one_in;
        list.groups.push_back(std::move(group));
      }));
  list.scanned = question.stats();
  return list;
}

}  // namespace sightline::query
