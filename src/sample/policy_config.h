// The `tail_sampling` section of a configuration: the OpenTelemetry Collector's, as it is, and what Sightline adds.
// Data: YAML -> PolicyConfig, or what is wrong and on which line. What a policy means is up to PolicySet::Compile.
// docs/sampling.md lists every key; facts about the Collector are of its versions 0.158 to 0.164.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/yaml.h"

namespace sightline::sample {

// Bounds on what a configuration may hold.
inline constexpr size_t kPoliciesMax = 1000;          // sub-policies included
inline constexpr size_t kPolicyValuesMax = 10'000;    // of one list in a policy
inline constexpr size_t kPolicyTextBytesMax = 4'096;  // of one name, key, value or condition

struct AlwaysSampleSpec {};
struct LatencySpec {
  int64_t threshold_ms = 0, upper_threshold_ms = 0;  // upper 0: none
};
struct NumericAttributeSpec {
  std::string key;
  int64_t min_value = 0, max_value = 0;  // 0: none
  bool invert_match = false;
};
struct StringAttributeSpec {
  std::string key;
  std::vector<std::string> values;
  bool enabled_regex_matching = false;
  int64_t cache_max_size = 0;  // accepted; matching here needs no cache
  bool invert_match = false;
};
struct BooleanAttributeSpec {
  std::string key;
  bool value = false;
  bool invert_match = false;
};
struct StatusCodeSpec {
  std::vector<std::string> status_codes;
};
struct SpanCountSpec {
  int32_t min_spans = 0, max_spans = 0;  // max 0: none
};
struct TraceStateSpec {
  std::string key;
  std::vector<std::string> values;
};
struct TraceFlagsSpec {};
struct ProbabilisticSpec {
  std::string hash_salt;  // empty: the Collector's default
  double sampling_percentage = 0;
};
struct LimitSpec {  // rate_limiting, bytes_limiting
  int64_t per_second = 0;
  int64_t burst_capacity = 0;  // 0: twice per_second
};
struct OttlConditionSpec {
  enum class ErrorMode : uint8_t { kUnset, kPropagate, kIgnore, kSilent } error_mode = ErrorMode::kUnset;
  std::vector<std::string> span, spanevent;
};
struct CompositeSpec {
  struct Allocation {
    std::string policy;
    int64_t percent = 0;
  };
  int64_t max_total_spans_per_second = 0;
  std::vector<std::string> policy_order;
  std::vector<Allocation> rate_allocation;
};
struct GroupSpec {};  // and, not, drop: the sub-policies are all there is

// Sightline's own.
struct ErrorSpec {};  // a span with status ERROR, or an HTTP status of 500 and above
struct RootLatencySpec {
  int64_t threshold_ms = 0;
};
struct TraceqlSpec {
  std::string query;  // of filters: traceql_condition.h
};
struct DynamicSpec {
  std::vector<std::string> keys;
  double goal_sample_rate = 0;       // 1 trace in so many
  double goal_spans_per_second = 0;  // one of the two is set
  int64_t adjustment_interval_nanos = 15'000'000'000;
  double weight = 0.5;
  double burst_multiple = 2;
  uint32_t max_keys = 500;
};

struct PolicySpec {
  std::string name, type;
  int line = 0;
  std::vector<std::string> services;  // applies only to traces in which one of them takes part; empty: to all
  std::variant<AlwaysSampleSpec, LatencySpec, NumericAttributeSpec, StringAttributeSpec, BooleanAttributeSpec,
               StatusCodeSpec, SpanCountSpec, TraceStateSpec, TraceFlagsSpec, ProbabilisticSpec, LimitSpec,
               OttlConditionSpec, CompositeSpec, GroupSpec, ErrorSpec, RootLatencySpec, TraceqlSpec, DynamicSpec>
      block;
  std::vector<PolicySpec> children;  // of and, not, drop, composite
};

struct PolicyConfig {
  int64_t decision_wait_nanos = 30'000'000'000;
  int64_t decision_wait_after_root_received_nanos = 0;  // 0: off
  std::optional<uint64_t> num_traces;                   // unset: bounded by bytes alone
  uint64_t expected_new_traces_per_sec = 0;
  bool block_on_overflow = false;
  std::optional<uint64_t> sampled_cache_size, non_sampled_cache_size;  // unset (or 0): bounded by bytes alone
  bool sample_on_first_match = false;
  bool drop_pending_traces_on_shutdown = false;
  uint64_t maximum_trace_size_bytes = 0;  // 0: no limit
  std::optional<uint32_t> num_shards;
  std::vector<PolicySpec> policies;

  std::vector<YamlFault> warnings;  // accepted keys that mean nothing here, likely mistakes; with their lines
};

// Errors, HTTP 5xx among them; roots slower than a second; 1 % of the rest.
std::vector<PolicySpec> DefaultPolicies();

// `node` is the value of `tail_sampling`. Without `policies` it gets the default ones.
std::expected<PolicyConfig, YamlFault> ParseTailSampling(const YamlNode& node);

// The same from text, which may have the key `tail_sampling` around it. Errors begin with "line:column: ".
Result<PolicyConfig> ParseTailSampling(std::string_view yaml);

}  // namespace sightline::sample
