// The arithmetic of error budgets (https://sre.google/workbook/alerting-on-slos/). Pure: what was counted -> shares and
// rates.
//
// The budget of a period is the share of its events that may be bad: 1 - objective. A burn rate of 1 uses up exactly
// the budget of a period in a period.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "slo/minutes.h"

namespace sightline::slo {

// Ratio of bad events / (1 - objective). 0 without events.
double BurnRateOf(const Tally& tally, double objective);

// Which share of the budget of a period is left: 1 is untouched, below 0 more was spent than there was. Of a period of
// which only a part has passed (`passed`, 0 to 1), the rest is taken to have as many events as what has passed.
double BudgetRemaining(const Tally& tally, double objective, double passed = 1);

// Events that may be bad in the period, as far as its length is known from what has passed.
double AllowedBad(const Tally& tally, double objective, double passed = 1);

// When a budget is used up if from now on events come as evenly as in the period so far and burn at `rate`.
struct BudgetOutlook {
  double objective = 0;
  int64_t period_minutes = 0;
  int64_t passed_minutes = 0;  // of a calendar period; a rolling one's are all
  bool rolls = true;           // what was bad a period ago is forgotten
  Tally counted;               // in the period
};
// Minutes from now; none: not within the next period (of a calendar period: not before it ends). `bad_since(m)`: what
// was bad in the last m minutes, of a rolling one; what falls out of it gives budget back.
std::optional<int64_t> MinutesToExhaustion(const BudgetOutlook& outlook, double rate,
                                           const std::function<double(int64_t minutes)>& bad_since);

}  // namespace sightline::slo
