// Conditions in a subset of OTTL, the OpenTelemetry Transformation Language, for `ottl_condition` policies.
// docs/sampling.md lists the subset. Data: the texts of conditions -> one SpanCondition: true if any of them is.
#pragma once

#include <memory>

#include "base/error.h"
#include "sample/policy_config.h"
#include "sample/span_condition.h"

namespace sightline::sample {

// Adds the attribute keys that the conditions read to the tables.
Result<std::shared_ptr<const SpanCondition>> CompileOttlCondition(const OttlConditionSpec& spec, KeyTable& span_keys,
                                                                  KeyTable& resource_keys);

}  // namespace sightline::sample
