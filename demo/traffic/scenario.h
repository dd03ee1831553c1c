// What goes on while traffic flows.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

namespace demo::traffic {

struct Scenario {
  std::string_view name;
  std::string_view what;           // for people
  std::string_view chaos;          // for POST /chaos/config; "": as it is
  std::string_view category = {};  // that the share asks about, whatever their habits
  double category_share = 0;
  double burst_factor = 1;  // the rate of the first fifth of each minute is so many times the rest's
};

const std::vector<Scenario>& Scenarios();
const Scenario* FindScenario(std::string_view name);

// Arrivals a second at this time since the start, where `rate` is the usual one.
double RateAt(const Scenario& scenario, double rate, double seconds);

}  // namespace demo::traffic
