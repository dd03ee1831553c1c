#include "otlp/metric_series_limit.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace sightline::otlp {
namespace {

constexpr size_t kWatchedMetricsMax = 100, kWatchedAttributesMax = 40;  // at once; of one metric
constexpr size_t kNamedMax = 10'000;                                    // metrics whose attribute is remembered
constexpr size_t kNewsMax = 1000;                                       // between two calls of Take
constexpr uint32_t kOverflowSeriesMax = 100;                            // of a metric of a service

}  // namespace

void DistinctCount::Add(uint64_t hash) {
  uint8_t& rank = ranks_[hash >> (64 - kIndexBits)];
  const uint64_t rest = hash << kIndexBits | uint64_t{1} << (kIndexBits - 1);  // never 0
  rank = std::max(rank, static_cast<uint8_t>(std::countl_zero(rest) + 1));
}

// P. Flajolet and others, "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm" (2007).
double DistinctCount::Estimate() const {
  const auto registers = static_cast<double>(ranks_.size());
  double sum = 0;
  for (const uint8_t rank : ranks_) sum += std::ldexp(1.0, -rank);
  const double raw = 0.7213 / (1 + 1.079 / registers) * registers * registers / sum;
  const auto empty = static_cast<double>(std::ranges::count(ranks_, 0));
  if (raw <= 2.5 * registers && empty > 0) return registers * std::log(registers / empty);
  return raw;
}

uint64_t MetricSeriesLimit::KeyOf(std::string_view service, std::string_view metric) {
  return XXH3_64bits_withSeed(metric.data(), metric.size(), XXH3_64bits(service.data(), service.size()));
}

MetricSeriesLimit::MetricSeriesLimit(uint32_t series_max, size_t remembered_max)
    : series_max_(series_max), watched_from_(series_max - series_max / 5), remembered_max_(remembered_max) {}

void MetricSeriesLimit::StartDay(int32_t day) {
  if (day == day_ || day + 1 == day_) [[likely]]
    return;
  day_ = day;
  Forget();
}

void MetricSeriesLimit::Forget() {
  series_.clear();
  metrics_.clear();
  watched_.clear();
  limited_by_.clear();
}

// From four fifths of the limit on, until an attribute is named.
bool MetricSeriesLimit::WatchFrom(uint64_t metric, const Counts& counts) {
  if (counts.is_limited || counts.own < watched_from_) return false;
  return watched_.contains(metric) || (watched_.size() < kWatchedMetricsMax && watched_.try_emplace(metric).second);
}

MetricSeriesLimit::Standing MetricSeriesLimit::Admit(uint64_t metric, uint64_t series, int32_t day) {
  std::lock_guard lock(mutex_);
  StartDay(day);
  if (series_.contains(series)) return {};
  if (series_.size() >= remembered_max_) Forget();
  Counts& counts = metrics_[metric];
  if (counts.own >= series_max_) return {.has_own_rows = false, .is_watched = WatchFrom(metric, counts)};
  ++counts.own;
  series_.insert(series);
  return {.has_own_rows = true, .is_watched = WatchFrom(metric, counts)};
}

void MetricSeriesLimit::Watch(uint64_t metric, const std::vector<Attribute>& attributes) {
  std::lock_guard lock(mutex_);
  const auto found = watched_.find(metric);
  if (found == watched_.end()) return;
  Sketches& sketches = found->second;
  for (const auto& [name, value] : attributes) {
    auto sketch = std::ranges::find(sketches, name, &Sketches::value_type::first);
    if (sketch == sketches.end()) {
      if (sketches.size() >= kWatchedAttributesMax) continue;
      sketch = sketches.insert(sketches.end(), {name, {}});
    }
    sketch->second.Add(value);
  }
}

std::string MetricSeriesLimit::LimitedBy(std::string_view service, std::string_view metric) {
  const uint64_t key = KeyOf(service, metric);
  std::lock_guard lock(mutex_);
  Counts& counts = metrics_[key];
  if (counts.is_limited) {
    const auto named = limited_by_.find(key);
    return named == limited_by_.end() ? std::string(LimitedMetric::kNoAttribute) : named->second;
  }
  counts.is_limited = true;
  LimitedMetric limited{.service = std::string(service),
                        .metric = std::string(metric),
                        .attribute = std::string(LimitedMetric::kNoAttribute)};
  if (const auto watched = watched_.find(key); watched != watched_.end()) {
    double most = 0;
    for (const auto& [name, sketch] : watched->second) {
      const double values = std::round(sketch.Estimate());
      if (values <= most) continue;
      most = values;
      limited.attribute = name;
    }
    limited.values = static_cast<uint64_t>(most);
    watched_.erase(watched);
  }
  if (limited_by_.size() < kNamedMax) limited_by_[key] = limited.attribute;
  std::string attribute = limited.attribute;
  if (news_.metrics.size() < kNewsMax) news_.metrics.push_back(std::move(limited));
  return attribute;
}

bool MetricSeriesLimit::AdmitOverflow(uint64_t metric, uint64_t series) {
  std::lock_guard lock(mutex_);
  if (series_.contains(series)) return true;
  Counts& counts = metrics_[metric];
  if (counts.overflow >= kOverflowSeriesMax || series_.size() >= remembered_max_) return false;
  ++counts.overflow;
  series_.insert(series);
  return true;
}

void MetricSeriesLimit::Restore(uint64_t metric, uint64_t series, int32_t day, std::string_view limited_by) {
  std::lock_guard lock(mutex_);
  StartDay(day);
  if (series_.size() >= remembered_max_ || !series_.insert(series).second) return;
  Counts& counts = metrics_[metric];
  if (limited_by.empty()) {
    ++counts.own;
    WatchFrom(metric, counts);
    return;
  }
  ++counts.overflow;
  counts.is_limited = true;
  watched_.erase(metric);
  if (limited_by_.size() < kNamedMax) limited_by_[metric] = limited_by;
}

bool MetricSeriesLimit::IsWatched(uint64_t metric) const {
  std::lock_guard lock(mutex_);
  return watched_.contains(metric);
}

void MetricSeriesLimit::AddOverflowedPoints(uint64_t points) {
  if (points == 0) return;
  std::lock_guard lock(mutex_);
  news_.overflowed_points += points;
}

MetricSeriesLimit::News MetricSeriesLimit::Take() {
  std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

}  // namespace sightline::otlp
