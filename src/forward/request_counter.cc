#include "forward/request_counter.h"

namespace sightline::forward {
namespace {

constexpr size_t kSlots = 4;

}  // namespace

RequestCounter::RequestCounter(bool enabled, uint32_t series_max, const std::vector<otlp::Dimension>& dimensions)
    : enabled_(enabled), series_max_(series_max), dimensions_(dimensions) {
  for (size_t i = 0; i < kSlots; ++i) slots_.push_back(std::make_unique<Slot>(SpanCounts(series_max, dimensions)));
}

uint64_t RequestCounter::Add(uint64_t frame, std::string_view request, const otlp::Scan& scan) {
  std::unique_lock<std::mutex> lock;
  Slot* slot = nullptr;
  for (const auto& candidate : slots_) {
    lock = std::unique_lock(candidate->mutex, std::try_to_lock);
    slot = candidate.get();
    if (lock.owns_lock()) break;
  }
  if (!lock.owns_lock()) lock = std::unique_lock(slot->mutex);
  if (enabled_) slot->counted.counts.calls.Add(request, scan);
  slot->counted.frames.push_back(frame);
  lock.unlock();
  return bytes_.fetch_add(request.size(), std::memory_order_relaxed) + request.size();
}

RequestCounter::Counted RequestCounter::Take() {
  Counted all{SpanCounts(series_max_, dimensions_), {}};
  bytes_.store(0, std::memory_order_relaxed);
  for (const auto& slot : slots_) {
    const std::lock_guard lock(slot->mutex);
    Counted& part = slot->counted;
    all.counts.Merge(part.counts);
    all.frames.insert(all.frames.end(), part.frames.begin(), part.frames.end());
    part.counts.Clear();
    part.frames.clear();
  }
  return all;
}

}  // namespace sightline::forward
