#include "alert/instance_set.h"

#include <cmath>
#include <set>

namespace sightline::alert {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Sample Missing() {
  return {.kind = Sample::Kind::kMissing};
}
Sample Valued(double value, Level level) {
  return {Sample::Kind::kValue, value, level};
}

// Of a group that is not in the answer.
Observation Absent(const Reading& reading) {
  Observation observation;
  if (reading.counts) observation.value = observation.before = 0;
  return observation;
}

}  // namespace

Sample SampleOf(const RuleDocument& rule, const Observation& observation, bool counts, const Memory& memory) {
  const Condition& condition = rule.condition;
  const double value = observation.value;
  const Level held = memory.state == State::kFiring ? memory.level : Level::kNone;
  switch (condition.kind) {
    case ConditionKind::kAbsent: {
      // What counts has always a number: none of it is what is absent.
      const bool absent = std::isnan(value) || (counts && value == 0);
      return Valued(value, absent ? Level::kCritical : Level::kNone);
    }
    case ConditionKind::kThreshold:
      return std::isnan(value) ? Missing() : Valued(value, condition.limits.Judge(value, held));
    case ConditionKind::kChange: {
      const double change =
          condition.in_percent ? ChangeInPercent(value, observation.before) : value - observation.before;
      return std::isnan(change) ? Missing() : Valued(change, condition.limits.Judge(change, held));
    }
    case ConditionKind::kAnomaly: {
      if (std::isnan(value)) return Missing();
      if (!observation.band) return {.value = value};
      const bool breaches = Breaches(condition.direction, *observation.band, value);
      return Valued(value, breaches ? Level::kCritical : Level::kNone);
    }
    case ConditionKind::kBurnRate:
      return Valued(value, observation.burn);
  }
  return {};
}

void InstanceSet::Take(const RuleDocument& rule, const Labels& labels, const Sample& sample, int64_t now,
                       Outcome& outcome) {
  const auto [place, is_new] = instances_.try_emplace(labels);
  Instance& instance = place->second;
  if (is_new) {
    instance.labels = labels;
    instance.memory.since = instance.seen = now;
  }
  const Memory before = instance.memory;
  instance.value = sample.value;
  const auto change = alert::Advance(PatienceOf(rule), sample, now, instance.memory);
  if (change) outcome.changed.push_back({labels, *change, before.level, sample.value});
  if (is_new || !(before == instance.memory)) outcome.to_save.push_back(labels);
}

// What is quiet and not in this answer makes room for what is.
bool InstanceSet::MakeRoom(const RuleDocument& rule, int64_t now, Outcome& outcome) {
  if (instances_.size() < rule.groups_max) return true;
  std::erase_if(instances_, [&](const auto& one) {
    const bool goes = one.second.memory.state == State::kInactive && one.second.seen < now;
    if (goes) outcome.to_delete.push_back(one.first);
    return goes;
  });
  return instances_.size() < rule.groups_max;
}

void InstanceSet::Drop(const Labels& labels, int64_t now, Outcome& outcome) {
  Instance& instance = instances_.at(labels);
  const Level before = instance.memory.level;
  if (const auto change = End(now, instance.memory)) outcome.changed.push_back({labels, *change, before, kNone});
  outcome.to_delete.push_back(labels);
  instances_.erase(labels);
}

InstanceSet::Outcome InstanceSet::Advance(const RuleDocument& rule, const Reading& reading, int64_t now) {
  Outcome outcome;
  const auto memory_of = [&](const Labels& labels) {
    const auto known = instances_.find(labels);
    return known == instances_.end() ? Memory() : known->second.memory;
  };
  std::set<Labels> present;
  for (const auto& [labels, observation] : reading.groups) {
    if (std::isnan(observation.value)) continue;
    present.insert(labels);
    if (const auto known = instances_.find(labels); known != instances_.end()) known->second.seen = now;
  }
  for (const auto& [labels, observation] : reading.groups) {
    if (!present.contains(labels)) continue;
    if (!instances_.contains(labels) && !MakeRoom(rule, now, outcome)) {
      outcome.is_over_max = true;
      continue;
    }
    Take(rule, labels, SampleOf(rule, observation, reading.counts, memory_of(labels)), now, outcome);
  }
  std::vector<Labels> gone;
  for (const auto& [labels, instance] : instances_) {
    if (!present.contains(labels) && !labels.empty()) gone.push_back(labels);
  }
  for (const Labels& labels : gone) {
    if (now - instances_.at(labels).seen >= kForgetNanos) {
      Drop(labels, now, outcome);
      continue;
    }
    // Where the answer was cut it may be there all the same.
    const Sample sample =
        reading.is_cut ? Sample() : SampleOf(rule, Absent(reading), reading.counts, memory_of(labels));
    Take(rule, labels, sample, now, outcome);
  }
  if (present.contains({}) || reading.is_cut) return outcome;
  // The instance without labels stands for all groups where none is known.
  const bool none_known = present.empty() && gone.empty();
  if (none_known && (!reading.counts || rule.condition.kind == ConditionKind::kAbsent)) {
    Take(rule, {}, SampleOf(rule, {}, reading.counts, memory_of({})), now, outcome);
  } else if (!none_known && instances_.contains({})) {
    Drop({}, now, outcome);
  }
  return outcome;
}

void InstanceSet::ForgetPending(int64_t now) {
  for (auto& [labels, instance] : instances_) {
    if (instance.memory.state == State::kPending) instance.memory.breach_since = instance.memory.since = now;
    if (instance.memory.critical_since != 0) instance.memory.critical_since = now;
  }
}

InstanceSet::Outcome InstanceSet::EndAll(int64_t now) {
  Outcome outcome;
  while (!instances_.empty()) Drop(Labels(instances_.begin()->first), now, outcome);
  return outcome;
}

}  // namespace sightline::alert
