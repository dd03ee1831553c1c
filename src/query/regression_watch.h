// Looks out for exceptions that come back after they were resolved, so that this is known and kept before somebody
// asks, and whatever range is asked for then. Data: decisions, the newest exceptions ->
// ExceptionReader::NoteRegressions.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "query/exceptions.h"
#include "state/exception_decisions.h"
#include "store/clickhouse.h"

namespace sightline::query {

inline constexpr int64_t kRegressionLateNanos = 600'000'000'000;         // a span may be stored so long after its begin
inline constexpr int64_t kRegressionLookBackNanos = 86'400'000'000'000;  // of the first look, after a restart

// Thread: its own.
class RegressionWatch {
 public:
  // What is borrowed must outlive it. 0: it never looks by itself.
  RegressionWatch(ExceptionReader& reader, state::ExceptionDecisions& decisions, const Clock& clock,
                  std::chrono::milliseconds interval);
  ~RegressionWatch();

  // One look, at what came since the last one. Thread: one at a time.
  Result<void> Look();

 private:
  void Run();

  ExceptionReader& reader_;
  state::ExceptionDecisions& decisions_;
  const Clock& clock_;
  const std::chrono::milliseconds interval_;
  int64_t looked_until_unix_nanos_ = 0;
  store::Cancellation cancellation_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace sightline::query
