// The states of instances, and the history of their transitions, in the program's state. The evaluator alone writes
// them. For use within a transaction; reading the history is for anybody.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "alert/instance.h"
#include "base/error.h"
#include "state/database.h"

namespace sightline::alert {

inline constexpr int64_t kTransitionsMax = 100'000;  // further ones push out the oldest

// (rule, labels) of an instance, as 32 hex digits.
std::string Fingerprint(const std::string& rule_id, const Labels& labels);

std::string LabelsJson(const Labels& labels);

// What is kept of a rule.
struct KeptRule {
  std::string name;
  uint64_t meaning = 0;   // XXH3 of RuleDocument::meaning when its instances were made
  int64_t evaluated = 0;  // Unix nanoseconds; now and then
  Memory health;          // AdvanceHealth
  std::map<Labels, Instance> instances;
};

Result<std::map<std::string, KeptRule>> LoadKept(state::Session& session);  // by rule id
Result<void> SaveRule(state::Session& session, const std::string& rule_id, const KeptRule& kept);
Result<void> SaveInstance(state::Session& session, const std::string& rule_id, const Instance& instance);
Result<void> DeleteInstance(state::Session& session, const std::string& rule_id, const Labels& labels);
Result<void> DeleteKept(state::Session& session, const std::string& rule_id);

struct Transition {
  int64_t id = 0;
  int64_t at_unix_nanos = 0;
  std::string rule_id, rule_name, fingerprint;
  Labels labels;
  State from = State::kInactive, to = State::kInactive;
  std::string severity;
  double value = 0;     // NaN: none
  std::string message;  // of an error: what went wrong
};
Result<void> AddTransition(state::Session& session, const Transition& transition);

struct TransitionSearch {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;
  std::optional<std::string> rule_id;
  std::optional<int64_t> before_id;  // of the page before
  uint32_t limit = 100;
};
// Newest first.
Result<std::vector<Transition>> ReadTransitions(state::Database& database, const TransitionSearch& search);

}  // namespace sightline::alert
