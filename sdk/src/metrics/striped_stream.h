// A stream of a synchronous instrument that many threads measure with at once.
//
// Each series (a set of attributes) has a cell for each stripe that measured it. A measurement finds its series in the
// table of its stripe and changes the cell there, all under the lock of the stripe. A stripe is of one processor, so
// that what it changes mostly lies in that one's cache, also where many threads measure now and then; where another
// thread lost the processor while it held the lock, the next free stripe does as well. What several stripes have comes
// together only when it is collected. Nothing is lost then: a cell is read, and with delta temporality emptied, under
// its lock.
#pragma once

#include <sched.h>

#include <array>
#include <atomic>
#include <bit>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "common/current_cpu.h"
#include "common/random.h"
#include "common/spin_lock.h"
#include "common/thread_slot.h"
#include "metrics/aggregations.h"
#include "metrics/cache_line.h"
#include "metrics/reservoir.h"
#include "metrics/stream.h"

namespace otel::internal {

// Locks are taken in this order: mutex_, then that of one stripe.
// Thread: any; Collect one at a time.
template <typename Aggregation>
class StripedStream final : public SyncStream<typename Aggregation::Number> {
 public:
  using T = typename Aggregation::Number;

  StripedStream(StreamConfig config, typename Aggregation::Config aggregation)
      : SyncStream<T>(std::move(config)),
        aggregation_(std::move(aggregation)),
        overflow_(NewSeries({kOverflowAttribute})),
        last_collection_(this->config_.clock()) {}

  void Record(T value, const AttributesView& attributes, uint64_t hash, const SpanContext* span) override {
    const Measurement measurement{value, Aggregation::Prepare(aggregation_, value), attributes, span};
    const AttributeFilter& filter = this->config_.filter;
    if (filter.KeepsAll()) return RecordKept(measurement, attributes, hash);
    filter.Kept(attributes, [&](AttributesView kept) { RecordKept(measurement, kept, HashOf(kept)); });
  }

  SeriesKey* Bind(AttributesView attributes) override {
    const std::lock_guard lock(mutex_);
    Series* const series =
        this->config_.filter.Kept(attributes, [&](AttributesView kept) { return FindOrAdd(kept, HashOf(kept)); });
    ++series->pins;
    return series;
  }
  void Unbind(SeriesKey* series) override {
    const std::lock_guard lock(mutex_);
    --static_cast<Series*>(series)->pins;
  }
  // Nothing that is usual calls a function that would have registers saved: storing them, the lock would wait for it.
  void RecordBound(SeriesKey* series, T value, const AttributesView& attributes, const SpanContext* span) override {
    const Measurement measurement{value, Aggregation::Prepare(aggregation_, value), attributes, span};
    const uint32_t cpu = CurrentCpu();
    if (cpu != kNoCpu && span == nullptr) [[likely]] {
      const uint32_t slot = cpu % kStripes;
      if (stripes_[slot].lock.try_lock()) [[likely]] {
        const std::lock_guard lock(stripes_[slot].lock, std::adopt_lock);
        if (ThreadCell* const cell = static_cast<Series*>(series)->cells[slot].get()) [[likely]] {
          cell->measured = true;
          Aggregation::Add(aggregation_, cell->cell, measurement.value, measurement.prepared);
          return;
        }
      }
    }
    RecordBoundAnyhow(measurement, *static_cast<Series*>(series));
  }

  void Collect(UnixNanos now, std::vector<MetricData>& metrics) override;
  void LockForFork() override;
  void UnlockAfterFork(bool in_child) override;

 private:
  // Processors, or threads, beyond so many share one: a bound of memory.
  static constexpr uint32_t kStripes = 32;
  static_assert(kThreadSlots % kStripes == 0);

  using Cell = typename Aggregation::Cell;
  using Point = typename Aggregation::Point;

  struct Measurement {
    T value;
    typename Aggregation::Prepared prepared;
    const AttributesView& attributes;  // before the filter
    const SpanContext* span;
  };

