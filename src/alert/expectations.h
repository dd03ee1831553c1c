// What the groups of a rule of kind anomaly are expected to be. Data: the same question at windows of the past, read
// piece by piece -> a model of each group -> bands.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "alert/anomaly.h"
#include "alert/condition.h"
#include "alert/rule_document.h"
#include "alert/rule_queries.h"
#include "base/error.h"

namespace sightline::alert {

inline constexpr int64_t kHistoryStepsMax = 5000;  // windows, one behind the other
inline constexpr int64_t kRefitSeconds = 3600;     // from one fit to the next
inline constexpr int64_t kStepsAtOnce = 300;       // of the past, in one evaluation
inline constexpr int64_t kSingleStepsAtOnce = 20;  // of a source that is asked for each

// Windows of a rule side by side, of each group that was there. Thread: of its owner.
class WindowHistory {
 public:
  // The newest one ends then.
  WindowHistory(const RuleDocument& rule, int64_t end_unix_nanos);

  int64_t from_unix_nanos() const { return from_; }
  int64_t end_unix_nanos() const { return end_; }
  size_t steps() const { return static_cast<size_t>((end_ - from_) / step_); }
  const std::map<Labels, std::vector<double>>& values() const { return values_; }
  bool counts() const { return counts_; }

  // At most `steps` more on either side.
  Result<void> ReadOlder(RuleQueries& queries, const RuleDocument& rule, int64_t steps, int64_t now,
                         store::Cancellation* cancellation);
  Result<void> ReadNewer(RuleQueries& queries, const RuleDocument& rule, int64_t until, int64_t now,
                         store::Cancellation* cancellation);
  // The next window, where it is known already.
  void Append(const std::map<Labels, double>& next, bool counts);
  void KeepNewest(size_t steps);

 private:
  Result<void> Read(RuleQueries& queries, const RuleDocument& rule, int64_t from, int64_t to, int64_t now,
                    store::Cancellation* cancellation, Groups& groups);
  double none() const;

  int64_t step_, from_, end_;
  bool counts_ = false;
  std::map<Labels, std::vector<double>> values_;
};

using AnomalyModels = std::map<Labels, AnomalyModel>;
AnomalyModels FitAll(const RuleDocument& rule, const WindowHistory& history);

// None: too little is known.
std::optional<Bounds> BandOf(const AnomalyModels& models, const Labels& labels, int64_t window_from_unix_nanos,
                             double value);
void LearnOne(AnomalyModels& models, const Labels& labels, int64_t window_from_unix_nanos, double value);

// Of a rule while it is evaluated. Thread: of its owner.
class Expectations {
 public:
  Expectations(const RuleDocument& rule, int64_t window_end_unix_nanos) : history_(rule, window_end_unix_nanos) {}

  // Reads a piece of the past until all of it is there, and what has come since; each costs a question.
  Result<void> Extend(RuleQueries& queries, const RuleDocument& rule, int64_t window_end_unix_nanos, int64_t now,
                      store::Cancellation* cancellation);
  AnomalyModels& models() { return models_; }

 private:
  WindowHistory history_;
  AnomalyModels models_;
};

}  // namespace sightline::alert
