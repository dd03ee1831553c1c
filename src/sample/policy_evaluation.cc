// How one trace is decided, and how many traces a kept one stands for. docs/sampling.md has the rule.
#include <algorithm>
#include <cmath>

#include "sample/policy_program.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sightline::sample::internal {
namespace {

constexpr double kHashes = 18446744073709551616.0;  // 2^64

int64_t Milliseconds(const TraceState& trace) {
  if (trace.start_unix_nanos == 0 || trace.end_unix_nanos <= trace.start_unix_nanos) return 0;
  return static_cast<int64_t>((trace.end_unix_nanos - trace.start_unix_nanos) / 1'000'000);
}

}  // namespace

Evaluation::Evaluation(const PolicyProgram& program, const TraceState& trace, const DecisionContext& context)
    : program_(program), trace_(trace), state_(context.state), now_(context.now_unix_nanos) {
  std::ranges::fill(state_.outcomes_, PolicyState::Outcome::kUnasked);
  std::ranges::fill(state_.salt_known_, uint8_t{0});
  std::ranges::fill(state_.dynamic_asked_, uint8_t{0});
  std::ranges::fill(state_.voted_yes_, uint8_t{0});
}

bool Evaluation::Bit(uint16_t bit) const {
  if (bit < 64) return (trace_.bits >> bit & 1) != 0;
  const size_t word = bit / 64 - 1;
  return trace_.more && word < trace_.more->words.size() && (trace_.more->words[word] >> bit % 64 & 1) != 0;
}

Evaluation::Vote Evaluation::Ask(const Node& node) {
  const auto vote = [](bool yes) { return yes ? Vote::kYes : Vote::kNo; };
  switch (node.op) {
    case Node::Op::kAlways:
      return Vote::kYes;
    case Node::Op::kBit:
      if (Bit(node.bit)) return vote(!node.invert);
      if (node.error_bit != kNone && Bit(node.error_bit)) return Vote::kError;
      return vote(node.invert);
    case Node::Op::kLatency: {
      const int64_t ms = Milliseconds(trace_);
      return vote(ms > node.a && (node.b == 0 || ms <= node.b));
    }
    case Node::Op::kSpanCount:
      return vote(trace_.spans >= node.a && (node.b == 0 || trace_.spans <= node.b));
    case Node::Op::kHash:
      return AskHash(node);
    case Node::Op::kSpanLimit:
      return vote(AskLimiter(node.limiter, trace_.spans));
    case Node::Op::kByteLimit:
      return vote(AskLimiter(node.limiter, static_cast<double>(trace_.bytes)));
    case Node::Op::kAnd:
      return AskAll(node);
    case Node::Op::kNot: {
      const Vote inner = Ask(node.children[0]);
      return inner == Vote::kYes ? Vote::kNo : inner == Vote::kNo ? Vote::kYes : inner;
    }
    case Node::Op::kComposite:
      return AskComposite(node);
    case Node::Op::kDynamic:
      return AskDynamic(node);
  }
  return Vote::kNo;
}

Evaluation::Vote Evaluation::AskAll(const Node& node) {
  for (const Node& child : node.children) {
    if (const Vote vote = Ask(child); vote != Vote::kYes) return vote;
  }
  return Vote::kYes;
}

// The first sub-policy that says yes decides, and its share of the spans a second has the last word.
Evaluation::Vote Evaluation::AskComposite(const Node& node) {
  for (size_t i = 0; i < node.children.size(); ++i) {
    const Vote vote = Ask(node.children[i]);
    if (vote == Vote::kNo) continue;
    if (vote != Vote::kYes) return vote;
    if (!AskLimiter(static_cast<uint16_t>(node.limiter + i), trace_.spans)) return Vote::kNo;
    if (limits_ == Limits::kReal) sub_policy_ = node.child_numbers[i];
    return Vote::kYes;
  }
  return Vote::kNo;
}

bool Evaluation::AllowsAsItIs(uint16_t number, double amount) {
  const PolicyState::Outcome outcome = state_.outcomes_[number];
  // One that was not asked is as full as it was before this trace.
  const bool allowed = outcome == PolicyState::Outcome::kUnasked ? state_.limiters_[number].WouldAllow(amount, now_)
                                                                 : outcome == PolicyState::Outcome::kPassed;
  if (!allowed && refused_by_ == kNone && state_.limiters_[number].CouldEverAllow(amount)) refused_by_ = number;
  return allowed;
}

