// The spans behind an alert, and what they are to be compared with. Data: a rule and the labels of a group -> two
// conditions in TraceQL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "alert/rule_document.h"

namespace sightline::alert {

struct Symptoms {
  std::string population;  // spans of the group: "{ resource.service.name = \"shop\" }"
  std::string selection;   // those of them that the rule is about: "{ status = error && … }"
  // What is wrong is not in the condition (a rate is too high): the same spans, before.
  bool compares_times = false;
  // Of a rule about durations: what took longer than the alert's value.
  bool compares_durations = false;
};

// None: the rule does not watch spans that a condition on single spans finds.
std::optional<Symptoms> SymptomsOf(const RuleDocument& rule, const Labels& labels);

}  // namespace sightline::alert
