// What a rule knows of one group, and how that changes with each sample. A pure function, so that the evaluator and the
// backtest come to the same. The states and their ways stand in docs/alerts.md.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "alert/condition.h"
#include "alert/rule_document.h"

namespace sightline::alert {

// Fires again so soon after it was resolved: it flaps.
inline constexpr int64_t kFlapNanos = 3'600'000'000'000;

enum class State : uint8_t { kInactive, kPending, kFiring, kNoData, kError };
std::string_view StateName(State state);  // "inactive", "pending", "firing", "no_data", "error"
std::optional<State> ParseState(std::string_view name);

// Times are Unix nanoseconds; 0: not so. All that must survive a restart.
struct Memory {
  State state = State::kInactive;
  Level level = Level::kNone;  // of firing what it was told with, of pending the last one
  int64_t since = 0;           // when the state began
  int64_t breach_since = 0, critical_since = 0;
  int64_t clear_since = 0;    // of firing: since when it no longer breaches
  int64_t missing_since = 0;  // has no value
  int64_t resolved = 0;       // when it ended firing last
  uint32_t flaps = 0;         // in a row
  bool told = false;          // of no_data and error: it has lasted, and was told

  bool operator==(const Memory&) const = default;
};

struct Instance {
  Labels labels;
  Memory memory;
  double value = std::numeric_limits<double>::quiet_NaN();  // the newest
  int64_t seen = 0;                                         // when its group was in an answer
};

struct Sample {
  // kUnknown: the query failed, or its answer was cut before this group.
  enum class Kind : uint8_t { kValue, kMissing, kUnknown };
  Kind kind = Kind::kUnknown;
  double value = std::numeric_limits<double>::quiet_NaN();
  Level level = Level::kNone;
};

// What people are told.
enum class Notice : uint8_t { kNone, kFiring, kResolved, kNoData, kError };

struct Change {
  State from = State::kInactive, to = State::kInactive;
  Level level = Level::kNone;  // of what begins, or of what has ended
  Notice notice = Notice::kNone;
  int64_t starts = 0, ends = 0;  // of what is told; 0: it has not ended

  bool is_transition(Level before) const { return from != to || level != before; }
};

struct Patience {
  int64_t for_nanos = 0, keep_firing_nanos = 0;
  NoData no_data = NoData::kNoData;
  Level lowest = Level::kCritical;  // that the condition has
};
Patience PatienceOf(const RuleDocument& rule);

// At most one change comes of a sample. `now` is the time of the evaluation, not of the clock.
std::optional<Change> Advance(const Patience& patience, const Sample& sample, int64_t now, Memory& memory);

// Of the rule itself: whether it can be evaluated. What fails is an error at once, and told when it has failed for as
// long as `for`, and twice at least.
std::optional<Change> AdvanceHealth(const Patience& patience, bool failed, int64_t now, Memory& memory);

// Ends what goes on: the rule is gone, or means something else.
std::optional<Change> End(int64_t now, Memory& memory);

}  // namespace sightline::alert
