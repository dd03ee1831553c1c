#include "common/background_thread.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

namespace otel::internal {
namespace {

class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

struct Return {
  std::mutex mutex;
  std::condition_variable changed;
  bool has_returned = false;  // guarded by mutex
};

}  // namespace

std::thread StartBackgroundThread(std::function<void()> function) {
  const BlockedSignals blocked;  // a thread begins with those of the one that makes it
  return std::thread(std::move(function));
}

bool RunWithin(std::chrono::nanoseconds limit, std::function<void()> function) {
  const auto end = std::make_shared<Return>();
  std::thread thread;
  try {
    thread = StartBackgroundThread([end, function] {
      function();
      const std::lock_guard lock(end->mutex);
      end->has_returned = true;
      end->changed.notify_all();
    });
  } catch (const std::system_error&) {
    function();
    return true;
  }
  bool returned = false;
  {
    std::unique_lock lock(end->mutex);
    returned = end->changed.wait_for(lock, limit, [&] { return end->has_returned; });
  }
  if (returned) {
    thread.join();
  } else {
    thread.detach();
  }
  return returned;
}

}  // namespace otel::internal
