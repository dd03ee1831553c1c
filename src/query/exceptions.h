// Exceptions, in groups: what was thrown where, how often, since when, and what people decided about it. Data:
// exception events of stored spans, and log records with an exception.type -> ClickHouse (one row for each distinct
// stack trace) -> groups by service, type and the frames that tell one failure from another.
//
// The newest events of a range are looked at, up to kExceptionEventsMax of either kind. A log record of a span that has
// an exception event itself speaks of the same one and is not counted. One of a span that sampling dropped is stood for
// by the spans that were kept, as far as these stand for more than themselves.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "query/attributes.h"
#include "query/exception_state.h"
#include "query/filters.h"
#include "query/rows.h"
#include "state/exception_decisions.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr uint32_t kExceptionsMax = 500;  // of an answer
inline constexpr uint32_t kExceptionStepsMax = 200;
inline constexpr uint32_t kExceptionEventsMax = 20'000;
inline constexpr uint32_t kDistinctExceptionsMax = 5'000;  // stack traces that differ in more than numbers
inline constexpr uint32_t kStackTraceCharactersMax = 8'000, kExceptionMessageCharactersMax = 2'000;
inline constexpr uint32_t kExceptionTracesMax = 5;

struct ExceptionSearch {
  std::optional<std::string> service;              // none: all
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;  // [from, to)
  std::vector<ExceptionState> states;              // of these; empty: all
  uint32_t limit = 50;                             // 1 to kExceptionsMax
  uint32_t steps = 30;                             // of the trend, 1 to kExceptionStepsMax
};

struct ExceptionGroup {
  std::string id;  // the same in each answer, whatever the time: made of service, type and frames or shape
  std::string service, type;
  std::vector<std::string> frames;   // that tell; none: the message's shape does
  std::string message, stack_trace;  // of the newest
  double count = 0;                  // by what sampling kept
  bool is_estimate = false;          // some of them stand for others
  int64_t first_unix_nanos = 0, last_unix_nanos = 0;
  std::optional<bool> is_new;          // did not happen in as long a time before the range; none: not known
  std::vector<std::string> versions;   // service.version, in order
  std::vector<double> trend;           // counts of equal parts of the range
  std::vector<std::string> trace_ids;  // newest first
  ExceptionState state = ExceptionState::kOpen;
  std::optional<state::ExceptionDecision> decision;  // none: nobody decided
};

struct ExceptionList {
  std::vector<ExceptionGroup> groups;                  // most first
  uint64_t groups_in_all = 0;                          // of the states that were asked for
  std::array<uint64_t, kExceptionStates> states = {};  // groups by state, whatever was asked for
  bool has_more = false;               // further groups, rarer than these, were not told apart: kDistinctExceptionsMax
  int64_t looked_from_unix_nanos = 0;  // later than the range's begin where there were more events than are looked at
  store::QueryStats scanned;
};

// Thread: any.
class ExceptionReader {
 public:
  // What is borrowed must outlive it. Without `decisions` all are open.
  explicit ExceptionReader(store::ClickHouse& clickhouse, state::ExceptionDecisions* decisions = nullptr,
                           std::string database = "sightline", uint32_t events_max = kExceptionEventsMax)
      : clickhouse_(clickhouse), decisions_(decisions), database_(std::move(database)), events_max_(events_max) {}

  // Regressions that it finds are noted with the decisions: they stay when the range is another one.
  // kInvalidArgument: a limit out of bounds, an empty range.
  Result<ExceptionList> Read(const ExceptionSearch& search, store::Cancellation* cancellation = nullptr);
  // Only notes them, of all services within [from, to). Cheaper.
  Result<void> NoteRegressions(int64_t from_unix_nanos, int64_t to_unix_nanos,
                               store::Cancellation* cancellation = nullptr);

 private:
  store::ClickHouse& clickhouse_;
  state::ExceptionDecisions* const decisions_;
  const std::string database_;
  const uint32_t events_max_;
  AttributeSets sets_;
};

}  // namespace sightline::query
