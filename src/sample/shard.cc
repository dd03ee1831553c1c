#include "sample/shard.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace sightline::sample {
namespace {

// Share of a shard's memory for decisions about traces that are gone, most of which are dropped.
constexpr uint64_t kCacheShare = 4;
constexpr uint64_t kCacheBytesMax = 32 << 20;
constexpr uint64_t kKeptShare = 8;
constexpr std::string_view kTooLargeName = "maximum_trace_size_bytes";
constexpr std::string_view kShutdownName = "drop_pending_traces_on_shutdown";

uint64_t CacheBytes(const Shard::Options& options) {
  return std::min(options.memory_bytes_max / kCacheShare, kCacheBytesMax / options.shards);
}

uint64_t CachedTraces(std::optional<uint64_t> configured, uint64_t bytes, uint32_t shards) {
  return configured ? *configured / shards : DecisionCache::TracesIn(bytes);
}

Counter& Early(MetricsRegistry& metrics, const char* reason) {
  return metrics.GetCounter("sightline.sampling.early_decisions", "{trace}",
                            "Traces decided before their time, because something was full.", {{"reason", reason}});
}
Counter& Late(MetricsRegistry& metrics, const char* decision) {
  return metrics.GetCounter("sightline.sampling.late_spans", "{span}",
                            "Spans that came after the decision about their trace, and followed it.",
                            {{"decision", decision}});
}

}  // namespace

SamplingCounters::SamplingCounters(MetricsRegistry& metrics)
    : early_memory(Early(metrics, "memory")),
      early_journal(Early(metrics, "journal")),
      early_trace_limit(Early(metrics, "num_traces")),
      late_kept(Late(metrics, "kept")),
      late_dropped(Late(metrics, "dropped")),
      too_large(metrics.GetCounter("sightline.sampling.too_large_traces", "{trace}",
                                   "Traces dropped for maximum_trace_size_bytes.")),
      calls(metrics.GetCounter("sightline.service_graph.calls", "{call}", "Calls counted in the service graph.")),
      unpaired_spans(metrics.GetCounter("sightline.service_graph.unpaired_spans", "{span}",
                                        "Spans of one side of a call whose other side is neither in the trace nor "
                                        "named.")),
      metrics_(metrics) {}

Counter& SamplingCounters::traces(bool kept, const std::string& policy) {
  return metrics_.GetCounter("sightline.sampling.traces", "{trace}",
                             "Traces decided; the policy is the first that kept it, or the one that dropped it.",
                             {{"decision", kept ? "kept" : "dropped"}, {"policy", policy}});
}

Counter& SamplingCounters::spans(bool kept, const std::string& policy) {
  return metrics_.GetCounter("sightline.sampling.spans", "{span}", "Spans decided, late ones included.",
                             {{"decision", kept ? "kept" : "dropped"}, {"policy", policy}});
}

Shard::Shard(const Options& options, std::shared_ptr<const PolicySet> policies, uint64_t policies_version,
             SamplingCounters& counters, const GraphNames& graph_names, MatchAgain match_again)
    : options_(options),
      counters_(counters),
      match_again_(std::move(match_again)),
      policies_(std::move(policies)),
      policies_version_(policies_version),
      state_(policies_, options.shards),
      kept_(CachedTraces(policies_->config().sampled_cache_size, CacheBytes(options) / kKeptShare, options.shards)),
      dropped_(CachedTraces(policies_->config().non_sampled_cache_size,
                            CacheBytes(options) - CacheBytes(options) / kKeptShare, options.shards)),
      pending_graph_(graph_names) {
  NameNumber("");  // number 0: no policy
}

void Shard::SetPolicies(std::shared_ptr<const PolicySet> policies, uint64_t version) {
  std::unordered_set<const FrameHold*> frames;
  index_.ForEachTrace([&](TraceIndex::Trace& trace) {
    trace.state = {};
    index_.ForEachSpan(trace, [&](const SpanPlace& place) { frames.insert(place.frame); });
  });
  policies_ = std::move(policies);
  policies_version_ = version;
  state_ = PolicyState(policies_, options_.shards);
  for (const FrameHold* frame : frames) {
    match_again_(*frame, *policies_, [&](ArrivedSpan&& span) {
      const uint32_t number = index_.Find(span.trace_hash);
      if (number != TraceIndex::kNone) policies_->AddSpan(index_[number].state, span.times, span.match);
    });
  }
}

// The batch was matched by a set that is no longer ours.
void Shard::MatchBatch(SpanBatch& batch) {
  std::unordered_map<uint32_t, SpanMatch> by_offset;
  match_again_(*batch.spans.front().place.frame, *policies_,
               [&](ArrivedSpan&& span) { by_offset[span.place.offset] = std::move(span.match); });
  for (ArrivedSpan& span : batch.spans) span.match = std::move(by_offset[span.place.offset]);
}

