#include "metrics/striped_stream.h"

namespace otel::internal {

// ---- measuring ------------------------------------------------------------------------------------------------------

template <typename A>
void StripedStream<A>::RecordKept(const Measurement& measurement, AttributesView kept, uint64_t hash) {
  Series* series = nullptr;
  {
    const uint32_t slot = LockStripe();
    Stripe& stripe = stripes_[slot];
    const std::lock_guard lock(stripe.lock, std::adopt_lock);
    series = static_cast<Series*>(stripe.table.Find(hash, kept));
    if (series == nullptr && stripe.complete && HasEachKeyOnce(kept)) series = overflow_.get();
    if (series != nullptr) Update(measurement, *series, slot);
  }
  if (series == nullptr) RecordNew(measurement, kept, hash);
}

template <typename A>
void StripedStream<A>::RecordNew(const Measurement& measurement, AttributesView kept, uint64_t hash) {
  const std::lock_guard lock(mutex_);
  Series* const series = FindOrAdd(kept, hash);
  const uint32_t slot = LockStripe();
  Stripe& stripe = stripes_[slot];
  const std::lock_guard stripe_lock(stripe.lock, std::adopt_lock);
  if (series != overflow_.get()) stripe.table.Insert(series);
  if (full() && !stripe.complete) {
    for (const auto& each : series_) stripe.table.Insert(each.get());
    stripe.complete = true;
  }
  Update(measurement, *series, slot);
}

template <typename A>
void StripedStream<A>::RecordBoundAnyhow(Measurement measurement, Series& series) {
  const uint32_t slot = LockStripe();
  const std::lock_guard lock(stripes_[slot].lock, std::adopt_lock);
  Update(measurement, series, slot);
}

template <typename A>
auto StripedStream<A>::NewCell(Series& series, uint32_t slot) -> ThreadCell* {
  series.cells[slot] = std::make_unique<ThreadCell>(aggregation_);
  stripes_in_use_.fetch_or(uint32_t{1} << slot, std::memory_order_relaxed);
  if (this->config_.on_new_cell) this->config_.on_new_cell();
  return series.cells[slot].get();
}

template <typename A>
void StripedStream<A>::Sample(Measurement measurement, size_t group, Series& series, uint32_t slot) {
  const SpanContext& span = *measurement.span;
  if (series.custom_exemplars != nullptr) {
    series.custom_exemplars->Offer({measurement.value, this->config_.clock(), measurement.attributes, span});
    return;
  }
  std::unique_ptr<Reservoir>& exemplars = series.cells[slot]->exemplars;
  if (exemplars == nullptr) exemplars = std::make_unique<Reservoir>(A::Shape(aggregation_));
  if (Exemplar* const chosen = exemplars->Choose(group, stripes_[slot].random)) {
    *chosen = {this->config_.clock(), measurement.value, span.trace_id, span.span_id,
               this->config_.filter.Dropped(measurement.attributes)};
  }
}

// ---- series ---------------------------------------------------------------------------------------------------------

template <typename A>
auto StripedStream<A>::NewSeries(AttributesView attributes) const -> std::unique_ptr<Series> {
  auto series = std::make_unique<Series>(attributes);
  series->start = this->config_.clock();
  if (this->config_.exemplar_reservoir) series->custom_exemplars = this->config_.exemplar_reservoir();
  return series;
}

template <typename A>
auto StripedStream<A>::FindOrAdd(AttributesView kept, uint64_t hash) -> Series* {
  if (!HasEachKeyOnce(kept)) {
    const Attributes unique(kept);
    return FindOrAdd(unique.view(), HashOf(unique.view()));
  }
  if (SeriesKey* const found = index_.Find(hash, kept)) return static_cast<Series*>(found);
  if (full()) return overflow_.get();
  series_.push_back(NewSeries(kept));
  index_.Insert(series_.back().get());
  return series_.back().get();
}

// ---- collecting -----------------------------------------------------------------------------------------------------

template <typename A>
void StripedStream<A>::Collect(UnixNanos now, std::vector<MetricData>& metrics) {
  std::vector<Series*> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& series : series_) all.push_back(series.get());
  }
  std::vector<Point> points;
  std::vector<Series*> idle;
  for (Series* const series : all) {
    if (auto point = Gather(*series, now)) {
      points.push_back(std::move(*point));
    } else {
      idle.push_back(series);
    }
  }
  if (auto point = Gather(*overflow_, now)) points.push_back(std::move(*point));
  if (delta()) {
    if (!idle.empty()) Evict(idle, now, points);
    last_collection_ = now;
  }
  if (points.empty()) return;
  const StreamConfig& config = this->config_;
  metrics.push_back(
      {config.name, config.description, config.unit, A::MakeData(aggregation_, std::move(points), config.temporality)});
}

