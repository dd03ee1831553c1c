// Threads of the SDK beside the application's.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace otel::internal {

// Its signals are blocked: they are for the application's threads. Throws std::system_error.
std::thread StartBackgroundThread(std::function<void()> function);

// Runs it in a thread of its own. False where it has not returned within the limit: C++ can't end it, so the thread is
// left behind, with the function, and ends with it. Where no thread can be had it runs in this one.
bool RunWithin(std::chrono::nanoseconds limit, std::function<void()> function);

}  // namespace otel::internal
