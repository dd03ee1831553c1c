// The table of traces that `traces` and `query` print.
#pragma once

#include <string>
#include <vector>

#include "cli/table.h"
#include "query/traces.h"

namespace sightline::cli {

std::string TracesTable(const std::vector<query::TraceSummary>& traces, const Terminal& terminal);

}  // namespace sightline::cli
