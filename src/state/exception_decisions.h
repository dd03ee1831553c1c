// What people decided about groups of exceptions: resolved, ignored, open again; and which of the resolved ones were
// seen again since. Data: the id of a group (query/exceptions.h) -> its decision.
//
// A group without one is open. One that was opened again keeps its row, so that its version goes on rising.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "state/database.h"

namespace sightline::state {

inline constexpr size_t kExceptionDecisionsMax = 100'000;  // the oldest open ones give way first
inline constexpr size_t kDecisionNoteBytesMax = 2000, kDecisionVersionBytesMax = 200;

struct DecisionContent {
  std::string state;                // "open", "resolved" or "ignored"
  std::string note;                 // one's own words
  std::string resolved_in_version;  // a service.version, of "resolved" only; "": in whatever runs
};

struct ExceptionDecision : DecisionContent {
  std::string group_id;
  int64_t version = 0;  // from 1 on, one more with each decision
  int64_t decided_unix_nanos = 0;
  int64_t regressed_unix_nanos = 0;  // an occurrence after it was resolved; 0: none was seen
};

// Thread: any.
class ExceptionDecisions {
 public:
  // What is borrowed must outlive it.
  explicit ExceptionDecisions(Database& database, const Clock& clock = Clock::System())
      : database_(database), clock_(clock) {}

  // By group, of those that have one.
  Result<std::map<std::string, ExceptionDecision>> Of(const std::vector<std::string>& group_ids);

  // `seen_version`: the version that the client has seen, 0 for none; no value: whatever is there.
  // kInvalidArgument: no such state, a text that is too long, a version of what is not resolved; kNotFound: no id of a
  // group; kFailedPrecondition: somebody else has decided since; kResourceExhausted: there are too many.
  Result<ExceptionDecision> Decide(const std::string& group_id, const DecisionContent& content,
                                   std::optional<int64_t> seen_version);

  // The first decision about what is resolved and was not seen again yet; none: there is nothing to look out for.
  Result<std::optional<int64_t>> FirstResolvedUnixNanos();

  // Of decisions as they were read; one that has changed since is left alone. What was noted first stays.
  Result<void> NoteRegressions(const std::vector<ExceptionDecision>& regressed);

 private:
  Database& database_;
  const Clock& clock_;
};

}  // namespace sightline::state
