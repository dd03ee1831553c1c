#include "sample/policy_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample/testing/policies.h"

namespace sightline::sample {
namespace {

using namespace testing;
using ::testing::HasSubstr;

// As people paste it, in the Collector's own style: every type, flow and block, comments, underscores in numbers.
constexpr std::string_view kPasted = R"(
tail_sampling:
  decision_wait: 10s
  decision_wait_after_root_received: 500ms
  num_traces: 100
  expected_new_traces_per_sec: 10
  block_on_overflow: false
  decision_cache:
    sampled_cache_size: 100_000
    non_sampled_cache_size: 1000
  maximum_trace_size_bytes: 1_000_000
  drop_pending_traces_on_shutdown: true
  sampling_strategy: trace-complete
  policies:
    [
        {
          name: test-policy-1,
          type: always_sample
        },
        {
          name: test-policy-2,
          type: latency,
          latency: {threshold_ms: 5000, upper_threshold_ms: 10000}
        },
        {name: test-policy-3, type: numeric_attribute, numeric_attribute: {key: key1, min_value: 50, max_value: 100}},
        {name: test-policy-4, type: probabilistic, probabilistic: {hash_salt: "custom-salt", sampling_percentage: 0.1}},
        {name: test-policy-5, type: status_code, status_code: {status_codes: [ERROR, UNSET]}},
        {name: test-policy-7, type: string_attribute, string_attribute: {key: key2, values: [value1, val*], enabled_regex_matching: true, cache_max_size: 10}},
        {name: test-policy-8, type: rate_limiting, rate_limiting: {spans_per_second: 35, burst_capacity: 70}},
        {name: test-policy-9, type: bytes_limiting, bytes_limiting: {bytes_per_second: 1024000, burst_capacity: 2048000}},
        {name: test-policy-10, type: span_count, span_count: {min_spans: 2, max_spans: 20}},
        {name: test-policy-11, type: trace_state, trace_state: {key: key3, values: [value1, value2]}},
        {name: test-policy-12, type: boolean_attribute, boolean_attribute: {key: key4, value: true}},
        {name: flags, type: trace_flags},
        {
           name: test-policy-13,
           type: ottl_condition,
           ottl_condition: {
             error_mode: ignore,
             span: ["attributes[\"test_attr_key_1\"] == \"test_attr_val_1\""],
             spanevent: ["name != \"test_span_event_name\"", "spanevent.name == \"exception\""]
           }
        },
        {
          name: and-policy-1,
          type: and,
          and: {
            and_sub_policy:
            [
              {name: a1, type: numeric_attribute, numeric_attribute: {key: key1, min_value: 50, max_value: 100}},
              {name: a2, type: not, not: {not_sub_policy: {name: a3, type: latency, latency: {threshold_ms: 1000}}}},
            ]
          }
        },
        {name: drop-1, type: drop, drop: {drop_sub_policy: [{name: d1, type: string_attribute, string_attribute: {key: url.path, values: [\/health, \/metrics], enabled_regex_matching: true}}]}},
        {
          name: composite-policy-1,
          type: composite,
          composite:
            {
              max_total_spans_per_second: 1000,
              policy_order: [c1, c2],
              composite_sub_policy:
                [
                  {name: c1, type: numeric_attribute, numeric_attribute: {key: key1, min_value: 50}},
                  {name: c2, type: always_sample}
                ],
              rate_allocation: [{policy: c1, percent: 50}, {policy: c2, percent: 25}]
            }
        },
    ]
)";

TEST(PolicyConfig, TakesACollectorsConfigurationAsItIs) {
  const auto config = ParseTailSampling(kPasted);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->decision_wait_nanos, 10'000'000'000);
  EXPECT_EQ(config->decision_wait_after_root_received_nanos, 500'000'000);
  EXPECT_EQ(config->num_traces, 100u);
  EXPECT_EQ(config->sampled_cache_size, 100'000u);
  EXPECT_EQ(config->non_sampled_cache_size, 1'000u);
  EXPECT_EQ(config->maximum_trace_size_bytes, 1'000'000u);
  EXPECT_TRUE(config->drop_pending_traces_on_shutdown);
  EXPECT_FALSE(config->sample_on_first_match);
  ASSERT_EQ(config->policies.size(), 16u);
  EXPECT_EQ(std::get<LatencySpec>(config->policies[1].block).upper_threshold_ms, 10'000);
  EXPECT_EQ(std::get<ProbabilisticSpec>(config->policies[3].block).sampling_percentage, 0.1);
  EXPECT_EQ(std::get<StringAttributeSpec>(config->policies[5].block).values[1], "val*");
  EXPECT_EQ(config->policies[13].children[1].children[0].name, "a3");
  EXPECT_EQ(std::get<CompositeSpec>(config->policies[15].block).rate_allocation[1].percent, 25);
  ASSERT_EQ(config->warnings.size(), 1u);
  EXPECT_THAT(config->warnings[0].message, HasSubstr("expected_new_traces_per_sec"));
  const auto set = PolicySet::Compile(*config);
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ((*set)->policies()[0].name, "drop-1");
}

TEST(PolicyConfig, HasTheCollectorsDefaultsButBoundsByBytes) {
  const auto config = ParseTailSampling("{}");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->decision_wait_nanos, 30'000'000'000);
  EXPECT_EQ(config->decision_wait_after_root_received_nanos, 0);
  EXPECT_FALSE(config->num_traces);
  EXPECT_FALSE(config->sampled_cache_size);
  EXPECT_EQ(config->maximum_trace_size_bytes, 0u);
  ASSERT_EQ(config->policies.size(), 3u);
  EXPECT_EQ(config->policies[0].type, "error");
}

// In the Collector a trace's decision is remembered in memory too: 0 there is no order to forget at once.
TEST(PolicyConfig, ACacheOfNothingIsNotSet) {
  const auto config = ParseTailSampling("{decision_cache: {sampled_cache_size: 0, non_sampled_cache_size: 7}}");
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->sampled_cache_size);
  EXPECT_EQ(config->non_sampled_cache_size, 7u);
  const auto other = ParseTailSampling("{decision_cache: {sampled_cache_size: 7, non_sampled_cache_size: 0}}");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->sampled_cache_size, 7u);
  EXPECT_FALSE(other->non_sampled_cache_size);
}

TEST(PolicyConfig, SaysOnWhichLineSomethingIsWrong) {
  const std::pair<std::string_view, std::string_view> kWrong[] = {
      {"decision_wiat: 5s", "1:1: unknown key \"decision_wiat\"; known are decision_wait,"},
      {"decision_wait: 5", "1:16: decision_wait"},
      {"decision_wait: forever", "decision_wait: expected"},
      {"num_traces: -1", "1:13: num_traces: expected a whole number from 0"},
      {"num_traces: many", "found \"many\""},
      {"num_shards: 300", "from 1 to 256"},
      {"sample_on_first_match: yes", "expected true or false"},
      {"sampling_strategy: guess", "expected trace-complete or span-ingest"},
      {"decision_cache: {size: 5}", "unknown key \"size\""},
      {"policies: []", "would keep nothing"},
      {"policies: {}", "expected a list"},
      {"policies: [5]", "expected a map"},
      {"policies:\n  - type: always_sample", "2:5: a policy needs a name"},
      {"policies:\n  - name: a", "policy \"a\" needs a type"},
      {"policies:\n  - name: a\n    type: allways",
       "3:11: unknown policy type \"allways\" (evaluators of Collector extensions are none here); known are "
       "always_sample"},
      {"policies:\n  - {name: a, type: always_sample}\n  - name: b\n    type: my_evaluator\n    my_evaluator: {x: 1}",
       "4:11: unknown policy type \"my_evaluator\""},
      {"policies:\n- name: a\n  type: and\n  and:\n    and_sub_policy:\n    - {name: b, type: lattency}",
       "6:23: unknown policy type \"lattency\""},
      {"policies:\n  - {name: a, type: always_sample}\n  - {name: a, type: always_sample}",
       "3:5: two policies are named \"a\""},
      {"policies:\n  - name: a\n    type: latency\n    latency: {treshold_ms: 5}", "4:15: unknown key \"treshold_ms\""},
      {"policies: [{name: a, type: status_code}]", "needs the block status_code"},
      {"policies: [{name: a, type: status_code, status_code: {status_codes: []}}]", "at least one"},
      {"policies: [{name: a, type: status_code, status_code: {status_codes: [BAD]}}]", "unknown status code \"BAD\""},
      {"policies: [{name: a, type: numeric_attribute, numeric_attribute: {key: k, min_value: 0}}]", "other than 0"},
      {"policies: [{name: a, type: probabilistic, probabilistic: {sampling_percentage: nan}}]", "expected a number"},
      {"policies: [{name: a, type: ottl_condition, ottl_condition: {error_mode: loud, span: ['true']}}]", "error_mode"},
      {"policies: [{name: a, type: ottl_condition, ottl_condition: {}}]", "at least one condition"},
      {"policies: [{name: a, type: and, and: {}}]", "needs and_sub_policy"},
      {"policies: [{name: a, type: not, not: {}}]", "needs not_sub_policy"},
      {"policies: [{name: a, type: and, and: {and_sub_policy: [{name: b, type: drop, drop: {drop_sub_policy: [{name: "
       "c, type: always_sample}]}}]}}]",
       "drop cannot be a sub-policy"},
      {"policies: [{name: a, type: dynamic, dynamic: {keys: [k]}}]",
       "either goal_sample_rate or goal_spans_per_second"},
      {"policies: [{name: a, type: dynamic, dynamic: {goal_sample_rate: 5}}]", "needs keys"},
      {"policies: [{name: a", "not valid YAML"},
  };
  for (const auto& [yaml, message] : kWrong) {
    const auto config = ParseTailSampling(yaml);
    ASSERT_FALSE(config) << yaml;
    EXPECT_THAT(config.error().message, HasSubstr(std::string(message))) << yaml;
  }
}

TEST(PolicyConfig, WarnsOfWhatMeansNothing) {
  const auto config = ParseTailSampling(R"(
tail_storage: disk
sampling_strategy: span-ingest
policies:
  - {name: a, type: always_sample, latency: {threshold_ms: 5}}
  - {name: l, type: latency, latency: {threshold_ms: 50, upper_threshold_ms: 10}}
  - name: c
    type: composite
    composite: {max_total_spans_per_second: 5, policy_order: [nobody], composite_sub_policy: [{name: x, type: always_sample}]}
)");
  ASSERT_TRUE(config) << config.error().message;
  std::string all;
  for (const YamlFault& warning : config->warnings) all += fmt::format("{}: {}\n", warning.line, warning.message);
  EXPECT_THAT(all, HasSubstr("2: tail_storage"));
  EXPECT_THAT(all, HasSubstr("3: sampling_strategy"));
  EXPECT_THAT(all, HasSubstr("5: policy \"a\" is of type always_sample: latency means nothing here"));
  EXPECT_THAT(all, HasSubstr("6: policy \"l\" never matches"));
  EXPECT_THAT(all, HasSubstr("policy_order names \"nobody\""));
}

TEST(PolicyConfig, CompileNamesThePolicyThatIsWrong) {
  const auto error = [](std::string_view yaml) {
    const auto config = ParseTailSampling(yaml);
    EXPECT_TRUE(config) << config.error().message;
    const auto set = PolicySet::Compile(*config);
    return set ? std::string() : set.error().message;
  };
  EXPECT_THAT(error("policies:\n- {name: s, type: string_attribute, string_attribute: {key: k, values: ['('], "
                    "enabled_regex_matching: true}}"),
              HasSubstr("line 2: policy \"s\": invalid regular expression \"(\""));
  EXPECT_THAT(error("policies:\n- {name: o, type: ottl_condition, ottl_condition: {span: ['nme == 1']}}"),
              HasSubstr("line 2: policy \"o\": condition `nme == 1`: unknown path"));
  std::string salts = "policies:\n";
  for (int i = 0; i < 20; ++i) {
    salts += fmt::format(
        "- {{name: p{0}, type: probabilistic, probabilistic: {{hash_salt: s{0}, sampling_percentage: 5}}}}\n", i);
  }
  EXPECT_THAT(error(salts), HasSubstr("use fewer salts"));
}

}  // namespace
}  // namespace sightline::sample
