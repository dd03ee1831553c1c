// `sightline traces`: the newest traces of a running server, as a table or as JSON.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/traces_table.h"

namespace sightline::cli {
namespace {

struct TracesFlags {
  std::string server, service, last = "1h", slower_than;
  bool errors = false, json = false;
  int limit = 20;
};

int RunTraces(const TracesFlags& flags) {
  auto json =
      ApiGet(ServerUrl(flags.server), PathWithQuery("/api/v1/traces", {{"service", flags.service},
                                                                       {"last", flags.last},
                                                                       {"status", flags.errors ? "error" : ""},
                                                                       {"min_duration", flags.slower_than},
                                                                       {"limit", std::to_string(flags.limit)}}));
  if (!json) return PrintError(json.error());
  if (flags.json) {
    std::fputs(json->c_str(), stdout);
    return kExitDone;
  }
  auto traces = ParseTraces(*json);
  if (!traces) return PrintError(traces.error());
  if (traces->empty()) {
    std::fprintf(stderr, "no traces in the last %s match\n", flags.last.c_str());
    return kExitDone;
  }
  // The server's order is that of the matching spans; a table reads by the column in front.
  std::ranges::sort(*traces, std::ranges::greater(), &query::TraceSummary::start_unix_nanos);
  std::fputs(TracesTable(*traces, StdoutTerminal()).c_str(), stdout);
  return kExitDone;
}

}  // namespace

void AddTracesCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<TracesFlags>();
  auto* command = app.add_subcommand("traces", "List the newest traces that have a matching span");
  command->add_option("--service", flags->service, "Only spans of this service");
  command->add_option("--last", flags->last, "How far back to look: 15m, 1h, 7d")->capture_default_str();
  command->add_flag("--errors", flags->errors, "Only spans with the status Error");
  command->add_option("--slower-than", flags->slower_than, "Only spans that took this long or longer: 500ms");
  command->add_option("--limit", flags->limit, "How many")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_flag("--json", flags->json, "Print the server's JSON");
  command->add_option("--server", flags->server,
                      "The server's address (default: SIGHTLINE_SERVER, http://127.0.0.1:8080)");
  command->callback([flags, &exit_code] { exit_code = RunTraces(*flags); });
}

}  // namespace sightline::cli
