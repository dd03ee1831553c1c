// What people read of an alert.
#pragma once

#include <string>
#include <string_view>

#include "alert/instance.h"
#include "alert/rule_document.h"

namespace sightline::alert {

// "above 0.05 for 2m": what the level means.
std::string DescribeCondition(const RuleDocument& rule, Level level);

// {{name}} replaced by the label's value, {{value}} by the value; of what is not there nothing is left.
std::string ExpandTemplate(std::string_view text, const Labels& labels, double value);

// Those of the rule and of the group; the group's count.
Labels AllLabels(const Labels& rule, const Labels& group);

}  // namespace sightline::alert
