#include "slo/budget.h"

#include <cmath>

namespace sightline::slo {
namespace {

// 1 - 0.999 is a little more than 0.001: what is equal but for that is equal.
constexpr double kRounding = 1e-9;

}  // namespace

double BurnRateOf(const Tally& tally, double objective) {
  return tally.total > 0 ? tally.bad() / tally.total / (1 - objective) : 0;
}

double BudgetRemaining(const Tally& tally, double objective, double passed) {
  return 1 - BurnRateOf(tally, objective) * passed;
}

double AllowedBad(const Tally& tally, double objective, double passed) {
  return passed > 0 ? (1 - objective) * tally.total / passed : 0;
}

std::optional<int64_t> MinutesToExhaustion(const BudgetOutlook& outlook, double rate,
                                           const std::function<double(int64_t minutes)>& bad_since) {
  if (outlook.counted.total <= 0) return std::nullopt;
  const auto period = static_cast<double>(outlook.period_minutes);
  const auto passed = static_cast<double>(outlook.rolls ? outlook.period_minutes : outlook.passed_minutes);
  const double share = passed / period;
  const double allowed = AllowedBad(outlook.counted, outlook.objective, share);
  if (outlook.counted.bad() >= allowed * (1 - kRounding)) return 0;
  if (rate <= 0) return std::nullopt;
  const double bad_a_minute = rate * allowed / period;
  if (!outlook.rolls) {
    const double minutes = (allowed - outlook.counted.bad()) / bad_a_minute;
    if (minutes > period - passed) return std::nullopt;
    return static_cast<int64_t>(std::ceil(minutes * (1 - kRounding)));
  }
  // In steps of an hour, as nobody needs it finer days ahead; the first hour by minute.
  for (int64_t ahead = 1; ahead <= outlook.period_minutes; ahead += ahead < kHourMinutes ? 1 : kHourMinutes) {
    const double kept = bad_since(outlook.period_minutes - ahead);
    if (kept + bad_a_minute * static_cast<double>(ahead) >= allowed * (1 - kRounding)) return ahead;
  }
  return std::nullopt;
}

}  // namespace sightline::slo
