// A stream of an observable instrument: what callbacks observe in one collection.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "metrics/series_table.h"
#include "metrics/stream.h"

namespace otel::internal {

// Observations are totals: those of the collection before are needed only where differences of them are asked for.
// Thread: one at a time, that of the collection.
template <MetricNumber T>
class ObservableStream final : public Stream {
 public:
  // The kind of point: a gauge, or a sum.
  struct Kind {
    bool is_sum = false;
    bool monotonic = false;
  };

  ObservableStream(StreamConfig config, Kind kind)
      : Stream(std::move(config)),
        kind_(kind),
        overflow_(NewEntry({kOverflowAttribute})),
        last_collection_(config_.clock()) {}

  void Observe(T value, AttributesView attributes) {
    config_.filter.Kept(attributes, [&](AttributesView kept) { ObserveKept(value, attributes, kept); });
  }

  // What was observed since the last call.
  void Collect(UnixNanos now, std::vector<MetricData>& metrics) override;
  void LockForFork() override {}
  void UnlockAfterFork(bool in_child) override;

 private:
  struct Entry : SeriesKey {
    using SeriesKey::SeriesKey;

    UnixNanos start = 0;
    T value{}, previous{};
    bool observed = false;
    std::unique_ptr<ExemplarReservoir> exemplars;
  };

  std::unique_ptr<Entry> NewEntry(AttributesView attributes) const;
  Entry& EntryOf(AttributesView kept);
  void ObserveKept(T value, AttributesView attributes, AttributesView kept);
  NumberPoint PointOf(Entry& entry, UnixNanos now) const;

  const Kind kind_;
  SeriesTable index_;
  std::vector<std::unique_ptr<Entry>> entries_;
  const std::unique_ptr<Entry> overflow_;
  UnixNanos last_collection_;
};

extern template class ObservableStream<int64_t>;
extern template class ObservableStream<double>;

}  // namespace otel::internal
