// SQL of rules: times into the text, and rows -> groups.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "alert/rule_queries.h"

namespace sightline::alert {
namespace {

enum class Column : uint8_t { kLabel, kNumber, kTime };

Column ColumnOf(std::string_view type) {
  for (const std::string_view wrapper : {"LowCardinality(", "Nullable("}) {
    if (type.starts_with(wrapper)) type = type.substr(wrapper.size());
  }
  if (type.starts_with("Date")) return Column::kTime;
  for (const std::string_view number : {"Int", "UInt", "Float", "Decimal", "Bool", "BFloat"}) {
    if (type.starts_with(number)) return Column::kNumber;
  }
  return Column::kLabel;
}

struct Plan {
  std::vector<std::string> names;
  std::vector<Column> columns;
  size_t value = 0;
};

Result<Plan> MakePlan(const simdjson::dom::array& meta) {
  Plan plan;
  std::vector<size_t> numbers;
  for (const auto column : meta) {
    std::string_view name, type;
    if (column["name"].get(name) != simdjson::SUCCESS || column["type"].get(type) != simdjson::SUCCESS) break;
    if (ColumnOf(type) == Column::kNumber) numbers.push_back(plan.names.size());
    plan.names.emplace_back(name);
    plan.columns.push_back(ColumnOf(type));
  }
  const auto named = std::ranges::find_if(numbers, [&](size_t i) { return plan.names[i] == "value"; });
  if (numbers.empty()) return Fail(Code::kInvalidArgument, "no column is a number: which one is watched?");
  if (named == numbers.end() && numbers.size() > 1) {
    return Fail(Code::kInvalidArgument, "{} columns are numbers\ncall the one that is watched value", numbers.size());
  }
  plan.value = named == numbers.end() ? numbers.front() : *named;
  // Other numbers tell groups apart, such as a status code.
  for (const size_t i : numbers) {
    if (i != plan.value) plan.columns[i] = Column::kLabel;
  }
  return plan;
}

double NumberOf(const simdjson::dom::element& cell) {
  double number = std::numeric_limits<double>::quiet_NaN();
  bool truth = false;
  std::string_view text;
  if (cell.get(number) == simdjson::SUCCESS) return number;
  if (cell.get(truth) == simdjson::SUCCESS) return truth ? 1 : 0;
  // The engine quotes numbers that JavaScript does not hold, and what is no number.
  if (cell.get(text) != simdjson::SUCCESS) return std::numeric_limits<double>::quiet_NaN();
  char* end = nullptr;
  const std::string copy(text);
  number = std::strtod(copy.c_str(), &end);
  return !copy.empty() && *end == 0 ? number : std::numeric_limits<double>::quiet_NaN();
}

std::string TextOf(const simdjson::dom::element& cell) {
  std::string_view text;
  if (cell.get(text) == simdjson::SUCCESS) return std::string(text);
  return cell.is_null() ? std::string() : simdjson::minify(cell);
}

}  // namespace

std::string WithTimes(std::string_view sql, const Steps& steps) {
  const auto time = [](int64_t nanos) { return fmt::format("fromUnixTimestamp64Nano(toInt64({}))", nanos); };
  const std::pair<std::string_view, std::string> variables[] = {{"from", time(steps.from_unix_nanos)},
                                                                {"to", time(steps.to_unix_nanos)},
                                                                {"step", std::to_string(steps.step_seconds)}};
  const auto is_name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
  std::string text;
  for (size_t i = 0; i < sql.size(); ++i) {
    size_t end = i + 1;
    while (sql[i] == '$' && end < sql.size() && is_name(sql[end])) ++end;
    const auto found =
        std::ranges::find(variables, sql.substr(i + 1, end - i - 1), [](const auto& one) { return one.first; });
    if (sql[i] != '$' || found == std::end(variables)) {
      text += sql[i];
      continue;
    }
    text += found->second;
    i = end - 1;
  }
  return text;
}

Result<std::vector<Group>> ReadSqlAnswer(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  simdjson::dom::array meta, rows;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS ||
      root["meta"].get(meta) != simdjson::SUCCESS || root["data"].get(rows) != simdjson::SUCCESS) {
    return Fail(Code::kInternal, "the engine's answer is no JSON of rows");
  }
  const auto plan = MakePlan(meta);
  if (!plan) return std::unexpected(plan.error());
  struct Newest {
    std::string time;
    double value = 0;
  };
  std::map<Labels, Newest> groups;
  for (const auto row : rows) {
    Labels labels;
    Newest newest;
    bool has_time = false;
    size_t i = 0;
    for (const auto cell : simdjson::dom::array(row)) {
      if (i == plan->value) {
        newest.value = NumberOf(cell);
      } else if (plan->columns[i] == Column::kTime) {
        has_time = true;
        newest.time = TextOf(cell);  // of one type and zone: texts are ordered as the times
      } else {
        labels[plan->names[i]] = TextOf(cell);
      }
      ++i;
    }
    auto [known, is_new] = groups.try_emplace(labels, newest);
    if (!is_new && !has_time) {
      return Fail(Code::kInvalidArgument,
                  "two rows have the same texts\ngroup by them, or have a column of times: then the newest counts");
    }
    if (!is_new && newest.time > known->second.time) known->second = newest;
  }
  std::vector<Group> found;
  for (auto& [labels, newest] : groups) found.push_back({labels, {newest.value}});
  return found;
}

}  // namespace sightline::alert