bool Evaluation::AskLimiter(uint16_t number, double amount) {
  using Outcome = PolicyState::Outcome;
  Limiter& limiter = state_.limiters_[number];
  switch (limits_) {
    case Limits::kReal: {
      const bool allowed = limiter.WouldAllow(amount, now_);
      if (allowed) limiter.Take(amount, now_);
      state_.outcomes_[number] = allowed ? Outcome::kPassed : Outcome::kRefused;
      return allowed;
    }
    case Limits::kAsTheyAre:
      return AllowsAsItIs(number, amount);
    case Limits::kAllow:
      return limiter.CouldEverAllow(amount);
    case Limits::kRefuse:
      return false;
  }
  return false;
}

Evaluation::Vote Evaluation::AskHash(const Node& node) {
  if (limits_ != Limits::kReal && !state_.salt_known_[node.salt]) {
    unknown_salt_ = node.salt;
    return Vote::kUnknown;
  }
  return SaltValue(node.salt) <= node.threshold ? Vote::kYes : Vote::kNo;
}

uint64_t Evaluation::SaltValue(uint16_t salt) {
  if (!state_.salt_known_[salt]) {
    state_.salt_values_[salt] = program_.salts[salt].Hash(trace_.trace_id);
    state_.salt_known_[salt] = 1;
  }
  return state_.salt_values_[salt];
}

uint64_t Evaluation::DynamicKey(const DynamicProgram& dynamic) const {
  if (!trace_.more) return 1;
  const auto& values = trace_.more->key_values;
  const auto begin = std::ranges::lower_bound(values, dynamic.first_field, {}, &MatchMore::KeyValue::slot);
  const auto end = std::ranges::upper_bound(values, static_cast<uint16_t>(dynamic.first_field + dynamic.fields - 1), {},
                                            &MatchMore::KeyValue::slot);
  uint64_t key = 1;
  for (auto at = begin; at != end; ++at) {
    const uint64_t pair[2] = {static_cast<uint64_t>(at->slot - dynamic.first_field), at->value};
    key = XXH3_64bits_withSeed(pair, sizeof(pair), key);
  }
  return key | 1;  // 0 has a meaning of its own
}

uint64_t Evaluation::DynamicThreshold(uint16_t number, bool count) {
  if (!state_.dynamic_asked_[number]) {
    const uint64_t key = DynamicKey(program_.dynamics[number]);
    DynamicSampler& sampler = state_.dynamics_[number];
    const double rate = count ? sampler.Observe(key, trace_.spans, now_) : sampler.Rate(key);
    state_.dynamic_thresholds_[number] = rate <= 1 ? UINT64_MAX : static_cast<uint64_t>(kHashes / rate);
    state_.dynamic_asked_[number] = 1;
  }
  return state_.dynamic_thresholds_[number];
}

Evaluation::Vote Evaluation::AskDynamic(const Node& node) {
  const uint64_t threshold = DynamicThreshold(node.dynamic, limits_ == Limits::kReal);
  if (threshold == UINT64_MAX) return Vote::kYes;
  if (limits_ != Limits::kReal && !state_.salt_known_[node.salt]) {
    unknown_salt_ = node.salt;
    return Vote::kUnknown;
  }
  return SaltValue(node.salt) <= threshold ? Vote::kYes : Vote::kNo;
}

