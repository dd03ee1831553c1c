#include "anomaly/nab.h"

#include <simdjson.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace sightline::bench {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr double kHistoryShare = 0.15, kFilledShareMin = 0.7;

// "2014-02-14 14:30:00", and what follows is not read.
std::optional<int64_t> ParseTime(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%d %d:%d:%d", &year, &month, &day, &hour, &minute, &second) != 6) return {};
  using namespace std::chrono;
  const auto date = std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) /
                    std::chrono::day(static_cast<unsigned>(day));
  return sys_days(date).time_since_epoch() / seconds(1) + hour * 3600 + minute * 60 + second;
}

// A column of times and one of values, on a grid of 5 minutes from the first; empty: it is of other steps.
Result<alert::LabelledSeries> ReadCsv(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);  // names
  alert::LabelledSeries series;
  size_t filled = 0;
  while (std::getline(file, line)) {
    const auto comma = line.find(',');
    const auto time = comma == std::string::npos ? std::nullopt : ParseTime(line.substr(0, comma));
    if (!time) return Fail(Code::kInvalidArgument, "{}: \"{}\" is no time and value", path.string(), line);
    if (series.values.empty()) series.from_unix_seconds = *time;
    const int64_t step = (*time - series.from_unix_seconds) / alert::kLabelledStepSeconds;
    if (step < 0) continue;
    series.values.resize(std::max(series.values.size(), static_cast<size_t>(step) + 1), kNone);
    double& value = series.values[static_cast<size_t>(step)];
    filled += std::isnan(value) ? 1 : 0;
    value = std::strtod(line.c_str() + comma + 1, nullptr);
  }
  if (static_cast<double>(filled) < kFilledShareMin * static_cast<double>(series.values.size())) series.values.clear();
  series.judged_from = static_cast<size_t>(kHistoryShare * static_cast<double>(series.values.size()));
  series.is_unscored.resize(series.values.size());
  return series;
}

}  // namespace

Result<std::vector<alert::LabelledSeries>> ReadNab(const std::filesystem::path& directory) {
  std::vector<alert::LabelledSeries> all;
  simdjson::dom::parser parser;
  simdjson::dom::object files;
  if (const auto error = parser.load((directory / "labels/combined_windows.json").string()).get(files)) {
    return Fail(Code::kInvalidArgument, "{}: {}", directory.string(), simdjson::error_message(error));
  }
  for (const auto [name, windows] : files) {
    auto series = ReadCsv(directory / "data" / name);
    if (!series) return std::unexpected(series.error());
    if (series->values.empty()) continue;
    series->family = std::string(name.substr(0, name.find('/')));
    for (const simdjson::dom::element window : windows.get_array()) {
      const auto step_of = [&](size_t edge) {
        const auto time = ParseTime(std::string(window.at(edge).get_string().value()));
        return static_cast<size_t>((time.value() - series->from_unix_seconds) / alert::kLabelledStepSeconds);
      };
      const size_t begin = step_of(0), end = std::min(step_of(1) + 1, series->values.size());
      if (begin >= series->judged_from) series->events.push_back({begin, end, "window"});
    }
    all.push_back(*std::move(series));
  }
  return all;
}

}  // namespace sightline::bench
