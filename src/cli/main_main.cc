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
    &AddServeCommand, &AddGatewayCommand, &AddSqlCommand,    &AddTracesCommand, &AddTraceCommand,
    &AddQueryCommand, &AddTailCommand,    &AddExportCommand, &AddConfigCommand,
};

void PrintWrongUse(const CLI::App& app, const CLI::ParseError& error, const std::string& first_word) {
  std::string message = error.what(), help = "sightline";
  if (const auto chosen = app.get_subcommands(); !chosen.empty()) {
    help += " " + chosen.front()->get_name();
  } else if (!first_word.empty() && first_word.front() != '-') {
    message = "there is no command " + first_word + ":";
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
      message += " " + command->get_name();
    }
    message += " are known";
  }
  std::fprintf(stderr, "sightline: %s\n  hint: %s --help\n", message.c_str(), help.c_str());
}

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
    if (error.get_exit_code() == 0) return app.exit(error), kExitDone;
    PrintWrongUse(app, error, argc > 1 ? argv[1] : "");
    return kExitWrongUse;
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
