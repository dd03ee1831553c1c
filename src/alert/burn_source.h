// How fast an objective's budget is used up: the seam to whoever keeps objectives.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"

namespace sightline::alert {

struct BurnRate {
  double rate = 0;        // 1: the budget lasts exactly as long as the objective's window
  double events = 0;      // that it was measured by
  bool measured = false;  // else nothing is known: alerts stay as they are
};

// Thread: any.
class BurnSource {
 public:
  virtual ~BurnSource() = default;
  // Over the window before `at`. kNotFound: there is no such objective.
  virtual Result<BurnRate> Burn(const std::string& slo, int64_t window_seconds, int64_t at_unix_nanos) = 0;
};

}  // namespace sightline::alert
