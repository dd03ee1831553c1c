// Faults on purpose, as the author's demo has them: how often each happens, and the dice.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include "demo/common/error.h"
#include "demo/common/random.h"

namespace demo::recommender {

struct ChaosConfig {
  double model_failure_rate = 0.05;        // of predictions
  double external_api_timeout_rate = 0.1;  // of requests, as the next ones
  double slow_search_rate = 0.2;
  double external_api_failure_rate = 0.05;
  // Not in the author's demo.
  double slow_search_ms = 500;
  double model_delay_ms = 0;             // of each prediction
  double canary_share = 0.1;             // of users
  double external_api_bad_requests = 0;  // share of requests to Wikipedia whose title is formatted wrongly
};

std::string FormatChaosConfig(const ChaosConfig& config);  // as JSON
// A JSON object with any of the fields; those that are missing stay as they are.
Result<ChaosConfig> ParseChaosConfig(std::string_view json, const ChaosConfig& before);

// Thread: any.
class Chaos {
 public:
  explicit Chaos(uint64_t seed) : random_(seed) {}

  ChaosConfig config() const;
  void SetConfig(const ChaosConfig& config);
  bool Strikes(double rate);

 private:
  mutable std::mutex mutex_;
  ChaosConfig config_;  // guarded by mutex_
  Random random_;       // guarded by mutex_
};

}  // namespace demo::recommender
