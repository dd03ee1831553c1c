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
std::atomic<const ErrorHandler*> handler = nullptr;

void Say(std::string_view component, std::string_view message, uint64_t count) {
  std::string line = "[otel] ";
  line.append(component).append(": ").append(message);
  if (count > 1) line.append(" (").append(std::to_string(count)).append(" times)");
  line.push_back('\n');
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

void Report(std::string_view component, std::string_view message, uint64_t count) {
  const uint64_t happened = Counts().Add(component, count, ErrorCounts::Clock::now());
  if (happened == 0) return;
  if (const auto* const set = handler.load(std::memory_order_acquire)) {
    (*set)(component, message, happened);
  } else {
    Say(component, message, happened);
  }
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
  const auto* const set = handler ? new ErrorHandler(std::move(handler)) : nullptr;
  internal::handler.store(set, std::memory_order_release);
}

uint64_t ErrorCount(std::string_view component) {
  return internal::Counts().Of(component);
}

}  // namespace otel