void Shard::Remember(uint64_t trace_hash, bool keep, const std::string& policy, double adjusted_count) {
  (keep ? kept_ : dropped_).Add(trace_hash, {NameNumber(policy), static_cast<float>(adjusted_count)});
}

void Shard::Add(SpanBatch batch, const Now& now) {
  if (batch.policies_version > policies_version_) SetPolicies(batch.policies, batch.policies_version);
  if (batch.policies != policies_) MatchBatch(batch);
  for (ArrivedSpan& span : batch.spans) AddSpan(span, now);
}

void Shard::AddSpan(ArrivedSpan& span, const Now& now) {
  uint32_t number = index_.Find(span.trace_hash);
  if (number == TraceIndex::kNone) {
    if (AddLate(span, now)) return;
    number = index_.Add(span.trace_hash, now.monotonic_nanos);
  }
  TraceIndex::Trace& trace = index_[number];
  policies_->AddSpan(trace.state, span.times, span.match);
  index_.AddEntry(trace, span.place);
  if (span.graph) index_.AddGraphSpan(trace, *span.graph);
  const PolicyConfig& config = policies_->config();
  if (span.is_root && !trace.root_seen && config.decision_wait_after_root_received_nanos > 0) {
    index_.RootSeen(number, now.monotonic_nanos);
  }
  if (config.maximum_trace_size_bytes != 0 && trace.state.bytes > config.maximum_trace_size_bytes) {
    DecideTrace(number, Cause::kTooLarge, now);
  }
}

// Follows the decision about its trace. False: there is none that is remembered.
bool Shard::AddLate(const ArrivedSpan& span, const Now& now) {
  if (const auto decided = dropped_.Find(span.trace_hash)) {
    Settle(span.place.frame, now);
    pending_.frame.dropped.push_back({span.trace_hash, PolicyInPending(decided->policy), 1});
    counters_.late_dropped.Add(1);
    names_[decided->policy].spans[0]->Add(1);
    return true;
  }
  if (const auto decided = kept_.Find(span.trace_hash)) {
    Settle(span.place.frame, now);
    const uint32_t trace = KeptTrace(span.trace_hash, decided->policy, decided->adjusted_count, true);
    ++pending_.frame.kept[trace].spans;
    pending_.kept_spans.push_back({span.place, trace});
    pending_.kept_bytes += span.place.size;
    counters_.late_kept.Add(1);
    names_[decided->policy].spans[1]->Add(1);
    return true;
  }
  return false;
}

// The last one if it is the same: late spans of a trace come together.
uint32_t Shard::KeptTrace(uint64_t trace_hash, uint32_t name, double adjusted_count, bool is_late) {
  auto& kept = pending_.frame.kept;
  if (kept.empty() || kept.back().trace_hash != trace_hash) {
    kept.push_back({trace_hash, PolicyInPending(name), adjusted_count, 0, is_late});
  }
  return static_cast<uint32_t>(kept.size() - 1);
}

void Shard::Decide(const Now& now) {
  const PolicyConfig& config = policies_->config();
  const auto decide_all = [&](const auto& next, Cause cause) {
    while (!pending_is_full()) {
      const uint32_t number = next();
      if (number == TraceIndex::kNone) return;
      DecideTrace(number, cause, now);
    }
  };
  decide_all([&] { return index_.OldestUntil(now.monotonic_nanos - config.decision_wait_nanos); }, Cause::kWait);
  if (config.decision_wait_after_root_received_nanos > 0) {
    decide_all(
        [&] { return index_.OldestRootUntil(now.monotonic_nanos - config.decision_wait_after_root_received_nanos); },
        Cause::kWait);
  }
  decide_all([&] { return OverTraceLimit() ? index_.OldestUntil(INT64_MAX) : TraceIndex::kNone; }, Cause::kTraceLimit);
  decide_all([&] { return bytes() > options_.memory_bytes_max ? index_.OldestUntil(INT64_MAX) : TraceIndex::kNone; },
             Cause::kMemory);
}

bool Shard::OverTraceLimit() const {
  const std::optional<uint64_t> limit = policies_->config().num_traces;
  return limit && index_.traces() > std::max<uint64_t>(1, *limit / options_.shards);
}

bool Shard::HasSpanUntil(uint32_t number, uint64_t frame) {
  bool has = false;
  index_.ForEachSpan(index_[number], [&](const SpanPlace& place) { has = has || place.frame->number <= frame; });
  return has;
}

uint64_t Shard::DecideFramesUntil(uint64_t frame, uint64_t others_max, const Now& now) {
  uint64_t decided = 0, others = 0;
  index_.ForEachByAge([&](uint32_t number) {
    if (pending_is_full()) return false;
    if (!HasSpanUntil(number, frame)) return ++others <= others_max;
    DecideTrace(number, Cause::kJournal, now);
    ++decided;
    return true;
  });
  return decided;
}

