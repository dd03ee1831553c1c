#include "cli/idle_trimmer.h"

#include <optional>

namespace sightline::cli {

IdleTrimmer::IdleTrimmer(std::chrono::milliseconds interval, std::function<uint64_t()> activity,
                         std::function<void()> trim)
    : interval_(interval), activity_(std::move(activity)), trim_(std::move(trim)) {
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
  uint64_t last = activity_();
  std::optional<uint64_t> trimmed_at;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, interval_, [this] { return stopping_; })) {
    const uint64_t now = activity_();
    const bool idle = now == last;
    last = now;
    if (!idle || now == trimmed_at) continue;
    trimmed_at = now;
    trim_();
  }
}

}  // namespace sightline::cli
