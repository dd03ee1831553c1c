#include "alert/rule_document.h"

#include <simdjson.h>

#include <algorithm>
#include <set>

#include "base/units.h"
#include "query/logs.h"
#include "query/span_series.h"
#include "state/json_check.h"
#include "traceql/parse.h"

namespace sightline::alert {
namespace {

using state::JsonCheck;

constexpr size_t kNameBytesMax = 200, kProseBytesMax = 4096, kKeyBytesMax = 1024, kLabelsMax = 50, kTiersMax = 10;
constexpr int64_t kSecond = 1'000'000'000, kMinute = 60, kDay = 86'400;
constexpr int64_t kWindowMax = 30 * kDay, kIntervalMax = kDay, kHistoryMax = 60 * kDay;
constexpr int64_t kBurnWindowMax = 90 * kDay;

using Words = std::string_view[];
constexpr Words kSources = {"traceql", "logs", "metrics", "sql", "silent_failures", "slo"};
constexpr Words kMetricTypes = {"gauge", "sum", "histogram", "exponential_histogram", "summary"};
constexpr Words kAggregations = {"rate",  "increase", "avg", "min", "max", "sum", "last",
                                 "count", "p50",      "p75", "p90", "p95", "p99"};
constexpr Words kOverTime = {"rate", "increase", "avg", "min", "max", "sum", "last"};
constexpr Words kOverSeries = {"avg", "min", "max", "sum", "count", "p50", "p75", "p90", "p95", "p99"};
constexpr Words kConditions = {"threshold", "absent", "change", "anomaly", "burn_rate"};
constexpr Words kOps = {"above", "below", "outside", "inside"};
constexpr Words kChangeOps = {"above", "below", "outside"};
constexpr Words kDirections = {"above", "below", "both"};
constexpr Words kBy = {"percent", "absolute"};
constexpr Words kSeverities = {"warning", "critical"};
constexpr Words kNoData = {"no_data", "ok", "keep", "firing"};

template <typename Enum>
Enum Nth(std::span<const std::string_view> words, const std::string& word) {
  return static_cast<Enum>(std::ranges::find(words, word) - words.begin());
}

// Thread: of its owner.
class RuleReader {
 public:
  using Json = JsonCheck::Json;

  Result<RuleDocument> Read(const Json& json) {
    check_.Object(
        json,
        {
            {"schema", true, [&](const Json& value) { check_.Integer(value, 1, 1); }},
            {"name", true, [&](const Json& value) { rule_.name = check_.Text(value, kNameBytesMax, 1); }},
            {"description", false, [&](const Json& value) { rule_.description = check_.Text(value, kProseBytesMax); }},
            {"enabled", false, [&](const Json& value) { rule_.enabled = check_.Bool(value); }},
            {"queries", true,
             [&](const Json& list) { check_.Array(list, kQueriesMax, [&](const Json& value) { Query(value); }); }},
            {"formulas", false,
             [&](const Json& list) { check_.Array(list, kQueriesMax, [&](const Json& value) { Formula(value); }); }},
            {"watch", false, [&](const Json& value) { rule_.watch = check_.Text(value, 30, 1); }},
            {"window", false, Seconds(rule_.window_seconds, 1, kWindowMax)},
            {"interval", false, Seconds(rule_.interval_seconds, 1, kIntervalMax)},
            {"delay", false, Seconds(rule_.delay_seconds, 0, kIntervalMax)},
            {"condition", true, [&](const Json& value) { ReadCondition(value); }},
            {"for", false, Seconds(rule_.for_seconds, 0, kWindowMax)},
            {"keep_firing_for", false, Seconds(rule_.keep_firing_for_seconds, 0, kWindowMax)},
            {"no_data", false,
             [&](const Json& word) { rule_.no_data = Nth<NoData>(kNoData, check_.Word(word, kNoData)); }},
            {"groups_max", false,
             [&](const Json& value) {
               rule_.groups_max = static_cast<uint32_t>(check_.Integer(value, 1, kGroupsMax));
             }},
            {"labels", false, [&](const Json& value) { rule_.labels = ReadLabels(value, kKeyBytesMax); }},
            {"annotations", false, [&](const Json& value) { rule_.annotations = ReadLabels(value, kProseBytesMax); }},
        });
    if (check_.ok()) CheckTogether();
    SIGHTLINE_TRY(check_.result());
    return std::move(rule_);
  }

