// A trace drawn for the terminal: the tree of spans, a bar for each, durations, errors and what matters of the
// attributes. Data: query::Trace -> lines of text.
#pragma once

#include <string>
#include <vector>

#include "query/traces.h"

namespace sightline::cli {

struct WaterfallOptions {
  size_t width = 100;  // columns
  bool color = false;
};

std::string DrawWaterfall(const query::Trace& trace, const WaterfallOptions& options);

// A line of the tree, in the order of drawing. Exposed for tests of odd trees.
struct TreeLine {
  int span = -1;                // index into Trace::spans; -1: stands for a parent that is not in the trace
  std::string missing_parent;   // its id then
  std::string prefix;           // "│  └─ "
  std::string below;            // the prefix of further lines of this span: "│     "
  bool error_below = false;     // a descendant has the status Error
  bool service_changes = true;  // the parent has another service, or there is none
};

// Every span exactly once, whatever its parent ids say: loops are broken at their earliest span, spans of one missing
// parent stand together, of spans with the same id the first one has the children.
std::vector<TreeLine> LayOutTree(const query::Trace& trace);

}  // namespace sightline::cli
