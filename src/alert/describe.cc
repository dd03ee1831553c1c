#include "alert/describe.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "base/units.h"
#include "notify/template_text.h"

namespace sightline::alert {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

std::string Seconds(int64_t seconds) {
  return PrintDuration(seconds * kSecond);
}

std::string DescribeLimits(const Limits& limits, Level level) {
  const auto& chosen = level == Level::kWarning ? limits.warning : limits.critical;
  if (!chosen) return "";
  switch (limits.op) {
    case Op::kAbove:
      return fmt::format("above {}", chosen->high);
    case Op::kBelow:
      return fmt::format("below {}", chosen->low);
    case Op::kOutside:
      return fmt::format("outside {} to {}", chosen->low, chosen->high);
    case Op::kInside:
      return fmt::format("within {} to {}", chosen->low, chosen->high);
  }
  return "";
}

std::string Describe(const RuleDocument& rule, Level level) {
  const Condition& condition = rule.condition;
  switch (condition.kind) {
    case ConditionKind::kThreshold:
      return DescribeLimits(condition.limits, level);
    case ConditionKind::kAbsent:
      return "absent";
    case ConditionKind::kChange:
      return fmt::format("change against {} ago {}{}", Seconds(condition.against_seconds),
                         DescribeLimits(condition.limits, level), condition.in_percent ? " %" : "");
    case ConditionKind::kAnomaly:
      return fmt::format("{} what is expected", condition.direction == Op::kAbove   ? "above"
                                                : condition.direction == Op::kBelow ? "below"
                                                                                    : "outside");
    case ConditionKind::kBurnRate: {
      std::string text;
      for (const BurnTier& tier : condition.tiers) {
        if (tier.level != level) continue;
        text += fmt::format("{}burn rate above {} over {} and {}", text.empty() ? "" : ", or ", tier.factor,
                            Seconds(tier.long_seconds), Seconds(tier.short_seconds));
      }
      return text;
    }
  }
  return "";
}

}  // namespace

std::string DescribeCondition(const RuleDocument& rule, Level level) {
  std::string text = Describe(rule, level == Level::kNone ? PatienceOf(rule).lowest : level);
  if (rule.for_seconds > 0) text += " for " + Seconds(rule.for_seconds);
  return text;
}

std::string ExpandTemplate(std::string_view text, const Labels& labels, double value) {
  return notify::FillTemplate(text, [&](std::string_view name) -> std::optional<std::string> {
    if (name == "value") return std::isnan(value) ? "no value" : fmt::format("{:.6g}", value);
    const auto label = labels.find(std::string(name));
    return label == labels.end() ? "" : label->second;
  });
}

Labels AllLabels(const Labels& rule, const Labels& group) {
  Labels all = group;
  all.insert(rule.begin(), rule.end());
  return all;
}

}  // namespace sightline::alert