 private:
  using Rule = JsonCheck::Rule;

  // "5m", whole seconds within the bounds.
  Rule Seconds(int64_t& seconds, int64_t min, int64_t max) {
    return [this, &seconds, min, max](const Json& value) {
      const std::string text = check_.Text(value, 30, 1);
      if (!check_.ok()) return;
      const auto nanos = ParseDuration(text);
      if (!nanos) return check_.Refuse("{}", nanos.error().message);
      if (*nanos % kSecond != 0) return check_.Refuse("whole seconds are wanted");
      seconds = *nanos / kSecond;
      if (seconds < min || seconds > max) {
        check_.Refuse("{} is not between {} and {}", text, PrintDuration(min * kSecond), PrintDuration(max * kSecond));
      }
    };
  }
  Rule Text(std::string& text, size_t bytes_max, size_t bytes_min = 0) {
    return [this, &text, bytes_max, bytes_min](const Json& value) { text = check_.Text(value, bytes_max, bytes_min); };
  }
  Rule Aggregated(std::span<const std::string_view> words, std::optional<query::Aggregation>& aggregation) {
    return [this, words, &aggregation](const Json& value) {
      aggregation = query::ParseAggregation(check_.Word(value, words));
    };
  }
  double Number(const Json& value) {
    double number = 0;
    if (value.get(number) != simdjson::SUCCESS) check_.Refuse("a number is wanted");
    return number;
  }

  std::string QueryName(const Json& value) {
    std::string name = check_.Name(value, 30, "", "_");
    if (check_.ok() && !names_.insert(name).second) check_.Refuse("{:?} is the name of another one", name);
    return name;
  }

  void Query(const Json& value) {
    RuleQuery one;
    check_.Object(
        value, {
                   {"name", true, [&](const Json& name) { one.name = QueryName(name); }},
                   {"source", true,
                    [&](const Json& word) { one.source = Nth<Source>(kSources, check_.Word(word, kSources)); }},
                   {"query", false, Text(one.query, traceql::kQueryBytesMax)},
                   {"group_by", false,
                    [&](const Json& list) {
                      check_.Array(list, 5,
                                   [&](const Json& key) { one.group_by.push_back(check_.Text(key, kKeyBytesMax, 1)); });
                    }},
                   {"metric", false, Text(one.metric, kKeyBytesMax)},
                   {"type", false,
                    [&](const Json& word) { one.type = query::ParseMetricKind(check_.Word(word, kMetricTypes)); }},
                   {"aggregation", false, Aggregated(kAggregations, one.aggregation)},
                   {"over_time", false, Aggregated(kOverTime, one.over_time)},
                   {"over_series", false, Aggregated(kOverSeries, one.over_series)},
                   {"service", false, Text(one.service, kKeyBytesMax)},
                   {"slo", false, Text(one.slo, kNameBytesMax)},
               });
    if (check_.ok()) CheckQuery(one);
    rule_.queries.push_back(std::move(one));
  }

  // Members that say nothing to a source are refused: who wrote them meant something by them.
  void CheckQuery(const RuleQuery& one) {
    const std::string_view source = kSources[static_cast<size_t>(one.source)];
    const auto only = [&](bool given, std::string_view member, std::initializer_list<Source> sources) {
      if (given && std::ranges::find(sources, one.source) == sources.end()) {
        check_.At(member, [&] { check_.Refuse("source {} has none", source); });
      }
    };
    only(!one.query.empty(), "query", {Source::kTraceQl, Source::kLogs, Source::kMetrics, Source::kSql});
    only(!one.group_by.empty(), "group_by", {Source::kLogs, Source::kMetrics});
    only(!one.metric.empty(), "metric", {Source::kMetrics});
    only(one.type.has_value(), "type", {Source::kMetrics});
    only(one.aggregation.has_value(), "aggregation", {Source::kMetrics});
    only(one.over_time.has_value(), "over_time", {Source::kMetrics});
    only(!one.service.empty(), "service", {Source::kSilentFailures});
    only(!one.slo.empty(), "slo", {Source::kSlo});
    if (one.source == Source::kMetrics && one.metric.empty()) check_.Refuse("metric is wanted of source metrics");
    if (one.source == Source::kSlo && one.slo.empty()) check_.Refuse("slo is wanted of source slo");
    const bool needs_text = one.source == Source::kTraceQl || one.source == Source::kSql;
    if (needs_text && one.query.empty()) check_.Refuse("query is wanted of source {}", source);
    if (one.over_time.has_value() != one.over_series.has_value()) {
      check_.Refuse("over_time and over_series go together");
    }
    if (one.aggregation && one.over_time) check_.Refuse("over_time and over_series stand instead of aggregation");
    if (one.source == Source::kMetrics && one.group_by.size() > query::kGroupByMax) {
      check_.At("group_by", [&] { check_.Refuse("at most {} of source metrics", query::kGroupByMax); });
    }
    check_.At("query", [&] { CheckText(one); });
  }

