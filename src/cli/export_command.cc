// `sightline export`: what a query finds, as a file that a running server streams.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"

namespace sightline::cli {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

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

}  // namespace sightline::cli