// With delta temporality what was measured leaves its cells. Nothing where nothing was measured.
template <typename A>
auto StripedStream<A>::Gather(Series& series, UnixNanos now) -> std::optional<Point> {
  Cell total(aggregation_);
  Cell empty(aggregation_);
  std::unique_ptr<Reservoir> exemplars;
  bool measured = false;
  for (uint32_t in_use = stripes_in_use_.load(std::memory_order_relaxed); in_use != 0; in_use &= in_use - 1) {
    const auto slot = static_cast<uint32_t>(std::countr_zero(in_use));
    std::unique_ptr<Reservoir> chosen;
    {
      const std::lock_guard lock(stripes_[slot].lock);
      ThreadCell* const cell = series.cells[slot].get();
      if (cell == nullptr || !cell->measured) continue;
      chosen = std::move(cell->exemplars);
      if (delta()) {
        cell->measured = false;
        std::swap(cell->cell, empty);
      } else {
        A::Merge(aggregation_, total, cell->cell);
      }
    }
    measured = true;
    if (delta()) A::Merge(aggregation_, total, std::exchange(empty, Cell(aggregation_)));
    if (exemplars == nullptr) {
      exemplars = std::move(chosen);
    } else if (chosen != nullptr) {
      exemplars->Merge(*chosen, random_);
    }
  }
  if (!measured) return std::nullopt;
  Point point;
  point.attributes = series.attributes;
  point.start = delta() ? last_collection_ : series.start;
  point.time = now;
  if (exemplars != nullptr) exemplars->Take(point.exemplars);
  if (series.custom_exemplars != nullptr)
    point.exemplars = CollectExemplars(*series.custom_exemplars, series.attributes);
  A::Write(aggregation_, total, point);
  return point;
}

// Gives the places of series that were not measured with this time to others. They are measured with for the last time
// when they are taken out of the tables: what came meanwhile is still collected.
template <typename A>
void StripedStream<A>::Evict(const std::vector<Series*>& idle, UnixNanos now, std::vector<Point>& points) {
  const std::lock_guard lock(mutex_);
  SeriesTable evicted;
  for (Series* const series : idle) {
    if (series->pins > 0) continue;
    for (Stripe& stripe : stripes_) {
      const std::lock_guard stripe_lock(stripe.lock);
      stripe.table.Erase(series);
      stripe.complete = false;
    }
    index_.Erase(series);
    evicted.Insert(series);
    if (auto point = Gather(*series, now)) points.push_back(std::move(*point));
  }
  std::erase_if(series_, [&](const auto& series) { return evicted.Has(series.get()); });
}

// ---- forking --------------------------------------------------------------------------------------------------------

template <typename A>
void StripedStream<A>::LockForFork() {
  mutex_.lock();
  for (Stripe& stripe : stripes_) stripe.lock.lock();
}

template <typename A>
void StripedStream<A>::UnlockAfterFork(bool in_child) {
  if (in_child) {
    for (Stripe& stripe : stripes_) {
      stripe.table.Clear();
      stripe.complete = false;
    }
    index_.Clear();
    std::erase_if(series_, [](const auto& series) { return series->pins == 0; });
    last_collection_ = this->config_.clock();
    const auto restart = [&](Series& series) {
      for (auto& cell : series.cells) cell.reset();
      series.start = last_collection_;
    };
    for (const auto& series : series_) {
      index_.Insert(series.get());
      restart(*series);
    }
    restart(*overflow_);
  }
  for (Stripe& stripe : stripes_) stripe.lock.unlock();
  mutex_.unlock();
}

template class StripedStream<Sum<int64_t>>;
template class StripedStream<Sum<double>>;
template class StripedStream<LastValue<int64_t>>;
template class StripedStream<LastValue<double>>;
template class StripedStream<ExplicitBucketHistogram<int64_t>>;
template class StripedStream<ExplicitBucketHistogram<double>>;
template class StripedStream<Base2ExponentialHistogram<int64_t>>;
template class StripedStream<Base2ExponentialHistogram<double>>;

}  // namespace otel::internal
