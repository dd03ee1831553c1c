// Work that is handed to another thread goes on in the context of the one that hands it over, so that its spans and
// logs are where they belong. The target sightline_otel::threads.
//
//   std::thread thread(otel::instrumentation::BindContext([] { ... }));      // std::jthread, std::async: the same
//   boost::asio::post(pool, otel::instrumentation::BindContext([] { ... })); // any pool, any callback
//   const otel::instrumentation::ContextExecutor executor(pool.get_executor());
//   executor.execute([] { ... });                                            // each that is handed over this way
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

#include "otel/context.h"

namespace otel::instrumentation {

// A function, and the context in which it is called, whatever the thread. It can be copied where the function can.
template <typename Function>
class BoundFunction {
 public:
  BoundFunction(Context context, Function function) : context_(std::move(context)), function_(std::move(function)) {}

  template <typename... Args>
    requires std::invocable<Function&, Args...>
  decltype(auto) operator()(Args&&... args) & {
    const Scope scope(context_);
    return std::invoke(function_, std::forward<Args>(args)...);
  }
  template <typename... Args>
    requires std::invocable<const Function&, Args...>
  decltype(auto) operator()(Args&&... args) const& {
    const Scope scope(context_);
    return std::invoke(function_, std::forward<Args>(args)...);
  }
  template <typename... Args>
    requires std::invocable<Function, Args...>
  decltype(auto) operator()(Args&&... args) && {
    const Scope scope(std::move(context_));
    return std::invoke(std::move(function_), std::forward<Args>(args)...);
  }

 private:
  Context context_;
  Function function_;
};

template <typename Function>
BoundFunction<std::decay_t<Function>> BindContext(Function&& function, Context context = Context::Current()) {
  return {std::move(context), std::forward<Function>(function)};
}

// Instead of an executor, anything with `execute(function)`: each function runs in the context of the thread that hands
// it over.
template <typename Executor>
class ContextExecutor {
 public:
  explicit ContextExecutor(Executor executor) : executor_(std::move(executor)) {}

  template <typename Function>
  void execute(Function&& function) const {  // NOLINT(readability-identifier-naming): executors call it so
    executor_.execute(BindContext(std::forward<Function>(function)));
  }

 private:
  Executor executor_;
};

}  // namespace otel::instrumentation
