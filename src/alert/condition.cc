#include "alert/condition.h"

#include <algorithm>
#include <cmath>

namespace sightline::alert {

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kWarning:
      return "warning";
    case Level::kCritical:
      return "critical";
    case Level::kNone:
      break;
  }
  return "";
}

bool Breaches(Op op, const Bounds& bounds, double value) {
  switch (op) {
    case Op::kAbove:
      return value > bounds.high;
    case Op::kBelow:
      return value < bounds.low;
    case Op::kOutside:
      return value < bounds.low || value > bounds.high;
    case Op::kInside:
      return value >= bounds.low && value <= bounds.high;
  }
  return false;
}

Level Limits::Judge(double value, Level held) const {
  if (critical && Breaches(op, *critical, value)) return Level::kCritical;
  if (warning && Breaches(op, *warning, value)) return Level::kWarning;
  if (held != Level::kNone && recovery && Breaches(op, *recovery, value)) return lowest();
  return Level::kNone;
}

double ChangeInPercent(double now, double before) {
  if (before == 0) return std::numeric_limits<double>::quiet_NaN();
  return 100 * (now - before) / std::abs(before);
}

std::vector<BurnTier> DefaultTiers() {
  constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86'400;
  return {{kHour, 5 * kMinute, 14.4, Level::kCritical},
          {6 * kHour, 30 * kMinute, 6, Level::kCritical},
          {3 * kDay, 6 * kHour, 1, Level::kWarning}};
}

Level JudgeBurn(const std::vector<BurnTier>& tiers, const std::vector<TierBurn>& burns) {
  Level level = Level::kNone;
  for (size_t i = 0; i < tiers.size() && i < burns.size(); ++i) {
    if (burns[i].long_rate > tiers[i].factor && burns[i].short_rate > tiers[i].factor) {
      level = std::max(level, tiers[i].level);
    }
  }
  return level;
}

}  // namespace sightline::alert
