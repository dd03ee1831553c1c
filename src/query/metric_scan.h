// All points of each stream of a question, stream by stream. Data: the store's columns, in the order of its sort key ->
// the points of one stream after the other, on several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "query/metric_answers.h"

namespace sightline::query {

// Times are Unix nanoseconds; a start of 0 is unknown.
struct ScannedPoint {
  int64_t time = 0, start = 0;
  double value = 0, sum = 0;
};

// What to read of a point beside its time, as SQL.
struct ScanColumns {
  std::string value;  // Float64
  bool start = false;
  std::string sum;  // Float64; "": none
};

// Where a thread leaves what it read. Called for one stream after the other; `points` in the order of their times, and
// the callee's to change.
using StreamSink = std::function<void(const MetricStream& stream, std::vector<ScannedPoint>& points)>;

// How many threads share the streams: each has those of a range of ids, whatever the machine, so that sums come out
// alike. Short questions are not worth a second statement.
size_t ScanThreads(const MetricStreams& streams);

// The points from `before_nanos` before the grid until `behind_nanos` behind it. `sinks`: one for each of ScanThreads,
// each called by one thread.
Result<void> ScanPoints(const MetricQuestion& asked, const ScanColumns& columns, int64_t before_nanos,
                        int64_t behind_nanos, const std::vector<StreamSink>& sinks);

// Which step of the grid times fall into, as cheap as can be where they come in order: -1 before it, the number of
// steps behind it. Thread: of its owner.
class StepFinder {
 public:
  explicit StepFinder(const StepGrid& grid) : grid_(grid) {}
  int64_t Of(int64_t time) {
    if (time < begin_ || time >= end_) Find(time);
    return step_;
  }
  // The begin of the step of the last time asked for.
  int64_t begin() const { return begin_; }

 private:
  void Find(int64_t time) {
    if (time < grid_.from) {
      step_ = -1, begin_ = INT64_MIN, end_ = grid_.from;
    } else if (time >= grid_.to) {
      step_ = static_cast<int64_t>(grid_.steps()), begin_ = grid_.to, end_ = INT64_MAX;
    } else {
      step_ = (time - grid_.from) / grid_.step;
      begin_ = grid_.StartOf(static_cast<uint64_t>(step_)), end_ = begin_ + grid_.step;
    }
  }

  const StepGrid& grid_;
  int64_t step_ = 0, begin_ = 0, end_ = 0;  // no time yet
};

}  // namespace sightline::query
