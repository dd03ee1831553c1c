#include "cli/idle_trimmer.h"

#include <chrono>

namespace sightline::cli {

IdleTrimmer::IdleTrimmer(int interval_seconds, std::function<uint64_t()> activity, std::function<void()> trim)
    : interval_seconds_(interval_seconds), activity_(std::move(activity)), trim_(std::move(trim)) {
  thread_ = std::thread([this] { Run(); });
}

IdleTrimmer::~IdleTrimmer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void IdleTrimmer::Run() {
  uint64_t last = activity_(), trimmed_at = last;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, std::chrono::seconds(interval_seconds_), [this] { return stopping_; })) {
    const uint64_t now = activity_();
    const bool idle = now == last;
    last = now;
    if (!idle || now == trimmed_at) continue;
    trimmed_at = now;
    trim_();
  }
}

}  // namespace sightline::cli
