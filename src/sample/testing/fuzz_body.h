// What the fuzzer of policies does with an input, and its replay in the tests.
#pragma once

#include <string_view>

#include "sample/policy_config.h"
#include "sample/policy_set.h"

namespace sightline::sample::testing {

// Any text as a tail_sampling configuration: an error, or policies. True: policies.
inline bool FuzzPolicies(std::string_view text) {
  const auto config = ParseTailSampling(text);
  return config && PolicySet::Compile(*config).has_value();
}

}  // namespace sightline::sample::testing
