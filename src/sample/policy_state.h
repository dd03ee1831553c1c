// What changes while policies decide: how much their limits still allow, what they have seen, and which traces nobody
// stands for yet. One for each shard; limits are divided by the number of shards.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "sample/dynamic_sampler.h"

namespace sightline::sample {

class PolicySet;
namespace internal {
class Evaluation;
class PolicyProgram;
}  // namespace internal

// What one policy said about the traces that were decided.
struct PolicyCounters {
  uint64_t traces_sampled = 0;  // it voted for keeping (a drop policy: for dropping)
  uint64_t traces_not_sampled = 0;
  uint64_t errors = 0;  // it could not say: skipped
  // Of the traces that were kept (dropped) because of it: the first to say so.
  uint64_t traces_decided = 0;
  uint64_t spans_decided = 0;
  uint64_t bytes_decided = 0;
  double adjusted_decided = 0;  // how many traces these stand for
};

// A limit by time: a token bucket, or a count that starts again each second. And the debt: traces that were refused by
// limits alone, for which the next kept trace of about the same size stands too. Thread: shard.
class Limiter {
 public:
  static Limiter TokenBucket(double per_second, double burst);
  static Limiter PerSecond(double max);

  bool WouldAllow(double amount, int64_t now_unix_nanos) const;
  void Take(double amount, int64_t now_unix_nanos);  // only what it would allow
  bool CouldEverAllow(double amount) const { return amount <= burst_; }

  void AddDebt(uint64_t amount) { debts_[SizeClass(amount)] += 1; }
  double TakeDebt(uint64_t amount);
  double debt() const;

 private:
  // Big traces pass a limit more rarely than small ones, so they stand for each other only.
  static size_t SizeClass(uint64_t amount);
  double TokensAt(int64_t now_unix_nanos) const;

  bool per_second_count_ = false;
  double rate_ = 0, burst_ = 0;
  double tokens_ = 0;
  int64_t at_ = INT64_MIN;  // when tokens_ was right; of a count, its second
  std::array<double, 65> debts_{};
};

// Thread: shard.
class PolicyState {
 public:
  PolicyState(std::shared_ptr<const PolicySet> set, uint32_t shards);
  ~PolicyState();

  const PolicySet& set() const { return *set_; }
  // By policy, as PolicySet::policies().
  const std::vector<PolicyCounters>& counters() const { return counters_; }
  // Traces that were refused by limits and for which no kept trace stands yet.
  double unrepresented_traces() const;
  const std::vector<DynamicSampler>& dynamic_samplers() const { return dynamics_; }

 private:
  friend class internal::Evaluation;
  friend class internal::PolicyProgram;

  std::shared_ptr<const PolicySet> set_;
  std::vector<Limiter> limiters_;
  std::vector<DynamicSampler> dynamics_;
  std::vector<PolicyCounters> counters_;

  // Scratch of one decision, kept to save allocations.
  enum class Outcome : uint8_t { kUnasked, kPassed, kRefused };
  std::vector<Outcome> outcomes_;             // by limiter
  std::vector<uint64_t> salt_values_;         // by salt
  std::vector<uint8_t> salt_known_;           // by salt
  std::vector<uint64_t> dynamic_thresholds_;  // by dynamic policy: what the hash was compared with, if asked
  std::vector<uint8_t> dynamic_asked_;
  std::vector<uint8_t> voted_yes_;  // by policy
};

}  // namespace sightline::sample
