// ReadLevels: what stands until the next point says otherwise, by group and step.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "query/metric_answers.h"
#include "query/metric_flow.h"
#include "query/metric_scan.h"

namespace sightline::query {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// How long a value stands that is the only one of its stream.
constexpr int64_t kOneValueNanos = 300'000'000'000;

// A stream in one step. Times are Unix nanoseconds.
struct Level {
  int64_t step = 0;
  uint64_t points = 0;
  double sum = 0, min = 0, max = 0, last = 0;
  int64_t first_time = 0, last_time = 0;
  int64_t ended = 0;  // a point said that there is no value; 0: none did

  // In the order of times.
  void Take(const ScannedPoint& point) {
    if (std::isnan(point.value)) {
      ended = point.time;
      return;
    }
    if (points++ == 0) {
      first_time = point.time;
      min = max = last = point.value;
    } else {
      min = std::min(min, point.value);
      max = std::max(max, point.value);
      last = point.time == last_time ? std::max(last, point.value) : point.value;
    }
    sum += point.value;
    last_time = point.time;
  }
};

// A point without a value, or with NaN, ends what stood before.
ScanColumns ColumnsOf(MetricKind kind, Aggregation aggregation) {
  if (kind != MetricKind::kSummary) return {.value = "if(bitAnd(Flags, 1) = 0, Value, nan)"};
  const std::string place =
      fmt::format("arrayFirstIndex(q -> abs(q - {}) < 1e-9, `ValueAtQuantiles.Quantile`)", QuantileOf(aggregation));
  return {.value = fmt::format("if(bitAnd(Flags, 1) = 0 AND {0} > 0, `ValueAtQuantiles.Value`[{0}], nan)", place)};
}

// What one thread makes of its streams. Thread: of its owner.
class LevelShare {
 public:
  explicit LevelShare(const MetricQuestion& asked)
      : asked_(asked),
        grid_(asked.grid),
        values_(asked.streams.groups.size() * grid_.steps(), kNone),
        weights_(asked.aggregation == Aggregation::kAvg || asked.aggregation == Aggregation::kLast ? values_.size() : 0,
                 0) {}

  void Take(const MetricStream& stream, const std::vector<ScannedPoint>& points) {
    levels_.clear();
    StepFinder steps(grid_);
    for (const ScannedPoint& point : points) {
      const int64_t step = steps.Of(point.time);
      if (levels_.empty() || levels_.back().step != step) levels_.push_back({.step = step});
      levels_.back().Take(point);
    }
    const int64_t stands = StandsNanos();
    for (size_t i = 0; i < levels_.size(); ++i) {
      const Level& level = levels_[i];
      const bool has_next = i + 1 < levels_.size();
      if (level.step >= 0 && level.points > 0) Take(stream.group, level, level.step);
      const int64_t next_step = has_next ? levels_[i + 1].step : static_cast<int64_t>(grid_.steps());
      Stand(stream.group, level, stands, next_step);
    }
  }

  void Add(const LevelShare& other) {
    for (size_t cell = 0; cell < values_.size(); ++cell) {
      const double value = other.values_[cell];
      if (!std::isnan(value)) Join(cell, value, weights_.empty() ? 0 : other.weights_[cell]);
    }
  }

  GroupValues Finish() {
    if (asked_.aggregation == Aggregation::kAvg) {
      for (size_t i = 0; i < values_.size(); ++i) values_[i] /= static_cast<double>(weights_[i]);
    }
    return std::move(values_);
  }

 private:
  // How long the stream's values stand beyond their step.
  int64_t StandsNanos() const {
    uint64_t points = 0;
    int64_t first = INT64_MAX, last = 0;
    for (const Level& level : levels_) {
      if (level.points == 0) continue;
      points += level.points;
      first = std::min(first, level.first_time);
      last = std::max(last, level.last_time);
    }
    if (points < 2 || last <= first) return kOneValueNanos;
    return std::min(kQuietIntervals * ((last - first) / static_cast<int64_t>(points - 1)), kQuietNanosMax);
  }

  // The last value of `level` in the steps up to the next ones that have points.
  void Stand(uint32_t group, const Level& level, int64_t stands, int64_t next_step) {
    if (level.points == 0 || level.ended > level.last_time) return;
    Level standing = level;
    standing.points = 1;
    standing.sum = standing.min = standing.max = level.last;
    for (int64_t step = level.step + 1; step < next_step; ++step) {
      if (grid_.StartOf(static_cast<uint64_t>(step)) - level.last_time >= stands) return;
      Take(group, standing, step);
    }
  }

  void Take(uint32_t group, const Level& level, int64_t step) {
    const size_t cell = group * grid_.steps() + static_cast<uint64_t>(step);
    switch (asked_.aggregation) {
      case Aggregation::kMin:
        return Join(cell, level.min, 0);
      case Aggregation::kMax:
        return Join(cell, level.max, 0);
      case Aggregation::kCount:
        return Join(cell, 1, 0);
      case Aggregation::kAvg:
        return Join(cell, level.sum / static_cast<double>(level.points), 1);
      default:
        return Join(cell, level.last, level.last_time);
    }
  }

  // The cell's value and one more. `weight`: of an average how many streams it is of, of the last value its time.
  void Join(size_t cell, double more, int64_t weight) {
    double& value = values_[cell];
    const bool first = std::isnan(value);
    switch (asked_.aggregation) {
      case Aggregation::kMin:
        value = first ? more : std::min(value, more);
        break;
      case Aggregation::kCount:
      case Aggregation::kSum:
        value = first ? more : value + more;
        break;
      case Aggregation::kAvg:
        value = first ? more : value + more;
        weights_[cell] += weight;
        break;
      case Aggregation::kLast:
        if (first || weight > weights_[cell] || (weight == weights_[cell] && more > value)) {
          value = more;
          weights_[cell] = weight;
        }
        break;
      default:  // the maximum, or a quantile of summaries: they cannot be merged
        value = first ? more : std::max(value, more);
    }
  }

  const MetricQuestion& asked_;
  const StepGrid& grid_;
  GroupValues values_;
  std::vector<int64_t> weights_;  // of an average: streams; of the last value: its time
  std::vector<Level> levels_;     // of one stream
};

}  // namespace

Result<GroupValues> ReadLevels(const MetricQuestion& asked) {
  std::vector<LevelShare> shares;
  for (size_t i = ScanThreads(asked.streams); i > 0; --i) shares.emplace_back(asked);
  std::vector<StreamSink> sinks;
  for (LevelShare& share : shares) {
    sinks.emplace_back([&share](const MetricStream& stream, auto& points) { share.Take(stream, points); });
  }
  SIGHTLINE_TRY(ScanPoints(asked, ColumnsOf(asked.streams.kind, asked.aggregation), LookNanos(asked.grid), 0, sinks));
  for (size_t i = 1; i < shares.size(); ++i) shares[0].Add(shares[i]);
  return shares[0].Finish();
}

}  // namespace sightline::query
