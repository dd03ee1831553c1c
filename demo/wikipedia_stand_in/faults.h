// What the stand-in does wrong when it is told to.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include "demo/common/error.h"
#include "demo/common/random.h"

namespace demo::wikipedia_stand_in {

struct Fault {
  int status = 0;                      // 404, 429, 500 ... instead of the answer; 0: none
  bool malformed = false;              // an answer that breaks off in the middle of its JSON
  std::chrono::milliseconds delay{0};  // before any answer
};

// "slow", "slow=250" (milliseconds), "404", "429", "500", "malformed", "" or "none"; several joined by ','.
Result<Fault> ParseFault(std::string_view text);

// The fault for all requests that name none themselves, of which it hits a share.
// Thread: any.
class FaultPlan {
 public:
  void Set(Fault fault, double share);
  Fault Draw();

 private:
  std::mutex mutex_;
  Fault fault_;       // guarded by mutex_
  double share_ = 0;  // guarded by mutex_
  Random random_{1};  // guarded by mutex_
};

}  // namespace demo::wikipedia_stand_in
