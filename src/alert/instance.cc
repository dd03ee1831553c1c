#include "alert/instance.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace sightline::alert {
namespace {

constexpr std::array<std::string_view, 5> kStateNames = {"inactive", "pending", "firing", "no_data", "error"};
constexpr int64_t kSecond = 1'000'000'000;

Change Enter(State state, Notice notice, int64_t now, Memory& memory) {
  Change change{.from = memory.state, .to = state, .level = memory.level, .notice = notice, .starts = now};
  memory.state = state;
  memory.since = now;
  return change;
}

// Nothing is wrong any more. What was told is told to have ended.
Change Leave(int64_t now, Memory& memory) {
  const bool told = memory.state == State::kFiring || memory.told;
  Change change{.from = memory.state,
                .to = State::kInactive,
                .level = memory.level,
                .notice = told ? Notice::kResolved : Notice::kNone,
                .starts = memory.since,
                .ends = now};
  if (memory.state == State::kFiring) memory.resolved = now;
  memory.state = State::kInactive;
  memory.level = Level::kNone;
  memory.since = now;
  memory.breach_since = memory.critical_since = memory.clear_since = 0;
  memory.told = false;
  return change;
}

// What it fires with: critical only where it was so for as long as `for`, or has been told so already.
Level LevelOf(const Patience& patience, Level level, int64_t now, const Memory& memory) {
  if (level != Level::kCritical) return level;
  const bool is_known = memory.state == State::kFiring && memory.level == Level::kCritical;
  return is_known || now - memory.critical_since >= patience.for_nanos ? Level::kCritical : patience.lowest;
}

std::optional<Change> Breach(const Patience& patience, Level level, int64_t now, Memory& memory) {
  memory.clear_since = 0;
  if (memory.breach_since == 0) memory.breach_since = now;
  if (level != Level::kCritical) memory.critical_since = 0;
  if (level == Level::kCritical && memory.critical_since == 0) memory.critical_since = now;
  const Level fires_with = LevelOf(patience, level, now, memory);
  if (memory.state == State::kFiring) {
    if (fires_with == memory.level) return std::nullopt;
    memory.level = fires_with;
    return Change{State::kFiring, State::kFiring, fires_with, Notice::kFiring, memory.since, 0};
  }
  if (now - memory.breach_since >= patience.for_nanos) {
    const bool flaps = memory.resolved != 0 && now - memory.resolved < kFlapNanos;
    memory.flaps = flaps ? memory.flaps + 1 : 0;
    memory.level = fires_with;
    memory.told = false;
    return Enter(State::kFiring, Notice::kFiring, now, memory);
  }
  if (memory.state == State::kPending) {
    memory.level = level;
    return std::nullopt;
  }
  // What was told of before has ended; what begins is not told of yet.
  const bool told = memory.told;
  const int64_t since = memory.since;
  memory.told = false;
  memory.level = level;
  Change change = Enter(State::kPending, told ? Notice::kResolved : Notice::kNone, now, memory);
  if (told) change.starts = since, change.ends = now;
  return change;
}

std::optional<Change> Clear(const Patience& patience, int64_t now, Memory& memory) {
  memory.breach_since = memory.critical_since = 0;
  if (memory.state == State::kInactive) return std::nullopt;
  if (memory.state == State::kFiring) {
    if (memory.clear_since == 0) memory.clear_since = now;
    if (now - memory.clear_since < patience.keep_firing_nanos) return std::nullopt;
  }
  return Leave(now, memory);
}

std::optional<Change> Miss(const Patience& patience, int64_t now, Memory& memory) {
  if (memory.missing_since == 0) memory.missing_since = now;
  const bool lasts = now - memory.missing_since >= patience.for_nanos;
  switch (memory.state) {
    case State::kNoData:
      if (memory.told || !lasts) return std::nullopt;
      memory.told = true;
      return Change{State::kNoData, State::kNoData, memory.level, Notice::kNoData, memory.since, 0};
    case State::kPending:
    case State::kFiring:
      if (!lasts) return std::nullopt;
      break;
    default:
      break;
  }
  memory.breach_since = memory.critical_since = memory.clear_since = 0;
  if (memory.state == State::kFiring) memory.resolved = now;
  memory.level = Level::kNone;
  memory.told = lasts;
  return Enter(State::kNoData, lasts ? Notice::kNoData : Notice::kNone, now, memory);
}

}  // namespace

std::string_view StateName(State state) {
  return kStateNames[static_cast<size_t>(state)];
}

std::optional<State> ParseState(std::string_view name) {
  const auto found = std::ranges::find(kStateNames, name);
  if (found == kStateNames.end()) return std::nullopt;
  return static_cast<State>(found - kStateNames.begin());
}

Patience PatienceOf(const RuleDocument& rule) {
  Level lowest = Level::kCritical;
  const Condition& condition = rule.condition;
  if (condition.kind == ConditionKind::kThreshold || condition.kind == ConditionKind::kChange) {
    lowest = condition.limits.lowest();
  } else if (condition.kind == ConditionKind::kBurnRate) {
    for (const BurnTier& tier : condition.tiers) lowest = std::min(lowest, tier.level);
  }
  return {rule.for_seconds * kSecond, rule.keep_firing_for_seconds * kSecond, rule.no_data, lowest};
}

std::optional<Change> Advance(const Patience& patience, const Sample& sample, int64_t now, Memory& memory) {
  if (sample.kind == Sample::Kind::kUnknown) return std::nullopt;
  const bool missing = sample.kind == Sample::Kind::kMissing;
  if (missing && patience.no_data == NoData::kKeep) return std::nullopt;
  if (missing && patience.no_data == NoData::kNoData) return Miss(patience, now, memory);
  memory.missing_since = 0;
  Level level = missing ? Level::kNone : sample.level;
  if (missing && patience.no_data == NoData::kFiring) level = patience.lowest;
  return level == Level::kNone ? Clear(patience, now, memory) : Breach(patience, level, now, memory);
}

std::optional<Change> AdvanceHealth(const Patience& patience, bool failed, int64_t now, Memory& memory) {
  if (!failed) {
    if (memory.state != State::kError) return std::nullopt;
    return Leave(now, memory);
  }
  if (memory.state != State::kError) return Enter(State::kError, Notice::kNone, now, memory);
  if (memory.told || now - memory.since < std::max<int64_t>(patience.for_nanos, 1)) return std::nullopt;
  memory.told = true;
  return Change{State::kError, State::kError, memory.level, Notice::kError, memory.since, 0};
}

std::optional<Change> End(int64_t now, Memory& memory) {
  if (memory.state == State::kInactive) return std::nullopt;
  return Leave(now, memory);
}

}  // namespace sightline::alert
