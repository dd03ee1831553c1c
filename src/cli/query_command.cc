// `sightline query`: TraceQL, answered by a running server: traces, spans, groups of spans, or numbers over time.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/query_answer.h"
#include "cli/table.h"
#include "cli/traces_table.h"
#include "traceql/parse.h"

namespace sightline::cli {
namespace {

// What the answer is made of.
enum class Kind { kTraces, kSpans, kGroups, kSeries };

// The server says what is wrong with a query.
bool MakesNumbers(const std::string& text) {
  const auto parsed = traceql::ParseQuery(text);
  return parsed && std::holds_alternative<traceql::MetricsExpression>(parsed->node);
}

Kind KindOf(const QueryFlags& flags) {
  if (MakesNumbers(flags.text)) return Kind::kSeries;
  if (!flags.by.empty()) return Kind::kGroups;
  return flags.spans || !flags.select.empty() ? Kind::kSpans : Kind::kTraces;
}

std::string PathOf(const QueryFlags& flags, Kind kind, bool as_file) {
  std::string path;
  switch (kind) {
    case Kind::kSeries:
      path = "/api/v1/query/series";
      break;
    case Kind::kGroups:
      path = "/api/v1/query/groups";
      break;
    case Kind::kSpans:
      path = as_file ? "/api/v1/export/spans" : "/api/v1/query/spans";
      break;
    case Kind::kTraces:
      path = as_file ? "/api/v1/export/traces" : "/api/v1/traces";
      break;
  }
  return PathWithQuery(path, {{"q", flags.text},
                              {"last", flags.last},
                              {"step", flags.step},
                              {"by", flags.by},
                              {"select", flags.select},
                              {"sort", flags.sort},
                              {"format", as_file ? flags.format : ""},
                              {"limit", std::to_string(flags.limit)}});
}

Result<std::string> TableOf(const std::string& json, Kind kind) {
  const Terminal terminal = StdoutTerminal();
  switch (kind) {
    case Kind::kSeries:
      return SeriesTable(json, terminal);
    case Kind::kGroups:
      return GroupsTable(json, terminal);
    case Kind::kSpans:
      return SpansTable(json, terminal);
    case Kind::kTraces:
      break;
  }
  auto traces = ParseTraces(json);
  if (!traces) return std::unexpected(traces.error());
  if (traces->empty()) return std::string();
  std::ranges::sort(*traces, std::ranges::greater(), &query::TraceSummary::start_unix_nanos);
  return TracesTable(*traces, terminal);
}

int StreamFile(const QueryFlags& flags, Kind kind) {
  const auto write = [](std::string_view piece) {
    return std::fwrite(piece.data(), 1, piece.size(), stdout) == piece.size();
  };
  auto done = ApiGetStream(ServerUrl(flags.server), PathOf(flags, kind, /*as_file=*/true), write);
  const bool flushed = std::fflush(stdout) == 0;
  if (!done) return PrintError(done.error());
  if (!flushed) return PrintError({Code::kUnavailable, "stdout takes no more"});
  if (const std::string missing = WhatIsMissing(*done); !missing.empty()) std::fprintf(stderr, "%s\n", missing.c_str());
  return kExitDone;
}

}  // namespace

int RunQuery(const QueryFlags& flags) {
  const Kind kind = KindOf(flags);
  const bool is_list = kind == Kind::kTraces || kind == Kind::kSpans;
  const std::string format = flags.json ? "json" : flags.format;
  if (format == "jsonl" && !is_list) {
    return PrintError({Code::kInvalidArgument, "jsonl is of lists\n--format json or csv"});
  }
  if (is_list && (format == "csv" || format == "jsonl")) return StreamFile(flags, kind);
  auto json = ApiGet(ServerUrl(flags.server), PathOf(flags, kind, /*as_file=*/false));
  if (!json) return PrintError(json.error());
  if (format == "json") {
    std::fputs(json->c_str(), stdout);
    return kExitDone;
  }
  auto text = format != "csv" ? TableOf(*json, kind) : kind == Kind::kGroups ? GroupsCsv(*json) : SeriesCsv(*json);
  if (!text) return PrintError(text.error());
  if (text->empty()) std::fprintf(stderr, "nothing in the last %s matches\n", flags.last.c_str());
  std::fputs(text->c_str(), stdout);
  return kExitDone;
}

}  // namespace sightline::cli
