// The undecided traces of one shard: state of the policies, and where in the journal their spans lie.
// A span takes 24 bytes here, a trace about 150; the spans' own bytes are in the journal.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "sample/arrived_span.h"
#include "sample/policy_set.h"
#include "sample/pool.h"

namespace sightline::sample {

// Invariant: a trace is in the map as long as its number is taken; numbers are used again with another generation, so
// that what a queue says about an old one is recognized. Thread: shard.
class TraceIndex {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  struct Trace {
    uint64_t hash = 0;
    TraceState state;
    int64_t first_seen_nanos = 0;  // monotonic
    uint32_t first_entry = kNone, last_entry = kNone;
    uint32_t last_graph_span = kNone;
    uint32_t generation = 0;
    bool root_seen = false;
  };
  struct Entry {
    SpanPlace place;
    uint32_t next = kNone;
  };
  struct GraphEntry {
    GraphSpan span;
    uint32_t before = kNone;
  };

  uint32_t Find(uint64_t hash) {
    if (hash == last_hash_ && last_ != kNone) return last_;
    const auto found = numbers_.find(hash);
    last_hash_ = hash;
    return last_ = found == numbers_.end() ? kNone : found->second;
  }
  uint32_t Add(uint64_t hash, int64_t now_nanos) {
    const uint32_t number = traces_.Take();
    Trace& trace = traces_[number];
    trace.hash = hash;
    trace.state = {};
    trace.first_seen_nanos = now_nanos;
    trace.first_entry = trace.last_entry = trace.last_graph_span = kNone;
    trace.root_seen = false;
    numbers_.emplace(hash, number);
    by_age_.push_back({now_nanos, number, trace.generation});
    last_hash_ = hash;
    return last_ = number;
  }
  Trace& operator[](uint32_t number) { return traces_[number]; }

  void AddEntry(Trace& trace, const SpanPlace& place) {
    const uint32_t number = entries_.Take();
    entries_[number] = {place, kNone};
    (trace.first_entry == kNone ? trace.first_entry : entries_[trace.last_entry].next) = number;
    trace.last_entry = number;
  }
  void AddGraphSpan(Trace& trace, const GraphSpan& span) {
    const uint32_t number = graph_spans_.Take();
    graph_spans_[number] = {span, trace.last_graph_span};
    trace.last_graph_span = number;
  }
  // Calls visit(span) for each, and forgets them.
  template <typename Visit>
  void TakeGraphSpans(Trace& trace, const Visit& visit) {
    while (trace.last_graph_span != kNone) {
      const uint32_t at = trace.last_graph_span;
      visit(graph_spans_[at].span);
      trace.last_graph_span = graph_spans_[at].before;
      graph_spans_.Free(at);
    }
  }
  // From now on the trace is also found by when its root came.
  void RootSeen(uint32_t number, int64_t now_nanos) {
    traces_[number].root_seen = true;
    by_root_.push_back({now_nanos, number, traces_[number].generation});
  }

  // Calls visit(place) for each span in order of arrival, and forgets the trace, whose graph spans were taken.
  template <typename Visit>
  void Take(uint32_t number, const Visit& visit) {
    Trace& trace = traces_[number];
    for (uint32_t at = trace.first_entry; at != kNone;) {
      const Entry entry = entries_[at];
      entries_.Free(at);
      visit(entry.place);
      at = entry.next;
    }
    numbers_.erase(trace.hash);
    trace.state.more.reset();
    ++trace.generation;
    traces_.Free(number);
    if (last_ == number) last_ = kNone;
  }

  // The trace that has waited longest since its first span (its root), if that came at `until` or before.
  uint32_t OldestUntil(int64_t until_nanos) { return FrontUntil(by_age_, until_nanos); }
  uint32_t OldestRootUntil(int64_t until_nanos) { return FrontUntil(by_root_, until_nanos); }

  // Calls visit(number) for each trace, those that wait longest first, until it returns false. It may take the trace.
  template <typename Visit>
  void ForEachByAge(const Visit& visit) {
    // One that waits at the front keeps what was decided behind it in the queue.
    if (by_age_.size() > 2 * numbers_.size() + kStaleMin) {
      std::erase_if(by_age_, [this](const Waiting& waiting) { return !IsWaiting(waiting); });
    }
    for (const Waiting& waiting : by_age_) {
      if (IsWaiting(waiting) && !visit(waiting.number)) return;
    }
  }

  template <typename Visit>
  void ForEachTrace(const Visit& visit) {
    for (const auto& [hash, number] : numbers_) visit(traces_[number]);
  }

  template <typename Visit>
  void ForEachSpan(const Trace& trace, const Visit& visit) {
    for (uint32_t at = trace.first_entry; at != kNone; at = entries_[at].next) visit(entries_[at].place);
  }

  uint64_t traces() const { return numbers_.size(); }
  uint64_t spans() const { return entries_.in_use(); }
  uint64_t bytes() const {
    constexpr uint64_t kMapSlotBytes = 18;
    return traces_.bytes() + entries_.bytes() + graph_spans_.bytes() + numbers_.bucket_count() * kMapSlotBytes +
           (by_age_.size() + by_root_.size()) * sizeof(Waiting);
  }

 private:
  struct Waiting {
    int64_t since_nanos = 0;
    uint32_t number = 0, generation = 0;
  };
  struct AsIs {  // trace hashes are hashes already
    using is_avalanching = void;
    size_t operator()(uint64_t hash) const { return hash; }
  };

  static constexpr size_t kStaleMin = 1024;  // of a queue, to be worth a look at all of it

  bool IsWaiting(const Waiting& waiting) { return traces_[waiting.number].generation == waiting.generation; }

  // Times only rise, so both queues are in order without a heap or wheel.
  uint32_t FrontUntil(std::deque<Waiting>& queue, int64_t until_nanos) {
    while (!queue.empty() && !IsWaiting(queue.front())) queue.pop_front();
    return queue.empty() || queue.front().since_nanos > until_nanos ? kNone : queue.front().number;
  }

  Pool<Trace> traces_;
  Pool<Entry> entries_;
  Pool<GraphEntry> graph_spans_;
  boost::unordered_flat_map<uint64_t, uint32_t, AsIs> numbers_;
  std::deque<Waiting> by_age_, by_root_;
  uint64_t last_hash_ = 0;  // found last: spans of a trace mostly come together
  uint32_t last_ = kNone;
};

}  // namespace sightline::sample
