#include "alert/burn_reading.h"

#include <vector>

namespace sightline::alert {

Result<Reading> ReadBurns(BurnSource* burns, const RuleDocument& rule, int64_t at) {
  if (burns == nullptr) return Fail(Code::kNotFound, "there are no objectives");
  const std::string& slo = rule.queries.front().slo;
  std::vector<TierBurn> rates;
  for (const BurnTier& tier : rule.condition.tiers) {
    const auto over_long = burns->Burn(slo, tier.long_seconds, at);
    if (!over_long) return std::unexpected(over_long.error());
    const auto over_short = burns->Burn(slo, tier.short_seconds, at);
    if (!over_short) return std::unexpected(over_short.error());
    // What cannot be measured neither fires nor resolves.
    if (!over_long->measured || !over_short->measured) return Reading{.is_cut = true};
    rates.push_back({over_long->rate, over_short->rate});
  }
  // The value is the rate that decided: of the first tier where none burns.
  Observation observation{.value = rates.front().long_rate, .burn = JudgeBurn(rule.condition.tiers, rates)};
  for (size_t i = rates.size(); i-- > 0 && observation.burn != Level::kNone;) {
    const BurnTier& tier = rule.condition.tiers[i];
    if (tier.level == observation.burn && JudgeBurn({tier}, {rates[i]}) != Level::kNone) {
      observation.value = rates[i].long_rate;
    }
  }
  return Reading{.groups = {{Labels(), observation}}};
}

}  // namespace sightline::alert
