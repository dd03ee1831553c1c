// Which spans are the two sides of a call, where spans come in no order and are not held until their trace is whole.
// Data: spans of stored blocks, in the order of the blocks -> CallCounter: pairs at once, when their second side comes;
// what has found no other side, when its block expires. Without tail sampling; with it see service_graph.h.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>

#include "sample/service_graph.h"

namespace sightline::sample {

// What it counts follows from which spans were added before which blocks expired, and from nothing else: that is what
// lets a restart do a step again (store/graph_writer.h). Thread: of its owner.
class CallMatcher {
 public:
  struct Span {
    uint64_t trace_hash = 0;
    GraphSpan span;
  };

  // Blocks must not fall. Without a counter (null) pairs are made as ever but not counted: they were before.
  void Add(uint64_t block, const Span& span, CallCounter* counter);
  // Forgets the spans of blocks up to `block`, and counts what is a call without its other side.
  void Expire(uint64_t block, CallCounter& counter);

  size_t waiting() const { return waiting_.size(); }  // spans that are held
  // The block of the span that is number `spans` of those that wait, from 1: expiring it forgets at least so many.
  uint64_t BlockOf(size_t spans) const { return waiting_.at(spans - 1).block; }

 private:
  // Of both sides of a call: the caller's id, within its trace.
  struct Key {
    uint64_t trace_hash = 0, caller_id = 0;
    bool operator==(const Key&) const = default;
  };
  struct Hasher {
    using is_avalanching = void;
    size_t operator()(const Key& key) const;
  };
  static constexpr uint64_t kNone = UINT64_MAX;
  struct Waiting {
    Span of;
    uint64_t block = 0;
    uint64_t next = kNone;   // of a callee: the next one of the same caller
    bool is_paired = false;  // a caller stays, as it may have further callees
  };

  struct Callees {
    uint64_t first = kNone, last = kNone;
  };

  Waiting& At(uint64_t number) { return waiting_[number - first_number_]; }
  void AddCaller(uint64_t block, const Span& span, CallCounter* counter);
  void AddCallee(uint64_t block, const Span& span, CallCounter* counter);
  void Append(Callees& callees, uint64_t number);

  std::deque<Waiting> waiting_;  // by number, in order of arrival
  uint64_t first_number_ = 0;
  boost::unordered_flat_map<Key, uint64_t, Hasher> callers_;  // that wait, by number
  boost::unordered_flat_map<Key, Callees, Hasher> callees_;   // that wait for their caller
};

}  // namespace sightline::sample
