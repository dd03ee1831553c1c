#include "query/filters.h"

#include <algorithm>

#include "otlp/sql_quote.h"

namespace sightline::query {
namespace {

constexpr std::string_view kResourcePrefix = "resource.";
// So many resources are named in the statement; of more the statement asks itself.
constexpr size_t kNamedResourcesMax = 500;

// Rows of attribute_sets that have the attribute. The first of equal keys counts, as for a map.
std::string ResourceHas(const std::string& key, const std::string& value) {
  return "has(Keys, " + key + ") AND Values[indexOf(Keys, " + key + ")] = " + value;
}

// The ids of fitting resources as the right side of IN; "": there is none.
Result<std::string> FittingResources(const AttributeCondition& wanted, Conditions& conditions, Question& question) {
  std::vector<std::string> ids;
  const std::string from = " FROM " + question.Table("attribute_sets") + " WHERE ";
  auto read = [&](RowReader& row) { ids.push_back(row.Text()); };
  SIGHTLINE_TRY(question.ForEachRow("SELECT DISTINCT Id" + from + ResourceHas("{key:String}", "{value:String}") +
                                        " LIMIT " + std::to_string(kNamedResourcesMax + 1),
                                    {{"key", wanted.key}, {"value", wanted.value}}, read));
  if (ids.size() > kNamedResourcesMax) {
    const std::string key = conditions.BindText(wanted.key);
    return "(SELECT Id" + from + ResourceHas(key, conditions.BindText(wanted.value)) + ")";
  }
  std::string list;
  for (const auto& id : ids) list += (list.empty() ? "(" : ", ") + conditions.BindText(id);
  return list.empty() ? list : list + ")";
}

// What is read of the item for one key.
struct ItemSql {
  std::string has, is;  // it has the key; and with the value
};

ItemSql OnItem(const AttributeCondition& wanted, const AttributeColumns& columns, Conditions& conditions) {
  const std::string key = conditions.BindText(wanted.key);
  const std::string value = conditions.BindText(wanted.value);
  const std::string map(columns.map);
  const std::string in_map = "mapContains(" + map + ", " + key + ")";
  const std::string is_in_map = "(" + in_map + " AND " + map + "[" + key + "] = " + value + ")";
  static const std::vector<otlp::HotAttribute> kNone;
  const auto& all = columns.hot == nullptr ? kNone : *columns.hot;
  const auto hot = std::ranges::find(all, wanted.key, &otlp::HotAttribute::key);
  if (hot == all.end()) return {in_map, is_in_map};
  // An empty column says nothing: empty texts and values of another type than the configured one are in the map. What
  // is in both was sent twice, and the first, in the column, counts.
  const std::string column = otlp::QuoteName("a." + wanted.key);
  if (!hot->may_be_in_map) return {column + " != ''", wanted.value.empty() ? "0" : column + " = " + value};
  const std::string empty = "(" + column + " = '' AND ";
  const std::string is_hot = wanted.value.empty() ? "" : column + " = " + value + " OR ";
  return {"(" + column + " != '' OR " + in_map + ")", "(" + is_hot + empty + is_in_map + "))"};
}

}  // namespace

Result<AttributeCondition> ParseAttributeCondition(std::string_view text) {
  const size_t equals = text.find('=');
  std::string_view key = text.substr(0, equals);
  const bool resource_only = key.starts_with(kResourcePrefix);
  if (resource_only) key.remove_prefix(kResourcePrefix.size());
  if (equals == text.npos || key.empty()) {
    return Fail(Code::kInvalidArgument, "{:?} is no condition on an attribute\nwrite KEY=VALUE or resource.KEY=VALUE",
                text);
  }
  return AttributeCondition{std::string(key), std::string(text.substr(equals + 1)), resource_only};
}

void Conditions::Add(std::string_view sql) {
  if (!sql_.empty()) sql_ += " AND ";
  sql_ += sql;
}

std::string Conditions::Bind(std::string_view type, std::string value) {
  const std::string name = "_" + std::to_string(parameters_.size());
  std::string placeholder = "{" + name + ":" + std::string(type) + "}";
  parameters_[name] = std::move(value);
  return placeholder;
}

void Conditions::AddService(const std::optional<std::string>& service) {
  if (service) Add("ServiceName = " + BindText(*service));
}

void Conditions::AddTimeRange(int64_t from_unix_nanos, int64_t to_unix_nanos) {
  Add("Timestamp >= fromUnixTimestamp64Nano(" + Bind("Int64", NanosText(from_unix_nanos)) + ")");
  Add("Timestamp < fromUnixTimestamp64Nano(" + Bind("Int64", NanosText(to_unix_nanos)) + ")");
}

Result<void> AddAttributeConditions(Conditions& conditions, const std::vector<AttributeCondition>& wanted,
                                    const AttributeColumns& columns, Question& question) {
  for (const auto& condition : wanted) {
    auto resources = FittingResources(condition, conditions, question);
    if (!resources) return std::unexpected(resources.error());
    const std::string on_resource = resources->empty() ? "" : "ResourceId IN " + *resources;
    if (condition.resource_only) {
      conditions.Add(on_resource.empty() ? "0" : on_resource);
      continue;
    }
    const ItemSql item = OnItem(condition, columns, conditions);
    // Without the OR the engine can use indexes.
    conditions.Add(on_resource.empty() ? item.is
                                       : "(" + item.is + " OR (" + on_resource + " AND NOT " + item.has + "))");
  }
  return {};
}

std::string NanosText(int64_t unix_nanos) {
  return std::to_string(std::max<int64_t>(unix_nanos, 0));
}

}  // namespace sightline::query
