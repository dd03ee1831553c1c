// The commands of the program `sightline`, each in its own file x_command.cc. An Add function describes its command to
// the parser and, when the user chose it, runs it and stores the exit code: 0 done, 1 failed at run time, 2 wrong use
// or configuration.
#pragma once

namespace CLI {
class App;
}

namespace sightline::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitWrongUse = 2;

// `exit_code` must live until the command line is parsed.
void AddServeCommand(CLI::App& app, int& exit_code);
void AddGatewayCommand(CLI::App& app, int& exit_code);
void AddSqlCommand(CLI::App& app, int& exit_code);
void AddTracesCommand(CLI::App& app, int& exit_code);
void AddTraceCommand(CLI::App& app, int& exit_code);
void AddQueryCommand(CLI::App& app, int& exit_code);
void AddTailCommand(CLI::App& app, int& exit_code);
void AddExportCommand(CLI::App& app, int& exit_code);
void AddConfigCommand(CLI::App& app, int& exit_code);

}  // namespace sightline::cli
