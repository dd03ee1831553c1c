// The calls that endpoints work on now, so that stopping can end them and /metrics can count them.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <set>

#include "store/clickhouse.h"

namespace sightline::serve {

// Thread: any.
class RunningCalls {
 public:
  std::shared_ptr<store::Cancellation> Add() {
    auto cancellation = std::make_shared<store::Cancellation>();
    const std::lock_guard lock(mutex_);
    running_.insert(cancellation);
    if (stopping_) cancellation->Cancel();
    return cancellation;
  }
  void Remove(const std::shared_ptr<store::Cancellation>& cancellation) {
    const std::lock_guard lock(mutex_);
    running_.erase(cancellation);
  }
  // Those that come later, too.
  void CancelAll() {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const auto& cancellation : running_) cancellation->Cancel();
  }
  size_t count() const {
    const std::lock_guard lock(mutex_);
    return running_.size();
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::shared_ptr<store::Cancellation>> running_;  // guarded by mutex_
  bool stopping_ = false;                                   // guarded by mutex_
};

}  // namespace sightline::serve
