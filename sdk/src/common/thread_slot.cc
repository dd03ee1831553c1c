#include "common/thread_slot.h"

#include <atomic>
#include <bit>

#include "common/fork.h"

namespace otel::internal {
namespace {

constinit std::atomic<uint64_t> taken = 0;  // a bit for each

constexpr uint64_t Bit(uint32_t slot) {
  return uint64_t{1} << slot;
}

// Frees the number when its thread ends. The thread goes on using it in destructors that run later.
struct Holder {
  ~Holder() { taken.fetch_and(~Bit(thread_slot), std::memory_order_relaxed); }
};

// In the child only this thread is left.
void FreeOthersInChild() {
  taken.store(thread_slot == kNoThreadSlot ? 0 : Bit(thread_slot), std::memory_order_relaxed);
}

}  // namespace

constinit thread_local uint32_t thread_slot = kNoThreadSlot;

uint32_t TakeThreadSlot() {
  static const auto& at_fork = *new ForkHandler(FreeOthersInChild);
  (void)at_fork;
  uint64_t seen = taken.load(std::memory_order_relaxed);
  while (~seen != 0) {
    const auto slot = static_cast<uint32_t>(std::countr_one(seen));
    if (!taken.compare_exchange_weak(seen, seen | Bit(slot), std::memory_order_relaxed)) continue;
    thread_slot = slot;
    thread_local const Holder holder;
    (void)holder;
    return slot;
  }
  static std::atomic<uint32_t> next = 0;
  return thread_slot = next.fetch_add(1, std::memory_order_relaxed) % kThreadSlots;
}

}  // namespace otel::internal
