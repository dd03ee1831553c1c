#include "cli/traces_table.h"

#include <algorithm>

namespace sightline::cli {

std::string TracesTable(const std::vector<query::TraceSummary>& traces, const Terminal& terminal) {
  // What the other columns leave of the width.
  const size_t name_width = std::max<size_t>(terminal.width > 104 ? terminal.width - 92 : 12, 12);
  const std::vector<Column> columns = {
      {"START (UTC)"},    {"TRACE ID"},    {"SERVICE", false, 20}, {"ROOT", false, name_width},
      {"DURATION", true}, {"SPANS", true}, {"ERRORS", true}};
  std::vector<std::vector<Cell>> rows;
  for (const auto& trace : traces) {
    const bool failed = trace.errors > 0;
    const std::string root = (trace.root_missing ? "? " : "") + Printable(trace.root_name);
    rows.push_back({{TimeText(trace.start_unix_nanos), "2"},
                    {trace.trace_id, ""},
                    {Printable(trace.root_service), "36"},
                    {root, failed ? "31" : ""},
                    {DurationText(trace.duration_nanos), ""},
                    {std::to_string(trace.spans), ""},
                    {failed ? std::to_string(trace.errors) : "", "1;31"}});
  }
  return FormatTable(columns, rows, terminal.color);
}

}  // namespace sightline::cli
