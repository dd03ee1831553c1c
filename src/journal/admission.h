// The door of a program that answers OK once a request is in its journal: whether there is room on the disk, and the
// order of append, hand-over and answer.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/error.h"
#include "journal/journal.h"

namespace sightline::journal {

// Thread: any; one of its own looks at the disk.
class Admission {
 public:
  struct Options {
    std::string data_directory;  // whose file system must keep disk_free_bytes_min free
    uint64_t disk_free_bytes_min = 1ULL << 30;
  };
  explicit Admission(Options options);
  // The journal may still owe an answer to a client that is no longer waited for (a sync on a slow disk): waits for it.
  ~Admission();

  // kUnavailable while the disk is nearly full.
  Result<void> Check() const;

  // Appends a frame; `bytes` must live until this returns. When its number is known and it is durable, calls
  // take(number) and then `answer`; with an error only `answer`. On this thread or that of the journal's sync.
  void Append(Journal& journal, const FrameHeader& header, std::string_view bytes,
              std::function<void(uint64_t number)> take, std::function<void(Result<void>)> answer);

  // Until no append waits for its answer; false: time is over.
  bool Wait(std::optional<std::chrono::nanoseconds> timeout);

 private:
  void Leave();
  void WatchDisk();
  void CheckDisk();

  const Options options_;
  std::atomic<bool> disk_is_low_ = false;

  std::mutex under_way_mutex_;
  std::condition_variable none_under_way_;
  uint64_t under_way_ = 0;  // appends that are not answered; guarded by under_way_mutex_

  std::mutex watch_mutex_;
  std::condition_variable watch_wake_;
  bool stopping_ = false;  // guarded by watch_mutex_
  std::thread watch_;
};

}  // namespace sightline::journal
