#include "sample/policy_state.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "sample/policy_program.h"

namespace sightline::sample {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int64_t SecondOf(int64_t unix_nanos) {
  return unix_nanos >= 0 ? unix_nanos / kSecond : (unix_nanos - kSecond + 1) / kSecond;
}

}  // namespace

Limiter Limiter::TokenBucket(double per_second, double burst) {
  Limiter limiter;
  limiter.rate_ = per_second;
  limiter.burst_ = limiter.tokens_ = burst;
  return limiter;
}

Limiter Limiter::PerSecond(double max) {
  Limiter limiter;
  limiter.per_second_count_ = true;
  limiter.burst_ = limiter.tokens_ = max;
  return limiter;
}

double Limiter::TokensAt(int64_t now_unix_nanos) const {
  if (per_second_count_) return SecondOf(now_unix_nanos) == at_ ? tokens_ : burst_;
  if (at_ == INT64_MIN || now_unix_nanos <= at_) return tokens_;
  return std::min(burst_, tokens_ + static_cast<double>(now_unix_nanos - at_) / 1e9 * rate_);
}

bool Limiter::WouldAllow(double amount, int64_t now_unix_nanos) const {
  return amount <= TokensAt(now_unix_nanos);
}

void Limiter::Take(double amount, int64_t now_unix_nanos) {
  tokens_ = TokensAt(now_unix_nanos) - amount;
  at_ = per_second_count_ ? SecondOf(now_unix_nanos) : std::max(at_, now_unix_nanos);
}

size_t Limiter::SizeClass(uint64_t amount) {
  return static_cast<size_t>(std::bit_width(amount));
}

double Limiter::TakeDebt(uint64_t amount) {
  return std::exchange(debts_[SizeClass(amount)], 0.0);
}

double Limiter::debt() const {
  return std::accumulate(debts_.begin(), debts_.end(), 0.0);
}

PolicyState::PolicyState(std::shared_ptr<const PolicySet> set, uint32_t shards) : set_(std::move(set)) {
  const internal::PolicyProgram& program = *set_->program_;
  for (const internal::LimiterSpec& spec : program.limiters) {
    const double rate = spec.per_second / shards;
    limiters_.push_back(spec.per_second_count ? Limiter::PerSecond(rate) : Limiter::TokenBucket(rate, spec.burst));
  }
  for (const internal::DynamicProgram& dynamic : program.dynamics) dynamics_.emplace_back(dynamic.spec, shards);
  counters_.resize(program.policies.size());
  outcomes_.resize(limiters_.size());
  salt_values_.resize(program.salts.size());
  salt_known_.resize(program.salts.size());
  dynamic_thresholds_.resize(dynamics_.size());
  dynamic_asked_.resize(dynamics_.size());
  voted_yes_.resize(program.policies.size());
}

PolicyState::~PolicyState() = default;

double PolicyState::unrepresented_traces() const {
  double traces = 0;
  for (const Limiter& limiter : limiters_) traces += limiter.debt();
  return traces;
}

}  // namespace sightline::sample
