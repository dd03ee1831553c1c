#include "demo/traffic/scenario.h"

#include <algorithm>
#include <cmath>

namespace demo::traffic {
namespace {

constexpr double kBurstPeriodSeconds = 60;
constexpr double kBurstSeconds = 12;

}  // namespace

const std::vector<Scenario>& Scenarios() {
  static const auto* const scenarios = new std::vector<Scenario>{
      {.name = "normal", .what = "people search, some things fail now and then", .chaos = ""},
      {.name = "wikipedia-broken",
       .what = "every request to Wikipedia is formatted wrongly, and every search still answers 200",
       .chaos = R"({"external_api_bad_requests": 1, "external_api_timeout_rate": 0, "external_api_failure_rate": 0})"},
      {.name = "slow-model", .what = "each prediction takes 40 ms longer", .chaos = R"({"model_delay_ms": 40})"},
      {.name = "bad-canary",
       .what = "half of the users get the canary, and many ask about what it is bad at",
       .chaos = R"({"canary_share": 0.5})",
       .category = "Cycling",
       .category_share = 0.4},
      {.name = "burst", .what = "eight times the rate for 12 s of each minute", .chaos = "", .burst_factor = 8},
  };
  return *scenarios;
}

const Scenario* FindScenario(std::string_view name) {
  const auto found = std::ranges::find(Scenarios(), name, &Scenario::name);
  return found == Scenarios().end() ? nullptr : &*found;
}

double RateAt(const Scenario& scenario, double rate, double seconds) {
  return std::fmod(seconds, kBurstPeriodSeconds) < kBurstSeconds ? rate * scenario.burst_factor : rate;
}

}  // namespace demo::traffic