  void CheckText(const RuleQuery& one) {
    if (!check_.ok() || one.query.empty()) return;
    if (one.source == Source::kTraceQl) {
      if (const auto parsed = query::SpanSeriesQuery::Parse(one.query); !parsed) {
        check_.Refuse("{}", parsed.error().message);
      } else if (IsComparison((*parsed)->expression())) {
        check_.Refuse("compare() has no value to watch");
      }
    } else if (one.source == Source::kLogs) {
      if (const auto parsed = query::ParseLogQuery(one.query); !parsed) check_.Refuse("{}", parsed.error().message);
    } else if (one.source == Source::kMetrics) {
      if (const auto parsed = traceql::ParseSpanCondition(one.query); !parsed) {
        check_.Refuse("{}", traceql::DescribeParseError(one.query, parsed.error()));
      }
    }
  }

  static bool IsComparison(const traceql::MetricsExpression& expression) {
    const auto* pipeline = std::get_if<traceql::MetricsPipeline>(&expression.node);
    return pipeline != nullptr && pipeline->function == traceql::MetricsFunction::kCompare;
  }

  void Formula(const Json& value) {
    RuleFormula one;
    const std::set<std::string> known = names_;
    check_.Object(value, {
                             {"name", true, [&](const Json& name) { one.name = QueryName(name); }},
                             {"expression", true,
                              [&](const Json& text) {
                                one.expression = check_.Text(text, query::kFormulaBytesMax, 1);
                                if (!check_.ok()) return;
                                auto parsed = query::Formula::Parse(one.expression);
                                if (!parsed) {
                                  return check_.Refuse("column {}: {}", parsed.error().column, parsed.error().message);
                                }
                                one.formula = *std::move(parsed);
                              }},
                         });
    check_.At("expression", [&] {
      for (const std::string& name : one.formula.names()) {
        if (!known.contains(name)) check_.Refuse("there is no {:?}: {} are there", name, fmt::join(known, ", "));
      }
    });
    rule_.formulas.push_back(std::move(one));
  }

  Labels ReadLabels(const Json& value, size_t bytes_max) {
    Labels labels;
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS) {
      check_.Refuse("an object of texts is wanted");
      return labels;
    }
    for (const auto& [key, inner] : object) {
      check_.At(key, [&] {
        if (key.empty() || key.size() > kNameBytesMax) check_.Refuse("its name has 1 to {} bytes", kNameBytesMax);
        if (!labels.emplace(key, check_.Text(inner, bytes_max)).second) check_.Refuse("it is there twice");
      });
    }
    if (labels.size() > kLabelsMax) check_.Refuse("{} are more than {}", labels.size(), kLabelsMax);
    return labels;
  }

  // ---- the condition ------------------------------------------------------------------------------------------------

