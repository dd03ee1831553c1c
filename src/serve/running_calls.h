// The calls that endpoints work on now, so that stopping and the time limit can end them and /metrics can count them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "store/clickhouse.h"

namespace sightline::serve {

// Thread: any.
class RunningCalls {
 public:
  std::shared_ptr<store::Cancellation> Add() {
    auto cancellation = std::make_shared<store::Cancellation>();
    const std::lock_guard lock(mutex_);
    running_.emplace(cancellation, Call{});
    if (stopping_) cancellation->Cancel();
    return cancellation;
  }
  // From now on the call's time counts; before, it waited for a thread. `expire` is called if cancelling has not ended
  // it `grace_nanos` after the deadline: the engine looks at neither limit inside a function.
  void Start(const std::shared_ptr<store::Cancellation>& cancellation, int64_t deadline_monotonic_nanos,
             int64_t grace_nanos, std::function<void()> expire) {
    const std::lock_guard lock(mutex_);
    running_[cancellation] = {.deadline = deadline_monotonic_nanos,
                              .expires = deadline_monotonic_nanos + grace_nanos,
                              .expire = std::move(expire)};
  }
  // The answer is on its way, as fast as the client takes it.
  void StopClock(const std::shared_ptr<store::Cancellation>& cancellation) {
    const std::lock_guard lock(mutex_);
    running_[cancellation].deadline = kNever;
    running_[cancellation].expires = kNever;
  }
  // True if CancelOverdue ended it.
  bool Remove(const std::shared_ptr<store::Cancellation>& cancellation) {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(cancellation);
    const bool overdue = found->second.overdue;
    running_.erase(found);
    return overdue;
  }
  void CancelOverdue(int64_t now_monotonic_nanos) {
    const std::lock_guard lock(mutex_);
    for (auto& [cancellation, call] : running_) {
      if (call.deadline <= now_monotonic_nanos && !cancellation->cancelled()) {
        call.overdue = true;
        cancellation->Cancel();
      }
      if (call.expires > now_monotonic_nanos) continue;
      call.expires = kNever;
      call.expire();
    }
  }
  // Those that come later, too.
  void CancelAll() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& [cancellation, call] : running_) cancellation->Cancel();
  }
  size_t count() const {
    const std::lock_guard lock(mutex_);
    return running_.size();
  }

 private:
  static constexpr int64_t kNever = INT64_MAX;
  struct Call {
    int64_t deadline = kNever, expires = kNever;  // monotonic nanoseconds
    bool overdue = false;
    std::function<void()> expire;
  };

  mutable std::mutex mutex_;
  std::map<std::shared_ptr<store::Cancellation>, Call> running_;  // guarded by mutex_
  bool stopping_ = false;                                         // guarded by mutex_
};

}  // namespace sightline::serve
