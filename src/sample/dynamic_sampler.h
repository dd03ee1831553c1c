// Sample rates by key that keep rare keys and thin frequent ones, so that the average meets a goal: the method of
// Honeycomb's dynsampler (EMASampleRate, EMAThroughput). Counts by key are averaged over intervals (exponentially);
// each key gets room in proportion to the logarithm of its average count.
// Data: (key, spans, now) -> 1 trace in how many to keep.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>

#include "sample/policy_config.h"

namespace sightline::sample {

// Thread: shard.
class DynamicSampler {
 public:
  // `shards`: how many share the goal.
  DynamicSampler(const DynamicSpec& spec, uint32_t shards);

  // Counts a trace and says what rate (at least 1) its key has: fixed by what came before this trace.
  double Observe(uint64_t key, uint64_t spans, int64_t now_unix_nanos);
  // The same without counting it.
  double Rate(uint64_t key) const;

  size_t keys() const { return averages_.size(); }

 private:
  // Keys beyond max_keys are counted and thinned together, as this one.
  static constexpr uint64_t kOtherKeys = 0;
  uint64_t Tracked(uint64_t key) const;
  void Adjust(double scale);
  void UpdateAverages(double scale);

  using ByKey = boost::unordered_flat_map<uint64_t, double>;
  DynamicSpec spec_;
  double goal_per_second_ = 0;
  ByKey counts_, averages_, rates_;
  double counted_ = 0, burst_threshold_ = 0;
  int64_t interval_start_ = INT64_MIN;
  uint32_t intervals_ = 0;
};

}  // namespace sightline::sample
