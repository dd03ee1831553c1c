// Records of telemetry that are used again and again: each thread has a stock of them, to which those come back that it
// brought into a queue, so that the memory stays in the caches of its core.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/arena.h"
#include "common/spin_lock.h"
#include "common/thread_slot.h"

namespace otel::internal {

// Shared by what holds a reference to it; the last one gives it back to the pool.
class PooledRecord {
 public:
  PooledRecord() {}  // NOLINT: = default would be constexpr, and want the block to be set
  PooledRecord(const PooledRecord&) = delete;
  PooledRecord& operator=(const PooledRecord&) = delete;
  virtual ~PooledRecord() = default;

  // Forgets its content, and all memory but one block.
  virtual void Clear() = 0;

  void AddReference() { references_.fetch_add(1, std::memory_order_relaxed); }
  // True for the last one: then it is the caller's alone, and has one reference again.
  bool DropReference() {
    if (references_.load(std::memory_order_acquire) == 1) return true;  // nobody is left who could add one
    if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return false;
    references_.store(1, std::memory_order_relaxed);
    return true;
  }

  Arena& arena() { return arena_; }

 private:
  std::atomic<uint32_t> references_ = 1;
  Arena arena_{first_block_};
  // Enough for a span with 24 attributes; not set to anything.
  alignas(std::max_align_t) std::array<std::byte, 1088> first_block_;
};

// Holds records of one type that nobody uses. One for each type, never destroyed. Thread: any.
class RecordPool {
 public:
  RecordPool();
  RecordPool(const RecordPool&) = delete;
  RecordPool& operator=(const RecordPool&) = delete;

  // With one reference, not cleared; nullptr where this thread's stock is empty.
  PooledRecord* Take();
  // Takes over a reference, which need not be the last one, to the stock of this thread.
  void Give(PooledRecord* record);
  // To the stock of the thread with that number. Does not look into the records, as they lie in its core's cache: they
  // are not large.
  void GiveUnseen(std::span<PooledRecord* const> records, uint32_t slot);

  static constexpr size_t kStockRecordsMax = 1024;
  static constexpr size_t kKeptRecordBytesMax = 4096;  // larger ones are cleared before they are kept

 private:
  struct alignas(64) Stock {
    SpinLock lock;
    std::vector<PooledRecord*> records;
  };

  std::array<Stock, kThreadSlots> stocks_;
};

}  // namespace otel::internal
