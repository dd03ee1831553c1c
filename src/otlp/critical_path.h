// The critical path of a trace: which span its end waited for, at each moment; and how long each span was that one.
// Data: the spans of a trace -> nanoseconds for each. The algorithm is that of ui/src/flame/critical_path.ts, over the
// tree that ui/src/flame/model.ts makes; testdata/critical_path.json holds both to the same answers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace sightline::otlp {

struct PathSpan {
  int64_t start_unix_nanos = 0;
  uint64_t duration_nanos = 0;
  uint64_t span_id = 0;
  uint64_t parent_span_id = 0;  // 0: none
  uint64_t service = 0;         // the same for spans of one service
  bool is_consumer = false;
};

// By span, in the order given. Every nanosecond in which a root (or a stand-in for a missing parent) runs belongs to at
// most one span. Walk back from the end of a span. Of its children that ended by then, the one that ended last is what
// the span waited for: what lies after that child's end is the span's own time, the child's time is explained by the
// child in the same way, and the walk goes on from the child's start.
// - A child that outlives its parent was not waited for where both clocks are one (same service) or the child takes
//   from a queue; it is left out. Between services, whose clocks differ, it is cut to its parent.
// - A child that still runs when a later sibling starts did not hold that sibling up, and gets no part there.
// - Roots are taken as children of the whole trace. A ring of parents is cut at its earliest span. Of spans with the
//   same id the first is the parent.
// Costs n log n: 50,000 spans take some 10 ms.
std::vector<uint64_t> CriticalPathSelfTimes(std::span<const PathSpan> spans);

}  // namespace sightline::otlp
