#include "cli/query_answer.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "serve/export_file.h"
#include "traceql/value.h"

namespace sightline::cli {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;

constexpr int64_t kSecondNanos = 1'000'000'000;

struct Series {
  std::vector<std::string> fields, literals;
  std::vector<double> values;  // NaN: none
};
struct SeriesAnswer {
  int64_t from_unix_nanos = 0, step_seconds = 0;
  std::vector<Series> series;
};
struct Group {
  std::vector<std::string> literals;
  double spans = 0, errors = 0, p50 = 0, p95 = 0, p99 = 0, max = 0;
  std::vector<double> sparkline;
};
struct GroupsAnswer {
  std::vector<std::string> fields;
  std::vector<Group> groups;
};

// Runs `read` on the root; what does not read as it should is kInternal.
template <typename Read>
auto Parsed(const std::string& json, Read read) -> Result<decltype(read(element()))> {
  try {
    simdjson::dom::parser parser;
    return read(parser.parse(json));
  } catch (const simdjson::simdjson_error& error) {
    return Fail(Code::kInternal, "the server's answer does not read: {}", error.what());
  }
}

std::vector<std::string> Texts(element list) {
  std::vector<std::string> texts;
  for (element text : array(list)) texts.emplace_back(std::string_view(text));
  return texts;
}

std::vector<double> Numbers(element list) {
  std::vector<double> numbers;
  for (element number : array(list)) {
    numbers.push_back(number.is_null() ? std::numeric_limits<double>::quiet_NaN() : double(number));
  }
  return numbers;
}

int64_t Nanos(element text) {
  return std::strtoll(std::string(std::string_view(text)).c_str(), nullptr, 10);
}

Result<SeriesAnswer> ReadSeries(const std::string& json) {
  return Parsed(json, [](element root) {
    SeriesAnswer answer{Nanos(root["from_unix_nano"]), int64_t(root["step_seconds"]), {}};
    for (element item : array(root["series"])) {
      Series series;
      for (element label : array(item["labels"])) {
        series.fields.emplace_back(std::string_view(label["field"]));
        series.literals.emplace_back(std::string_view(label["literal"]));
      }
      series.values = Numbers(item["values"]);
      answer.series.push_back(std::move(series));
    }
    return answer;
  });
}

Result<GroupsAnswer> ReadGroups(const std::string& json) {
  return Parsed(json, [](element root) {
    GroupsAnswer answer{Texts(root["fields"]), {}};
    for (element item : array(root["groups"])) {
      answer.groups.push_back({Texts(item["literals"]), item["spans"], item["errors"], item["p50_nano"],
                               item["p95_nano"], item["p99_nano"], item["max_nano"], Numbers(item["sparkline"])});
    }
    return answer;
  });
}

std::string NumberText(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.6g}", value);
}

std::string NanosText(double nanos) {
  return nanos < 0 ? "" : DurationText(static_cast<uint64_t>(nanos));
}

// A column for each step, eight levels high.
std::string SparklineText(const std::vector<double>& values) {
  constexpr std::array<const char*, 8> kLevels = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double most = values.empty() ? 0 : *std::ranges::max_element(values);
  std::string text;
  for (const double value : values) {
    const auto level = most <= 0 ? 0 : static_cast<size_t>(std::ceil(value / most * 8)) - (value > 0 ? 1 : 0);
    text += value > 0 ? kLevels[std::min<size_t>(level, 7)] : " ";
  }
  return text;
}

void AddFields(std::vector<Column>& columns, const std::vector<std::string>& fields) {
  for (const auto& field : fields) columns.push_back({Printable(field), false, 40});
}

std::string Bare(const std::string& literal) {
  if (literal == "nil") return "";
  return literal.starts_with('"') ? traceql::PrintedText(literal) : literal;
}

std::string CsvOf(const std::vector<std::vector<std::string>>& rows) {
  std::string csv;
  for (const auto& row : rows) serve::AppendCsvLine(row, csv);
  return csv;
}

}  // namespace

// What a series was over the range; its steps are in the JSON and the CSV.
Result<std::string> SeriesTable(const std::string& json, const Terminal& terminal) {
  auto answer = ReadSeries(json);
  if (!answer) return std::unexpected(answer.error());
  if (answer->series.empty()) return std::string();
  std::vector<Column> columns;
  AddFields(columns, answer->series.front().fields);
  for (const char* title : {"MIN", "AVG", "MAX", "LAST"}) columns.push_back({title, true});
  std::vector<std::vector<Cell>> rows;
  for (const auto& series : answer->series) {
    auto& row = rows.emplace_back();
    for (const auto& literal : series.literals) row.push_back({Printable(literal), "36"});
    row.resize(columns.size() - 4);
    double low = NAN, high = NAN, last = NAN, sum = 0, count = 0;
    for (const double value : series.values) {
      if (std::isnan(value)) continue;
      low = std::fmin(low, value);
      high = std::fmax(high, value);
      last = value;
      sum += value;
      ++count;
    }
    for (const double value : {low, sum / count, high, last}) row.push_back({NumberText(value), ""});
  }
  return FormatTable(columns, rows, terminal.color);
}

