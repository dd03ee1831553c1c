#include "sample/policy_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <unordered_set>

#include "base/units.h"

namespace sightline::sample {
namespace {

using Kind = YamlNode::Kind;

constexpr int kPolicyDepthMax = 8;

bool EqualsIgnoringCase(std::string_view text, std::string_view lower) {
  return std::ranges::equal(text, lower, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// YAML's whole numbers: a sign, digits, underscores between them.
template <typename T>
bool ParseWhole(std::string_view text, T& value) {
  std::string digits;
  for (const char c : text) {
    if (c != '_') digits += c;
  }
  if (digits.starts_with('+')) digits.erase(0, 1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() && !digits.empty();
}

bool ParseReal(std::string_view text, double& value) {
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

// Reads the keys of one map into fields. After the first fault nothing more is read; Finish says what it was.
// Thread: one.
class MapReader {
 public:
  explicit MapReader(const YamlNode& node) : node_(node) {
    if (node.kind != Kind::kMap && node.kind != Kind::kNull) Fail(node, "expected a map, found " + node.Found());
  }

  // The value of `key`, or nullptr: absent, empty, or a fault came before.
  const YamlNode* Take(std::string_view key) {
    known_.push_back(key);
    if (fault_) return nullptr;
    const YamlNode* value = node_.Find(key);
    return value == nullptr || value->kind == Kind::kNull ? nullptr : value;
  }

  void Fail(const YamlNode& where, std::string message) {
    if (!fault_) fault_ = where.Fault(std::move(message));
  }
  void Fail(YamlFault fault) {
    if (!fault_) fault_ = std::move(fault);
  }
  bool failed() const { return fault_.has_value(); }

  template <typename T>
  void Number(std::string_view key, T& field, std::type_identity_t<T> min = 0,
              std::type_identity_t<T> max = std::numeric_limits<T>::max()) {
    const YamlNode* value = Take(key);
    if (value == nullptr) return;
    T number = 0;
    if (value->kind != Kind::kScalar || !ParseWhole(value->scalar, number) || number < min || number > max) {
      return Fail(*value,
                  fmt::format("{}: expected a whole number from {} to {}, found {}", key, min, max, value->Found()));
    }
    field = number;
  }
  template <typename T>
  void Number(std::string_view key, std::optional<T>& field) {
    T number = 0;
    const YamlNode* value = node_.Find(key);
    Number(key, number);
    if (value != nullptr && value->kind != Kind::kNull) field = number;
  }
  void Real(std::string_view key, double& field, double min, double max) {
    const YamlNode* value = Take(key);
    if (value == nullptr) return;
    double number = 0;
    if (value->kind != Kind::kScalar || !ParseReal(value->scalar, number) || number < min || number > max) {
      return Fail(*value, fmt::format("{}: expected a number from {} to {}, found {}", key, min, max, value->Found()));
    }
    field = number;
  }
  void Bool(std::string_view key, bool& field) {
    const YamlNode* value = Take(key);
    if (value == nullptr) return;
    const bool is_true = value->kind == Kind::kScalar && EqualsIgnoringCase(value->scalar, "true");
    if (!is_true && !(value->kind == Kind::kScalar && EqualsIgnoringCase(value->scalar, "false"))) {
      return Fail(*value, fmt::format("{}: expected true or false, found {}", key, value->Found()));
    }
    field = is_true;
  }
  void Duration(std::string_view key, int64_t& nanos, int64_t min) {
    const YamlNode* value = Take(key);
    if (value == nullptr) return;
    if (value->kind != Kind::kScalar)
      return Fail(*value, fmt::format("{}: expected a duration, found {}", key, value->Found()));
    const Result<int64_t> duration = ParseDuration(value->scalar);
    if (!duration) return Fail(*value, fmt::format("{}: {}", key, duration.error().message));
    if (*duration < min || *duration == kForeverNanos) {
      return Fail(*value, fmt::format("{}: expected at least {} and an end, found \"{}\"", key, PrintDuration(min),
                                      value->scalar));
    }
    nanos = *duration;
  }
  void Text(std::string_view key, std::string& field) {
    const YamlNode* value = Take(key);
    if (value != nullptr) field = TextOf(key, *value);
  }
  void Texts(std::string_view key, std::vector<std::string>& field) {
    const YamlNode* list = Take(key);
    if (list == nullptr) return;
    if (list->kind != Kind::kList) return Fail(*list, fmt::format("{}: expected a list, found {}", key, list->Found()));
    if (list->children.size() > kPolicyValuesMax) {
      return Fail(*list,
                  fmt::format("{}: {} values; at most {} are allowed", key, list->children.size(), kPolicyValuesMax));
    }
    for (const YamlNode& value : list->children) field.push_back(TextOf(key, value));
  }

  // Keys that nobody asked for are mistakes.
  std::expected<void, YamlFault> Finish() {
    if (!fault_ && node_.kind == Kind::kMap) {
      for (const YamlNode& child : node_.children) {
        if (std::ranges::find(known_, child.key) != known_.end()) continue;
        fault_ = YamlFault{child.key_line, child.key_column,
                           fmt::format("unknown key \"{}\"; known are {}", child.key, fmt::join(known_, ", "))};
        break;
      }
    }
    if (fault_) return std::unexpected(*fault_);
    return {};
  }

 private:
  std::string TextOf(std::string_view key, const YamlNode& value) {
    if (value.kind != Kind::kScalar) {
      Fail(value, fmt::format("{}: expected text, found {}", key, value.Found()));
    } else if (value.scalar.size() > kPolicyTextBytesMax) {
      Fail(value, fmt::format("{}: {} bytes; at most {} are allowed", key, value.scalar.size(), kPolicyTextBytesMax));
    }
    return value.scalar;
  }

  const YamlNode& node_;
  std::vector<std::string_view> known_;
  std::optional<YamlFault> fault_;
};

using Finished = std::expected<void, YamlFault>;

// Reads policies and what is in them. Thread: one.
class PolicyReader {
 public:
  explicit PolicyReader(PolicyConfig& config) : config_(config) {}

  Finished ReadList(const YamlNode& list, int depth, std::vector<PolicySpec>& out);
  Finished ReadPolicy(const YamlNode& node, int depth, PolicySpec& policy);

 private:
  using ReadBlock = Finished (PolicyReader::*)(const YamlNode& block, int depth, PolicySpec& policy);
  struct Type {
    std::string_view name;
    ReadBlock read;
    bool needs_block;
  };
  static const Type kTypes[];
  static const Type* FindType(std::string_view name);
  static std::string TypeNames();

  Finished AlwaysSample(const YamlNode& block, int depth, PolicySpec& policy);
  Finished TraceFlags(const YamlNode& block, int depth, PolicySpec& policy);
  Finished Error(const YamlNode& block, int depth, PolicySpec& policy);
  Finished Latency(const YamlNode& block, int depth, PolicySpec& policy);
  Finished RootLatency(const YamlNode& block, int depth, PolicySpec& policy);
  Finished NumericAttribute(const YamlNode& block, int depth, PolicySpec& policy);
  Finished StringAttribute(const YamlNode& block, int depth, PolicySpec& policy);
  Finished BooleanAttribute(const YamlNode& block, int depth, PolicySpec& policy);
  Finished StatusCode(const YamlNode& block, int depth, PolicySpec& policy);
  Finished SpanCount(const YamlNode& block, int depth, PolicySpec& policy);
  Finished TraceState(const YamlNode& block, int depth, PolicySpec& policy);
  Finished Probabilistic(const YamlNode& block, int depth, PolicySpec& policy);
  Finished RateLimiting(const YamlNode& block, int depth, PolicySpec& policy);
  Finished BytesLimiting(const YamlNode& block, int depth, PolicySpec& policy);
  Finished Limiting(std::string_view rate_key, const YamlNode& block, PolicySpec& policy);
  Finished OttlCondition(const YamlNode& block, int depth, PolicySpec& policy);
  Finished And(const YamlNode& block, int depth, PolicySpec& policy);
  Finished Not(const YamlNode& block, int depth, PolicySpec& policy);
  Finished Drop(const YamlNode& block, int depth, PolicySpec& policy);
  Finished Composite(const YamlNode& block, int depth, PolicySpec& policy);
  Finished Traceql(const YamlNode& block, int depth, PolicySpec& policy);
  Finished Dynamic(const YamlNode& block, int depth, PolicySpec& policy);
  void Children(MapReader& reader, std::string_view key, int depth, PolicySpec& policy);
  void CheckAllocations(const YamlNode& block, const PolicySpec& policy, const CompositeSpec& spec);

  PolicyConfig& config_;
  size_t policies_ = 0;
};

const PolicyReader::Type PolicyReader::kTypes[] = {
    {"always_sample", &PolicyReader::AlwaysSample, false},
    {"latency", &PolicyReader::Latency, false},
    {"numeric_attribute", &PolicyReader::NumericAttribute, true},
    {"string_attribute", &PolicyReader::StringAttribute, true},
    {"boolean_attribute", &PolicyReader::BooleanAttribute, true},
    {"status_code", &PolicyReader::StatusCode, true},
    {"span_count", &PolicyReader::SpanCount, false},
    {"trace_state", &PolicyReader::TraceState, true},
    {"trace_flags", &PolicyReader::TraceFlags, false},
    {"probabilistic", &PolicyReader::Probabilistic, false},
    {"rate_limiting", &PolicyReader::RateLimiting, false},
    {"bytes_limiting", &PolicyReader::BytesLimiting, false},
    {"ottl_condition", &PolicyReader::OttlCondition, true},
    {"and", &PolicyReader::And, true},
    {"not", &PolicyReader::Not, true},
    {"drop", &PolicyReader::Drop, true},
    {"composite", &PolicyReader::Composite, true},
    {"error", &PolicyReader::Error, false},
    {"root_latency", &PolicyReader::RootLatency, true},
    {"traceql", &PolicyReader::Traceql, true},
    {"dynamic", &PolicyReader::Dynamic, true},
};

const PolicyReader::Type* PolicyReader::FindType(std::string_view name) {
  const auto* found = std::ranges::find(kTypes, name, &Type::name);
  return found == std::end(kTypes) ? nullptr : found;
}

std::string PolicyReader::TypeNames() {
  std::string names;
  for (const Type& type : kTypes) names += (names.empty() ? "" : ", ") + std::string(type.name);
  return names;
}

Finished PolicyReader::ReadList(const YamlNode& list, int depth, std::vector<PolicySpec>& out) {
  if (list.kind != Kind::kList)
    return std::unexpected(list.Fault("expected a list of policies, found " + list.Found()));
  std::unordered_set<std::string> names;
  for (const YamlNode& node : list.children) {
    PolicySpec policy;
    if (Finished read = ReadPolicy(node, depth, policy); !read) return read;
    if (!names.insert(policy.name).second) {
      return std::unexpected(node.Fault(fmt::format("two policies are named \"{}\"", policy.name)));
    }
    out.push_back(std::move(policy));
  }
  return {};
}

Finished PolicyReader::ReadPolicy(const YamlNode& node, int depth, PolicySpec& policy) {
  if (++policies_ > kPoliciesMax)
    return std::unexpected(node.Fault(fmt::format("more than {} policies", kPoliciesMax)));
  if (depth > kPolicyDepthMax) {
    return std::unexpected(node.Fault(fmt::format("policies nested deeper than {}", kPolicyDepthMax)));
  }
  MapReader reader(node);
  policy.line = node.line;
  reader.Text("name", policy.name);
  reader.Text("type", policy.type);
  reader.Texts("services", policy.services);
  if (!reader.failed()) {
    if (policy.name.empty()) reader.Fail(node, "a policy needs a name");
    if (policy.type.empty()) reader.Fail(node, fmt::format("policy \"{}\" needs a type", policy.name));
  }
  const Type* type = FindType(policy.type);
  if (type == nullptr && !reader.failed()) {
    const YamlNode* where = node.Find("type");
    reader.Fail(*where, fmt::format("unknown policy type \"{}\" (evaluators of Collector extensions are none here); "
                                    "known are {}",
                                    policy.type, TypeNames()));
  }
  for (const Type& other : kTypes) {
    const YamlNode* block = reader.Take(other.name);
    if (block != nullptr && type != &other) {
      config_.warnings.push_back(
          {block->key_line, block->key_column,
           fmt::format("policy \"{}\" is of type {}: {} means nothing here", policy.name, policy.type, other.name)});
    }
  }
  if (Finished finished = reader.Finish(); !finished) return finished;
  static const YamlNode kEmpty;
  const YamlNode* block = node.Find(policy.type);
  if (type->needs_block && (block == nullptr || block->kind == Kind::kNull)) {
    return std::unexpected(node.Fault(fmt::format("policy \"{}\" needs the block {}", policy.name, policy.type)));
  }
  return (this->*type->read)(block == nullptr ? kEmpty : *block, depth, policy);
}

Finished PolicyReader::AlwaysSample(const YamlNode& block, int, PolicySpec& policy) {
  policy.block = AlwaysSampleSpec{};
  return MapReader(block).Finish();
}

Finished PolicyReader::TraceFlags(const YamlNode& block, int, PolicySpec& policy) {
  policy.block = TraceFlagsSpec{};
  return MapReader(block).Finish();
}

Finished PolicyReader::Error(const YamlNode& block, int, PolicySpec& policy) {
  policy.block = ErrorSpec{};
  return MapReader(block).Finish();
}

Finished PolicyReader::Latency(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  LatencySpec spec;
  reader.Number("threshold_ms", spec.threshold_ms, std::numeric_limits<int64_t>::min());
  reader.Number("upper_threshold_ms", spec.upper_threshold_ms);
  if (spec.upper_threshold_ms != 0 && spec.upper_threshold_ms <= spec.threshold_ms) {
    config_.warnings.push_back(block.Fault(
        fmt::format("policy \"{}\" never matches: upper_threshold_ms is not above threshold_ms", policy.name)));
  }
  policy.block = spec;
  return reader.Finish();
}

Finished PolicyReader::RootLatency(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  RootLatencySpec spec;
  reader.Number("threshold_ms", spec.threshold_ms);
  policy.block = spec;
  return reader.Finish();
}

Finished PolicyReader::NumericAttribute(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  NumericAttributeSpec spec;
  reader.Text("key", spec.key);
  reader.Number("min_value", spec.min_value, std::numeric_limits<int64_t>::min());
  reader.Number("max_value", spec.max_value, std::numeric_limits<int64_t>::min());
  reader.Bool("invert_match", spec.invert_match);
  if (!reader.failed() && spec.min_value == 0 && spec.max_value == 0) {
    reader.Fail(block,
                fmt::format("policy \"{}\" needs a min_value or max_value other than 0 (0 means none)", policy.name));
  }
  policy.block = std::move(spec);
  return reader.Finish();
}

Finished PolicyReader::StringAttribute(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  StringAttributeSpec spec;
  reader.Text("key", spec.key);
  reader.Texts("values", spec.values);
  reader.Bool("enabled_regex_matching", spec.enabled_regex_matching);
  reader.Number("cache_max_size", spec.cache_max_size, std::numeric_limits<int64_t>::min());
  reader.Bool("invert_match", spec.invert_match);
  policy.block = std::move(spec);
  return reader.Finish();
}

Finished PolicyReader::BooleanAttribute(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  BooleanAttributeSpec spec;
  reader.Text("key", spec.key);
  reader.Bool("value", spec.value);
  reader.Bool("invert_match", spec.invert_match);
  policy.block = std::move(spec);
  return reader.Finish();
}

Finished PolicyReader::StatusCode(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  StatusCodeSpec spec;
  reader.Texts("status_codes", spec.status_codes);
  if (!reader.failed() && spec.status_codes.empty()) {
    reader.Fail(block, fmt::format("policy \"{}\" needs at least one of status_codes", policy.name));
  }
  for (const std::string& code : spec.status_codes) {
    if (code != "OK" && code != "ERROR" && code != "UNSET") {
      reader.Fail(block, fmt::format("unknown status code \"{}\"; known are OK, ERROR, UNSET", code));
    }
  }
  policy.block = std::move(spec);
  return reader.Finish();
}

Finished PolicyReader::SpanCount(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  SpanCountSpec spec;
  reader.Number("min_spans", spec.min_spans, std::numeric_limits<int32_t>::min());
  reader.Number("max_spans", spec.max_spans, std::numeric_limits<int32_t>::min());
  policy.block = spec;
  return reader.Finish();
}

Finished PolicyReader::TraceState(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  TraceStateSpec spec;
  reader.Text("key", spec.key);
  reader.Texts("values", spec.values);
  policy.block = std::move(spec);
  return reader.Finish();
}

Finished PolicyReader::Probabilistic(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  ProbabilisticSpec spec;
  reader.Text("hash_salt", spec.hash_salt);
  reader.Real("sampling_percentage", spec.sampling_percentage, std::numeric_limits<double>::lowest(),
              std::numeric_limits<double>::max());
  policy.block = std::move(spec);
  return reader.Finish();
}

Finished PolicyReader::RateLimiting(const YamlNode& block, int, PolicySpec& policy) {
  return Limiting("spans_per_second", block, policy);
}

Finished PolicyReader::BytesLimiting(const YamlNode& block, int, PolicySpec& policy) {
  return Limiting("bytes_per_second", block, policy);
}

Finished PolicyReader::Limiting(std::string_view rate_key, const YamlNode& block, PolicySpec& policy) {
  MapReader reader(block);
  LimitSpec spec;
  reader.Number(rate_key, spec.per_second);
  reader.Number("burst_capacity", spec.burst_capacity, std::numeric_limits<int64_t>::min());
  policy.block = spec;
  return reader.Finish();
}

Finished PolicyReader::OttlCondition(const YamlNode& block, int, PolicySpec& policy) {
  using ErrorMode = OttlConditionSpec::ErrorMode;
  MapReader reader(block);
  OttlConditionSpec spec;
  std::string mode;
  reader.Text("error_mode", mode);
  reader.Texts("span", spec.span);
  reader.Texts("spanevent", spec.spanevent);
  if (!mode.empty()) {
    if (EqualsIgnoringCase(mode, "propagate")) {
      spec.error_mode = ErrorMode::kPropagate;
    } else if (EqualsIgnoringCase(mode, "ignore")) {
      spec.error_mode = ErrorMode::kIgnore;
    } else if (EqualsIgnoringCase(mode, "silent")) {
      spec.error_mode = ErrorMode::kSilent;
    } else if (!reader.failed()) {
      reader.Fail(block, fmt::format("error_mode: expected propagate, ignore or silent, found \"{}\"", mode));
    }
  }
  if (!reader.failed() && spec.span.empty() && spec.spanevent.empty()) {
    reader.Fail(block, fmt::format("policy \"{}\" needs at least one condition in span or spanevent", policy.name));
  }
  policy.block = std::move(spec);
  return reader.Finish();
}

Finished PolicyReader::Traceql(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  TraceqlSpec spec;
  reader.Text("query", spec.query);
  if (!reader.failed() && spec.query.empty()) {
    reader.Fail(block, fmt::format("policy \"{}\" needs query", policy.name));
  }
  policy.block = std::move(spec);
  return reader.Finish();
}

void PolicyReader::Children(MapReader& reader, std::string_view key, int depth, PolicySpec& policy) {
  const YamlNode* list = reader.Take(key);
  if (list == nullptr) return;
  if (Finished read = ReadList(*list, depth + 1, policy.children); !read) reader.Fail(read.error());
}

Finished PolicyReader::And(const YamlNode& block, int depth, PolicySpec& policy) {
  MapReader reader(block);
  Children(reader, "and_sub_policy", depth, policy);
  if (!reader.failed() && policy.children.empty())
    reader.Fail(block, fmt::format("policy \"{}\" needs and_sub_policy", policy.name));
  policy.block = GroupSpec{};
  return reader.Finish();
}

Finished PolicyReader::Drop(const YamlNode& block, int depth, PolicySpec& policy) {
  MapReader reader(block);
  Children(reader, "drop_sub_policy", depth, policy);
  if (!reader.failed() && policy.children.empty())
    reader.Fail(block, fmt::format("policy \"{}\" needs drop_sub_policy", policy.name));
  if (depth > 0) reader.Fail(block, fmt::format("policy \"{}\": drop cannot be a sub-policy", policy.name));
  policy.block = GroupSpec{};
  return reader.Finish();
}

Finished PolicyReader::Not(const YamlNode& block, int depth, PolicySpec& policy) {
  MapReader reader(block);
  const YamlNode* child = reader.Take("not_sub_policy");
  if (child != nullptr) {
    policy.children.emplace_back();
    if (Finished read = ReadPolicy(*child, depth + 1, policy.children.back()); !read) reader.Fail(read.error());
  } else if (!reader.failed()) {
    reader.Fail(block, fmt::format("policy \"{}\" needs not_sub_policy", policy.name));
  }
  policy.block = GroupSpec{};
  return reader.Finish();
}

Finished PolicyReader::Composite(const YamlNode& block, int depth, PolicySpec& policy) {
  MapReader reader(block);
  CompositeSpec spec;
  reader.Number("max_total_spans_per_second", spec.max_total_spans_per_second);
  reader.Texts("policy_order", spec.policy_order);
  Children(reader, "composite_sub_policy", depth, policy);
  if (!reader.failed() && policy.children.empty())
    reader.Fail(block, fmt::format("policy \"{}\" needs composite_sub_policy", policy.name));
  if (depth > 0) reader.Fail(block, fmt::format("policy \"{}\": composite cannot be a sub-policy", policy.name));
  if (const YamlNode* list = reader.Take("rate_allocation"); list != nullptr) {
    if (list->kind != Kind::kList) reader.Fail(*list, "rate_allocation: expected a list, found " + list->Found());
    for (const YamlNode& node : list->children) {
      CompositeSpec::Allocation allocation;
      MapReader fields(node);
      fields.Text("policy", allocation.policy);
      fields.Number("percent", allocation.percent);
      if (Finished finished = fields.Finish(); !finished) reader.Fail(finished.error());
      spec.rate_allocation.push_back(std::move(allocation));
    }
  }
  if (!reader.failed()) CheckAllocations(block, policy, spec);
  policy.block = std::move(spec);
  return reader.Finish();
}

// The Collector takes names of sub-policies that are not there without a word.
void PolicyReader::CheckAllocations(const YamlNode& block, const PolicySpec& policy, const CompositeSpec& spec) {
  const auto check = [&](std::string_view list, const std::string& name) {
    if (std::ranges::find(policy.children, name, &PolicySpec::name) != policy.children.end()) return;
    config_.warnings.push_back(block.Fault(
        fmt::format("policy \"{}\": {} names \"{}\", which is none of its sub-policies", policy.name, list, name)));
  };
  for (const std::string& name : spec.policy_order) check("policy_order", name);
  for (const CompositeSpec::Allocation& allocation : spec.rate_allocation) check("rate_allocation", allocation.policy);
}

Finished PolicyReader::Dynamic(const YamlNode& block, int, PolicySpec& policy) {
  MapReader reader(block);
  DynamicSpec spec;
  reader.Texts("keys", spec.keys);
  reader.Real("goal_sample_rate", spec.goal_sample_rate, 1, 1e9);
  reader.Real("goal_spans_per_second", spec.goal_spans_per_second, 0.001, 1e12);
  reader.Duration("adjustment_interval", spec.adjustment_interval_nanos, 1'000'000'000);
  reader.Real("weight", spec.weight, 0.001, 1);
  reader.Real("burst_multiple", spec.burst_multiple, -1, 1e9);
  reader.Number("max_keys", spec.max_keys, 1, 1'000'000);
  if (!reader.failed()) {
    if (spec.keys.empty()) reader.Fail(block, fmt::format("policy \"{}\" needs keys", policy.name));
    if (spec.keys.size() > 16)
      reader.Fail(block, fmt::format("policy \"{}\": {} keys; at most 16 are allowed", policy.name, spec.keys.size()));
    if ((spec.goal_sample_rate > 0) == (spec.goal_spans_per_second > 0)) {
      reader.Fail(block,
                  fmt::format("policy \"{}\" needs either goal_sample_rate or goal_spans_per_second", policy.name));
    }
  }
  policy.block = std::move(spec);
  return reader.Finish();
}

void WarnIgnored(const YamlNode& node, std::string_view key, std::string_view why, PolicyConfig& config) {
  const YamlNode* value = node.Find(key);
  if (value == nullptr) return;
  config.warnings.push_back({value->key_line, value->key_column, fmt::format("{} {}", key, why)});
}

}  // namespace

std::vector<PolicySpec> DefaultPolicies() {
  std::vector<PolicySpec> policies(3);
  policies[0].name = "errors";
  policies[0].type = "error";
  policies[0].block = ErrorSpec{};
  policies[1].name = "slow-roots";
  policies[1].type = "root_latency";
  policies[1].block = RootLatencySpec{1000};
  policies[2].name = "one-percent";
  policies[2].type = "probabilistic";
  policies[2].block = ProbabilisticSpec{"", 1};
  return policies;
}

std::expected<PolicyConfig, YamlFault> ParseTailSampling(const YamlNode& node) {
  PolicyConfig config;
  MapReader reader(node);
  reader.Duration("decision_wait", config.decision_wait_nanos, 0);
  reader.Duration("decision_wait_after_root_received", config.decision_wait_after_root_received_nanos, 0);
  reader.Number("num_traces", config.num_traces);
  reader.Number("expected_new_traces_per_sec", config.expected_new_traces_per_sec);
  reader.Bool("block_on_overflow", config.block_on_overflow);
  reader.Bool("sample_on_first_match", config.sample_on_first_match);
  reader.Bool("drop_pending_traces_on_shutdown", config.drop_pending_traces_on_shutdown);
  reader.Number("maximum_trace_size_bytes", config.maximum_trace_size_bytes);
  reader.Number("num_shards", config.num_shards);
  if (config.num_shards && (*config.num_shards < 1 || *config.num_shards > 256)) {
    reader.Fail(*node.Find("num_shards"), "num_shards: expected a whole number from 1 to 256");
  }
  if (const YamlNode* cache = reader.Take("decision_cache"); cache != nullptr) {
    MapReader fields(*cache);
    fields.Number("sampled_cache_size", config.sampled_cache_size);
    fields.Number("non_sampled_cache_size", config.non_sampled_cache_size);
    // The Collector's 0 is no cache beside its memory, in which decisions are remembered too.
    if (config.sampled_cache_size == 0) config.sampled_cache_size.reset();
    if (config.non_sampled_cache_size == 0) config.non_sampled_cache_size.reset();
    if (Finished finished = fields.Finish(); !finished) reader.Fail(finished.error());
  }
  std::string strategy;
  reader.Text("sampling_strategy", strategy);
  if (!strategy.empty() && strategy != "trace-complete" && strategy != "span-ingest") {
    reader.Fail(*node.Find("sampling_strategy"),
                fmt::format("sampling_strategy: expected trace-complete or span-ingest, found \"{}\"", strategy));
  }
  if (strategy == "span-ingest")
    WarnIgnored(node, "sampling_strategy", "span-ingest is taken as trace-complete", config);
  reader.Take("tail_storage");
  WarnIgnored(node, "tail_storage", "means nothing here: the journal is where spans wait", config);
  WarnIgnored(node, "expected_new_traces_per_sec", "means nothing here: nothing is allocated ahead", config);

  const YamlNode* policies = reader.Take("policies");
  if (Finished finished = reader.Finish(); !finished) return std::unexpected(finished.error());
  if (policies == nullptr) {
    config.policies = DefaultPolicies();
    return config;
  }
  if (Finished read = PolicyReader(config).ReadList(*policies, 0, config.policies); !read) {
    return std::unexpected(read.error());
  }
  if (config.policies.empty())
    return std::unexpected(policies->Fault("policies: a list without policies would keep nothing"));
  return config;
}

Result<PolicyConfig> ParseTailSampling(std::string_view yaml) {
  const auto tree = ParseYaml(yaml);
  const auto fail = [](const YamlFault& fault) {
    return Fail(Code::kInvalidArgument, "{}:{}: {}", fault.line, fault.column, fault.message);
  };
  if (!tree) return fail(tree.error());
  const YamlNode* inner = tree->kind == Kind::kMap ? tree->Find("tail_sampling") : nullptr;
  auto config = ParseTailSampling(inner == nullptr ? *tree : *inner);
  if (!config) return fail(config.error());
  return *std::move(config);
}

}  // namespace sightline::sample
