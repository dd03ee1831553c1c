// The child of a fork has one thread, whatever locks the others held. What has threads or locks is made anew there.
#pragma once

#include <functional>

namespace otel::internal {

// While it lives, the function is called in the child of each fork, before fork returns there. Other threads' locks may
// be held for ever: state that they guard is replaced, not touched. Neither made nor destroyed under a lock that such a
// function takes. Thread: any.
class ForkHandler {
 public:
  explicit ForkHandler(std::function<void()> in_child);
  ForkHandler(const ForkHandler&) = delete;
  ForkHandler& operator=(const ForkHandler&) = delete;
  ~ForkHandler();

 private:
  friend struct ForkHandlers;

  const std::function<void()> in_child_;
};

}  // namespace otel::internal
