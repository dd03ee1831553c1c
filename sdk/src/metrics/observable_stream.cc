#include "metrics/observable_stream.h"

#include "metrics/number.h"
#include "metrics/reservoir.h"

namespace otel::internal {

template <MetricNumber T>
auto ObservableStream<T>::NewEntry(AttributesView attributes) const -> std::unique_ptr<Entry> {
  auto entry = std::make_unique<Entry>(attributes);
  if (config_.exemplar_filter == ExemplarFilter::kAlwaysOn) {
    entry->exemplars =
        config_.exemplar_reservoir ? config_.exemplar_reservoir() : SimpleFixedSizeExemplarReservoir(1)();
  }
  return entry;
}

template <MetricNumber T>
auto ObservableStream<T>::EntryOf(AttributesView kept) -> Entry& {
  if (!HasEachKeyOnce(kept)) {
    const Attributes unique(kept);
    return EntryOf(unique.view());
  }
  if (SeriesKey* const found = index_.Find(HashOf(kept), kept)) return *static_cast<Entry*>(found);
  if (entries_.size() >= config_.cardinality_limit) return *overflow_;
  entries_.push_back(NewEntry(kept));
  Entry& entry = *entries_.back();
  entry.start = last_collection_;
  index_.Insert(&entry);
  return entry;
}

// Totals that the view puts together add up, as do those beyond the limit.
template <MetricNumber T>
void ObservableStream<T>::ObserveKept(T value, AttributesView attributes, AttributesView kept) {
  Entry& entry = EntryOf(kept);
  const bool several = &entry == overflow_.get() || kept.size() < attributes.size();
  if (entry.observed && kind_.is_sum && several) {
    AddTo(entry.value, value);
  } else {
    entry.value = value;
  }
  entry.observed = true;
  if (entry.exemplars != nullptr) {
    const SpanContext no_span;
    entry.exemplars->Offer({value, config_.clock(), attributes, no_span});
  }
}

template <MetricNumber T>
NumberPoint ObservableStream<T>::PointOf(Entry& entry, UnixNanos now) const {
  NumberPoint point;
  point.attributes = entry.attributes;
  point.time = now;
  if (entry.exemplars != nullptr) point.exemplars = CollectExemplars(*entry.exemplars, entry.attributes);
  T value = entry.value;
  if (kind_.is_sum) {
    point.start = entry.start;
    if (config_.temporality == Temporality::kDelta) {
      point.start = last_collection_;
      value = Difference(entry.value, entry.previous);
      entry.previous = entry.value;
    }
  }
  point.value = value;
  return point;
}

template <MetricNumber T>
void ObservableStream<T>::Collect(UnixNanos now, std::vector<MetricData>& metrics) {
  std::vector<NumberPoint> points;
  std::erase_if(entries_, [&](const auto& entry) {
    if (!std::exchange(entry->observed, false)) {
      index_.Erase(entry.get());
      return true;
    }
    points.push_back(PointOf(*entry, now));
    return false;
  });
  if (std::exchange(overflow_->observed, false)) points.push_back(PointOf(*overflow_, now));
  last_collection_ = now;
  if (points.empty()) return;
  MetricData metric{config_.name, config_.description, config_.unit, {}};
  if (kind_.is_sum) {
    metric.data = SumData{std::move(points), config_.temporality, kind_.monotonic};
  } else {
    metric.data = GaugeData{std::move(points)};
  }
  metrics.push_back(std::move(metric));
}

// Totals are the process's own: the child's begin anew.
template <MetricNumber T>
void ObservableStream<T>::UnlockAfterFork(bool in_child) {
  if (!in_child) return;
  index_.Clear();
  entries_.clear();
  overflow_->observed = false;
  overflow_->previous = {};
  last_collection_ = config_.clock();
}

template class ObservableStream<int64_t>;
template class ObservableStream<double>;

}  // namespace otel::internal
