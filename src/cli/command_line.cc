// All of the command line: what each command takes, and which function runs it. CLI11 is included nowhere else, as it
// takes longer to compile than all the commands.
#include "cli/command_line.h"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/config_flags.h"

namespace sightline::cli {
namespace {

// What the user gives is stored in `sources` (file and flags), which must outlive parsing.
void AddConfigFlags(CLI::App& command, ConfigSources& sources, std::span<const ConfigFlag> flags) {
  Config defaults;
  ConfigSchema schema = MakeConfigSchema();
  BindConfig(schema, defaults);
  command.add_option("--config", sources.file, "YAML file with the configuration (docs/configuration.md)")
      ->type_name("FILE");
  for (const ConfigFlag& flag : flags) {
    const ConfigKey* key = schema.Find(flag.key);
    SIGHTLINE_CHECK(key != nullptr);
    command
        .add_option_function<std::string>(
            std::string(flag.name),
            [&sources, flag](const std::string& value) {
              sources.flags.push_back({std::string(flag.name), std::string(flag.key), value});
            },
            key->doc + " [" + key->default_yaml + "]")
        ->type_name("VALUE")
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  command
      .add_option_function<std::vector<std::string>>(
          "--set",
          [&sources](const std::vector<std::string>& settings) {
            for (const std::string& setting : settings) {
              const size_t equals = setting.find('=');
              if (equals == std::string::npos) throw CLI::ValidationError("--set", setting + " is not KEY=VALUE");
              sources.flags.push_back({"--set", setting.substr(0, equals), setting.substr(equals + 1)});
            }
          },
          "Any key of the configuration; may be given several times")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void AddServerOption(CLI::App& command, std::string& server) {
  command.add_option("--server", server, "The server's address (default: SIGHTLINE_SERVER, http://127.0.0.1:8080)");
}

void AddServeCommand(CLI::App& app, int& exit_code) {
  CLI::App* serve = app.add_subcommand("serve", "Receive, store and answer until SIGTERM or SIGINT");
  auto sources = std::make_shared<ConfigSources>();
  AddConfigFlags(*serve, *sources, ConfigFlags());
  serve->callback([sources, &exit_code] { exit_code = RunServe(*sources); });
}

void AddGatewayCommand(CLI::App& app, int& exit_code) {
  CLI::App* gateway =
      app.add_subcommand("gateway", "Receive, sample and forward to another backend, until SIGTERM or SIGINT");
  auto sources = std::make_shared<ConfigSources>();
  AddConfigFlags(*gateway, *sources, GatewayFlags());
  gateway->callback([sources, &exit_code] { exit_code = RunGateway(*sources); });
}

void AddSqlCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<SqlFlags>();
  auto* command = app.add_subcommand("sql", "Run a read-only SQL statement on a running server");
  command->add_option("text", flags->text, "The statement; - reads it from stdin")->required();
  AddServerOption(*command, flags->server);
  command->add_option("--format", flags->format,
                      "Any output format of ClickHouse (default: PrettyCompact on a terminal, else "
                      "TabSeparatedWithNames)");
  command->callback([flags, &exit_code] { exit_code = RunSql(*flags); });
}

void AddTracesCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<TracesFlags>();
  auto* command = app.add_subcommand("traces", "List the newest traces that have a matching span");
  command->add_option("--service", flags->service, "Only spans of this service");
  command->add_option("--last", flags->last, "How far back to look: 15m, 1h, 7d")->capture_default_str();
  command->add_flag("--errors", flags->errors, "Only spans with the status Error");
  command->add_option("--slower-than", flags->slower_than, "Only spans that took this long or longer: 500ms");
  command->add_option("--limit", flags->limit, "How many")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_flag("--json", flags->json, "Print the server's JSON");
  AddServerOption(*command, flags->server);
  command->callback([flags, &exit_code] { exit_code = RunTraces(*flags); });
}

void AddTraceCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<TraceFlags>();
  auto* command = app.add_subcommand("trace", "Draw a trace as a waterfall");
  command->add_option("id", flags->id, "The trace's id, or the beginning of it")->required();
  command->add_flag("--json", flags->json, "Print the server's JSON");
  AddServerOption(*command, flags->server);
  command->callback([flags, &exit_code] { exit_code = RunTrace(*flags); });
}

void AddQueryCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<QueryFlags>();
  auto* command = app.add_subcommand("query", "Ask in TraceQL: traces, spans, groups of spans, or numbers over time");
  command->add_option("traceql", flags->text, "Such as '{ status = error } | rate() by (resource.service.name)'")
      ->required();
  command->add_flag("--spans", flags->spans, "The spans that match, not their traces");
  command->add_option("--select", flags->select, "Spans with these fields: span.http.route,resource.host.name");
  command->add_option("--by", flags->by, "Groups of spans by fields: resource.service.name,name");
  command->add_option("--sort", flags->sort, "newest or slowest; of groups count, errors or p99");
  command->add_option("--last", flags->last, "How far back to look: 15m, 1h, 7d")->capture_default_str();
  command->add_option("--step", flags->step, "Of numbers over time: 10s, 1m (default: at most 120 steps)");
  command->add_option("--limit", flags->limit, "How many")->check(CLI::Range(1, 1000))->capture_default_str();
  command->add_option("--format", flags->format, "table, json (as the server answers), csv or jsonl (a row a line)")
      ->check(CLI::IsMember({"table", "json", "csv", "jsonl"}))
      ->capture_default_str();
  command->add_flag("--json", flags->json, "Short for --format json");
  AddServerOption(*command, flags->server);
  command->callback([flags, &exit_code] { exit_code = RunQuery(*flags); });
}

void AddTailCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<TailFlags>();
  auto* command = app.add_subcommand("tail", "Follow spans or log records that come in and match");
  command->add_option("traceql", flags->text, "Such as '{ status = error }' (default: all)");
  command->add_flag("--logs", flags->logs, "Log records: '{ severity >= warn }', or words of the body");
  command->add_option("--select", flags->select, "Fields of spans to show: span.http.route,resource.host.name");
  command->add_flag("--json", flags->json, "A JSON object a line, as the server gives it");
  command->add_option("--limit", flags->limit, "Shown at most in a second; of more the newest, and how many is said")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  AddServerOption(*command, flags->server);
  command->callback([flags, &exit_code] { exit_code = RunTail(*flags); });
}

void AddExportCommand(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<ExportFlags>();
  auto* command = app.add_subcommand("export", "Write what a query finds as CSV, JSON lines or OTLP");
  command->add_option("what", flags->what, "spans, traces or logs")
      ->required()
      ->check(CLI::IsMember({"spans", "traces", "logs"}));
  command->add_option("traceql", flags->text, "Such as '{ status = error }' (default: all)");
  command
      ->add_option("--format", flags->format,
                   "csv, jsonl (a row a line), otlp-json, otlp-jsonl (a request a line) or otlp-proto")
      ->check(CLI::IsMember({"csv", "jsonl", "otlp-json", "otlp-jsonl", "otlp-proto"}))
      ->capture_default_str();
  command->add_option("--last", flags->last, "How far back to look: 15m, 1h, 7d (default: 1h)");
  command->add_option("--from", flags->from, "Instead of --last: Unix nanoseconds, included");
  command->add_option("--to", flags->to, "Unix nanoseconds, not included (default: now)");
  command->add_option("--service", flags->service, "Of traces and logs: only of this service");
  command->add_option("--select", flags->select, "Columns of spans and logs: span.http.route,resource.host.name");
  command->add_option("--sort", flags->sort, "newest; slowest (spans, traces) or oldest (logs)");
  command->add_option("--limit", flags->limit, "At most so many (default: 100000, of traces 10000)");
  command->add_option("--output,-o", flags->output, "The file (default: stdout)");
  AddServerOption(*command, flags->server);
  command->callback([flags, &exit_code] { exit_code = RunExport(*flags); });
}

void AddConfigCommand(CLI::App& app, int& exit_code) {
  CLI::App* config = app.add_subcommand("config", "Check and show the configuration");
  config->require_subcommand(1);

  auto file = std::make_shared<std::string>();
  CLI::App* check = config->add_subcommand("check", "Check a file; every error is printed with its line");
  check->add_option("file", *file, "The file")->required()->type_name("FILE");
  check->callback([file, &exit_code] { exit_code = RunConfigCheck(*file); });

  auto sources = std::make_shared<ConfigSources>();
  CLI::App* show = config->add_subcommand("show", "Print the values in effect as YAML, with their sources and docs");
  AddConfigFlags(*show, *sources, ConfigFlags());
  show->callback([sources, &exit_code] { exit_code = RunConfigShow(*sources); });

  auto output = std::make_shared<std::string>();
  CLI::App* docs = config->add_subcommand("docs", "Print all keys as Markdown (docs/configuration.md)");
  docs->add_option("--output", *output, "Write to this file instead")->type_name("FILE");
  docs->callback([output, &exit_code] { exit_code = RunConfigDocs(*output); });
}

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

}  // namespace

int RunCommandLine(int argc, char** argv) {
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

}  // namespace sightline::cli
