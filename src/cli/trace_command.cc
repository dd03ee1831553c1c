// `sightline trace ID`: one trace as a waterfall, or as JSON.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <memory>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/table.h"
#include "cli/waterfall.h"
#include "net/http_client.h"

namespace sightline::cli {
namespace {

struct TraceFlags {
  std::string id, server;
  bool json = false;
};

// JSON is printed as the server gives it, an answer a line: a trace of more than a page has several.
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

}  // namespace

void AddTraceCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<TraceFlags>();
  auto* command = app.add_subcommand("trace", "Draw a trace as a waterfall");
  command->add_option("id", flags->id, "The trace's id, or the beginning of it")->required();
  command->add_flag("--json", flags->json, "Print the server's JSON");
  command->add_option("--server", flags->server,
                      "The server's address (default: SIGHTLINE_SERVER, http://127.0.0.1:8080)");
  command->callback([flags, &exit_code] { exit_code = RunTrace(*flags); });
}

}  // namespace sightline::cli