  struct alignas(kCacheLineBytes) ThreadCell {
    explicit ThreadCell(const typename Aggregation::Config& config) : cell(config) {}

    bool measured = false;  // since the last collection with delta temporality, else ever
    Cell cell;
    std::unique_ptr<Reservoir> exemplars;  // once there is a candidate
  };

  struct Series : SeriesKey {
    using SeriesKey::SeriesKey;

    UnixNanos start = 0;
    size_t pins = 0;                                          // by bound instruments; guarded by mutex_
    std::array<std::unique_ptr<ThreadCell>, kStripes> cells;  // each guarded by its stripe
    std::unique_ptr<ExemplarReservoir> custom_exemplars;      // where the view brings one
  };

  struct alignas(kCacheLineBytes) Stripe {
    SpinLock lock;
    bool complete = false;  // has all series there are, and there will be no more: what it does not have overflows
    SeriesTable table;
    Random random{RandomNumber()};
  };

  // Locked, of this processor if nobody holds it. Without numbers of processors one of this thread.
  uint32_t LockStripe() {
    const uint32_t cpu = CurrentCpu();
    uint32_t slot = (cpu != kNoCpu ? cpu : ThreadSlot()) % kStripes;
    for (uint32_t looks = 1; !stripes_[slot].lock.try_lock(); ++looks) {
      slot = (slot + 1) % kStripes;
      if (looks % kStripes == 0) sched_yield();  // a fork holds them all
    }
    return slot;
  }
  bool delta() const { return this->config_.temporality == Temporality::kDelta; }
  bool full() const { return series_.size() >= this->config_.cardinality_limit; }

  void RecordKept(const Measurement& measurement, AttributesView kept, uint64_t hash);
  void RecordNew(const Measurement& measurement, AttributesView kept, uint64_t hash);
  // Under the lock of the stripe. In the few functions that call it, it is what takes the time.
  [[gnu::always_inline]] void Update(const Measurement& measurement, Series& series, uint32_t slot) {
    ThreadCell* cell = series.cells[slot].get();
    if (cell == nullptr) [[unlikely]]
      cell = NewCell(series, slot);
    cell->measured = true;
    const size_t group = Aggregation::Add(aggregation_, cell->cell, measurement.value, measurement.prepared);
    if (measurement.span != nullptr) [[unlikely]]
      Sample(measurement, group, series, slot);
  }
  void RecordBoundAnyhow(Measurement measurement, Series& series);
  ThreadCell* NewCell(Series& series, uint32_t slot);
  // By value: so the measurement lies in registers where there is nothing to sample.
  void Sample(Measurement measurement, size_t group, Series& series, uint32_t slot);

  std::unique_ptr<Series> NewSeries(AttributesView attributes) const;
  Series* FindOrAdd(AttributesView kept, uint64_t hash);

  std::optional<Point> Gather(Series& series, UnixNanos now);
  void Evict(const std::vector<Series*>& idle, UnixNanos now, std::vector<Point>& points);

  const typename Aggregation::Config aggregation_;
  std::array<Stripe, kStripes> stripes_;
  std::atomic<uint32_t> stripes_in_use_{0};  // a bit each
  std::mutex mutex_;
  SeriesTable index_;                            // of all series; guarded by mutex_
  std::vector<std::unique_ptr<Series>> series_;  // changed under mutex_; only Collect removes any
  const std::unique_ptr<Series> overflow_;
  UnixNanos last_collection_;
  Random random_{RandomNumber()};  // of Collect
};

extern template class StripedStream<Sum<int64_t>>;
extern template class StripedStream<Sum<double>>;
extern template class StripedStream<LastValue<int64_t>>;
extern template class StripedStream<LastValue<double>>;
extern template class StripedStream<ExplicitBucketHistogram<int64_t>>;
extern template class StripedStream<ExplicitBucketHistogram<double>>;
extern template class StripedStream<Base2ExponentialHistogram<int64_t>>;
extern template class StripedStream<Base2ExponentialHistogram<double>>;

}  // namespace otel::internal
