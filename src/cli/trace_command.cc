// `sightline trace ID`: one trace as a waterfall, or as JSON.
#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/waterfall.h"
#include "net/http_client.h"

namespace sightline::cli {

int RunTrace(const TraceFlags& flags) {
  query::Trace trace;
  std::string cursor;
  do {
    auto json = ApiGet(ServerUrl(flags.server),
                       PathWithQuery("/api/v1/traces/" + net::UrlEncode(flags.id), {{"cursor", cursor}}));
    if (!json) return PrintError(json.error());
    auto page = ParseTrace(*json, cursor);
    if (!page) return PrintError(page.error());
    if (flags.json) {
      std::fputs(json->c_str(), stdout);
      if (!json->ends_with('\n')) std::fputc('\n', stdout);
      continue;
    }
    trace.trace_id = std::move(page->trace_id);
    std::ranges::move(page->spans, std::back_inserter(trace.spans));
  } while (!cursor.empty());
  if (flags.json) return kExitDone;
  const Terminal terminal = StdoutTerminal();
  std::fputs(DrawWaterfall(trace, {.width = terminal.width, .color = terminal.color}).c_str(), stdout);
  return kExitDone;
}

}  // namespace sightline::cli
