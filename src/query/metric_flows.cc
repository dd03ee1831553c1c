// ReadFlows: what counters, and the counts and sums of histograms and summaries, came to by group and step.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "query/metric_answers.h"
#include "query/metric_flow.h"
#include "query/metric_scan.h"

namespace sightline::query {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// A counter's value, which is its sum too; or a histogram's count and sum.
struct Tally {
  double count = 0, sum = 0;
  bool has_sum = false;
};

Relation Relate(const Tally& before, const Tally& now, bool falls_reset) {
  return falls_reset && now.count < before.count ? Relation::kReset : Relation::kGoesOn;
}
Tally Minus(const Tally& now, const Tally& before) {
  const bool has_sum = now.has_sum && (before.has_sum || before.count == 0);
  return {now.count - before.count, has_sum ? now.sum - before.sum : 0, has_sum};
}
bool Larger(const Tally& a, const Tally& b) {
  return a.count > b.count;
}

FlowPoint<Tally> FlowPointOf(const ScannedPoint& point, bool is_sum) {
  const double sum = is_sum ? point.value : point.sum;
  const bool has_sum = std::isfinite(sum);
  return {point.start, point.time, {.count = point.value, .sum = has_sum ? sum : 0, .has_sum = has_sum}};
}

// A sum that is not there is NaN. A counter's value is its sum too.
ScanColumns ColumnsOf(MetricKind kind) {
  ScanColumns columns{.value = "if(bitAnd(Flags, 1) = 0, toFloat64(Count), nan)", .start = true};
  switch (kind) {
    case MetricKind::kSummary:
      columns.sum = "Sum";
      break;
    case MetricKind::kHistogram:
    case MetricKind::kExponentialHistogram:
      columns.sum = "if(bitTest(Has, 0), Sum, nan)";
      break;
    default:
      columns.value = "if(bitAnd(Flags, 1) = 0, Value, nan)";
  }
  return columns;
}

// Of one start and step of a cumulative stream, in order, the first and the last point matter, and those beside a fall:
// what lies between them adds up to the same. Of points of one time the first counts. The one that is kept first stands
// for those that are left out.
template <typename Keep>
void KeepWhatMatters(const ScannedPoint* first, const ScannedPoint* end, Keep keep) {
  FlowPoint<Tally>& front = keep(*first);
  const ScannedPoint* before = first;
  for (const ScannedPoint* point = first + 1; point != end; ++point) {
    const ScannedPoint* next = point + 1;
    bool matters = false;
    if (point->time != before->time) {
      while (next != end && next->time == point->time) ++next;
      matters = next == end || point->value < before->value || next->value < point->value;
      before = point;
    }
    if (matters)
      keep(*point);
    else
      ++front.stands_for;
  }
}

// What one thread makes of its streams. Thread: of its owner.
class FlowShare {
 public:
  explicit FlowShare(const MetricQuestion& asked)
      : asked_(asked),
        grid_(asked.grid),
        of_sum_(asked.aggregation == Aggregation::kAvg || asked.aggregation == Aggregation::kSum),
        is_sum_(asked.streams.kind == MetricKind::kSum),
        steps_(grid_.steps()),
        amounts_(asked.streams.groups.size() * steps_, kNone),
        shares_(asked.aggregation == Aggregation::kAvg ? amounts_.size() : 0, 0.0),
        known_to_(grid_.asked_to) {}

  void Take(const MetricStream& stream, std::vector<ScannedPoint>& points) {
    std::erase_if(points, [&](const ScannedPoint& point) {
      // What a delta is of came before its time.
      return !std::isfinite(point.value) || (stream.delta && point.time < grid_.from);
    });
    const auto emit = [&](const Flow<Tally>& flow) { Take(flow, stream.group); };
    kept_.clear();
    if (stream.delta) {
      MergeDeltas(points, stream.is_overflow);
      EmitDelta(kept_, stream.is_overflow, emit);
    } else {
      LeaveOut(points);
      EmitCumulative(kept_, {grid_.from - LookNanos(grid_), grid_.step, !is_sum_ || stream.monotonic}, emit);
    }
  }

  void Add(const FlowShare& other) {
    for (size_t i = 0; i < amounts_.size(); ++i) {
      if (std::isnan(other.amounts_[i])) continue;
      amounts_[i] = (std::isnan(amounts_[i]) ? 0 : amounts_[i]) + other.amounts_[i];
    }
    for (size_t i = 0; i < shares_.size(); ++i) shares_[i] += other.shares_[i];
    known_to_ = std::max(known_to_, other.known_to_);
    tails_.insert(tails_.end(), other.tails_.begin(), other.tails_.end());
  }

  GroupValues Finish() {
    if (asked_.aggregation == Aggregation::kRate) MakeRates();
    for (size_t i = 0; i < shares_.size(); ++i) amounts_[i] = shares_[i] > 0 ? amounts_[i] / shares_[i] : kNone;
    return std::move(amounts_);
  }

 private:
  void LeaveOut(std::vector<ScannedPoint>& points) {
    const auto by_start = [](const ScannedPoint& a, const ScannedPoint& b) {
      if (a.start != b.start) return a.start < b.start;
      return a.time != b.time ? a.time < b.time : a.value > b.value;
    };
    if (!std::ranges::is_sorted(points, by_start)) std::ranges::sort(points, by_start);
    kept_.reserve(points.size());  // KeepWhatMatters holds on to one
    StepFinder steps(grid_);
    const ScannedPoint* const end = points.data() + points.size();
    for (const ScannedPoint* first = points.data(); first != end;) {
      const int64_t step = steps.Of(first->time);
      const ScannedPoint* last = first + 1;
      while (last != end && last->start == first->start && steps.Of(last->time) == step) ++last;
      KeepWhatMatters(first, last, [&](const ScannedPoint& point) -> auto& {
        return kept_.emplace_back(FlowPointOf(point, is_sum_));
      });
      first = last;
    }
  }

