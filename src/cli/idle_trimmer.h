// Gives memory back to the kernel once a burst of data or of questions is over.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace sightline::cli {

// Calls `trim` once after the start and once after each burst: when `activity` (a count that rises with work) has stood
// still for a whole interval. Thread: its own.
class IdleTrimmer {
 public:
  IdleTrimmer(std::chrono::milliseconds interval, std::function<uint64_t()> activity, std::function<void()> trim);
  ~IdleTrimmer();

 private:
  void Run();

  const std::chrono::milliseconds interval_;
  const std::function<uint64_t()> activity_;
  const std::function<void()> trim_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace sightline::cli
