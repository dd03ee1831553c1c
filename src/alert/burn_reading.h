// Burn rates as what an evaluation has read.
#pragma once

#include <cstdint>

#include "alert/burn_source.h"
#include "alert/instance_set.h"
#include "alert/rule_document.h"
#include "base/error.h"

namespace sightline::alert {

// Of a rule of source slo. Its value is the rate of the tier that decides. kNotFound: there is no such objective;
// `burns` null: there are none.
Result<Reading> ReadBurns(BurnSource* burns, const RuleDocument& rule, int64_t at_unix_nanos);

}  // namespace sightline::alert
