// When rules are evaluated.
#pragma once

#include <cstdint>

#include "alert/rule_document.h"

namespace sightline::alert {

// The last due time not after `unix_nanos`: whole intervals from an offset that the question decides.
int64_t DueAtOrBefore(const RuleDocument& rule, int64_t unix_nanos);

}  // namespace sightline::alert