  // Of a delta stream the points within a step become one; those that reach into it from the step before stay apart. Of
  // points with the same start and time one counts: it was sent twice; all do if they are of different streams.
  void MergeDeltas(std::vector<ScannedPoint>& points, bool all_count) {
    std::ranges::sort(points, [](const ScannedPoint& a, const ScannedPoint& b) {
      if (a.time != b.time) return a.time < b.time;
      return a.start != b.start ? a.start < b.start : a.value > b.value;
    });
    StepFinder steps(grid_);
    int64_t step = -1;
    constexpr size_t kNoPlace = SIZE_MAX;
    size_t merged = kNoPlace;  // place of the point of the step
    for (size_t i = 0; i < points.size(); ++i) {
      const bool again = i > 0 && points[i].time == points[i - 1].time && points[i].start == points[i - 1].start;
      if (again && !all_count) continue;
      const FlowPoint<Tally> point = FlowPointOf(points[i], is_sum_);
      if (const int64_t its = steps.Of(point.time); its != step) {
        step = its;
        merged = kNoPlace;
      }
      const bool timed = point.start > 0 && point.start < point.time;
      const int64_t begin = timed ? point.start : point.time;
      if (begin < steps.begin()) {
        kept_.push_back(point);
      } else if (merged == kNoPlace) {
        merged = kept_.size();
        kept_.push_back(point);
        kept_.back().start = begin;
      } else {
        FlowPoint<Tally>& all = kept_[merged];
        all.start = std::min(all.start, begin);
        all.time = point.time;
        all.value.count += point.value.count;
        all.value.sum += point.value.sum;
        all.value.has_sum = all.value.has_sum && point.value.has_sum;
        all.stands_for += again ? 0 : 1;
      }
    }
  }

  void Take(const Flow<Tally>& flow, uint32_t group) {
    known_to_ = std::max(known_to_, flow.end);
    if (of_sum_ && !flow.amount.has_sum) return;
    const double amount = of_sum_ ? flow.amount.sum : flow.amount.count;
    Add(flow.begin, flow.end, amount, flow.amount.count, group);
    if (asked_.aggregation == Aggregation::kRate && flow.newest && flow.interval > 0) {
      const double length = static_cast<double>(flow.end - flow.begin);
      if (length > 0) tails_.push_back({flow.end, flow.interval, amount / length, group});
    }
  }

  void Add(int64_t begin, int64_t end, double amount, double share, uint32_t group) {
    grid_.Spread(begin, end, [&](uint64_t step, double part) {
      const size_t cell = group * steps_ + step;
      amounts_[cell] = (std::isnan(amounts_[cell]) ? 0 : amounts_[cell]) + amount * part;
      if (!shares_.empty()) shares_[cell] += share * part;
    });
  }

  // What a stream did last it is taken to do until its next point is due: else each rate would seem to fall towards
  // now. The last step is divided by what of it has passed.
  void MakeRates() {
    const int64_t known_to = std::min(known_to_, grid_.to);
    for (const Tail& tail : tails_) {
      if (tail.from + 2 * tail.interval < known_to) continue;  // it has ended
      const int64_t to = std::min(tail.from + tail.interval, known_to);
      if (to > tail.from) Add(tail.from, to, tail.nano_rate * static_cast<double>(to - tail.from), 0, tail.group);
    }
    for (size_t i = 0; i < amounts_.size(); ++i) {
      const int64_t start = grid_.StartOf(i % steps_);
      amounts_[i] /= static_cast<double>(std::min(grid_.step, known_to - start)) / 1e9;
    }
  }

  struct Tail {
    int64_t from = 0, interval = 0;
    double nano_rate = 0;
    uint32_t group = 0;
  };
  const MetricQuestion& asked_;
  const StepGrid& grid_;
  const bool of_sum_, is_sum_;
  const uint64_t steps_;
  GroupValues amounts_;
  std::vector<double> shares_;  // of an average: counts, what the amounts are divided by
  int64_t known_to_;            // the newest point, or the asked end
  std::vector<Tail> tails_;
  std::vector<FlowPoint<Tally>> kept_;  // of one stream: the points that matter
};

}  // namespace

Result<GroupValues> ReadFlows(const MetricQuestion& asked) {
  std::vector<FlowShare> shares;
  for (size_t i = ScanThreads(asked.streams); i > 0; --i) shares.emplace_back(asked);
  std::vector<StreamSink> sinks;
  for (FlowShare& share : shares) {
    sinks.emplace_back([&share](const MetricStream& stream, auto& points) { share.Take(stream, points); });
  }
  // A point behind the range tells of the last step what had come by then.
  const int64_t look = LookNanos(asked.grid);
  SIGHTLINE_TRY(ScanPoints(asked, ColumnsOf(asked.streams.kind), asked.streams.any_running ? look : 0, look, sinks));
  for (size_t i = 1; i < shares.size(); ++i) shares[0].Add(shares[i]);
  return shares[0].Finish();
}

}  // namespace sightline::query
