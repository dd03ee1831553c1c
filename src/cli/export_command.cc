// `sightline export`: what a query finds, as a file that a running server streams.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"

namespace sightline::cli {
namespace {

struct ExportFlags {
  std::string what, text, server, last, from, to, service, select, sort, format = "jsonl", output;
  uint64_t limit = 0;
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

int RunExport(const ExportFlags& flags) {
  const auto path =
      PathWithQuery("/api/v1/export/" + flags.what, {{"q", flags.text},
                                                     {"last", flags.last},
                                                     {"from", flags.from},
                                                     {"to", flags.to},
                                                     {"service", flags.service},
                                                     {"select", flags.select},
                                                     {"sort", flags.sort},
                                                     {"format", flags.format},
                                                     {"limit", flags.limit == 0 ? "" : std::to_string(flags.limit)}});
  // The name stands for the whole file: until it is there it has another one.
  const std::string partial = flags.output + ".part";
  std::unique_ptr<std::FILE, CloseFile> file;
  std::FILE* out = stdout;
  bool written = true;
  const auto write = [&](std::string_view piece) {
    if (!flags.output.empty() && file == nullptr) {
      file.reset(std::fopen(partial.c_str(), "wb"));
      out = file.get();
    }
    written = out != nullptr && std::fwrite(piece.data(), 1, piece.size(), out) == piece.size();
    return written;
  };
  auto reply = ApiGetStream(ServerUrl(flags.server), path, write);
  if (reply && !flags.output.empty() && file == nullptr) write("");
  written = written && out != nullptr && std::fflush(out) == 0;
  file.reset();
  std::error_code ignored;
  if (!written) {
    if (!flags.output.empty()) std::filesystem::remove(partial, ignored);
    const std::string where = flags.output.empty() ? "stdout" : flags.output;
    return PrintError({Code::kUnavailable, where + " takes no more"});
  }
  if (!reply) {
    if (!flags.output.empty()) std::filesystem::remove(partial, ignored);
    return PrintError(reply.error());
  }
  if (!flags.output.empty()) {
    std::error_code failed;
    std::filesystem::rename(partial, flags.output, failed);
    if (failed) {
      std::filesystem::remove(partial, ignored);
      return PrintError({Code::kUnavailable, flags.output + ": " + failed.message()});
    }
  }
  const std::string items(reply->Header("X-Sightline-Items"));
  const std::string missing = WhatIsMissing(*reply);
  std::fprintf(stderr, "%s %s%s%s\n", items.empty() ? "some" : items.c_str(), flags.what.c_str(),
               missing.empty() ? "" : "; ", missing.c_str());
  return kExitDone;
}

}  // namespace

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
  command->add_option("--server", flags->server,
                      "The server's address (default: SIGHTLINE_SERVER, http://127.0.0.1:8080)");
  command->callback([flags, &exit_code] { exit_code = RunExport(*flags); });
}

}  // namespace sightline::cli
