// Small numbers for threads, so that what they share can be split into parts that each of them has for itself.
#pragma once

#include <cstddef>
#include <cstdint>

namespace otel::internal {

inline constexpr size_t kThreadSlots = 64;
inline constexpr uint32_t kNoThreadSlot = UINT32_MAX;

extern constinit thread_local uint32_t thread_slot;
uint32_t TakeThreadSlot();

// Of this thread, below kThreadSlots, the same for all its life. Two threads have the same number where there are more
// than that many, and while one of them ends: what the number names still needs a lock.
inline uint32_t ThreadSlot() {
  return thread_slot != kNoThreadSlot ? thread_slot : TakeThreadSlot();
}

}  // namespace otel::internal
