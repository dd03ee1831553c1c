// `sightline query`: TraceQL, answered by a running server: traces, or numbers over time, as a table or as JSON.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/traces_table.h"
#include "traceql/parse.h"

namespace sightline::cli {
namespace {

struct QueryFlags {
  std::string server, text, last = "1h", step;
  bool json = false;
  int limit = 20;
};

std::string NumberText(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.6g}", value);
}

// What a series was over the range; its steps are in the JSON.
std::string SeriesTable(const std::vector<LabelledSeries>& series, const Terminal& terminal) {
  std::vector<Column> columns;
  if (!series.empty()) {
    for (const auto& [field, literal] : series.front().labels) columns.push_back({Printable(field), false, 40});
  }
  for (const char* title : {"MIN", "AVG", "MAX", "LAST"}) columns.push_back({title, true});
  std::vector<std::vector<Cell>> rows;
  for (const auto& one : series) {
    auto& row = rows.emplace_back();
    for (const auto& [field, literal] : one.labels) row.push_back({Printable(literal), "36"});
    row.resize(columns.size() - 4);
    double low = NAN, high = NAN, last = NAN, sum = 0, count = 0;
    for (const double value : one.values) {
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

// The server says what is wrong with a query.
bool MakesNumbers(const std::string& text) {
  const auto parsed = traceql::ParseQuery(text);
  return parsed && std::holds_alternative<traceql::MetricsExpression>(parsed->node);
}

int PrintNothing(const QueryFlags& flags) {
  std::fprintf(stderr, "nothing in the last %s matches\n", flags.last.c_str());
  return kExitDone;
}

int RunQuery(const QueryFlags& flags) {
  const bool numbers = MakesNumbers(flags.text);
  auto json = ApiGet(ServerUrl(flags.server), PathWithQuery(numbers ? "/api/v1/query/series" : "/api/v1/traces",
                                                            {{"q", flags.text},
                                                             {"last", flags.last},
                                                             {"step", numbers ? flags.step : ""},
                                                             {"limit", std::to_string(flags.limit)}}));
  if (!json) return PrintError(json.error());
  if (flags.json) {
    std::fputs(json->c_str(), stdout);
    return kExitDone;
  }
  if (numbers) {
    auto series = ParseSeries(*json);
    if (!series) return PrintError(series.error());
    if (series->empty()) return PrintNothing(flags);
    std::fputs(SeriesTable(*series, StdoutTerminal()).c_str(), stdout);
    return kExitDone;
  }
  auto traces = ParseTraces(*json);
  if (!traces) return PrintError(traces.error());
  if (traces->empty()) return PrintNothing(flags);
  std::ranges::sort(*traces, std::ranges::greater(), &query::TraceSummary::start_unix_nanos);
  std::fputs(TracesTable(*traces, StdoutTerminal()).c_str(), stdout);
  return kExitDone;
}

}  // namespace

void AddQueryCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<QueryFlags>();
  auto* command = app.add_subcommand("query", "Ask in TraceQL: traces that match, or numbers over time");
  command->add_option("traceql", flags->text, "Such as '{ status = error } | rate() by (resource.service.name)'")
      ->required();
  command->add_option("--last", flags->last, "How far back to look: 15m, 1h, 7d")->capture_default_str();
  command->add_option("--step", flags->step, "Of numbers over time: 10s, 1m (default: at most 120 steps)");
  command->add_option("--limit", flags->limit, "How many")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_flag("--json", flags->json, "Print the server's JSON");
  command->add_option("--server", flags->server,
                      "The server's address (default: SIGHTLINE_SERVER, http://127.0.0.1:8080)");
  command->callback([flags, &exit_code] { exit_code = RunQuery(*flags); });
}

}  // namespace sightline::cli
