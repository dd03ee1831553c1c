#include "common/report.h"

#include <cstdio>
#include <utility>

#include "otel/errors.h"

namespace otel {
namespace internal {
namespace {

// Neither is ever destroyed: threads may report while the program ends.
ErrorCounts& Counts() {
  static auto& counts = *new ErrorCounts;
  return counts;
}
// A replaced handler is kept, as it may be running.
struct SetHandler {
  ErrorHandler handler;  // may be empty
  const SetHandler* older;
};
constinit std::atomic<const SetHandler*> newest{nullptr};
constinit std::atomic<bool> says_on_stderr{true};

void Say(std::string_view component, std::string_view message, uint64_t count) {
  std::string line = "[otel] ";
  line.append(component).append(": ").append(message);
  if (count > 1) line.append(" (").append(std::to_string(count)).append(" times)");
  line.push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void Tell(std::string_view component, std::string_view message, uint64_t count) {
  const SetHandler* const set = newest.load(std::memory_order_acquire);
  if (set != nullptr && set->handler != nullptr) {
    set->handler(component, message, count);
  } else if (says_on_stderr.load(std::memory_order_relaxed)) {
    Say(component, message, count);
  }
}

}  // namespace

void Report(std::string_view component, std::string_view message, uint64_t count) {
  const uint64_t happened = Counts().Add(component, count, ErrorCounts::Clock::now());
  if (happened > 0) Tell(component, message, happened);
}

void SayRest() {
  Counts().TakeUnsaid(
      [](std::string_view component, uint64_t count) { Tell(component, "went wrong again, not said before", count); });
}

void SayOnStderr(bool say) {
  says_on_stderr.store(say, std::memory_order_relaxed);
}

ErrorCounts::~ErrorCounts() {
  for (const Component& component : components_) delete component.name.load();
}

uint64_t ErrorCounts::Add(std::string_view name, uint64_t count, Clock::time_point now) {
  Component& component = Find(name);
  component.count.fetch_add(count, std::memory_order_relaxed);
  component.unsaid.fetch_add(count, std::memory_order_relaxed);
  const int64_t interval = now.time_since_epoch() / kInterval;
  if (component.interval.exchange(interval, std::memory_order_relaxed) != interval) {
    component.said.store(0, std::memory_order_relaxed);
  }
  if (component.said.fetch_add(1, std::memory_order_relaxed) >= kMessagesPerInterval) return 0;
  return component.unsaid.exchange(0, std::memory_order_relaxed);
}

uint64_t ErrorCounts::Of(std::string_view name) const {
  for (const Component& component : components_) {
    const auto* const found = component.name.load(std::memory_order_acquire);
    if (found == nullptr) break;
    if (*found == name) return component.count.load(std::memory_order_relaxed);
  }
  return 0;
}

ErrorCounts::Component& ErrorCounts::Find(std::string_view name) {
  for (Component& component : components_) {
    const auto* found = component.name.load(std::memory_order_acquire);
    if (found == nullptr) {
      const auto* const mine = new std::string(name);
      if (component.name.compare_exchange_strong(found, mine)) return component;
      delete mine;  // another thread took this place
    }
    if (*found == name) return component;
  }
  return components_.back();
}

}  // namespace internal

void SetErrorHandler(ErrorHandler handler) {
  using internal::newest;
  auto* const set = new internal::SetHandler{std::move(handler), newest.load(std::memory_order_acquire)};
  while (!newest.compare_exchange_weak(set->older, set, std::memory_order_acq_rel)) {
  }
}

uint64_t ErrorCount(std::string_view component) {
  return internal::Counts().Of(component);
}

}  // namespace otel
