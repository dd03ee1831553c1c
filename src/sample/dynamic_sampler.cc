#include "sample/dynamic_sampler.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sightline::sample {
namespace {

constexpr double kFirstRate = 10;             // while nothing has been seen and the goal is a throughput
constexpr uint32_t kBurstAfterIntervals = 3;  // the first averages are no measure of a burst

}  // namespace

DynamicSampler::DynamicSampler(const DynamicSpec& spec, uint32_t shards)
    : spec_(spec), goal_per_second_(spec.goal_spans_per_second / shards) {
  spec_.keys.clear();
}

uint64_t DynamicSampler::Tracked(uint64_t key) const {
  if (averages_.contains(key) || counts_.contains(key)) return key;
  return std::max(counts_.size(), averages_.size()) < spec_.max_keys ? key : kOtherKeys;
}

double DynamicSampler::Rate(uint64_t key) const {
  if (intervals_ == 0) return spec_.goal_sample_rate > 0 ? spec_.goal_sample_rate : kFirstRate;
  const auto found = rates_.find(Tracked(key));
  return found == rates_.end() ? 1 : found->second;
}

double DynamicSampler::Observe(uint64_t key, uint64_t spans, int64_t now_unix_nanos) {
  if (interval_start_ == INT64_MIN || now_unix_nanos < interval_start_) interval_start_ = now_unix_nanos;
  const int64_t passed = now_unix_nanos - interval_start_;
  const bool burst = burst_threshold_ > 0 && counted_ >= burst_threshold_ && intervals_ >= kBurstAfterIntervals;
  if (passed >= spec_.adjustment_interval_nanos) {
    Adjust(static_cast<double>(spec_.adjustment_interval_nanos) / static_cast<double>(passed));
    interval_start_ = now_unix_nanos;
  } else if (burst) {
    Adjust(1);
    interval_start_ = now_unix_nanos;
  }
  const double rate = Rate(key);
  counts_[Tracked(key)] += static_cast<double>(spans);
  counted_ += static_cast<double>(spans);
  return rate;
}

void DynamicSampler::UpdateAverages(double scale) {
  const double weight = spec_.weight;
  for (auto& [key, average] : averages_) {
    const auto found = counts_.find(key);
    average = average * (1 - weight) + (found == counts_.end() ? 0 : found->second * scale * weight);
    if (found != counts_.end()) counts_.erase(found);
  }
  // Below this a key seen once would stay for ever.
  boost::unordered::erase_if(averages_, [weight](const auto& entry) { return entry.second < weight; });
  for (const auto& [key, count] : counts_) {
    if (averages_.size() <= spec_.max_keys) averages_.emplace(key, count * scale * weight);
  }
  counts_.clear();
  counted_ = 0;
}

// `scale`: of the configured interval by the one that has passed. Gives each key room for as many spans as its share of
// the logarithms; what a rare key leaves goes to the others.
void DynamicSampler::Adjust(double scale) {
  ++intervals_;
  if (counts_.empty()) return;  // an outage is no reason to forget
  UpdateAverages(scale);
  std::vector<std::pair<uint64_t, double>> keys(averages_.begin(), averages_.end());
  // Rarest first, so that what they leave is known before the frequent ones are served. The key breaks ties: the same
  // counts give the same rates.
  std::ranges::sort(keys, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second < b.second : a.first < b.first;
  });
  double sum = 0, logarithms = 0;
  for (auto& [key, count] : keys) {
    count = std::max(1.0, count);
    sum += count;
    logarithms += std::log10(count);
  }
  burst_threshold_ = spec_.burst_multiple > 0 ? sum * spec_.burst_multiple : 0;
  double room = spec_.goal_sample_rate > 0
                    ? sum / spec_.goal_sample_rate
                    : goal_per_second_ * static_cast<double>(spec_.adjustment_interval_nanos) / 1e9;
  rates_.clear();
  for (const auto& [key, count] : keys) {
    const double logarithm = std::log10(count);
    const double share = logarithms > 0 ? room * logarithm / logarithms : room;
    const double kept = std::clamp(share, 1.0, count);
    rates_.emplace(key, count / kept);
    room = std::max(0.0, room - kept);
    logarithms -= logarithm;
  }
}

}  // namespace sightline::sample
