// The calls that endpoints work on now, so that stopping and the time limit can end them and /metrics can count them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

#include "store/clickhouse.h"

namespace sightline::serve {

// Thread: any.
class RunningCalls {
 public:
  std::shared_ptr<store::Cancellation> Add() {
    auto cancellation = std::make_shared<store::Cancellation>();
    const std::lock_guard lock(mutex_);
    running_.emplace(cancellation, kNoDeadline);
    if (stopping_) cancellation->Cancel();
    return cancellation;
  }
  // From now on the call's time counts; before, it waited for a thread.
  void Start(const std::shared_ptr<store::Cancellation>& cancellation, int64_t deadline_monotonic_nanos) {
    const std::lock_guard lock(mutex_);
    running_[cancellation] = deadline_monotonic_nanos;
  }
  // The answer is on its way, as fast as the client takes it.
  void StopClock(const std::shared_ptr<store::Cancellation>& cancellation) {
    const std::lock_guard lock(mutex_);
    int64_t& deadline = running_[cancellation];
    if (deadline != kOverdue) deadline = kNoDeadline;
  }
  // True if CancelOverdue ended it.
  bool Remove(const std::shared_ptr<store::Cancellation>& cancellation) {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(cancellation);
    const bool overdue = found != running_.end() && found->second == kOverdue;
    running_.erase(found);
    return overdue;
  }
  void CancelOverdue(int64_t now_monotonic_nanos) {
    const std::lock_guard lock(mutex_);
    for (auto& [cancellation, deadline] : running_) {
      if (deadline == kOverdue || deadline > now_monotonic_nanos || cancellation->cancelled()) continue;
      deadline = kOverdue;
      cancellation->Cancel();
    }
  }
  // Those that come later, too.
  void CancelAll() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [cancellation, deadline] : running_) cancellation->Cancel();
  }
  size_t count() const {
    const std::lock_guard lock(mutex_);
    return running_.size();
  }

 private:
  static constexpr int64_t kNoDeadline = INT64_MAX, kOverdue = INT64_MIN;

  mutable std::mutex mutex_;
  std::map<std::shared_ptr<store::Cancellation>, int64_t> running_;  // to its deadline; guarded by mutex_
  bool stopping_ = false;                                            // guarded by mutex_
};

}  // namespace sightline::serve
