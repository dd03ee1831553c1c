#include "common/record_queue.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>

namespace otel::internal {

RecordQueue::RecordQueue(size_t records_max, size_t batch_records)
    : records_max_(static_cast<int64_t>(records_max)),
      batch_records_(static_cast<int64_t>(batch_records)),
      places_at_once_(static_cast<uint32_t>(std::clamp<size_t>(batch_records / 16, 1, 32))),
      parts_(new Part[kThreadSlots]),
      free_(records_max_) {}

RecordQueue::Pushed RecordQueue::Push(PooledRecord* record) noexcept try {
  const uint32_t slot = ThreadSlot();
  Part& part = parts_[slot];
  std::unique_lock lock(part.lock);
  if (part.places == 0 && !part.closed) {
    lock.unlock();
    const uint32_t places = TakePlaces();
    lock.lock();
    part.places += places;
    if (part.places == 0) ++part.dropped;
  }
  if (part.places == 0 || part.closed) return Pushed::kNo;
  part.records.push_back({record, slot, record->arena().bytes() > RecordPool::kKeptRecordBytesMax});
  if (--part.places > 0) return Pushed::kYes;
  // Counting those of other threads that are not used yet: at worst the taker looks too early.
  const int64_t waiting =
      records_max_ - free_.load(std::memory_order_relaxed) - leaving_.load(std::memory_order_relaxed);
  return waiting >= batch_records_ ? Pushed::kBatchFull : Pushed::kYes;
} catch (const std::bad_alloc&) {
  return Pushed::kNo;
}

uint32_t RecordQueue::TakePlaces() noexcept {
  if (const uint32_t places = TakeFreePlaces(); places > 0) return places;
  if (exhausted_.load(std::memory_order_relaxed)) return 0;
  CollectUnusedPlaces();
  const uint32_t places = TakeFreePlaces();
  if (places == 0) exhausted_.store(true, std::memory_order_relaxed);
  return places;
}

void RecordQueue::AddFree(size_t count) {
  if (count == 0) return;
  free_.fetch_add(static_cast<int64_t>(count), std::memory_order_relaxed);
  exhausted_.store(false, std::memory_order_relaxed);
}

uint32_t RecordQueue::TakeFreePlaces() noexcept {
  int64_t free = free_.load(std::memory_order_relaxed);
  while (free > 0) {
    const int64_t taken = std::min<int64_t>(free, places_at_once_);
    if (free_.compare_exchange_weak(free, free - taken, std::memory_order_relaxed)) return static_cast<uint32_t>(taken);
  }
  return 0;
}

void RecordQueue::CollectUnusedPlaces() noexcept {
  for (Part& part : std::span(parts_.get(), kThreadSlots)) {
    const std::lock_guard lock(part.lock);
    AddFree(std::exchange(part.places, 0));
  }
}

uint64_t RecordQueue::TakeAll(std::vector<QueuedRecord>& to) {
  uint64_t dropped = 0;
  for (Part& part : std::span(parts_.get(), kThreadSlots)) {
    {
      const std::lock_guard lock(part.lock);
      part.records.swap(spare_);
      dropped += std::exchange(part.dropped, 0);
      AddFree(std::exchange(part.places, 0));
    }
    to.insert(to.end(), spare_.begin(), spare_.end());
    spare_.clear();
  }
  return dropped;
}

void RecordQueue::Close() {
  for (Part& part : std::span(parts_.get(), kThreadSlots)) {
    const std::lock_guard lock(part.lock);
    part.closed = true;
  }
}

}  // namespace otel::internal