  void ReadCondition(const Json& value) {
    std::string kind, op;
    std::optional<Json> warning, critical, recovery;
    bool has_by = false;
    std::string direction = "both";
    Condition& condition = rule_.condition;
    const auto kept = [](std::optional<Json>& target) { return [&target](const Json& inner) { target = inner; }; };
    check_.Object(
        value,
        {
            {"kind", true, [&](const Json& word) { kind = check_.Word(word, kConditions); }},
            {"op", false, [&](const Json& word) { op = check_.Word(word, kOps); }},
            {"warning", false, kept(warning)},
            {"critical", false, kept(critical)},
            {"recovery", false, kept(recovery)},
            {"against", false, Seconds(condition.against_seconds, kMinute, kWindowMax)},
            {"by", false,
             [&](const Json& word) { has_by = true, condition.in_percent = check_.Word(word, kBy) == "percent"; }},
            {"sensitivity", false,
             [&](const Json& number) {
               condition.sensitivity = Number(number);
               if (!(condition.sensitivity >= 0.5 && condition.sensitivity <= 20)) check_.Refuse("0.5 to 20 is wanted");
             }},
            {"direction", false, [&](const Json& word) { direction = check_.Word(word, kDirections); }},
            {"history", false, Seconds(condition.history_seconds, kDay / 24, kHistoryMax)},
            {"tiers", false,
             [&](const Json& list) { check_.Array(list, kTiersMax, [&](const Json& tier) { ReadTier(tier); }); }},
        });
    if (!check_.ok()) return;
    condition.kind = Nth<ConditionKind>(kConditions, kind);
    condition.direction = direction == "above" ? Op::kAbove : direction == "below" ? Op::kBelow : Op::kOutside;
    const bool has_limits = condition.kind == ConditionKind::kThreshold || condition.kind == ConditionKind::kChange;
    const auto only = [&](bool given, std::string_view member, bool fits) {
      if (given && !fits) check_.At(member, [&] { check_.Refuse("a condition of kind {} has none", kind); });
    };
    only(!op.empty(), "op", has_limits);
    only(warning.has_value(), "warning", has_limits);
    only(critical.has_value(), "critical", has_limits);
    only(recovery.has_value(), "recovery", has_limits);
    only(condition.against_seconds != 0, "against", condition.kind == ConditionKind::kChange);
    only(has_by, "by", condition.kind == ConditionKind::kChange);
    only(condition.history_seconds != 0, "history", condition.kind == ConditionKind::kAnomaly);
    only(!condition.tiers.empty(), "tiers", condition.kind == ConditionKind::kBurnRate);
    if (condition.kind == ConditionKind::kAnomaly && condition.history_seconds == 0) {
      condition.history_seconds = 14 * kDay;
    }
    if (condition.kind == ConditionKind::kBurnRate && condition.tiers.empty()) condition.tiers = DefaultTiers();
    if (condition.kind == ConditionKind::kChange && condition.against_seconds == 0) {
      check_.Refuse("against is wanted of kind change");
    }
    if (has_limits && check_.ok()) ReadLimits(op, warning, critical, recovery);
  }

  void ReadLimits(const std::string& op, const std::optional<Json>& warning, const std::optional<Json>& critical,
                  const std::optional<Json>& recovery) {
    Limits& limits = rule_.condition.limits;
    if (op.empty()) return check_.Refuse("op is wanted");
    limits.op = Nth<Op>(kOps, op);
    if (rule_.condition.kind == ConditionKind::kChange && limits.op == Op::kInside) {
      check_.At("op", [&] { check_.Refuse("\"inside\" is none of {}", fmt::join(kChangeOps, ", ")); });
    }
    ReadBounds("warning", warning, limits.warning);
    ReadBounds("critical", critical, limits.critical);
    ReadBounds("recovery", recovery, limits.recovery);
    if (!check_.ok()) return;
    if (!limits.warning && !limits.critical) return check_.Refuse("warning or critical is wanted");
    if (limits.warning && limits.critical && !IsWithin(*limits.critical, *limits.warning)) {
      check_.At("critical", [&] { check_.Refuse("whatever breaches it must breach warning too"); });
    }
    const Bounds& lowest = limits.warning ? *limits.warning : *limits.critical;
    if (limits.recovery && !IsWithin(lowest, *limits.recovery)) {
      check_.At("recovery", [&] { check_.Refuse("it lies on the wrong side of what it recovers from"); });
    }
  }

