// The queue between the threads that finish records and the one that exports them. Each thread puts into a part of its
// own, so that they do not meet; yet all parts together never hold more than the queue's limit.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/pooled_record.h"
#include "common/spin_lock.h"
#include "common/thread_slot.h"

namespace otel::internal {

struct QueuedRecord {
  PooledRecord* record;
  uint32_t slot;  // of the thread that put it there
  bool is_large;  // more than a pool keeps
};

// Invariant: free places + places handed out to parts + records queued + records taken and not yet given back is the
// limit. A thread takes places for some records at once; when there are none left, those that others have and do not
// use are collected, so that nothing is dropped while there is room.
// Thread: any may Push; one at a time takes.
class RecordQueue {
 public:
  enum class Pushed : uint8_t {
    kNo,  // no place, or closed: the record stays with the caller
    kYes,
    kBatchFull,  // yes, and it is time to look whether a batch is complete
  };

  RecordQueue(size_t records_max, size_t batch_records);

  Pushed Push(PooledRecord* record) noexcept;

  // Appends all that is queued, and collects unused places. Returns how many records found no place since the last
  // time.
  uint64_t TakeAll(std::vector<QueuedRecord>& to);
  // So many of the taken ones are a batch on its way out: they do not fill the next one. Until GiveBackPlaces.
  void SetLeaving(size_t count) { leaving_.store(static_cast<int64_t>(count), std::memory_order_relaxed); }
  // So many of the taken ones are gone.
  void GiveBackPlaces(size_t count) {
    SetLeaving(0);
    AddFree(count);
  }
  // From now on nothing finds a place, and it is not counted.
  void Close();

 private:
  struct alignas(64) Part {
    SpinLock lock;
    bool closed = false;
    uint32_t places = 0;
    uint64_t dropped = 0;
    std::vector<QueuedRecord> records;
  };

  void AddFree(size_t count);
  uint32_t TakePlaces() noexcept;
  uint32_t TakeFreePlaces() noexcept;
  void CollectUnusedPlaces() noexcept;

  const int64_t records_max_;
  const int64_t batch_records_;
  const uint32_t places_at_once_;
  const std::unique_ptr<Part[]> parts_;
  std::vector<QueuedRecord> spare_;  // of the taker: changes places with a part's

  alignas(64) std::atomic<int64_t> free_;
  std::atomic<int64_t> leaving_ = 0;
  std::atomic<bool> exhausted_ = false;  // no part has unused places: who finds no place need not look for them
};

}  // namespace otel::internal