Decision Evaluation::Run() {
  Decision decision;
  decision.adjusted_count = 0;
  for (uint16_t i = 0; i < program_.roots.size(); ++i) {
    sub_policy_ = kNone;
    const Vote vote = Ask(program_.roots[i]);
    PolicyCounters& counters = state_.counters_[i];
    counters.errors += vote == Vote::kError;
    counters.traces_not_sampled += vote == Vote::kNo;
    counters.traces_sampled += vote == Vote::kYes;
    if (vote != Vote::kYes) continue;
    state_.voted_yes_[i] = 1;
    if (decision.policy == kNoPolicy) {
      decision.policy = i;
      decision.sub_policy = sub_policy_;
    }
    if (i < program_.drops) {
      decision.dropped = true;
      break;
    }
    decision.keep = true;
    if (program_.config.sample_on_first_match) break;
  }
  if (decision.keep) {
    decision.adjusted_count = AdjustedCount();
  } else if (!decision.dropped && !program_.limiters.empty()) {
    OweIfRefused();
  }
  if (decision.policy != kNoPolicy) {
    PolicyCounters& counters = state_.counters_[decision.policy];
    ++counters.traces_decided;
    counters.spans_decided += trace_.spans;
    counters.bytes_decided += trace_.bytes;
    counters.adjusted_decided += decision.adjusted_count;
  }
  return decision;
}

bool Evaluation::Keeps() {
  unknown_salt_ = kNone;
  for (const uint16_t i : program_.by_certainty) {
    if (only_policy_ != kNone && i >= program_.drops && i != only_policy_) continue;
    const Vote vote = Ask(program_.roots[i]);
    if (vote == Vote::kUnknown) return false;
    if (vote == Vote::kYes) return i >= program_.drops;
  }
  return false;
}

double Evaluation::Probability(Limits limits) {
  limits_ = limits;
  std::ranges::fill(state_.salt_known_, uint8_t{0});
  return SumOverChance();
}

// The probability that the trace is kept, over the salts whose hashes are not set yet: each is a uniform number, and
// between two neighbouring thresholds all of its values have the same effect.
double Evaluation::SumOverChance() {
  const bool keeps = Keeps();
  const uint16_t salt = unknown_salt_;
  if (salt == kNone) return keeps ? 1 : 0;
  uint64_t dynamic_threshold = 0;
  std::span<const uint64_t> thresholds = program_.salts[salt].thresholds;
  if (const uint16_t dynamic = program_.salts[salt].dynamic; dynamic != kNone) {
    dynamic_threshold = DynamicThreshold(dynamic, false);
    thresholds = {&dynamic_threshold, 1};
  }
  state_.salt_known_[salt] = 1;
  double sum = 0, below = 0;
  for (const uint64_t threshold : thresholds) {
    const double upto = (static_cast<double>(threshold) + 1) / kHashes;
    state_.salt_values_[salt] = threshold;
    sum += (upto - below) * SumOverChance();
    below = upto;
  }
  state_.salt_values_[salt] = UINT64_MAX;
  sum += (1 - below) * SumOverChance();
  state_.salt_known_[salt] = 0;
  return sum;
}

double Evaluation::LimiterAmount(uint16_t number) const {
  return program_.limiters[number].counts_bytes ? static_cast<double>(trace_.bytes) : trace_.spans;
}

double Evaluation::AdjustedCount() {
  const double probability = Probability(Limits::kAsTheyAre);
  // 0 only by rounding, of a hash that hit a threshold of next to nothing.
  double count = probability > 0 ? 1 / probability : 1;
  if (program_.limiters.empty() || Probability(Limits::kRefuse) > 0) return count;
  for (uint16_t i = 0; i < program_.limiters.size(); ++i) {
    if (state_.outcomes_[i] != PolicyState::Outcome::kPassed || !state_.voted_yes_[program_.limiters[i].policy])
      continue;
    count += state_.limiters_[i].TakeDebt(static_cast<uint64_t>(LimiterAmount(i)));
  }
  return count;
}

// Had no chance as the limits stand, and would have had one else: whoever passes next stands for it. The debt is the
// limit's that refused it, in the first policy that would have kept it.
void Evaluation::OweIfRefused() {
  if (Probability(Limits::kAsTheyAre) > 0 || Probability(Limits::kAllow) == 0) return;
  for (uint16_t i = program_.drops; i < program_.roots.size(); ++i) {
    only_policy_ = i;
    if (Probability(Limits::kAllow) == 0) continue;
    refused_by_ = kNone;
    Probability(Limits::kAsTheyAre);
    if (refused_by_ == kNone) continue;
    state_.limiters_[refused_by_].AddDebt(static_cast<uint64_t>(LimiterAmount(refused_by_)));
    break;
  }
  only_policy_ = kNone;
}

}  // namespace sightline::sample::internal
