// All instances of a rule, and what an evaluation does to them. Data: what was read of each group -> samples ->
// changes. No clock and no store: the evaluator and the backtest use it alike.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "alert/instance.h"
#include "alert/rule_document.h"

namespace sightline::alert {

// A group that has been gone for so long is no longer known.
inline constexpr int64_t kForgetNanos = 24 * 3'600'000'000'000;

// Of one group at one evaluation. NaN: there is none.
struct Observation {
  double value = std::numeric_limits<double>::quiet_NaN();
  double before = std::numeric_limits<double>::quiet_NaN();  // of change: in the other window
  std::optional<Bounds> band;                                // of anomaly; none: too little is known
  Level burn = Level::kNone;                                 // of burn_rate
};

struct Reading {
  std::vector<std::pair<Labels, Observation>> groups;  // the largest first
  bool counts = false;                                 // what is not there has the value 0
  bool is_cut = false;                                 // what is missing may be there all the same: it stays as it is
  std::string unit;
};

struct Changed {
  Labels labels;
  Change change;
  Level level_before = Level::kNone;
  double value = 0;
};

// Thread: of its owner.
class InstanceSet {
 public:
  explicit InstanceSet(std::map<Labels, Instance> instances = {}) : instances_(std::move(instances)) {}

  struct Outcome {
    std::vector<Changed> changed;
    std::vector<Labels> to_save, to_delete;  // whose memory is no longer what was kept
    bool is_over_max = false;                // there are more groups than groups_max
  };
  Outcome Advance(const RuleDocument& rule, const Reading& reading, int64_t now);
  // The rule is gone, or means something else.
  Outcome EndAll(int64_t now);
  // Breaches that have not lasted begin anew.
  void ForgetPending(int64_t now);

  const std::map<Labels, Instance>& instances() const { return instances_; }

 private:
  void Take(const RuleDocument& rule, const Labels& labels, const Sample& sample, int64_t now, Outcome& outcome);
  bool MakeRoom(const RuleDocument& rule, int64_t now, Outcome& outcome);
  void Drop(const Labels& labels, int64_t now, Outcome& outcome);

  std::map<Labels, Instance> instances_;
};

// What a group is judged to be. `memory`: of its instance.
Sample SampleOf(const RuleDocument& rule, const Observation& observation, bool counts, const Memory& memory);

}  // namespace sightline::alert