void Shard::DropAll(const Now& now) {
  for (;;) {
    const uint32_t number = index_.OldestUntil(INT64_MAX);
    if (number == TraceIndex::kNone) return;
    DecideTrace(number, Cause::kShutdown, now);
  }
}

void Shard::DecideTrace(uint32_t number, Cause cause, const Now& now) {
  CountEarly(cause);
  AddToGraph(number);
  if (cause == Cause::kTooLarge) return Drop(number, NameNumber(std::string(kTooLargeName)), now);
  if (cause == Cause::kShutdown) return Drop(number, NameNumber(std::string(kShutdownName)), now);
  const Decision decision = policies_->Decide(index_[number].state, {state_, now.unix_nanos});
  const uint32_t name = NameOf(decision);
  if (decision.keep) return Keep(number, name, decision.adjusted_count, now);
  Drop(number, name, now);
}

// Whatever becomes of the trace.
void Shard::AddToGraph(uint32_t number) {
  graph_spans_.clear();
  index_.TakeGraphSpans(index_[number], [this](const GraphSpan& span) { graph_spans_.push_back(span); });
  if (graph_spans_.empty()) return;
  GraphCounts counts;
  AddCalls(graph_spans_, pending_graph_, counts);
  counters_.calls.Add(counts.calls);
  counters_.unpaired_spans.Add(counts.unpaired_spans);
}

void Shard::CountEarly(Cause cause) {
  if (cause == Cause::kMemory) counters_.early_memory.Add(1);
  if (cause == Cause::kJournal) counters_.early_journal.Add(1);
  if (cause == Cause::kTraceLimit) counters_.early_trace_limit.Add(1);
  if (cause == Cause::kTooLarge) counters_.too_large.Add(1);
}

void Shard::Drop(uint32_t number, uint32_t name, const Now& now) {
  const uint64_t hash = index_[number].hash;
  uint32_t spans = 0;
  index_.Take(number, [&](const SpanPlace& place) {
    Settle(place.frame, now);
    ++spans;
  });
  pending_.frame.dropped.push_back({hash, PolicyInPending(name), spans});
  dropped_.Add(hash, {name, 0});
  names_[name].traces[0]->Add(1);
  names_[name].spans[0]->Add(spans);
}

void Shard::Keep(uint32_t number, uint32_t name, double adjusted_count, const Now& now) {
  const uint64_t hash = index_[number].hash;
  pending_.frame.kept.push_back({hash, PolicyInPending(name), adjusted_count, 0});
  DecidedFrame::Kept& kept = pending_.frame.kept.back();
  const auto trace = static_cast<uint32_t>(pending_.frame.kept.size() - 1);
  index_.Take(number, [&](const SpanPlace& place) {
    Settle(place.frame, now);
    pending_.kept_spans.push_back({place, trace});
    pending_.kept_bytes += place.size;
    ++kept.spans;
  });
  kept_.Add(hash, {name, static_cast<float>(adjusted_count)});
  names_[name].traces[1]->Add(1);
  names_[name].spans[1]->Add(kept.spans);
}

// Spans of a trace mostly come in one frame.
void Shard::Settle(FrameHold* frame, const Now& now) {
  if (pending_.decided.empty()) pending_.since_nanos = now.monotonic_nanos;
  if (pending_.decided.empty() || pending_.decided.back().frame != frame) pending_.decided.push_back({frame, 0});
  ++pending_.decided.back().spans;
}

PendingDecisions Shard::TakePending() {
  std::ranges::fill(pending_policies_, 0);
  pending_.frame.graph = pending_graph_.Take();
  return std::exchange(pending_, {});
}

uint32_t Shard::NameNumber(const std::string& text) {
  if (const auto found = name_numbers_.find(text); found != name_numbers_.end()) return found->second;
  const auto number = static_cast<uint32_t>(names_.size());
  names_.push_back({.text = text,
                    .traces = {&counters_.traces(false, text), &counters_.traces(true, text)},
                    .spans = {&counters_.spans(false, text), &counters_.spans(true, text)}});
  pending_policies_.push_back(0);
  name_numbers_.emplace(text, number);
  return number;
}

// "policy", or "composite/sub-policy".
uint32_t Shard::NameOf(const Decision& decision) {
  if (decision.policy == kNoPolicy) return 0;
  const PolicySet::Policy& policy = policies_->policies()[decision.policy];
  if (decision.sub_policy == kNoPolicy) return NameNumber(policy.name);
  return NameNumber(policy.name + "/" + policy.sub_policies[decision.sub_policy]);
}

uint32_t Shard::PolicyInPending(uint32_t name) {
  uint32_t& number = pending_policies_[name];
  if (number == 0) {
    pending_.frame.policies.push_back(names_[name].text);
    number = static_cast<uint32_t>(pending_.frame.policies.size());
  }
  return number - 1;
}

}  // namespace sightline::sample
