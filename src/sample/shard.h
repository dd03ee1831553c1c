// The traces of one shard from their first span to their decision.
// Data: spans that arrived, and time -> PendingDecisions, which whoever owns the shard writes to the journal and only
// then lets take effect. Knows no journal, no thread and no clock.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/metrics.h"
#include "sample/arrived_span.h"
#include "sample/decided_frame.h"
#include "sample/decision_cache.h"
#include "sample/policy_set.h"
#include "sample/trace_index.h"

namespace sightline::sample {

// Why a trace was decided at that moment.
enum class Cause : uint8_t {
  kWait,        // decision_wait after its first span, or decision_wait_after_root_received
  kMemory,      // the index is at its limit: early
  kJournal,     // the journal is: early
  kTraceLimit,  // more than num_traces: early
  kTooLarge,    // maximum_trace_size_bytes: dropped without asking the policies
  kShutdown,    // drop_pending_traces_on_shutdown: dropped
};
inline constexpr size_t kCauses = 6;

// What has been decided and is not yet in the journal.
struct PendingDecisions {
  DecidedFrame frame;  // without `sources`; `graph` only once it is taken
  struct KeptSpan {
    SpanPlace place;
    uint32_t trace = 0;  // index into frame.kept
  };
  std::vector<KeptSpan> kept_spans;
  uint64_t kept_bytes = 0;
  // How many spans of which frame are decided by this.
  struct Decided {
    FrameHold* frame = nullptr;
    uint32_t spans = 0;
  };
  std::vector<Decided> decided;
  int64_t since_nanos = 0;  // monotonic, of the first

  bool empty() const { return decided.empty(); }
};

// The counters of all shards together. Names: docs/metrics.md.
class SamplingCounters {
 public:
  explicit SamplingCounters(MetricsRegistry& metrics);
  Counter& traces(bool kept, const std::string& policy);
  Counter& spans(bool kept, const std::string& policy);

  Counter& early_memory;
  Counter& early_journal;
  Counter& early_trace_limit;
  Counter& late_kept;
  Counter& late_dropped;
  Counter& too_large;
  Counter& calls;
  Counter& unpaired_spans;

 private:
  MetricsRegistry& metrics_;
};

// Thread: shard.
class Shard {
 public:
  struct Options {
    uint32_t shards = 1;                   // limits and counts of the policies are divided by it
    uint64_t memory_bytes_max = 64 << 20;  // of this shard; at it traces are decided early
    uint64_t pending_bytes_max = 4 << 20;  // of kept spans; then no more is decided until they are taken
  };
  struct Now {
    int64_t monotonic_nanos = 0, unix_nanos = 0;
  };

  // All spans of a frame as a policy set sees them, their places without the frame. What cannot be read is left out.
  using MatchAgain =
      std::function<void(const FrameHold& frame, const PolicySet& policies, const std::function<void(ArrivedSpan&&)>&)>;

  Shard(const Options& options, std::shared_ptr<const PolicySet> policies, uint64_t policies_version,
        SamplingCounters& counters, const GraphNames& graph_names, MatchAgain match_again);

  // Also for the traces that wait: their spans are matched again.
  void SetPolicies(std::shared_ptr<const PolicySet> policies, uint64_t version);

  // `cached` remembers what a run before has decided, as long as there is room.
  void Remember(uint64_t trace_hash, bool keep, const std::string& policy, double adjusted_count);

  void Add(SpanBatch batch, const Now& now);

  // Decides what is due, and the oldest where memory or num_traces are passed, until pending is full.
  void Decide(const Now& now);
  // Decides all traces that have a span in frames up to this one, as long as pending is not full. Among the traces by
  // age it looks on until it has passed `others_max` that have none: threads deliver frames in about their order.
  // Returns how many it decided.
  uint64_t DecideFramesUntil(uint64_t frame, uint64_t others_max, const Now& now);
  void DropAll(const Now& now);

  // Decisions that wait since `before`, or as many as may wait.
  bool PendingIsDue(int64_t before_nanos) const {
    return !pending_.empty() && (pending_.since_nanos <= before_nanos || pending_is_full());
  }
  bool pending_is_full() const { return pending_.kept_bytes >= options_.pending_bytes_max; }
  const PendingDecisions& pending() const { return pending_; }
  PendingDecisions TakePending();

  // What others hold for this shard's spans; counts against its memory.
  void set_foreign_bytes(uint64_t bytes) { foreign_bytes_ = bytes; }

  // The frames of all spans that wait or are not taken yet, some of them more than once.
  void ForEachFrame(const std::function<void(FrameHold*)>& visit) {
    index_.ForEachTrace([&](TraceIndex::Trace& trace) {
      index_.ForEachSpan(trace, [&](const SpanPlace& place) { visit(place.frame); });
    });
    for (const PendingDecisions::Decided& decided : pending_.decided) visit(decided.frame);
  }

  uint64_t traces() const { return index_.traces(); }
  uint64_t spans() const { return index_.spans(); }
  uint64_t bytes() const { return foreign_bytes_ + index_bytes(); }
  uint64_t index_bytes() const { return index_.bytes() + kept_.bytes() + dropped_.bytes(); }
  uint64_t policies_version() const { return policies_version_; }
  const PolicySet& policies() const { return *policies_; }
  const PolicyState& policy_state() const { return state_; }

 private:
  struct Name {
    std::string text;
    Counter* traces[2];  // dropped, kept
    Counter* spans[2];
  };

  void MatchBatch(SpanBatch& batch);
  void AddSpan(ArrivedSpan& span, const Now& now);
  bool AddLate(const ArrivedSpan& span, const Now& now);
  bool HasSpanUntil(uint32_t number, uint64_t frame);
  void DecideTrace(uint32_t number, Cause cause, const Now& now);
  void Drop(uint32_t number, uint32_t name, const Now& now);
  void Keep(uint32_t number, uint32_t name, double adjusted_count, const Now& now);
  void Settle(FrameHold* frame, const Now& now);
  uint32_t KeptTrace(uint64_t trace_hash, uint32_t name, double adjusted_count, bool is_late);
  void AddToGraph(uint32_t number);
  void CountEarly(Cause cause);
  uint32_t NameNumber(const std::string& text);
  uint32_t NameOf(const Decision& decision);
  uint32_t PolicyInPending(uint32_t name);
  bool OverTraceLimit() const;

  const Options options_;
  SamplingCounters& counters_;
  const MatchAgain match_again_;
  std::shared_ptr<const PolicySet> policies_;
  uint64_t policies_version_;
  PolicyState state_;
  TraceIndex index_;
  DecisionCache kept_, dropped_;

  // Policies by name, so that what is cached outlives a new configuration.
  std::vector<Name> names_;
  std::map<std::string, uint32_t, std::less<>> name_numbers_;
  std::vector<uint32_t> pending_policies_;  // by name: its number in pending_.frame.policies, plus one; 0: not there

  PendingDecisions pending_;
  GraphEdges pending_graph_;
  std::vector<GraphSpan> graph_spans_;  // of the trace that is decided
  uint64_t foreign_bytes_ = 0;
};

}  // namespace sightline::sample
