// Pages of the spans of one trace. Data: where the page before ended -> the places between which this one lies.
//
// A page is an interval of places (start, span id, block) rather than a LIMIT: every further statement about the page
// can then ask for just its spans, and those that were sent twice are never torn apart.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/error.h"
#include "query/rows.h"
#include "query/trace_types.h"

namespace sightline::query {

struct SpanPage {
  std::string condition;  // of its spans, in SQL, with the placeholders of the trace's
  int64_t trace_start_unix_nanos = 0, trace_end_unix_nanos = 0;
  std::optional<SpanCursor> next;  // none: this is the last page
};

// `of_trace` is SQL on the table spans with placeholders for `parameters`. A trace that is not there has an empty page.
Result<SpanPage> FindSpanPage(Question& question, const std::string& of_trace,
                              const std::map<std::string, std::string>& parameters, const SpanPageSearch& search);

}  // namespace sightline::query
