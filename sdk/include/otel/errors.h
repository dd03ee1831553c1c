// What goes wrong inside the SDK never reaches the application as an error or an exception: it is counted, and said
// once in a while.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace otel {

// `component` is the part of the SDK, `count` says how often it happened since the last call for this component.
// Called on any thread, on several at once, at most a few times a second; must not throw, nor use the SDK.
using ErrorHandler = std::function<void(std::string_view component, std::string_view message, uint64_t count)>;

// Instead of a line to stderr. An empty one brings that back.
void SetErrorHandler(ErrorHandler handler);

// Since the program started, said or not.
uint64_t ErrorCount(std::string_view component);

}  // namespace otel
