// What was decided about traces, for their spans that come late.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <optional>
#include <utility>

namespace sightline::sample {

// Remembers the last traces, between half of `traces_max` and all of it: two generations, of which the older goes when
// the younger is full. A trace that is asked for moves into the younger. Thread: of its owner.
class DecisionCache {
 public:
  struct Decided {
    uint32_t policy = 0;  // what the owner calls it
    float adjusted_count = 0;
  };

  explicit DecisionCache(uint64_t traces_max) : half_(traces_max / 2) {}

  void Add(uint64_t trace_hash, Decided decided) {
    if (half_ == 0) return;
    if (young_.size() >= half_) {
      old_ = std::move(young_);
      young_ = {};
    }
    young_[trace_hash] = decided;
  }

  std::optional<Decided> Find(uint64_t trace_hash) {
    if (const auto found = young_.find(trace_hash); found != young_.end()) return found->second;
    const auto found = old_.find(trace_hash);
    if (found == old_.end()) return std::nullopt;
    const Decided decided = found->second;
    Add(trace_hash, decided);
    return decided;
  }

  uint64_t bytes() const { return (young_.bucket_count() + old_.bucket_count()) * kSlotBytes; }

  // With as many bytes there is room for so many traces: maps double, so they are half full at worst.
  static uint64_t TracesIn(uint64_t bytes) { return bytes / (2 * kSlotBytes); }

 private:
  struct AsIs {  // trace hashes are hashes already
    using is_avalanching = void;
    size_t operator()(uint64_t hash) const { return hash; }
  };
  using Map = boost::unordered_flat_map<uint64_t, Decided, AsIs>;
  static constexpr uint64_t kSlotBytes = sizeof(Map::value_type) + 2;  // with the map's own byte and a bit

  const uint64_t half_;
  Map young_, old_;
};

}  // namespace sightline::sample
