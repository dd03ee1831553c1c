#include "common/fork.h"

#include <pthread.h>

#include <mutex>
#include <utility>
#include <vector>

namespace otel::internal {

// Never destroyed: a fork may come while the program ends.
struct ForkHandlers {
  std::mutex mutex;  // held while the process forks
  std::vector<const ForkHandler*> handlers;

  static ForkHandlers& Get() {
    static auto& all = *new ForkHandlers;
    return all;
  }

  ForkHandlers() {
    pthread_atfork([] { Get().mutex.lock(); }, [] { Get().mutex.unlock(); }, [] { Get().RunInChild(); });
  }

  void RunInChild() {
    mutex.unlock();
    for (const ForkHandler* const handler : handlers) handler->in_child_();
  }
};

ForkHandler::ForkHandler(std::function<void()> in_child) : in_child_(std::move(in_child)) {
  ForkHandlers& all = ForkHandlers::Get();
  const std::lock_guard lock(all.mutex);
  all.handlers.push_back(this);
}

ForkHandler::~ForkHandler() {
  ForkHandlers& all = ForkHandlers::Get();
  const std::lock_guard lock(all.mutex);
  std::erase(all.handlers, this);
}

}  // namespace otel::internal
