// What a rule would have done: the evaluator's steps over what is stored. Data: a document and a range -> windows at
// each due time, asked as shifted grids of whole windows -> the same instances.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "alert/burn_source.h"
#include "alert/instance_set.h"
#include "alert/rule_queries.h"
#include "base/error.h"

namespace sightline::alert {

// Due times of a range; where there would be more, not each of them is looked at.
inline constexpr int64_t kBacktestTimesMax = 2000;
inline constexpr int64_t kBacktestPhasesMax = 60;  // questions to a source that answers many windows at once

struct BacktestSpan {
  int64_t from_unix_nanos = 0, to_unix_nanos = 0;
  Level level = Level::kNone;
};

struct BacktestSeries {
  Labels labels;
  std::vector<double> values;  // of each due time; NaN: none
  std::vector<Bounds> band;    // of anomaly: what was expected; infinite where too little was known
  std::vector<BacktestSpan> firing, pending, no_data;
};

struct Backtest {
  int64_t from_unix_nanos = 0;   // the first due time
  int64_t step_seconds = 0;      // between those that were looked at
  int64_t interval_seconds = 0;  // the rule's: less where the backtest is coarser than it
  std::vector<BacktestSeries> series;
  std::string unit;
  bool has_more_groups = false;  // than groups_max, or than were read
  uint64_t times_fired = 0, flaps = 0, notifications = 0;
  double seconds_firing = 0;  // of all series together
  store::QueryStats scanned;
};

// kInvalidArgument: an empty range; else as of RuleQueries::Ask.
Result<Backtest> RunBacktest(RuleQueries& queries, BurnSource* burns, const RuleDocument& rule, int64_t from_unix_nanos,
                             int64_t to_unix_nanos, int64_t now_unix_nanos,
                             store::Cancellation* cancellation = nullptr);

}  // namespace sightline::alert
