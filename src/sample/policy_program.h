// What PolicySet compiles policies to: predicates, each a bit that a span sets for its trace, and a tree of votes over
// these bits. Internal to PolicySet and its evaluation.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sample/attributes.h"
#include "sample/policy_config.h"
#include "sample/policy_set.h"
#include "sample/span_condition.h"

namespace sightline::sample::internal {

inline constexpr uint16_t kNone = UINT16_MAX;

// The numbers of a key in span_keys and resource_keys.
struct AttributeSlots {
  uint16_t span = kNone, resource = kNone;
};

// A question about one attribute, asked of resources and of spans.
struct AttributePredicate {
  enum class Kind : uint8_t { kIntRange, kText, kRegex, kBool } kind = Kind::kText;
  AttributeSlots slots;
  uint16_t bit = 0;
  int64_t min = 0, max = 0;  // kIntRange; kBool: min is the value
  std::shared_ptr<const TextMatcher> texts;

  bool Matches(const AttributeValue& value, bool of_span) const;
};

struct TraceStatePredicate {
  std::string key;
  std::vector<std::string> values;
  uint16_t bit = 0;
};

struct RootLatencyPredicate {
  int64_t threshold_ms = 0;
  uint16_t bit = 0;
};

// ottl_condition. `error_bit` says that it failed on a span; a span on which it matched outweighs that.
struct ConditionPredicate {
  std::shared_ptr<const SpanCondition> condition;
  uint16_t bit = 0, error_bit = 0;
};

// One field of a dynamic policy's key.
struct KeyField {
  enum class Kind : uint8_t { kAttribute, kName, kKind, kStatus } kind = Kind::kAttribute;
  bool root_only = false;
  AttributeSlots slots;  // kAttribute
};

struct Node {
  enum class Op : uint8_t {
    kAlways,
    kBit,        // bit; error_bit if there is one
    kLatency,    // a < ms, and ms <= b unless b is 0
    kSpanCount,  // a <= spans, and spans <= b unless b is 0
    kHash,       // hash under `salt` <= threshold
    kSpanLimit,
    kByteLimit,
    kAnd,
    kNot,
    kComposite,
    kDynamic,
  } op = Op::kAlways;
  bool invert = false;  // kBit
  uint16_t bit = kNone, error_bit = kNone;
  uint16_t salt = kNone;
  uint16_t limiter = kNone;  // of a composite the first of its children's
  uint16_t dynamic = kNone;
  int64_t a = 0, b = 0;
  uint64_t threshold = 0;
  std::vector<Node> children;
  std::vector<uint16_t> child_numbers;  // of a composite: which in the configuration
};

// FNV-1a 64 of a salt: the state from which the trace id goes on.
struct Salt {
  uint64_t state = 0;
  std::vector<uint64_t> thresholds;  // rising, each once
  uint16_t dynamic = kNone;          // then the threshold is the key's at the time
  uint64_t Hash(const std::array<uint8_t, 16>& trace_id) const;
};

struct LimiterSpec {
  bool per_second_count = false;
  bool counts_bytes = false;  // else spans
  double per_second = 0, burst = 0;
  uint16_t policy = 0;
};

struct DynamicProgram {
  DynamicSpec spec;
  uint16_t first_field = 0, fields = 0;  // in key_fields
};

class PolicyProgram {
 public:
  // In order of evaluation, drop policies first.
  std::vector<PolicySet::Policy> policies;
  std::vector<Node> roots;
  uint16_t drops = 0;                  // the first so many are drop policies
  std::vector<uint16_t> by_certainty;  // drop policies, then those without chance or limits, limits, chance
  PolicyConfig config;
  PolicyNeeds needs;

  // Predicates. Those on intrinsic fields have bits below 64.
  uint16_t bits = 0;
  size_t words = 1;
  uint64_t status_bits[3] = {0, 0, 0};  // set by a span of this status
  uint64_t sampled_flag_bits = 0;
  uint64_t error_bits = 0;
  std::vector<RootLatencyPredicate> root_latencies;
  std::vector<TraceStatePredicate> trace_states;
  std::vector<AttributePredicate> attributes;
  std::vector<ConditionPredicate> conditions;
  KeyTable span_keys, resource_keys;
  uint16_t http_status_slot = kNone, old_http_status_slot = kNone;
  std::vector<KeyField> key_fields;
  boost::unordered_flat_map<std::string, uint16_t> bit_of;  // by what the predicate is

  std::vector<Salt> salts;
  std::vector<LimiterSpec> limiters;
  std::vector<DynamicProgram> dynamics;

  void MatchResource(std::string_view bytes, ResourceMatch& match) const;
  void MatchTraceState(std::string_view trace_state, SpanMatch& match) const;
  // Walks SpanFacts::span.
  void MatchBytes(const SpanFacts& facts, const ResourceMatch& resource, SpanMatch& match) const;
  void SetBit(SpanMatch& match, uint16_t bit) const;
  void FoldMore(TraceState& state, const MatchMore& more) const;

 private:
  void MatchView(const SpanView& view, SpanMatch& match) const;
  void AddKeyValues(const SpanView& view, SpanMatch& match) const;
  static size_t CountEvents(std::string_view span);
};

// What a hash may be at most, as the Collector computes it: floor(percentage / 100 * (2^64 - 1)) in big.Float's way.
uint64_t HashThreshold(double percentage);

Result<std::unique_ptr<PolicyProgram>> CompilePolicies(const PolicyConfig& config);

// How one trace is decided: once for real, which uses up limits, and as often as needed in thought, to know how likely
// it was. Thread: shard.
class Evaluation {
 public:
  Evaluation(const PolicyProgram& program, const TraceState& trace, const DecisionContext& context);
  Decision Run();

 private:
  enum class Vote : uint8_t { kNo, kYes, kError, kUnknown };
  // What limits say when one only thinks.
  enum class Limits : uint8_t { kReal, kAsTheyAre, kAllow, kRefuse };

  Vote Ask(const Node& node);
  Vote AskAll(const Node& node);
  Vote AskComposite(const Node& node);
  Vote AskHash(const Node& node);
  Vote AskDynamic(const Node& node);
  bool AskLimiter(uint16_t number, double amount);
  bool AllowsAsItIs(uint16_t number, double amount);
  bool Bit(uint16_t bit) const;
  uint64_t SaltValue(uint16_t salt);
  uint64_t DynamicThreshold(uint16_t dynamic, bool count);
  uint64_t DynamicKey(const DynamicProgram& dynamic) const;

  bool Keeps();  // in thought; unknown_salt_ is set when it depends on chance
  double Probability(Limits limits);
  double SumOverChance();
  double AdjustedCount();
  void OweIfRefused();
  double LimiterAmount(uint16_t number) const;

  const PolicyProgram& program_;
  const TraceState& trace_;
  PolicyState& state_;
  int64_t now_ = 0;
  Limits limits_ = Limits::kReal;
  uint16_t unknown_salt_ = kNone;
  uint16_t sub_policy_ = kNone;
  uint16_t only_policy_ = kNone;  // in thought: of those that keep, ask this one alone
  uint16_t refused_by_ = kNone;   // in thought: the first limit that refused what it could allow at another time
};

}  // namespace sightline::sample::internal
