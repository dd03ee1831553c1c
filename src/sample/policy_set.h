// Tail-sampling policies as a flat evaluator. Data: the facts of spans, folded one by one into a small state for each
// trace -> when the trace is complete, keep or not, by which policy, and how many traces a kept one stands for.
// Knows nothing of journals, shards, queues and timers. docs/sampling.md has the policies and the rule of the weights.
//
//   receive thread   ResourceMatch resource = set.MatchResource(bytes);          once a resource
//                    SpanMatch match = set.MatchSpan(facts, resource);           the only look at a span's attributes
//   shard thread     set.AddSpan(state, facts, match);                           needs no bytes of the span
//                    Decision decision = set.Decide(state, {policy_state, now}); once a trace
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sample/attributes.h"
#include "sample/policy_config.h"
#include "sample/policy_state.h"

namespace sightline::sample {

// What the policies want to know about a span. Views are needed only during the call.
struct SpanFacts {
  static constexpr int32_t kHttpStatusUnread = -1;

  std::array<uint8_t, 16> trace_id{};
  uint8_t kind = 0;      // OTLP's numbers
  uint8_t status = 0;    // 0 unset, 1 ok, 2 error
  bool is_root = false;  // no parent span id
  uint32_t flags = 0;
  uint64_t start_unix_nanos = 0, end_unix_nanos = 0;
  uint32_t bytes = 0;  // of the Span message
  // http.response.status_code, else http.status_code; 0 if there is neither. Left unread it is looked up in `span`, and
  // only if PolicyNeeds::http_status.
  int32_t http_status = kHttpStatusUnread;
  std::string_view trace_state;  // only if PolicyNeeds::trace_state
  std::string_view span;         // the Span message; only if PolicyNeeds::span_bytes
};

// What AddSpan needs of a span when MatchSpan has been there: SpanFacts without views.
struct SpanTimes {
  std::array<uint8_t, 16> trace_id{};
  uint64_t start_unix_nanos = 0, end_unix_nanos = 0;
  uint32_t bytes = 0;
};

// Predicates beyond the first 64, and values of the keys of dynamic policies. Most policy sets need none.
struct MatchMore {
  std::vector<uint64_t> words;
  struct KeyValue {
    uint16_t slot;   // which field of which dynamic policy
    uint64_t value;  // hash of the attribute's type and value
    auto operator<=>(const KeyValue&) const = default;
  };
  std::vector<KeyValue> key_values;  // sorted, each once
};

// Which predicates one span fulfils. Moves between threads. 16 bytes.
struct SpanMatch {
  uint64_t bits = 0;
  std::unique_ptr<MatchMore> more;
};

// The same for a resource, which all of its spans share. Views into the resource's bytes: valid as long as these.
struct ResourceMatch {
  uint64_t bits = 0;
  std::vector<uint64_t> words;  // beyond the first 64
  std::vector<AttributeValue> slots;
};

// What a trace's spans have shown so far. Belongs to the PolicySet that filled it.
struct TraceState {
  uint64_t bits = 0;
  uint64_t start_unix_nanos = 0;  // earliest start, latest end; 0: no span said
  uint64_t end_unix_nanos = 0;
  uint64_t bytes = 0;
  uint32_t spans = 0;
  uint32_t unused = 0;
  std::array<uint8_t, 16> trace_id{};
  std::unique_ptr<MatchMore> more;
};
static_assert(sizeof(TraceState) == 64);

// What a scan has to extract for MatchSpan to see what it needs.
struct PolicyNeeds {
  bool trace_state = false;
  bool http_status = false;
  bool span_bytes = false;  // attributes, names or events are looked at: SpanFacts::span, MatchResource
  bool events = false;
  std::vector<std::string> resource_keys, span_keys, event_keys;  // attribute keys, each once
};

inline constexpr uint16_t kNoPolicy = UINT16_MAX;

struct Decision {
  bool keep = false;
  bool dropped = false;             // not kept because a drop policy said so
  uint16_t policy = kNoPolicy;      // index into policies(): the first that kept it; the one that dropped it
  uint16_t sub_policy = kNoPolicy;  // of a composite: which of its sub-policies, in the order of the configuration
  double adjusted_count = 1;        // of a kept trace: how many traces it stands for; 0 if not kept
};

struct DecisionContext {
  PolicyState& state;  // the shard's own, made for the same PolicySet
  int64_t now_unix_nanos = 0;
};

namespace internal {
class PolicyProgram;
}

// Immutable. Thread: any, shared between shards.
class PolicySet {
 public:
  // What is wrong with the policies, with the name of the policy.
  static Result<std::shared_ptr<const PolicySet>> Compile(const PolicyConfig& config);
  ~PolicySet();

  struct Policy {
    std::string name;
    std::string type;                       // as in the configuration: "latency"
    std::vector<std::string> sub_policies;  // names, of a composite
  };
  // In the order in which they are asked: drop policies first, the rest as configured. Decision::policy points here.
  const std::vector<Policy>& policies() const;
  const PolicyConfig& config() const;
  const PolicyNeeds& Needs() const;

  // Which predicates the resource alone decides. `resource`: the bytes of a Resource message.
  ResourceMatch MatchResource(std::string_view resource) const;
  SpanMatch MatchSpan(const SpanFacts& facts, const ResourceMatch& resource) const;

  void AddSpan(TraceState& state, const SpanTimes& span, const SpanMatch& match) const;
  void AddSpan(TraceState& state, const SpanFacts& facts, const ResourceMatch& resource) const;

  Decision Decide(const TraceState& state, const DecisionContext& context) const;

 private:
  friend class PolicyState;
  explicit PolicySet(std::unique_ptr<const internal::PolicyProgram> program);
  std::unique_ptr<const internal::PolicyProgram> program_;
};

}  // namespace sightline::sample
