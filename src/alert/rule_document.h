// The document that a rule is: JSON -> checked and typed. What it may hold stands in src/serve/openapi.yaml
// (AlertRuleDocument); docs/alerts.md says what it means.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "alert/condition.h"
#include "base/error.h"
#include "query/metric_formula.h"
#include "query/metrics.h"

namespace sightline::alert {

inline constexpr size_t kRuleBytesMax = 256 << 10;
inline constexpr size_t kQueriesMax = 10;
inline constexpr uint32_t kGroupsMax = 1000;  // of a rule

using Labels = std::map<std::string, std::string>;

enum class Source : uint8_t { kTraceQl, kLogs, kMetrics, kSql, kSilentFailures, kSlo };

// As of a dashboard's panel.
struct RuleQuery {
  std::string name;
  Source source = Source::kTraceQl;
  std::string query;
  std::vector<std::string> group_by;
  std::string metric;
  std::optional<query::MetricKind> type;
  std::optional<query::Aggregation> aggregation, over_time, over_series;
  std::string service;  // of silent_failures; "": all
  std::string slo;
};
struct RuleFormula {
  std::string name, expression;
  query::Formula formula;
};

enum class ConditionKind : uint8_t { kThreshold, kAbsent, kChange, kAnomaly, kBurnRate };

struct Condition {
  ConditionKind kind = ConditionKind::kThreshold;
  Limits limits;                // of threshold and change
  int64_t against_seconds = 0;  // of change: how long ago the other window is
  bool in_percent = true;
  double sensitivity = 3;  // of anomaly
  Op direction = Op::kOutside;
  int64_t history_seconds = 0;
  std::vector<BurnTier> tiers;  // of burn_rate
};

// What becomes of an instance without a value.
enum class NoData : uint8_t { kNoData, kOk, kKeep, kFiring };

struct RuleDocument {
  std::string json;  // as given, without spaces between its parts
  std::string name, description;
  bool enabled = true;
  std::vector<RuleQuery> queries;
  std::vector<RuleFormula> formulas;
  std::string watch;
  int64_t window_seconds = 300, interval_seconds = 60, delay_seconds = 10;
  Condition condition;
  int64_t for_seconds = 0, keep_firing_for_seconds = 0;
  NoData no_data = NoData::kNoData;
  uint32_t groups_max = 100;
  Labels labels, annotations;

  // What is asked, as one text: rules with equal ones share answers. With the condition it says what an instance is.
  std::string question, meaning;
};

// kInvalidArgument: "condition.critical: what is wrong with it"; of JSON that does not parse "document: …".
Result<RuleDocument> ReadRule(std::string_view json);

}  // namespace sightline::alert
