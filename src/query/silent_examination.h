// The traces of a range that have a failed span, read in outline and judged: what all questions about silent failures
// begin with. Data: a range -> ClickHouse -> SilentRequests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "otlp/block_builder.h"
#include "query/filters.h"
#include "query/rows.h"
#include "query/silent_failures.h"
#include "query/silent_trace.h"

namespace sightline::query {

struct OperationName {
  std::string service, name, kind;
  auto operator<=>(const OperationName&) const = default;
};

// A failed span in a request that answered well. Of one operation in one request there are at most
// kFailuresAlikeMax: a loop that fails each time fails alike, and counts as one request.
struct FoundFailure {
  std::string trace_id, span_id, entry_id;
  OperationName entry;
  double requests = 1;  // that the entry span stands for
  int64_t unix_nanos = 0;
  bool was_retried = false;  // all of its operation in the request were
};

inline constexpr size_t kFailuresAlikeMax = 3;

// Spans that failed by JudgedSpan::failed, in SQL on the table spans.
std::string FailedSpanCondition(const std::vector<otlp::HotAttribute>& hot_attributes);

struct Examination {
  Examined examined;
  std::vector<FoundFailure> found;  // of one trace together, newest traces first
};

// `range` in whole steps of `unit_seconds`.
Result<Examination> ExamineTraces(Question& question, const std::vector<otlp::HotAttribute>& hot_attributes,
                                  const std::optional<std::string>& service, const MinuteRange& range,
                                  int64_t unit_seconds);

}  // namespace sightline::query
