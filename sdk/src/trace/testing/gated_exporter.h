// An exporter that a test watches and holds up.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "otel/span_data.h"

namespace otel::testing {

inline Deadline In(std::chrono::milliseconds time) {
  return std::chrono::steady_clock::now() + time;
}
inline Deadline Soon() {
  return In(std::chrono::seconds(20));  // far more than anything takes
}

// What it saw and what it is to do. Thread: any.
class ExporterGate : public std::enable_shared_from_this<ExporterGate> {
 public:
  std::unique_ptr<SpanExporter> Exporter();

  // While it is closed calls of Export wait, until their deadline, or a shutdown unless that is ignored.
  void Close() {
    Change([&] { closed_ = true; });
  }
  void Open() {
    Change([&] { closed_ = false; });
  }
  void IgnoreDeadlines() {
    Change([&] { ignores_deadlines_ = true; });
  }
  void Fail() {
    Change([&] { fails_ = true; });
  }

  // False where it does not come true soon.
  bool WaitFor(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_until(lock, Soon(), condition);
  }

  // For conditions of WaitFor, and when all is done.
  std::vector<size_t> batches;     // sizes of those that were exported
  std::vector<std::string> names;  // of all spans that were exported
  std::vector<Deadline> deadlines;
  int waiting = 0, flushes = 0, shutdowns = 0;
  bool destroyed = false;

 private:
  class Gated;

  template <typename Change_>
  void Change(Change_ change) {
    {
      const std::lock_guard lock(mutex_);
      change();
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false, ignores_deadlines_ = false, fails_ = false, shut_down_ = false;
};

}  // namespace otel::testing