Result<std::string> GroupsTable(const std::string& json, const Terminal& terminal) {
  auto answer = ReadGroups(json);
  if (!answer) return std::unexpected(answer.error());
  if (answer->groups.empty()) return std::string();
  std::vector<Column> columns;
  AddFields(columns, answer->fields);
  for (const char* title : {"SPANS", "ERRORS", "P50", "P95", "P99", "MAX"}) columns.push_back({title, true});
  columns.push_back({"OVER TIME"});
  std::vector<std::vector<Cell>> rows;
  for (const auto& group : answer->groups) {
    auto& row = rows.emplace_back();
    for (const auto& literal : group.literals) row.push_back({Printable(literal), "36"});
    row.push_back({fmt::format("{:.0f}", group.spans), ""});
    const double share = group.spans > 0 ? group.errors / group.spans * 100 : 0;
    row.push_back({group.errors > 0 ? fmt::format("{:.1f}%", share) : "", "1;31"});
    for (const double nanos : {group.p50, group.p95, group.p99, group.max}) row.push_back({NanosText(nanos), ""});
    row.push_back({SparklineText(group.sparkline), "2"});
  }
  return FormatTable(columns, rows, terminal.color);
}

Result<std::string> SpansTable(const std::string& json, const Terminal& terminal) {
  return Parsed(json, [&](element root) {
    std::vector<Column> columns = {{"START (UTC)"},     {"TRACE ID"},       {"SERVICE", false, 20},
                                   {"SPAN", false, 40}, {"DURATION", true}, {"STATUS"}};
    AddFields(columns, Texts(root["fields"]));
    std::vector<std::vector<Cell>> rows;
    for (element span : array(root["spans"])) {
      const std::string status{std::string_view(span["status"])};
      auto& row = rows.emplace_back();
      row.push_back({TimeText(Nanos(span["start_unix_nano"])), "2"});
      row.push_back({std::string(std::string_view(span["trace_id"])), ""});
      row.push_back({Printable(std::string_view(span["service"])), "36"});
      row.push_back({Printable(std::string_view(span["name"])), status == "Error" ? "31" : ""});
      row.push_back({DurationText(uint64_t(span["duration_nano"])), ""});
      row.push_back({status == "Unset" ? "" : status, status == "Error" ? "1;31" : ""});
      for (const auto& literal : Texts(span["literals"])) row.push_back({Printable(literal), ""});
    }
    return rows.empty() ? std::string() : FormatTable(columns, rows, terminal.color);
  });
}

Result<std::string> SeriesCsv(const std::string& json) {
  auto answer = ReadSeries(json);
  if (!answer) return std::unexpected(answer.error());
  std::vector<std::vector<std::string>> rows(1);
  if (!answer->series.empty()) rows[0] = answer->series.front().fields;
  rows[0].insert(rows[0].end(), {"time_unix_nano", "value"});
  for (const auto& series : answer->series) {
    std::vector<std::string> labels;
    for (const auto& literal : series.literals) labels.push_back(Bare(literal));
    labels.resize(rows[0].size() - 2);
    for (size_t i = 0; i < series.values.size(); ++i) {
      if (std::isnan(series.values[i])) continue;
      auto& row = rows.emplace_back(labels);
      row.push_back(
          std::to_string(answer->from_unix_nanos + static_cast<int64_t>(i) * answer->step_seconds * kSecondNanos));
      row.push_back(fmt::format("{}", series.values[i]));
    }
  }
  return CsvOf(rows);
}

Result<std::string> GroupsCsv(const std::string& json) {
  auto answer = ReadGroups(json);
  if (!answer) return std::unexpected(answer.error());
  std::vector<std::vector<std::string>> rows(1, answer->fields);
  rows[0].insert(rows[0].end(), {"spans", "errors", "p50_nano", "p95_nano", "p99_nano", "max_nano"});
  for (const auto& group : answer->groups) {
    auto& row = rows.emplace_back();
    for (const auto& literal : group.literals) row.push_back(Bare(literal));
    for (const double number : {group.spans, group.errors, group.p50, group.p95, group.p99, group.max}) {
      row.push_back(fmt::format("{}", number));
    }
  }
  return CsvOf(rows);
}

}  // namespace sightline::cli
