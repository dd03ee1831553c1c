// The steps of a series, and what of a span of time falls into each of them.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/error.h"

namespace sightline::query {

// Times are Unix nanoseconds, not before 1970. Thread: any.
struct StepGrid {
  int64_t from = 0, to = 0;  // whole steps from the origin
  int64_t asked_to = 0;      // the end before it was widened: within the last step
  int64_t step = 1;

  uint64_t steps() const { return static_cast<uint64_t>((to - from) / step); }
  int64_t StartOf(uint64_t index) const { return from + static_cast<int64_t>(index) * step; }

  // Calls add(index, part) for each step that (begin, end] meets; `part` is that of the whole, so that parts of a time
  // within the range add up to 1. A time without length is all at its end.
  template <typename Add>
  void Spread(int64_t begin, int64_t end, Add add) const {
    if (begin >= end) {
      if (end >= from && end < to) add(static_cast<uint64_t>((end - from) / step), 1.0);
      return;
    }
    if (end <= from || begin >= to) return;
    const auto length = static_cast<double>(end - begin);
    const int64_t last = std::min(end, to);
    for (int64_t at = std::max(begin, from); at < last;) {
      const int64_t index = (at - from) / step;
      const int64_t next = std::min(last, from + (index + 1) * step);
      add(static_cast<uint64_t>(index), static_cast<double>(next - at) / length);
      at = next;
    }
  }
};

// The smallest grid that holds [from, to), of whole steps from `origin`, before or behind it: that of 1970, unless a
// window has to be one step exactly. kInvalidArgument: an empty range, or a step of no use; kResourceExhausted:
// too many steps.
Result<StepGrid> MakeGrid(int64_t from_unix_nanos, int64_t to_unix_nanos, int64_t step_seconds,
                          int64_t origin_unix_nanos = 0);

}  // namespace sightline::query
