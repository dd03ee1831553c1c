// `sightline sql 'SELECT …'`: read-only SQL on a running server, streamed to stdout.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace sightline::cli {
namespace {

struct SqlFlags {
  std::string text, server, format;
};

int RunSql(const SqlFlags& flags) {
  std::string sql = flags.text;
  if (sql == "-") sql.assign(std::istreambuf_iterator<char>(std::cin), {});
  std::string format = flags.format;
  if (format.empty()) format = StdoutTerminal().is_tty ? "PrettyCompact" : "TabSeparatedWithNames";
  const auto write = [](std::string_view piece) {
    return std::fwrite(piece.data(), 1, piece.size(), stdout) == piece.size();
  };
  auto done = ApiPost(ServerUrl(flags.server), PathWithQuery("/api/v1/sql", {{"format", format}}), sql, write);
  const bool flushed = std::fflush(stdout) == 0;
  if (!done) return PrintError(done.error());
  if (!flushed) return PrintError({Code::kUnavailable, "stdout takes no more"});
  return kExitDone;
}

}  // namespace

void AddSqlCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<SqlFlags>();
  auto* command = app.add_subcommand("sql", "Run a read-only SQL statement on a running server");
  command->add_option("text", flags->text, "The statement; - reads it from stdin")->required();
  command->add_option("--server", flags->server,
                      "The server's address (default: SIGHTLINE_SERVER, http://127.0.0.1:8080)");
  command->add_option("--format", flags->format,
                      "Any output format of ClickHouse (default: PrettyCompact on a terminal, else "
                      "TabSeparatedWithNames)");
  command->callback([flags, &exit_code] { exit_code = RunSql(*flags); });
}

}  // namespace sightline::cli
