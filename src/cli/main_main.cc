// The program `sightline`: picks the command and turns what it says into an exit code.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>

#include "base/version.h"
#include "cli/commands.h"

namespace sightline::cli {
namespace {

// In the order in which --help lists them.
constexpr void (*kCommands[])(CLI::App&, int&) = {
#ifdef SIGHTLINE_HAS_SERVE_COMMAND
    &AddServeCommand,
#endif
#ifdef SIGHTLINE_HAS_SQL_COMMAND
    &AddSqlCommand,
#endif
#ifdef SIGHTLINE_HAS_TRACES_COMMAND
    &AddTracesCommand,
#endif
#ifdef SIGHTLINE_HAS_TRACE_COMMAND
    &AddTraceCommand,
#endif
    &AddConfigCommand,
};

int Run(int argc, char** argv) {
  CLI::App app("Sightline: receives OpenTelemetry data, keeps it in ClickHouse and answers questions about it.",
               "sightline");
  app.set_version_flag("--version", "sightline " + std::string(Version()), "Print the version and exit");
  app.require_subcommand(1);
  int exit_code = kExitDone;
  for (const auto add : kCommands) add(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Also thrown for --help and --version, which are no errors.
    return app.exit(error) == 0 ? kExitDone : kExitWrongUse;
  }
  return exit_code;
}

}  // namespace
}  // namespace sightline::cli

int main(int argc, char** argv) {
  try {
    return sightline::cli::Run(argc, argv);
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "sightline: %s\n", exception.what());
    return sightline::cli::kExitFailed;
  }
}
