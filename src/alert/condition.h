// When a value is worth telling: pure functions from values to levels. docs/alerts.md says what each kind means.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace sightline::alert {

enum class Level : uint8_t { kNone, kWarning, kCritical };
std::string_view LevelName(Level level);  // "", "warning", "critical"

enum class Op : uint8_t { kAbove, kBelow, kOutside, kInside };

struct Bounds {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
};
// above: over `high`; below: under `low`; outside: either; inside: neither, both bounds included.
bool Breaches(Op op, const Bounds& bounds, double value);

struct Limits {
  Op op = Op::kAbove;
  std::optional<Bounds> warning, critical, recovery;  // one of the first two at least

  // `held`: at which level the instance is already. It stays there (at the lowest of the limits) until the value is on
  // the other side of `recovery`, so that a value that trembles about a limit is one alert.
  Level Judge(double value, Level held) const;
  Level lowest() const { return warning ? Level::kWarning : Level::kCritical; }
};

// How much `now` differs from `before`, in percent of it. NaN: it cannot be told, as there is no value then, or it
// was 0.
double ChangeInPercent(double now, double before);

// Both windows must burn the budget faster than `factor`.
struct BurnTier {
  int64_t long_seconds = 0, short_seconds = 0;
  double factor = 0;
  Level level = Level::kCritical;
};
// The Site Reliability Workbook's: 2 % of the budget of 30 days in an hour, 5 % in 6 hours, 10 % in 3 days.
std::vector<BurnTier> DefaultTiers();

struct TierBurn {
  double long_rate = 0, short_rate = 0;
};
// `burns` in the order of `tiers`.
Level JudgeBurn(const std::vector<BurnTier>& tiers, const std::vector<TierBurn>& burns);

}  // namespace sightline::alert