  // Whether all that breaches `inner` breaches `outer` too.
  bool IsWithin(const Bounds& inner, const Bounds& outer) const {
    switch (rule_.condition.limits.op) {
      case Op::kAbove:
        return inner.high >= outer.high;
      case Op::kBelow:
        return inner.low <= outer.low;
      case Op::kOutside:
        return inner.low <= outer.low && inner.high >= outer.high;
      case Op::kInside:
        return inner.low >= outer.low && inner.high <= outer.high;
    }
    return false;
  }

  void ReadBounds(std::string_view member, const std::optional<Json>& value, std::optional<Bounds>& bounds) {
    if (!value) return;
    const Op op = rule_.condition.limits.op;
    check_.At(member, [&] {
      bounds.emplace();
      if (op == Op::kAbove) {
        bounds->high = Number(*value);
      } else if (op == Op::kBelow) {
        bounds->low = Number(*value);
      } else {
        std::vector<double> pair;
        check_.Array(*value, 2, [&](const Json& number) { pair.push_back(Number(number)); });
        if (!check_.ok()) return;
        if (pair.size() != 2 || pair[0] > pair[1]) return check_.Refuse("[low, high] is wanted");
        *bounds = {pair[0], pair[1]};
      }
    });
  }

  void ReadTier(const Json& value) {
    BurnTier tier;
    check_.Object(value, {
                             {"long", true, Seconds(tier.long_seconds, kMinute, kBurnWindowMax)},
                             {"short", true, Seconds(tier.short_seconds, kMinute, kBurnWindowMax)},
                             {"factor", true,
                              [&](const Json& number) {
                                tier.factor = Number(number);
                                if (!(tier.factor > 0)) check_.Refuse("it is more than 0");
                              }},
                             {"severity", true,
                              [&](const Json& word) {
                                tier.level =
                                    check_.Word(word, kSeverities) == "critical" ? Level::kCritical : Level::kWarning;
                              }},
                         });
    if (check_.ok() && tier.short_seconds > tier.long_seconds) check_.Refuse("short is longer than long");
    rule_.condition.tiers.push_back(tier);
  }

  // ---- what several members say together ----------------------------------------------------------------------------

  void CheckTogether() {
    if (rule_.queries.empty()) {
      return check_.At("queries", [&] { check_.Refuse("one is wanted at least"); });
    }
    const bool of_slo = std::ranges::any_of(rule_.queries, [](auto& one) { return one.source == Source::kSlo; });
    if (of_slo != (rule_.condition.kind == ConditionKind::kBurnRate)) {
      return check_.At("condition.kind", [&] { check_.Refuse("source slo and kind burn_rate go together"); });
    }
    if (of_slo && (rule_.queries.size() > 1 || !rule_.formulas.empty())) {
      return check_.At("queries", [&] { check_.Refuse("a query of source slo stands alone"); });
    }
    if (rule_.watch.empty()) {
      rule_.watch = rule_.formulas.empty() ? rule_.queries.back().name : rule_.formulas.back().name;
    } else if (!names_.contains(rule_.watch)) {
      check_.At("watch",
                [&] { check_.Refuse("there is no {:?}: {} are there", rule_.watch, fmt::join(names_, ", ")); });
    }
  }

  JsonCheck check_;
  RuleDocument rule_;
  std::set<std::string> names_;
};

std::string TextOf(const simdjson::dom::element& root, const char* key) {
  simdjson::dom::element value;
  return root[key].get(value) == simdjson::SUCCESS ? simdjson::minify(value) : std::string();
}

}  // namespace

Result<RuleDocument> ReadRule(std::string_view json) {
  if (json.size() > kRuleBytesMax) {
    return Fail(Code::kInvalidArgument, "document: {} bytes are more than {}", json.size(), kRuleBytesMax);
  }
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (const auto error = parser.parse(json.data(), json.size()).get(root)) {
    return Fail(Code::kInvalidArgument, "document: it is no JSON: {}", simdjson::error_message(error));
  }
  auto rule = RuleReader().Read(root);
  if (rule) {
    rule->json = simdjson::minify(root);
    rule->question = fmt::format("{}\n{}\n{}\n{}", TextOf(root, "queries"), TextOf(root, "formulas"), rule->watch,
                                 rule->window_seconds);
    rule->meaning = rule->question + "\n" + TextOf(root, "condition");
  }
  return rule;
}

}  // namespace sightline::alert
