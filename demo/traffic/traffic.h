// Open-loop load: searches begin when their time has come, whether or not earlier ones are answered, as with people who
// don't know of each other. Latencies count from that time.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "demo/common/error.h"
#include "demo/traffic/scenario.h"

namespace demo::traffic {

struct TrafficOptions {
  std::string target = "http://127.0.0.1:8000";
  Scenario scenario;
  double rate = 5;     // searches a second, a mean
  double seconds = 0;  // 0: until it is stopped
  uint64_t seed = 1;
  size_t users = 200;
  bool feedback = true;
  size_t in_flight_max = 2000;  // searches that are due while so many are under way are given up
};

struct TrafficReport {
  uint64_t searches = 0;
  uint64_t given_up = 0;
  std::map<std::string, uint64_t> answers;  // by status, "200", or "error"
  std::map<std::string, uint64_t> searches_by_model, clicks_by_model;
  uint64_t feedback_sent = 0, feedback_refused = 0;
  std::vector<double> latencies_ms;
  std::string degraded_trace_id;  // of a search that answered 200 though something failed; the last one

  std::string ToJson() const;
};

// Sets the scenario's chaos, and after the traffic what was set before.
// `stop`: ends it early.
Result<TrafficReport> RunTraffic(const TrafficOptions& options, const std::atomic<bool>& stop);

}  // namespace demo::traffic
