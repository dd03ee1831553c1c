// The commands of the program `sightline`, each in its own file x_command.cc: what it is told (command_line.cc fills it
// in) and the function that runs it, which returns the exit code.
#pragma once

#include <cstdint>
#include <string>

#include "base/config.h"

namespace sightline::cli {

inline constexpr int kExitDone = 0;
inline constexpr int kExitFailed = 1;    // at run time
inline constexpr int kExitWrongUse = 2;  // or configuration

int RunServe(ConfigSources sources);
int RunGateway(ConfigSources sources);

// Of those that ask a running server: `server` is its address, "" the usual one.
struct SqlFlags {
  std::string text, server, format;
};
int RunSql(const SqlFlags& flags);

struct TracesFlags {
  std::string server, service, last = "1h", slower_than;
  bool errors = false, json = false;
  int limit = 20;
};
int RunTraces(const TracesFlags& flags);

struct TraceFlags {
  std::string id, server;
  bool json = false;
};
// JSON is printed as the server gives it, an answer a line: a trace of more than a page has several.
int RunTrace(const TraceFlags& flags);

struct QueryFlags {
  std::string server, text, last = "1h", step, by, select, sort, format = "table";
  bool json = false, spans = false;
  int limit = 20;
};
int RunQuery(const QueryFlags& flags);

struct TailFlags {
  std::string text, server, select;
  bool logs = false, json = false;
  int limit = 500;
};
int RunTail(const TailFlags& flags);

struct ExportFlags {
  std::string what, text, server, last, from, to, service, select, sort, format = "jsonl", output;
  uint64_t limit = 0;
};
int RunExport(const ExportFlags& flags);

int RunConfigCheck(const std::string& file);
int RunConfigShow(ConfigSources sources);
// "": to stdout.
int RunConfigDocs(const std::string& output);

}  // namespace sightline::cli
