// `sightline traces`: the newest traces of a running server, as a table or as JSON.
#include <algorithm>
#include <cstdio>
#include <functional>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/traces_table.h"

namespace sightline::cli {

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

}  // namespace sightline::cli
