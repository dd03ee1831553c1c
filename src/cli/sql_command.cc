// `sightline sql 'SELECT …'`: read-only SQL on a running server, streamed to stdout.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/table.h"

namespace sightline::cli {

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

}  // namespace sightline::cli
