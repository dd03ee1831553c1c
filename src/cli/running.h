// What the commands that run until a signal comes have in common.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/config.h"
#include "cli/config.h"

namespace sightline::cli {

// Leaves when stopping takes longer than whoever sent the signal waits: a query may be inside a function that the
// engine cannot end. What was accepted is in the journal at the least.
class ExitDeadline {
 public:
  ExitDeadline() : thread_([this] { Wait(); }) {}
  ~ExitDeadline();
  ExitDeadline(const ExitDeadline&) = delete;
  ExitDeadline& operator=(const ExitDeadline&) = delete;

 private:
  void Wait();

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;  // guarded by mutex_
  std::thread thread_;
};

// Reads the configuration again, for SIGHUP. What is invalid leaves all as it is; `refuse`, if there is one, hears of
// it.
void Reload(const ConfigSources& sources, const std::function<void(const Config&)>& use,
            const std::function<void(std::string problem)>& refuse = {});

}  // namespace sightline::cli
