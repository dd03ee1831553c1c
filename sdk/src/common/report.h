// Where all parts of the SDK bring what goes wrong; otel/errors.h has what an application sees of it.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace otel::internal {

// `component` is one of a few names: "span processor", "otlp exporter". Cheap enough for what happens often, never
// blocks, and works in the child of a fork.
void Report(std::string_view component, std::string_view message, uint64_t count = 1);

// Says how many of each component were counted and not said, so that what was said adds up to the counts: at the end.
void SayRest();

// Whether what is reported goes to stderr where the application has set no handler; it does at first.
void SayOnStderr(bool say);

// Counts by component, and lets a few messages of each through in a while. Lock-free, as a fork may come at any time.
// Thread: any.
class ErrorCounts {
 public:
  using Clock = std::chrono::steady_clock;

  ErrorCounts() = default;
  ErrorCounts(const ErrorCounts&) = delete;
  ErrorCounts& operator=(const ErrorCounts&) = delete;
  ~ErrorCounts();

  static constexpr int kMessagesPerInterval = 8;
  static constexpr Clock::duration kInterval = std::chrono::seconds(10);
  static constexpr size_t kComponentsMax = 32;  // more share the last one

  // How many happened since the last one that was to be said; 0: this one is not to be said.
  uint64_t Add(std::string_view component, uint64_t count, Clock::time_point now);
  uint64_t Of(std::string_view component) const;
  // say(component, count) of those that no message told of; from now on one has.
  template <typename Say>
  void TakeUnsaid(Say say) {
    for (Component& component : components_) {
      const auto* const name = component.name.load(std::memory_order_acquire);
      if (name == nullptr) break;
      const uint64_t count = component.unsaid.exchange(0, std::memory_order_relaxed);
      if (count > 0) say(std::string_view(*name), count);
    }
  }

 private:
  struct Component {
    std::atomic<const std::string*> name = nullptr;  // kept: there are few
    std::atomic<uint64_t> count = 0;
    std::atomic<uint64_t> unsaid = 0;
    std::atomic<int64_t> interval = -1;  // which one it is, counted from the clock's start
    std::atomic<int> said = 0;           // in the interval
  };

  Component& Find(std::string_view name);

  std::array<Component, kComponentsMax> components_;
};

}  // namespace otel::internal
